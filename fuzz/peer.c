// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <string.h>

#include "harness.h"

#define HEARD_MAX (64u * 1024u * 1024u)

void peer_open(struct peer *peer, const struct session *session, enum direction hears) {
  *peer = (struct peer){.hears = hears};
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
  *peer = (struct peer){0};
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
  REQUIRE_OK(sealed_encode(sealed, &peer->plaintext));
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
  REQUIRE_OK(sealed_decode(buf_view(&peer->plaintext), peer->hears, ret));
  REQUIRE(ret->time_us > peer->heard_us); /* or the other side would call it a replay */
  peer->heard_us = ret->time_us;
  return true;
}
