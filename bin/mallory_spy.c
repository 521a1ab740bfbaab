// SPDX-License-Identifier: Apache-2.0
#include "mallory_spy.h"

#include <string.h>

#include "crypto/random.h"
#include "wire/frame.h"

void spy_init(struct spy *spy) {
  *spy = (struct spy){0};
  buf_init(&spy->plaintext, AVOW_PLAINTEXT_MAX + 1024u);
}

void spy_wipe(struct spy *spy) {
  fernet_free(spy->fernet);
  buf_wipe_free(&spy->plaintext);
  explicit_bzero(spy, sizeof *spy);
}

bool spy_take(struct spy *spy, enum handshake handshake, const struct grant *grant) {
  spy->proven = handshake == HANDSHAKE_TLS;
  fernet_free(spy->fernet);
  spy->fernet = NULL;
  spy->newest_us[TO_BOB - 1] = grant->clock_us;
  fernet_key_encode(grant->key, spy->key);
  return fernet_new(&spy->fernet, grant->key) == AVOW_OK;
}

bool spy_learn(struct spy *spy, struct view session) {
  struct grant grant;
  bool learnt = grant_decode(session, HANDSHAKE_PLAIN, &grant) == AVOW_OK &&
                spy_take(spy, HANDSHAKE_PLAIN, &grant);
  explicit_bzero(&grant, sizeof grant);
  return learnt;
}

bool spy_open(struct spy *spy, struct view token, enum direction way, struct sealed *ret) {
  uint8_t *to;
  size_t size;
  buf_clear(&spy->plaintext);
  if (spy->fernet == NULL || token.size > AVOW_TOKEN_MAX ||
      buf_reserve(&spy->plaintext, fernet_message_max(token.size), &to) != AVOW_OK ||
      fernet_decrypt(spy->fernet, token, (struct fernet_time){0}, to, &size) != AVOW_OK)
    return false;
  buf_commit(&spy->plaintext, size);
  if (sealed_decode(buf_view(&spy->plaintext), way, spy->proven, ret) != AVOW_OK)
    return false;
  if (ret->time_us > spy->newest_us[way - 1])
    spy->newest_us[way - 1] = ret->time_us;
  return true;
}

enum avow_error spy_seal(struct spy *spy, const struct sealed *sealed, struct buf *out) {
  struct buf plaintext;
  uint8_t iv[FERNET_IV_SIZE], *to;
  buf_init(&plaintext, AVOW_PLAINTEXT_MAX);
  enum avow_error error = sealed_encode(sealed, spy->proven, 0, &plaintext);
  if (error == AVOW_OK)
    error = random_bytes(iv, sizeof iv);
  if (error == AVOW_OK)
    error = frame_reserve(out, FRAME_TOKEN, fernet_token_size(buf_view(&plaintext).size), &to);
  if (error == AVOW_OK)
    error = fernet_encrypt(spy->fernet, sealed->time_us / 1000000, iv, buf_view(&plaintext), to);
  buf_wipe_free(&plaintext);
  return error;
}
