// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <string.h>

#include "harness.h"

#define HEARD_MAX (64u * 1024u * 1024u)

struct ed25519 *peer_key(bool alice) {
  static struct ed25519 *keys[2];
  static const uint8_t seeds[2][ED25519_SEED_SIZE] = {"bob", "alice"};
  if (keys[alice] == NULL)
    REQUIRE_OK(ed25519_private(&keys[alice], seeds[alice]));
  return keys[alice];
}

void peer_make_signed(struct session *session, bool bob) {
  session->handshake = HANDSHAKE_TLS;
  memcpy(session->group, "X25519", 7);
  session->key = peer_key(!bob);
  memcpy(session->peer_key, ed25519_key(peer_key(bob)), ED25519_PUBLIC_SIZE);
}

void peer_open(struct peer *peer, const struct session *session, enum direction hears) {
  *peer = (struct peer){.hears = hears, .bob_min = session->open.offset_min};
  if (session->handshake == HANDSHAKE_TLS) {
    struct session ours = *session;
    peer_make_signed(&ours, hears == TO_BOB);
    REQUIRE_OK(notary_open(&peer->notary, &ours, hears == TO_BOB));
  }
  buf_init(&peer->heard, HEARD_MAX);
  buf_init(&peer->wire, HEARD_MAX);
  buf_init(&peer->plaintext, AVOW_TOKEN_MAX);
  REQUIRE_OK(fernet_new(&peer->fernet, session->grant.key));
}

void peer_close(struct peer *peer) {
  fernet_free(peer->fernet);
  buf_free(&peer->heard);
  buf_free(&peer->wire);
  buf_free(&peer->plaintext);
  notary_close(&peer->notary);
  *peer = (struct peer){0};
}

void peer_sign(struct peer *peer, struct sealed *sealed, struct view messages) {
  struct notary *notary = &peer->notary;
  struct proof *proof = &sealed->proof;
  bool bob = peer->hears == TO_BOB;
  struct enveloped enveloped = {.first_id = sealed->first_id,
                                .count = sealed->count,
                                .confirmed_us = sealed->when_us,
                                .confirmed_min = sealed->when_min,
                                .proof = *proof};
  struct ended ended = {.messages = sealed->first_id,
                        .ended_us = sealed->when_us,
                        .offset_min = sealed->when_min,
                        .proof = *proof};
  if (!notary->on)
    return;
  struct buf *text = notary_text(notary);
  if (sealed->kind == SEALED_END) {
    REQUIRE_OK((bob ? statement_end : statement_ended)(text, &notary->names, &ended));
  } else {
    REQUIRE_OK(notary_digest(notary, peer->bob_min, sealed->first_id, sealed->count,
                             reader_of(messages), enveloped.digest));
    REQUIRE_OK((bob ? statement_origin : statement_receipt)(text, &notary->names, &enveloped));
  }
  REQUIRE_OK(notary_sign(notary, bob ? proof->bob_signature : proof->alice_signature));
}

void peer_say_plaintext(struct peer *peer, struct view plaintext) {
  static const uint8_t iv[FERNET_IV_SIZE];
  uint8_t *token;
  REQUIRE_OK(frame_reserve(&peer->wire, FRAME_TOKEN, fernet_token_size(plaintext.size), &token));
  REQUIRE_OK(fernet_encrypt(peer->fernet, 0, iv, plaintext, token));
}

void peer_say(struct peer *peer, struct sealed *sealed) {
  sealed->direction = peer->hears == TO_BOB ? TO_ALICE : TO_BOB;
  peer->said_us = sealed->time_us;
  buf_clear(&peer->plaintext);
  REQUIRE_OK(sealed_encode(sealed, peer->notary.on, 0, &peer->plaintext));
  peer_say_plaintext(peer, buf_view(&peer->plaintext));
}

bool peer_hear(struct peer *peer, struct sealed *ret) {
  struct view heard = buf_view(&peer->heard);
  struct fernet_time any = {0};
  uint8_t *room;
  size_t size;
  if (heard.size < AVOW_FRAME_HEADER)
    return false;
  size_t payload = load_u32(heard.data);
  REQUIRE(payload <= AVOW_TOKEN_MAX && heard.data[4] == FRAME_TOKEN);
  if (heard.size < AVOW_FRAME_HEADER + payload)
    return false;
  struct view token = view_of(heard.data + AVOW_FRAME_HEADER, payload);
  buf_clear(&peer->plaintext);
  REQUIRE_OK(buf_reserve(&peer->plaintext, fernet_message_max(payload), &room));
  REQUIRE_OK(fernet_decrypt(peer->fernet, token, any, room, &size));
  buf_commit(&peer->plaintext, size);
  buf_consume(&peer->heard, AVOW_FRAME_HEADER + payload);
  REQUIRE_OK(sealed_decode(buf_view(&peer->plaintext), peer->hears, peer->notary.on, ret));
  REQUIRE(ret->time_us > peer->heard_us); /* or the other side would call it a replay */
  peer->heard_us = ret->time_us;
  return true;
}
