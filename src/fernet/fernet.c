// SPDX-License-Identifier: Apache-2.0
#include "fernet/fernet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "crypto/cbc.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"

/* A token, before base64url:
 *
 *     0x80 | time, 8 bytes big-endian | IV, 16 | ciphertext, 16 n | HMAC of all before, 32
 */
#define VERSION 0x80
#define TIME_AT 1u
#define IV_AT 9u
#define HEADER_SIZE 25u
#define AHEAD_S                                                                                    \
  60u /* a clock may be ahead of ours by so much; from the specification's vectors                 \
       */

/* The shortest token holds one block of ciphertext. */
#define TOKEN_MIN 100u
/* The first characters of a token hold the header and two bytes of the ciphertext. */
#define HEAD_TEXT 36u
#define HEAD_SIZE 27u
#define HEAD_EXTRA (HEAD_SIZE - HEADER_SIZE)

struct fernet {
  struct hmac *hmac;
  struct cbc *cbc;
};

enum avow_error fernet_new(struct fernet **ret, const uint8_t key[FERNET_KEY_SIZE]) {
  struct fernet *fernet = calloc(1, sizeof *fernet);
  if (fernet == NULL)
    return AVOW_NO_MEMORY;
  enum avow_error error = hmac_new(&fernet->hmac, view_of(key, 16));
  if (error == AVOW_OK)
    error = cbc_new(&fernet->cbc, key + 16);
  if (error != AVOW_OK) {
    fernet_free(fernet);
    return error;
  }
  *ret = fernet;
  return AVOW_OK;
}

void fernet_free(struct fernet *fernet) {
  if (fernet == NULL)
    return;
  hmac_free(fernet->hmac);
  cbc_free(fernet->cbc);
  free(fernet);
}

static size_t raw_size(size_t size) {
  return HEADER_SIZE + cbc_padded_size(size) + HMAC_SIZE;
}

size_t fernet_token_size(size_t size) {
  return base64_encoded_size(raw_size(size));
}

size_t fernet_message_max(size_t token_size) {
  return token_size < TOKEN_MIN ? 0 : base64_decoded_max(token_size) - HEADER_SIZE;
}

enum avow_error fernet_encrypt(struct fernet *fernet, uint64_t time_s,
                               const uint8_t iv[FERNET_IV_SIZE], struct view message,
                               uint8_t *token) {
  /* The bytes are made at the end of the token's room, and encoded from there: no second buffer. */
  size_t size = raw_size(message.size);
  uint8_t *raw = token + fernet_token_size(message.size) - size;
  raw[0] = VERSION;
  store_u64(raw + TIME_AT, time_s);
  memcpy(raw + IV_AT, iv, FERNET_IV_SIZE);
  enum avow_error error = cbc_encrypt(fernet->cbc, iv, message, raw + HEADER_SIZE);
  if (error != AVOW_OK)
    return error;
  size_t signed_size = size - HMAC_SIZE;
  error = hmac_tag(fernet->hmac, view_of(raw, signed_size), view_of("", 0), raw + signed_size);
  if (error != AVOW_OK)
    return error;
  base64_encode(BASE64_URL, view_of(raw, size), (char *)token);
  return AVOW_OK;
}

/* Decode ${token}: its header to ${head}, ciphertext and HMAC to ${rest}, where the plaintext is to
 * be, so that it never has to be moved.  False if a token cannot look so. */
static bool decode(struct view token, uint8_t head[HEAD_SIZE], uint8_t *rest, size_t *ret_size) {
  if (token.size < TOKEN_MIN)
    return false;
  struct view head_text = view_of(token.data, HEAD_TEXT);
  struct view rest_text = view_of(token.data + HEAD_TEXT, token.size - HEAD_TEXT);
  size_t head_size, size;
  if (base64_decode(BASE64_URL, head_text, head, &head_size) != AVOW_OK || head_size != HEAD_SIZE)
    return false;
  if (base64_decode(BASE64_URL, rest_text, rest + HEAD_EXTRA, &size) != AVOW_OK)
    return false;
  memcpy(rest, head + HEADER_SIZE, HEAD_EXTRA);
  size += HEAD_EXTRA;
  assert(size >= CBC_BLOCK_SIZE + HMAC_SIZE); /* or it had less than TOKEN_MIN characters */
  if ((size - HMAC_SIZE) % CBC_BLOCK_SIZE != 0)
    return false;
  *ret_size = size;
  return true;
}

static bool time_refused(const struct fernet_time *time, uint64_t made_s) {
  if (made_s > time->now_s)
    return time->check && made_s - time->now_s > AHEAD_S;
  return time->ttl_s != 0 && time->now_s - made_s > time->ttl_s;
}

enum avow_error fernet_decrypt(struct fernet *fernet, struct view token, struct fernet_time time,
                               uint8_t *message, size_t *ret_size) {
  uint8_t head[HEAD_SIZE];
  size_t size;
  if (!decode(token, head, message, &size) || head[0] != VERSION)
    return AVOW_NOT_AUTHENTIC;
  size -= HMAC_SIZE;
  uint8_t tag[HMAC_SIZE];
  enum avow_error error =
      hmac_tag(fernet->hmac, view_of(head, HEADER_SIZE), view_of(message, size), tag);
  if (error != AVOW_OK)
    return error;
  bool authentic = secret_equal(tag, message + size, HMAC_SIZE);
  secret_wipe(tag, sizeof tag); /* the right tag of a forgery would be worth having */
  if (!authentic)
    return AVOW_NOT_AUTHENTIC;
  if (time_refused(&time, load_u64(head + TIME_AT)))
    return AVOW_EXPIRED;
  /* Wrong padding under a right HMAC: made by someone with the key, and still no Fernet token. */
  error = cbc_decrypt(fernet->cbc, head + IV_AT, message, size, &size);
  if (error == AVOW_OK)
    *ret_size = size;
  return error == AVOW_MALFORMED ? AVOW_NOT_AUTHENTIC : error;
}

void fernet_key_encode(const uint8_t key[FERNET_KEY_SIZE], char text[FERNET_KEY_TEXT_SIZE]) {
  base64_encode(BASE64_URL, view_of(key, FERNET_KEY_SIZE), text);
  text[FERNET_KEY_TEXT_SIZE - 1] = '\0';
}

enum avow_error fernet_key_decode(struct view text, uint8_t key[FERNET_KEY_SIZE]) {
  if (text.size != FERNET_KEY_TEXT_SIZE - 1)
    return AVOW_MALFORMED;
  uint8_t bytes[FERNET_KEY_TEXT_SIZE];
  size_t size;
  enum avow_error error = base64_decode(BASE64_URL, text, bytes, &size);
  if (error == AVOW_OK && size != FERNET_KEY_SIZE)
    error = AVOW_MALFORMED;
  if (error == AVOW_OK)
    memcpy(key, bytes, FERNET_KEY_SIZE);
  secret_wipe(bytes, sizeof bytes);
  return error;
}
