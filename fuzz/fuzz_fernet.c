// SPDX-License-Identifier: Apache-2.0
/* Fernet under a fixed key.  The first byte chooses: the rest is a token as it comes (the HMAC
 * stands before everything); or it is decrypted with a right HMAC around it, so that what lies
 * behind is reached; or it is a plaintext, whose token is then altered in one place. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "crypto/hmac.h"
#include "fernet/fernet.h"
#include "harness.h"

static const uint8_t key[FERNET_KEY_SIZE] = "sign with these.encrypt with it.";
static const uint8_t iv[FERNET_IV_SIZE] = "vector of no use";
#define MADE_S 1700000000u
#define HEADER_SIZE 25u /* version, time, IV */

static enum avow_error decrypt(struct fernet *fernet, struct view token, struct fernet_time time,
                               struct buf *ret) {
  size_t size = SIZE_MAX, room = fernet_message_max(token.size);
  uint8_t *exact = fuzz_exact(token), *message = malloc(room > 0 ? room : 1);
  enum avow_error error = fernet_decrypt(fernet, view_of(exact, token.size), time, message, &size);
  REQUIRE(error == AVOW_OK ? size <= room : size == SIZE_MAX);
  REQUIRE(error == AVOW_OK || error == AVOW_NOT_AUTHENTIC || error == AVOW_EXPIRED);
  buf_clear(ret);
  if (error == AVOW_OK)
    REQUIRE_OK(buf_append(ret, view_of(message, size)));
  free(message);
  free(exact);
  return error;
}

static uint8_t *encrypt(struct fernet *fernet, struct view message, size_t *ret_size) {
  *ret_size = fernet_token_size(message.size);
  uint8_t *token = malloc(*ret_size);
  REQUIRE_OK(fernet_encrypt(fernet, MADE_S, iv, message, token));
  return token;
}

/* Header and ciphertext from the script, and the right HMAC behind them. */
static void signed_token(struct fernet *fernet, struct reader *script, struct buf *out) {
  struct hmac *hmac;
  struct fernet_time time = {.check = reader_u8(script) & 1, .now_s = MADE_S};
  time.ttl_s = reader_u8(script);
  struct view body = fuzz_take(script, AVOW_PLAINTEXT_MAX);
  uint8_t *raw = malloc(body.size + HMAC_SIZE);
  if (body.size > 0)
    memcpy(raw, body.data, body.size);
  REQUIRE_OK(hmac_new(&hmac, view_of(key, 16)));
  REQUIRE_OK(hmac_tag(hmac, body, view_of("", 0), raw + body.size));
  hmac_free(hmac);
  size_t size = base64_encoded_size(body.size + HMAC_SIZE);
  char *token = malloc(size);
  base64_encode(BASE64_URL, view_of(raw, body.size + HMAC_SIZE), token);
  enum avow_error error = decrypt(fernet, view_of(token, size), time, out);
  if (error != AVOW_NOT_AUTHENTIC) {
    REQUIRE(body.size > HEADER_SIZE && body.data[0] == 0x80);
    uint64_t made_s = load_u64(body.data + 1);
    bool late = made_s <= MADE_S && time.ttl_s != 0 && MADE_S - made_s > time.ttl_s;
    bool early = made_s > MADE_S && time.check && made_s - MADE_S > 60;
    REQUIRE((error == AVOW_EXPIRED) == (late || early));
  }
  free(token);
  free(raw);
}

/* One altered character, one less or one more: it does not verify. */
static void altered(struct fernet *fernet, struct reader *script, struct buf *out) {
  struct fernet_time any = {0};
  size_t at = reader_u16(script), size;
  uint8_t flip = reader_u8(script);
  struct view message = fuzz_take(script, AVOW_PLAINTEXT_MAX);
  uint8_t *token = encrypt(fernet, message, &size);
  REQUIRE_OK(decrypt(fernet, view_of(token, size), any, out));
  REQUIRE(view_equal(buf_view(out), message));
  REQUIRE(decrypt(fernet, view_of(token, size - 1 - at % size), any, out) == AVOW_NOT_AUTHENTIC);
  token[at % size] ^= flip;
  REQUIRE((decrypt(fernet, view_of(token, size), any, out) == AVOW_OK) == (flip == 0));
  free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct reader script = reader_of(view_of(data, size));
  struct fernet_time any = {0};
  struct fernet *fernet;
  struct buf out;
  REQUIRE_OK(fernet_new(&fernet, key));
  buf_init(&out, 2 * AVOW_PLAINTEXT_MAX);
  uint8_t choice = reader_u8(&script) % 3;
  if (choice == 0 && decrypt(fernet, script.rest, any, &out) == AVOW_OK) {
    REQUIRE(script.rest.size == fernet_token_size(buf_view(&out).size));
  } else if (choice == 1) {
    signed_token(fernet, &script, &out);
  } else if (choice == 2) {
    altered(fernet, &script, &out);
  }
  buf_wipe_free(&out);
  fernet_free(fernet);
  return 0;
}
