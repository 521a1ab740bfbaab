// SPDX-License-Identifier: Apache-2.0
#include "core/channel.h"

#include <assert.h>

#include "base/limits.h"
#include "base/mutant.h"
#include "crypto/secret.h"

enum avow_error channel_open(struct channel *channel, const struct session *session,
                             enum direction incoming, const uint8_t seed[DRBG_SEED_SIZE]) {
  *channel = (struct channel){
      .clock = session->clock, .incoming = incoming, .proven = session->handshake == HANDSHAKE_TLS};
  frames_init(&channel->frames, AVOW_TOKEN_MAX);
  buf_init(&channel->plaintext, AVOW_PLAINTEXT_MAX);
  cover_init(&channel->cover, session->open.cover);
  /* A full window and one long message, in base64, twice: when they are transmitted again, and
   * confirmed while that waits. */
  buf_init(&channel->out, 2 * AVOW_OUTPUT_MAX);
  /* Bob has taken alice's grant, made at clock_us; alice has taken bob's open.  Their tokens come
   * later than that. */
  channel->taken_us = incoming == TO_BOB ? session->grant.clock_us : 0;
  enum avow_error error = fernet_new(&channel->fernet, session->grant.key);
  if (error == AVOW_OK)
    error = drbg_new(&channel->drbg, seed);
  return error;
}

void channel_close(struct channel *channel) {
  frames_free(&channel->frames);
  fernet_free(channel->fernet);
  drbg_free(channel->drbg);
  buf_wipe_free(&channel->plaintext);
  cover_free(&channel->cover);
  buf_free(&channel->out);
  *channel = (struct channel){0};
}

static enum verdict unseal(struct channel *channel, struct view token, struct buf *plaintext,
                           struct sealed *ret_sealed, const char **ret_what) {
  uint8_t *room;
  size_t size;
  *ret_what = "Incorrect token.";
  buf_clear(plaintext);
  if (buf_reserve(plaintext, fernet_message_max(token.size), &room) != AVOW_OK)
    return VERDICT_MODIFIED; /* longer than any envelope */
  struct fernet_time any = {0};
  if (fernet_decrypt(channel->fernet, token, any, room, &size) != AVOW_OK)
    return VERDICT_MODIFIED;
  buf_commit(plaintext, size);
  *ret_what = "Malformed token.";
  if (sealed_decode(buf_view(plaintext), channel->incoming, channel->proven, ret_sealed) != AVOW_OK)
    return VERDICT_MALFORMED;
  *ret_what = "Repeated token.";
  return ret_sealed->time_us + MUTANT(8) > channel->taken_us ? VERDICT_ACCEPTED : VERDICT_REPLAYED;
}

bool channel_next(struct channel *channel, struct buf *plaintext, struct sealed *ret_sealed,
                  enum verdict *ret_verdict, const char **ret_what) {
  enum frame_type type;
  struct view payload;
  *ret_verdict = VERDICT_MALFORMED;
  switch (frames_next(&channel->frames, &type, &payload)) {
  case FRAMES_MORE: return false;
  case FRAMES_TRUNCATED: *ret_what = "Truncated frame."; return true;
  case FRAMES_MALFORMED: *ret_what = "Malformed frame."; return true;
  case FRAMES_FRAME: break;
  }
  if (type == FRAME_TOKEN)
    *ret_verdict = unseal(channel, payload, plaintext, ret_sealed, ret_what);
  else
    *ret_what = "Unexpected frame."; /* only tokens may arrive in a session */
  return true;
}

void channel_took(struct channel *channel, const struct sealed *sealed) {
  assert(sealed->time_us > channel->taken_us);
  channel->taken_us = sealed->time_us;
}

bool channel_room(const struct channel *channel, size_t body_size) {
  size_t size = padme_size(SEALED_HEAD_MAX + body_size);
  if (size < channel->cover.size)
    size = channel->cover.size;
  size_t token_size = fernet_token_size(size);
  return cover_room(&channel->cover, 1) &&
         buf_view(&channel->out).size + AVOW_FRAME_HEADER + token_size <= channel->out.max;
}

bool channel_idle(const struct channel *channel) {
  return buf_view(&channel->out).size == 0 && !cover_waits(&channel->cover);
}

static void stamp(struct channel *channel, struct sealed *sealed, uint64_t mono_us) {
  sealed->direction = channel->incoming == TO_BOB ? TO_ALICE : TO_BOB;
  sealed->time_us = MUTANT(6) ? line_clock_now(&channel->clock, mono_us)
                              : line_clock_stamp(&channel->clock, mono_us);
  sealed->echo_us = channel->taken_us;
}

/* Encrypt and frame the plaintext. */
static enum avow_error send_plaintext(struct channel *channel, uint64_t time_us) {
  uint8_t iv[FERNET_IV_SIZE];
  uint8_t *token;
  struct view plaintext = buf_view(&channel->plaintext);
  enum avow_error error = drbg_bytes(channel->drbg, iv, sizeof iv);
  if (error == AVOW_OK)
    error = frame_reserve(&channel->out, FRAME_TOKEN, fernet_token_size(plaintext.size), &token);
  if (error != AVOW_OK)
    return error;
  return fernet_encrypt(channel->fernet, time_us / 1000000, iv, plaintext, token);
}

enum avow_error channel_seal(struct channel *channel, struct sealed *sealed, uint64_t mono_us) {
  if (channel->cover.size > 0) {
    sealed->direction = channel->incoming == TO_BOB ? TO_ALICE : TO_BOB;
    return cover_put(&channel->cover, sealed, channel->proven);
  }
  stamp(channel, sealed, mono_us);
  buf_clear(&channel->plaintext);
  enum avow_error error = sealed_encode(sealed, channel->proven, 0, &channel->plaintext);
  return error == AVOW_OK ? send_plaintext(channel, sealed->time_us) : error;
}

enum avow_error channel_say(struct channel *channel, struct sealed *sealed, uint64_t mono_us) {
  return channel_room(channel, 0) ? channel_seal(channel, sealed, mono_us) : AVOW_OK;
}

enum avow_error channel_beat(struct channel *channel, uint64_t mono_us) {
  size_t token_size = AVOW_FRAME_HEADER + fernet_token_size(channel->cover.size);
  if (channel->cover.size == 0 || buf_view(&channel->out).size + token_size > channel->out.max)
    return AVOW_OK;
  struct sealed dummy = {.kind = SEALED_DUMMY};
  stamp(channel, &dummy, mono_us);
  buf_clear(&channel->plaintext);
  enum avow_error error = cover_take(&channel->cover, &dummy, channel->proven, &channel->plaintext);
  return error == AVOW_OK ? send_plaintext(channel, dummy.time_us) : error;
}

enum avow_error channel_flush(struct channel *channel, uint64_t mono_us) {
  enum avow_error error = AVOW_OK;
  for (unsigned i = 0; i < COVER_WAITING_MAX && error == AVOW_OK && cover_waits(&channel->cover);
       i++)
    error = channel_beat(channel, mono_us);
  return error;
}
