// SPDX-License-Identifier: Apache-2.0
#include "keys/public_key.h"

#include <string.h>

#include "base/base64.h"
#include "crypto/hash.h"
#include "keys/fields.h"

#define KEY_TYPE "ssh-ed25519"
/* RFC 8709 section 4: string "ssh-ed25519", string key; a string has a 4-byte length before it. */
#define BLOB_SIZE (4u + sizeof(KEY_TYPE) - 1u + 4u + ED25519_PUBLIC_SIZE)
#define BLOB_TEXT_SIZE 68u
/* How much of a key of another type is decoded to tell its type; names have at most 64 bytes (RFC
 * 4251 section 6).  A multiple of four characters. */
#define TYPE_TEXT_MAX 92u

_Static_assert(BLOB_TEXT_SIZE / 4 * 3 == BLOB_SIZE, "the base64 of a key has no padding");
_Static_assert(PUBLIC_KEY_TEXT_SIZE == sizeof(KEY_TYPE) + BLOB_TEXT_SIZE + 1, "type, blank, key");

static void make_blob(const uint8_t key[ED25519_PUBLIC_SIZE], uint8_t blob[BLOB_SIZE]) {
  store_u32(blob, sizeof(KEY_TYPE) - 1);
  memcpy(blob + 4, KEY_TYPE, sizeof(KEY_TYPE) - 1);
  store_u32(blob + 4 + sizeof(KEY_TYPE) - 1, ED25519_PUBLIC_SIZE);
  memcpy(blob + BLOB_SIZE - ED25519_PUBLIC_SIZE, key, ED25519_PUBLIC_SIZE);
}

/* Whether ${text} is the beginning of a key that names itself ${type}: then the line is a key that
 * we do not take, and not mere noise. */
static bool is_key_of(struct view type, struct view text) {
  uint8_t bytes[TYPE_TEXT_MAX];
  size_t size = text.size < TYPE_TEXT_MAX ? text.size / 4 * 4 : TYPE_TEXT_MAX;
  if (base64_decode(BASE64_STANDARD, view_of(text.data, size), bytes, &size) != AVOW_OK)
    return false;
  struct reader reader = reader_of(view_of(bytes, size));
  struct view name = reader_bytes(&reader, reader_u32(&reader));
  return !reader.failed && view_equal(name, type);
}

static struct view without_newline(struct view line) {
  if (line.size > 0 && line.data[line.size - 1] == '\n') {
    line.size--;
    if (line.size > 0 && line.data[line.size - 1] == '\r')
      line.size--;
  }
  return line;
}

void public_key_encode(const uint8_t key[ED25519_PUBLIC_SIZE], char text[PUBLIC_KEY_TEXT_SIZE]) {
  uint8_t blob[BLOB_SIZE];
  make_blob(key, blob);
  memcpy(text, KEY_TYPE " ", sizeof(KEY_TYPE));
  base64_encode(BASE64_STANDARD, view_of(blob, sizeof(blob)), text + sizeof(KEY_TYPE));
  text[PUBLIC_KEY_TEXT_SIZE - 1] = '\0';
}

enum avow_error public_key_decode(struct view line, uint8_t key[ED25519_PUBLIC_SIZE],
                                  char *comment) {
  struct view rest = fields_trim(without_newline(line));
  if (fields_has(rest, '\n') || fields_has(rest, '\0'))
    return AVOW_MALFORMED;
  struct view type = fields_take(&rest);
  struct view text = fields_take(&rest);
  if (!view_equal(type, view_text(KEY_TYPE)))
    return is_key_of(type, text) ? AVOW_KEY_TYPE : AVOW_MALFORMED;
  if (text.size != BLOB_TEXT_SIZE)
    return AVOW_MALFORMED;

  uint8_t blob[BLOB_TEXT_SIZE];
  size_t size;
  if (base64_decode(BASE64_STANDARD, text, blob, &size) != AVOW_OK || size != BLOB_SIZE)
    return AVOW_MALFORMED;
  const uint8_t *found = blob + BLOB_SIZE - ED25519_PUBLIC_SIZE;
  uint8_t expected[BLOB_SIZE];
  make_blob(found, expected);
  if (memcmp(blob, expected, BLOB_SIZE) != 0)
    return AVOW_MALFORMED;
  memcpy(key, found, ED25519_PUBLIC_SIZE);
  if (comment != NULL)
    fields_name(rest, comment);
  return AVOW_OK;
}

enum avow_error fingerprint(const uint8_t key[ED25519_PUBLIC_SIZE], char text[FINGERPRINT_SIZE]) {
  struct hash *hash;
  enum avow_error error = hash_new(&hash);
  if (error != AVOW_OK)
    return error;
  uint8_t blob[BLOB_SIZE];
  uint8_t digest[SHA256_SIZE];
  make_blob(key, blob);
  error = hash_sha256(hash, view_of(blob, sizeof(blob)), digest);
  hash_free(hash);
  if (error != AVOW_OK)
    return error;
  /* 32 bytes are 43 characters and one '=', which ssh-keygen leaves out: the NUL takes its place.
   */
  memcpy(text, "SHA256:", 7);
  base64_encode(BASE64_STANDARD, view_of(digest, sizeof(digest)), text + 7);
  text[FINGERPRINT_SIZE - 1] = '\0';
  return AVOW_OK;
}
