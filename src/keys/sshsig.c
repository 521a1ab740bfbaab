// SPDX-License-Identifier: Apache-2.0
#include "keys/sshsig.h"

#include <string.h>

#include "base/base64.h"
#include "crypto/hash.h"
#include "keys/fields.h"

#define BEGIN "-----BEGIN SSH SIGNATURE-----"
#define END "-----END SSH SIGNATURE-----"

/* Strings of RFC 4251 section 5, each with its length: the sizes below are asserted. */
#define MAGIC "SSHSIG"
#define STRING_NAMESPACE "\0\0\0\x04" SSHSIG_NAMESPACE
#define STRING_RESERVED "\0\0\0\0"
#define STRING_HASH "\0\0\0\006sha512"
#define STRING_TYPE "\0\0\0\013ssh-ed25519"

/* PROTOCOL.sshsig, "Blob format".  Only the key and the signature ever differ. */
#define BEFORE_PUBLIC MAGIC "\0\0\0\x01\0\0\0\x33" STRING_TYPE "\0\0\0\x20"
#define BEFORE_SIGNATURE                                                                           \
  STRING_NAMESPACE STRING_RESERVED STRING_HASH "\0\0\0\x53" STRING_TYPE "\0\0\0\x40"
struct blob {
  uint8_t before_public[sizeof(BEFORE_PUBLIC) - 1];
  uint8_t public[ED25519_PUBLIC_SIZE];
  uint8_t before_signature[sizeof(BEFORE_SIGNATURE) - 1];
  uint8_t signature[ED25519_SIGNATURE_SIZE];
};

/* "Signed Data, of which the signature goes into the blob above". */
#define BEFORE_DIGEST MAGIC STRING_NAMESPACE STRING_RESERVED STRING_HASH "\0\0\0\x40"
struct signed_data {
  uint8_t before_digest[sizeof(BEFORE_DIGEST) - 1];
  uint8_t digest[SHA512_SIZE];
};

#define BLOB_SIZE 174u
_Static_assert(sizeof(SSHSIG_NAMESPACE) - 1 == 0x04, "the length in STRING_NAMESPACE");
_Static_assert(sizeof(STRING_TYPE) - 1 + 4 + ED25519_PUBLIC_SIZE == 0x33, "in BEFORE_PUBLIC");
_Static_assert(sizeof(STRING_TYPE) - 1 + 4 + ED25519_SIGNATURE_SIZE == 0x53, "BEFORE_SIGNATURE");
_Static_assert(sizeof(struct blob) == BLOB_SIZE, "nothing between the fields");
_Static_assert(sizeof(struct signed_data) == 96, "here neither");
_Static_assert(SSHSIG_TEXT_SIZE - 1 == BLOB_SIZE / 3 * 4, "its base64 has no padding");

static enum avow_error signed_data_of(struct view text, struct signed_data *data) {
  struct hash *hash;
  enum avow_error error = hash_new(&hash);
  if (error != AVOW_OK)
    return error;
  memcpy(data->before_digest, BEFORE_DIGEST, sizeof data->before_digest);
  error = hash_sha512(hash, text, data->digest);
  hash_free(hash);
  return error;
}

enum avow_error sshsig_sign(struct ed25519 *key, struct view text,
                            uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  struct signed_data data;
  enum avow_error error = signed_data_of(text, &data);
  return error != AVOW_OK ? error : ed25519_sign(key, view_of(&data, sizeof data), signature);
}

enum avow_error sshsig_verify(struct ed25519 *key, struct view text,
                              const uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  struct signed_data data;
  enum avow_error error = signed_data_of(text, &data);
  return error != AVOW_OK ? error : ed25519_verify(key, view_of(&data, sizeof data), signature);
}

void sshsig_encode(const uint8_t public[ED25519_PUBLIC_SIZE],
                   const uint8_t signature[ED25519_SIGNATURE_SIZE], char line[SSHSIG_TEXT_SIZE]) {
  struct blob blob;
  memcpy(blob.before_public, BEFORE_PUBLIC, sizeof blob.before_public);
  memcpy(blob.public, public, sizeof blob.public);
  memcpy(blob.before_signature, BEFORE_SIGNATURE, sizeof blob.before_signature);
  memcpy(blob.signature, signature, sizeof blob.signature);
  base64_encode(BASE64_STANDARD, view_of(&blob, sizeof blob), line);
  line[SSHSIG_TEXT_SIZE - 1] = '\0';
}

enum avow_error sshsig_decode(struct view line, uint8_t public[ED25519_PUBLIC_SIZE],
                              uint8_t signature[ED25519_SIGNATURE_SIZE]) {
  struct blob blob;
  size_t size;
  if (line.size != SSHSIG_TEXT_SIZE - 1 ||
      base64_decode(BASE64_STANDARD, line, (uint8_t *)&blob, &size) != AVOW_OK ||
      size != sizeof blob ||
      memcmp(blob.before_public, BEFORE_PUBLIC, sizeof blob.before_public) != 0 ||
      memcmp(blob.before_signature, BEFORE_SIGNATURE, sizeof blob.before_signature) != 0)
    return AVOW_MALFORMED;
  memcpy(public, blob.public, sizeof blob.public);
  memcpy(signature, blob.signature, sizeof blob.signature);
  return AVOW_OK;
}

enum avow_error sshsig_armor(const char *line, struct buf *file) {
  return fields_armor(BEGIN, END, view_text(line), file);
}
