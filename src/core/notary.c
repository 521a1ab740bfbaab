// SPDX-License-Identifier: Apache-2.0
#include "core/notary.h"

#include <string.h>

#include "base/limits.h"
#include "wire/sealed.h"

enum avow_error notary_open(struct notary *notary, const struct session *session, bool bob) {
  *notary = (struct notary){.on = session->handshake == HANDSHAKE_TLS, .own = session->key};
  buf_init(&notary->text, STATEMENT_MAX);
  buf_init(&notary->lines, AVOW_ENVELOPE_MESSAGES_MAX * RECORD_LINES_MAX);
  if (!notary->on)
    return AVOW_OK;
  struct names *names = &notary->names;
  memcpy(names->session_id, session->grant.session_id, sizeof names->session_id);
  memcpy(names->alice_key, bob ? session->peer_key : ed25519_key(session->key),
         sizeof names->alice_key);
  memcpy(names->bob_key, bob ? ed25519_key(session->key) : session->peer_key,
         sizeof names->bob_key);
  enum avow_error error = ed25519_peer(&notary->peer, session->peer_key);
  return error == AVOW_OK ? hash_new(&notary->hash) : error;
}

void notary_close(struct notary *notary) {
  ed25519_free(notary->peer);
  hash_free(notary->hash);
  buf_free(&notary->text);
  buf_free(&notary->lines);
  *notary = (struct notary){0};
}

struct buf *notary_text(struct notary *notary) {
  buf_clear(&notary->text);
  return &notary->text;
}

enum avow_error notary_sign(struct notary *notary, uint8_t signature[SIGNATURE_SIZE]) {
  return sshsig_sign(notary->own, buf_view(&notary->text), signature);
}

enum avow_error notary_check(struct notary *notary, bool own,
                             const uint8_t signature[SIGNATURE_SIZE], bool *ret_good) {
  enum avow_error error =
      sshsig_verify(own ? notary->own : notary->peer, buf_view(&notary->text), signature);
  *ret_good = error == AVOW_OK;
  return error == AVOW_NOT_AUTHENTIC ? AVOW_OK : error;
}

enum avow_error notary_digest(struct notary *notary, int bob_min, uint64_t first_id, unsigned count,
                              struct reader messages, uint8_t digest[SHA256_SIZE]) {
  buf_clear(&notary->lines);
  for (unsigned i = 0; i < count; i++) {
    char lines[RECORD_LINES_MAX];
    struct message message;
    message_take(&messages, &message);
    struct recorded recorded = {
        .id = first_id + i, .hash = message.hash, .timestamp_us = message.timestamp_us};
    size_t size = record_lines(lines, bob_min, &recorded);
    enum avow_error error = buf_append(&notary->lines, view_of(lines, size));
    if (error != AVOW_OK)
      return error;
  }
  return hash_sha256(notary->hash, buf_view(&notary->lines), digest);
}
