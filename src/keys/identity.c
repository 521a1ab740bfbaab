// SPDX-License-Identifier: Apache-2.0
#include "keys/identity.h"

#include <string.h>

#include "base/base64.h"
#include "crypto/secret.h"
#include "keys/fields.h"

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END "-----END OPENSSH PRIVATE KEY-----"
#define MAGIC "openssh-key-v1" /* with its NUL */
#define KEY_TYPE "ssh-ed25519"
/* Without a cipher the private section is padded to this, with the bytes 1, 2, 3, … */
#define BLOCK_SIZE 8u
/* OpenSSH's "private key" of Ed25519 is the seed with the public key behind it. */
#define PAIR_SIZE (ED25519_SEED_SIZE + ED25519_PUBLIC_SIZE)
/* More than the bytes of any file that identity_encode writes, before base64. */
#define ENCODED_MAX 512u

/* A key file without its armour: as text, then as bytes.  Both hold the seed. */
struct unwrapped {
  uint8_t text[AVOW_KEY_FILE_MAX];
  uint8_t bytes[AVOW_KEY_FILE_MAX];
};

/* string of RFC 4251 section 5: a length and so many bytes. */
static struct view take_string(struct reader *reader) {
  return reader_bytes(reader, reader_u32(reader));
}

/* One public key, alone in ${blob}. */
static enum avow_error read_public(struct view blob, uint8_t public[ED25519_PUBLIC_SIZE]) {
  struct reader reader = reader_of(blob);
  struct view type = take_string(&reader);
  if (reader.failed)
    return AVOW_MALFORMED;
  if (!view_equal(type, view_text(KEY_TYPE)))
    return AVOW_KEY_TYPE;
  struct view key = take_string(&reader);
  if (!reader_done(&reader) || key.size != ED25519_PUBLIC_SIZE)
    return AVOW_MALFORMED;
  memcpy(public, key.data, ED25519_PUBLIC_SIZE);
  return AVOW_OK;
}

static bool padding_fits(struct view padding) {
  for (size_t i = 0; i < padding.size; i++)
    if (padding.data[i] != (uint8_t)(i + 1))
      return false;
  return true;
}

/* Read the private section into ${found}, whose public key the caller has read already.  There are
 * four copies of the public key in a file, counting the one that follows from the seed: a file in
 * which they differ would make signatures that leak the seed, or that nobody can verify. */
static enum avow_error read_private(struct view section, struct identity *found) {
  struct reader reader = reader_of(section);
  uint32_t check = reader_u32(&reader);
  uint32_t check_again = reader_u32(&reader);
  struct view type = take_string(&reader);
  struct view public = take_string(&reader);
  struct view pair = take_string(&reader);
  struct view comment = take_string(&reader);
  struct view expected = view_of(found->public, ED25519_PUBLIC_SIZE);
  if (reader.failed || check != check_again || section.size % BLOCK_SIZE != 0 ||
      !view_equal(type, view_text(KEY_TYPE)) || !view_equal(public, expected) ||
      pair.size != PAIR_SIZE || fields_has(comment, '\0') || !padding_fits(reader.rest))
    return AVOW_MALFORMED;

  uint8_t derived[ED25519_PUBLIC_SIZE];
  memcpy(found->seed, pair.data, ED25519_SEED_SIZE);
  enum avow_error error = ed25519_public(found->seed, derived);
  if (error != AVOW_OK)
    return error;
  if (!view_equal(view_of(derived, sizeof(derived)), expected) ||
      !view_equal(view_of(pair.data + ED25519_SEED_SIZE, ED25519_PUBLIC_SIZE), expected))
    return AVOW_MALFORMED;
  fields_name(comment, found->comment);
  return AVOW_OK;
}

/* PROTOCOL.key, from the magic to the private section. */
static enum avow_error read_file(struct view bytes, struct identity *found) {
  struct reader reader = reader_of(bytes);
  struct view magic = reader_bytes(&reader, sizeof(MAGIC));
  struct view cipher = take_string(&reader);
  struct view kdf = take_string(&reader);
  struct view kdf_options = take_string(&reader);
  uint32_t keys = reader_u32(&reader);
  if (reader.failed || !view_equal(magic, view_of(MAGIC, sizeof(MAGIC))))
    return AVOW_MALFORMED;
  if (view_equal(kdf, view_text("bcrypt")) && !view_equal(cipher, view_text("none")))
    return AVOW_KEY_ENCRYPTED;
  if (!view_equal(kdf, view_text("none")) || !view_equal(cipher, view_text("none")) ||
      kdf_options.size != 0)
    return AVOW_MALFORMED;
  if (keys != 1)
    return AVOW_KEY_TYPE;

  struct view public = take_string(&reader);
  if (reader.failed)
    return AVOW_MALFORMED;
  enum avow_error error = read_public(public, found->public);
  if (error != AVOW_OK)
    return error;
  struct view section = take_string(&reader);
  if (!reader_done(&reader))
    return AVOW_MALFORMED;
  return read_private(section, found);
}

/* Whether ${line} begins a PEM file, of whatever kind (RFC 7468 section 2).  A label has no '-': a
 * file that has lost its newlines is not one of another kind. */
static bool is_pem(struct view line) {
  struct view begin = view_text("-----BEGIN "), end = view_text("-----");
  if (line.size <= begin.size + end.size)
    return false;
  struct reader reader = reader_of(line);
  return view_equal(reader_bytes(&reader, begin.size), begin) &&
         !fields_has(reader_bytes(&reader, reader.rest.size - end.size), '-') &&
         view_equal(reader.rest, end);
}

/* Copy what is between the first and the last line, without white space, to ${text}, which has room
 * for the whole file. */
static enum avow_error strip_armour(struct view file, uint8_t *text, size_t *ret_size) {
  struct fields_lines lines = fields_lines_of(file);
  struct view line;
  if (!fields_next_line(&lines, &line))
    return AVOW_MALFORMED;
  line = fields_trim(line);
  if (!view_equal(line, view_text(BEGIN)))
    return is_pem(line) ? AVOW_KEY_TYPE : AVOW_MALFORMED;

  size_t size = 0;
  bool ended = false;
  while (fields_next_line(&lines, &line)) {
    line = fields_trim(line);
    if (ended && line.size > 0)
      return AVOW_MALFORMED;
    if (view_equal(line, view_text(END))) {
      ended = true;
    } else if (line.size > 0) {
      memcpy(text + size, line.data, line.size);
      size += line.size;
    }
  }
  if (!ended)
    return AVOW_MALFORMED;
  *ret_size = size;
  return AVOW_OK;
}

static enum avow_error unwrap(struct view file, struct unwrapped *to, struct view *ret_bytes) {
  if (file.size > AVOW_KEY_FILE_MAX)
    return AVOW_MALFORMED;
  size_t size = 0;
  enum avow_error error = strip_armour(file, to->text, &size);
  if (error != AVOW_OK)
    return error;
  if (base64_decoded_max(size) > sizeof(to->bytes))
    return AVOW_MALFORMED;
  error = base64_decode(BASE64_STANDARD, view_of(to->text, size), to->bytes, &size);
  if (error != AVOW_OK)
    return error;
  *ret_bytes = view_of(to->bytes, size);
  return AVOW_OK;
}

static enum avow_error put_string(struct buf *buf, struct view bytes) {
  enum avow_error error = buf_u32(buf, (uint32_t)bytes.size);
  return error != AVOW_OK ? error : buf_append(buf, bytes);
}

/* The type and the key, as they stand in the public and in the private section. */
static enum avow_error put_public(struct buf *buf, const uint8_t public[ED25519_PUBLIC_SIZE]) {
  enum avow_error error = put_string(buf, view_text(KEY_TYPE));
  return error != AVOW_OK ? error : put_string(buf, view_of(public, ED25519_PUBLIC_SIZE));
}

static enum avow_error put_private(struct buf *buf, const struct identity *identity,
                                   uint32_t check) {
  uint8_t pair[PAIR_SIZE];
  memcpy(pair, identity->seed, ED25519_SEED_SIZE);
  memcpy(pair + ED25519_SEED_SIZE, identity->public, ED25519_PUBLIC_SIZE);
  enum avow_error error;
  if ((error = buf_u32(buf, check)) == AVOW_OK && (error = buf_u32(buf, check)) == AVOW_OK &&
      (error = put_public(buf, identity->public)) == AVOW_OK &&
      (error = put_string(buf, view_of(pair, sizeof(pair)))) == AVOW_OK)
    error = put_string(buf, view_text(identity->comment));
  secret_wipe(pair, sizeof(pair));
  for (uint8_t i = 1; error == AVOW_OK && buf_view(buf).size % BLOCK_SIZE != 0; i++)
    error = buf_u8(buf, i);
  return error;
}

/* All that is under the armour.  ${section} and ${public} are empty buffers to work in. */
static enum avow_error put_file(struct buf *bytes, struct buf *public, struct buf *section,
                                const struct identity *identity, uint32_t check) {
  enum avow_error error;
  if ((error = put_public(public, identity->public)) == AVOW_OK &&
      (error = put_private(section, identity, check)) == AVOW_OK &&
      (error = buf_append(bytes, view_of(MAGIC, sizeof(MAGIC)))) == AVOW_OK &&
      (error = put_string(bytes, view_text("none"))) == AVOW_OK && /* cipher */
      (error = put_string(bytes, view_text("none"))) == AVOW_OK && /* key derivation */
      (error = put_string(bytes, view_text(""))) == AVOW_OK &&     /* and its options */
      (error = buf_u32(bytes, 1)) == AVOW_OK &&                    /* number of keys */
      (error = put_string(bytes, buf_view(public))) == AVOW_OK)
    error = put_string(bytes, buf_view(section));
  return error;
}

/* Append ${bytes} as base64 in lines between BEGIN and END; all of it, or nothing. */
static enum avow_error wrap(struct view bytes, struct buf *file) {
  char text[ENCODED_MAX / 3 * 4 + 4];
  size_t text_size = base64_encoded_size(bytes.size);
  if (text_size > sizeof(text))
    return AVOW_TOO_LONG;
  base64_encode(BASE64_STANDARD, bytes, text);
  enum avow_error error = fields_armor(BEGIN, END, view_of(text, text_size), file);
  secret_wipe(text, sizeof(text));
  return error;
}

enum avow_error identity_new(const uint8_t seed[ED25519_SEED_SIZE], const char *comment,
                             struct identity *ret) {
  struct identity made;
  enum avow_error error = ed25519_public(seed, made.public);
  if (error != AVOW_OK)
    return error;
  memcpy(made.seed, seed, sizeof(made.seed));
  fields_name(view_text(comment), made.comment);
  *ret = made;
  identity_wipe(&made);
  return AVOW_OK;
}

void identity_wipe(struct identity *identity) {
  secret_wipe(identity->seed, sizeof(identity->seed));
}

enum avow_error identity_decode(struct view file, struct identity *ret) {
  struct unwrapped unwrapped;
  struct identity found;
  struct view bytes;
  enum avow_error error = unwrap(file, &unwrapped, &bytes);
  if (error == AVOW_OK)
    error = read_file(bytes, &found);
  if (error == AVOW_OK)
    *ret = found;
  secret_wipe(&unwrapped, sizeof(unwrapped));
  identity_wipe(&found);
  return error;
}

enum avow_error identity_encode(const struct identity *identity, uint32_t check, struct buf *file) {
  struct buf bytes, public, section;
  buf_init(&bytes, ENCODED_MAX);
  buf_init(&public, ENCODED_MAX);
  buf_init(&section, ENCODED_MAX);
  enum avow_error error = put_file(&bytes, &public, &section, identity, check);
  if (error == AVOW_OK)
    error = wrap(buf_view(&bytes), file);
  buf_wipe_free(&bytes);
  buf_free(&public);
  buf_wipe_free(&section);
  return error;
}
