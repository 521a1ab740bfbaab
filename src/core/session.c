// SPDX-License-Identifier: Apache-2.0
#include "core/session.h"

#include <string.h>

struct opened session_opened(const struct session *session, bool bob) {
  const struct grant *grant = &session->grant;
  struct opened opened = {.session_id = grant->session_id,
                          .resumed = session->open.resume,
                          .when_us = session->open.resume ? grant->clock_us : grant->opened_us,
                          .offset_min = grant->offset_min,
                          .tls = session->handshake == HANDSHAKE_TLS,
                          .group = session->group,
                          .key = grant->key,
                          .next_id = grant->next_id};
  if (!opened.tls)
    return opened;
  const uint8_t *own = ed25519_key(session->key);
  memcpy(opened.alice.key, bob ? session->peer_key : own, sizeof opened.alice.key);
  memcpy(opened.bob.key, bob ? own : session->peer_key, sizeof opened.bob.key);
  memcpy(opened.bob_head, session->open.bob_head, HEAD_SIZE);
  memcpy(opened.alice_head, grant->alice_head, HEAD_SIZE);
  memcpy(opened.alice_signature, grant->signature, SIGNATURE_SIZE);
  return opened;
}
