// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CORE_CHANNEL_H
#define AVOW_CORE_CHANNEL_H

#include "core/cover.h"
#include "core/session.h"
#include "core/verdict.h"
#include "crypto/random.h"
#include "fernet/fernet.h"
#include "wire/frame.h"
#include "wire/sealed.h"

/* What sender and receiver share: the stream of frames, the key, the clock on the line, and the
 * rule that each token is newer than the last. */
struct channel {
  struct frames frames;
  struct fernet *fernet;
  struct drbg *drbg; /* of the IVs */
  struct line_clock clock;
  enum direction incoming;
  bool proven;       /* tls: envelopes, confirmations and ends carry a proof */
  uint64_t taken_us; /* time of the last token taken; the next must be newer */
  struct cover cover;
  struct buf plaintext; /* scratch for sealing */
  struct buf out;
};

/**
 * channel_open(channel, session, incoming, seed):
 * Start on an opened session.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO; channel_close is due either
 * way.
 */
enum avow_error channel_open(struct channel *channel, const struct session *session,
                             enum direction incoming, const uint8_t seed[DRBG_SEED_SIZE]);

/** channel_close(channel): Wipe and free; also a zeroed or a closed one. */
void channel_close(struct channel *channel);

/**
 * channel_next(channel, plaintext, ret_sealed, ret_verdict, ret_what):
 * Take the next token of the stream: decrypt it into ${plaintext} (cleared first, owned by the
 * caller), and decode it.  Returns false when there is no more.  Otherwise sets ${ret_verdict}:
 * VERDICT_ACCEPTED with ${ret_sealed}, whose body points into ${plaintext}; or why it was refused,
 * with a static sentence in ${ret_what}.  VERDICT_REPLAYED also sets ${ret_sealed}.
 */
bool channel_next(struct channel *channel, struct buf *plaintext, struct sealed *ret_sealed,
                  enum verdict *ret_verdict, const char **ret_what);

/**
 * channel_room(channel, body_size):
 * Whether a token with such a body still fits into the output.  A peer who does not read is to run
 * into this, and not into an error of channel_seal.
 */
bool channel_room(const struct channel *channel, size_t body_size);

/** channel_took(channel, sealed): It was fresh, too: only newer ones from now on. */
void channel_took(struct channel *channel, const struct sealed *sealed);

/** channel_idle(channel): Whether all that was said has left us. */
bool channel_idle(const struct channel *channel);

/**
 * channel_seal(channel, sealed, mono_us):
 * Stamp, encode, encrypt and frame ${sealed} (kind, ids and body are given) into ${channel->out}.
 * Under cover it waits for channel_beat instead.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO,
 * AVOW_TOO_LONG.
 */
enum avow_error channel_seal(struct channel *channel, struct sealed *sealed, uint64_t mono_us);

/**
 * channel_say(channel, sealed, mono_us):
 * channel_seal of a token that has no body.  Does nothing if the peer reads so little that it has
 * no room: the caller's timer comes again.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO.
 */
enum avow_error channel_say(struct channel *channel, struct sealed *sealed, uint64_t mono_us);

/** channel_beat(channel, mono_us): Under cover: let the next token leave, or a dummy; nothing
 * without room.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error channel_beat(struct channel *channel, uint64_t mono_us);

/** channel_flush(channel, mono_us): Let all that waits leave at once.  Returns AVOW_NO_MEMORY,
 * AVOW_CRYPTO. */
enum avow_error channel_flush(struct channel *channel, uint64_t mono_us);

#endif
