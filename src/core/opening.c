// SPDX-License-Identifier: Apache-2.0
#include "core/opening.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/notary.h"
#include "crypto/secret.h"
#include "wire/frame.h"

/* Taken at once, so that what comes behind an opening is left to the session. */
#define PIECE_SIZE 4096u

/* Where a side stands; the table below says what may arrive there. */
enum step {
  AWAIT_HELLO,
  SHAKE_HANDS,
  AWAIT_OPEN,    /* alice */
  AWAIT_ANSWER,  /* the owner decides; nothing may arrive */
  AWAIT_AGREE,   /* alice */
  AWAIT_SESSION, /* bob */
  OVER,
};

struct opening {
  bool alice;
  const struct tls_identity *identity; /* NULL: plain */
  struct tls *tls;
  enum step step;
  enum opening_state state;
  enum avow_error error;
  const char *detail;
  struct frames outer, inner; /* on the line; inside the TLS channel */
  size_t bytes_in;
  struct buf out, scratch;
  uint64_t started_us; /* monotonic */
  uint64_t turn_us;    /* monotonic: when our last word left, that the next input answers */
  struct session session;
};

static enum handshake mode(const struct opening *opening) {
  return opening->identity == NULL ? HANDSHAKE_PLAIN : HANDSHAKE_TLS;
}

static void fail(struct opening *opening, enum avow_error error) {
  if (opening->state == OPENING_FAILED)
    return;
  opening->state = OPENING_FAILED;
  opening->step = OVER;
  opening->error = error;
}

/* Keep the first failure; return whether all is well. */
static bool good(struct opening *opening, enum avow_error error) {
  if (error != AVOW_OK)
    fail(opening, error);
  return error == AVOW_OK;
}

/* Move what TLS has to say into handshake frames. */
static void flush_tls(struct opening *opening) {
  struct view bytes = tls_output(opening->tls);
  while (bytes.size > 0) {
    struct view part = bytes;
    if (part.size > AVOW_OPENING_FRAME_MAX)
      part.size = AVOW_OPENING_FRAME_MAX;
    if (!good(opening, frame_append(&opening->out, FRAME_HANDSHAKE, part)))
      return;
    tls_output_consume(opening->tls, part.size);
    bytes = tls_output(opening->tls);
  }
}

static enum avow_error begin(struct opening **ret, bool alice, const struct tls_identity *identity,
                             struct now now) {
  struct opening *opening = calloc(1, sizeof *opening);
  if (opening == NULL)
    return AVOW_NO_MEMORY;
  opening->alice = alice;
  opening->identity = identity;
  opening->detail = "";
  opening->started_us = now.mono_us;
  frames_init(&opening->outer, AVOW_OPENING_FRAME_MAX);
  frames_init(&opening->inner, AVOW_OPENING_FRAME_MAX);
  buf_init(&opening->out, 2 * AVOW_OPENING_BYTES_MAX);
  buf_init(&opening->scratch, AVOW_OPENING_FRAME_MAX);
  opening->session.handshake = mode(opening);
  if (identity != NULL)
    opening->session.key = tls_identity_key(identity);
  *ret = opening;
  return AVOW_OK;
}

enum avow_error opening_alice(struct opening **ret, const struct tls_identity *identity,
                              struct now now) {
  return begin(ret, true, identity, now);
}

enum avow_error opening_bob(struct opening **ret, const struct tls_identity *identity,
                            const uint8_t *server_key, const struct open *open, struct now now) {
  struct opening *opening;
  enum avow_error error = begin(&opening, false, identity, now);
  if (error != AVOW_OK)
    return error;
  opening->session.open = *open;
  error = hello_append(&opening->out, mode(opening));
  if (error == AVOW_OK && identity != NULL)
    error = tls_connect(&opening->tls, identity, server_key);
  if (error == AVOW_OK && identity != NULL)
    flush_tls(opening);
  if (error == AVOW_OK)
    *ret = opening;
  else
    opening_free(opening);
  return error;
}

void opening_free(struct opening *opening) {
  if (opening == NULL)
    return;
  tls_free(opening->tls);
  frames_free(&opening->outer);
  frames_free(&opening->inner);
  buf_wipe_free(&opening->out);
  buf_wipe_free(&opening->scratch);
  secret_wipe(opening, sizeof *opening);
  free(opening);
}

/* Send what has been written to scratch: inside the TLS channel, or as it is. */
static void send_scratch(struct opening *opening) {
  struct view bytes = buf_view(&opening->scratch);
  enum avow_error error =
      opening->tls != NULL ? tls_write(opening->tls, bytes) : buf_append(&opening->out, bytes);
  if (good(opening, error) && opening->tls != NULL)
    flush_tls(opening);
  if (bytes.size > 0)
    secret_wipe(opening->scratch.data, opening->scratch.size);
  buf_clear(&opening->scratch);
}

/* Bob, once the line is secured as far as the mode does: ask for a session. */
static void ask(struct opening *opening, struct now now) {
  struct line_clock *clock = &opening->session.clock;
  *clock = (struct line_clock){now.wall_us, now.mono_us, now.wall_us};
  opening->step = AWAIT_SESSION;
  opening->session.open.clock_us = now.wall_us;
  if (good(opening, open_append(&opening->scratch, &opening->session.open)))
    send_scratch(opening);
}

static void take_hello(struct opening *opening, struct view payload, struct now now) {
  enum avow_error error = hello_decode(payload, mode(opening));
  if (opening->alice && (error == AVOW_BAD_VERSION || error == AVOW_BAD_MODE))
    (void)refusal_append(&opening->out, error); /* a courtesy; we fail in any case */
  if (!good(opening, error))
    return;
  opening->step = opening->identity != NULL ? SHAKE_HANDS
                  : opening->alice          ? AWAIT_OPEN
                                            : AWAIT_SESSION;
  if (opening->alice) {
    opening->turn_us = now.mono_us;
    if (good(opening, hello_append(&opening->out, mode(opening))) && opening->identity != NULL)
      good(opening, tls_accept(&opening->tls, opening->identity));
  } else if (opening->identity == NULL) {
    ask(opening, now);
  }
}

static void take_open(struct opening *opening, struct view payload, struct now now) {
  struct open *open = &opening->session.open;
  if (!good(opening, open_decode(payload, open)))
    return;
  /* Bob's clock showed clock_us after our last word left: at most so much has passed since. */
  opening->session.peer_us = open->clock_us + (now.mono_us - opening->turn_us);
  opening->session.peer_mono_us = now.mono_us;
  opening->step = AWAIT_ANSWER;
  opening->state = OPENING_ASKED;
}

/* Put the statement of the opening into a notary's hands. */
static enum avow_error open_notary(struct opening *opening, struct notary *notary) {
  struct opened opened = session_opened(&opening->session, !opening->alice);
  enum avow_error error = notary_open(notary, &opening->session, !opening->alice);
  return error == AVOW_OK ? statement_opening(notary_text(notary), &opened) : error;
}

/* Sign the opening, into our place in the session. */
static enum avow_error sign_opening(struct opening *opening) {
  struct session *session = &opening->session;
  struct notary notary = {0};
  enum avow_error error = open_notary(opening, &notary);
  if (error == AVOW_OK)
    error =
        notary_sign(&notary, opening->alice ? session->grant.signature : session->bob_signature);
  notary_close(&notary);
  return error;
}

/* Check that the other side has signed it.  Returns also AVOW_NOT_AUTHENTIC. */
static enum avow_error check_opening(struct opening *opening) {
  const struct session *session = &opening->session;
  struct notary notary = {0};
  bool good = false;
  enum avow_error error = open_notary(opening, &notary);
  if (error == AVOW_OK)
    error = notary_check(&notary, false,
                         opening->alice ? session->bob_signature : session->grant.signature, &good);
  notary_close(&notary);
  return error == AVOW_OK && !good ? AVOW_NOT_AUTHENTIC : error;
}

static void take_session(struct opening *opening, struct view payload, struct now now) {
  (void)now;
  if (!good(opening, grant_decode(payload, mode(opening), &opening->session.grant)))
    return;
  bool tls = opening->identity != NULL;
  if (tls && !good(opening, check_opening(opening)))
    return;
  opening->step = tls ? AWAIT_ANSWER : OVER;
  opening->state = tls ? OPENING_GRANTED : OPENING_DONE;
}

void opening_agree(struct opening *opening) {
  assert(!opening->alice && opening->step == AWAIT_ANSWER);
  if (!good(opening, sign_opening(opening)) ||
      !good(opening, agree_append(&opening->scratch, opening->session.bob_signature)))
    return;
  send_scratch(opening);
  if (opening->state == OPENING_FAILED)
    return;
  opening->step = OVER;
  opening->state = OPENING_DONE;
}

static void take_agree(struct opening *opening, struct view payload, struct now now) {
  (void)now;
  if (!good(opening, agree_decode(payload, opening->session.bob_signature)) ||
      !good(opening, check_opening(opening)))
    return;
  opening->step = OVER;
  opening->state = OPENING_DONE;
}

static void take_inner(struct opening *opening, struct now now);

static void take_handshake(struct opening *opening, struct view payload, struct now now) {
  bool was_ready = tls_ready(opening->tls);
  enum avow_error error = tls_input(opening->tls, payload);
  flush_tls(opening);
  if (error != AVOW_OK)
    opening->detail = tls_error_detail(opening->tls);
  if (!good(opening, error))
    return;
  if (!tls_ready(opening->tls)) {
    opening->turn_us = now.mono_us;
    return;
  }
  if (!was_ready) {
    snprintf(opening->session.group, sizeof opening->session.group, "%s", tls_group(opening->tls));
    tls_peer_key(opening->tls, opening->session.peer_key);
    if (opening->alice)
      opening->step = AWAIT_OPEN;
    else
      ask(opening, now);
  }
  take_inner(opening, now);
}

/* What may arrive when: by step, and whether inside the TLS channel. */
typedef void taker(struct opening *opening, struct view payload, struct now now);

static taker *taker_of(const struct opening *opening, bool inside, enum frame_type type) {
  bool secured = inside || opening->identity == NULL;
  switch (opening->step) {
  case AWAIT_HELLO: return !inside && type == FRAME_HELLO ? take_hello : NULL;
  case SHAKE_HANDS: return !inside && type == FRAME_HANDSHAKE ? take_handshake : NULL;
  case AWAIT_OPEN:
    if (!inside && type == FRAME_HANDSHAKE && opening->tls != NULL)
      return take_handshake;
    return secured && type == FRAME_OPEN ? take_open : NULL;
  case AWAIT_SESSION:
    if (!inside && type == FRAME_HANDSHAKE && opening->tls != NULL)
      return take_handshake;
    return secured && type == FRAME_SESSION ? take_session : NULL;
  case AWAIT_AGREE:
    if (!inside && type == FRAME_HANDSHAKE)
      return take_handshake;
    return inside && type == FRAME_AGREE ? take_agree : NULL;
  case AWAIT_ANSWER:
  case OVER: break;
  }
  return NULL;
}

/* What a stranger who does not speak avow seems to speak, from his first bytes. */
static const char *guess(struct view bytes) {
  static const char *const methods[] = {"GET ", "HEAD", "POST", "PUT ", "OPTI", "HTTP"};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
    if (bytes.size >= 4 && memcmp(bytes.data, methods[i], 4) == 0)
      return "it looks like HTTP";
  if (bytes.size >= 2 && bytes.data[0] == 0x16 && bytes.data[1] == 0x03)
    return "it looks like TLS";
  if (bytes.size >= 4 && memcmp(bytes.data, "SSH-", 4) == 0)
    return "it looks like SSH";
  return "";
}

/* Whether alice could say this no here: in the place of her hello, or of her session.  In tls mode
 * the latter comes inside the channel; in the clear it is somebody else's. */
static bool refusal_fits(const struct opening *opening, bool inside, enum avow_error error) {
  if (error == AVOW_BAD_VERSION || error == AVOW_BAD_MODE)
    return opening->step == AWAIT_HELLO;
  return opening->step == AWAIT_SESSION && inside == (opening->identity != NULL);
}

static void take_frames(struct opening *opening, bool inside, struct now now) {
  struct frames *frames = inside ? &opening->inner : &opening->outer;
  while (opening->step != OVER && opening->step != AWAIT_ANSWER) {
    enum frame_type type;
    struct view payload;
    const char *what = guess(frames_rest(frames));
    bool stranger = opening->step == AWAIT_HELLO;
    enum frames_status status = frames_next(frames, &type, &payload);
    if (status == FRAMES_MORE)
      return;
    if (status == FRAMES_TRUNCATED) {
      fail(opening, AVOW_TIMEOUT); /* the line stands still: nobody need have spoilt it */
      return;
    }
    if (status == FRAMES_MALFORMED) {
      opening->detail = stranger ? what : "";
      fail(opening, stranger ? AVOW_NOT_AVOW : AVOW_MALFORMED);
      return;
    }
    taker *take = taker_of(opening, inside, type);
    if (take != NULL) {
      take(opening, payload, now);
    } else if (type == FRAME_REFUSAL && !opening->alice) {
      enum avow_error error = refusal_decode(payload);
      fail(opening, refusal_fits(opening, inside, error) ? error : AVOW_MALFORMED);
    } else {
      fail(opening, stranger ? AVOW_NOT_AVOW : AVOW_MALFORMED);
    }
  }
}

static void take_inner(struct opening *opening, struct now now) {
  struct view data = tls_data(opening->tls);
  enum avow_error error = frames_input(&opening->inner, data, now.mono_us);
  tls_data_consume(opening->tls, data.size);
  if (good(opening, error))
    take_frames(opening, true, now);
}

size_t opening_input(struct opening *opening, struct view bytes, struct now now) {
  size_t taken = 0;
  while (taken < bytes.size && opening->state != OPENING_FAILED && opening->state != OPENING_DONE) {
    struct view piece = view_of(bytes.data + taken, bytes.size - taken);
    if (piece.size > PIECE_SIZE)
      piece.size = PIECE_SIZE;
    taken += piece.size;
    opening->bytes_in += piece.size;
    if (good(opening, opening->bytes_in > AVOW_OPENING_BYTES_MAX ? AVOW_TOO_LONG : AVOW_OK) &&
        good(opening, frames_input(&opening->outer, piece, now.mono_us)))
      take_frames(opening, false, now);
  }
  return opening->state == OPENING_FAILED ? bytes.size : taken;
}

enum opening_state opening_state(const struct opening *opening) {
  return opening->state;
}

enum avow_error opening_error(const struct opening *opening) {
  return opening->error;
}

const char *opening_detail(const struct opening *opening) {
  return opening->detail;
}

bool opening_peer_key(const struct opening *opening, uint8_t key[ED25519_PUBLIC_SIZE]) {
  return opening->tls != NULL && tls_peer_key(opening->tls, key);
}

const struct open *opening_asked(const struct opening *opening) {
  return &opening->session.open;
}

void opening_grant(struct opening *opening, const struct grant *grant, struct now now) {
  assert(opening->step == AWAIT_ANSWER);
  opening->session.grant = *grant;
  opening->session.clock = (struct line_clock){grant->clock_us, now.mono_us, grant->clock_us};
  bool tls = opening->identity != NULL;
  if ((tls && !good(opening, sign_opening(opening))) ||
      !good(opening, grant_append(&opening->scratch, mode(opening), &opening->session.grant)))
    return;
  send_scratch(opening);
  if (opening->state == OPENING_FAILED)
    return;
  opening->step = tls ? AWAIT_AGREE : OVER;
  opening->state = tls ? OPENING_GRANTED : OPENING_DONE;
}

void opening_refuse(struct opening *opening, enum avow_error error) {
  assert(opening->step == AWAIT_ANSWER);
  if (refusal_append(&opening->scratch, error) == AVOW_OK)
    send_scratch(opening);
  fail(opening, error);
}

const struct session *opening_session(const struct opening *opening) {
  assert(opening->state == OPENING_DONE || opening->state == OPENING_GRANTED);
  return &opening->session;
}

struct view opening_rest(const struct opening *opening) {
  return frames_rest(&opening->outer);
}

struct view opening_output(const struct opening *opening) {
  return buf_view(&opening->out);
}

void opening_output_consume(struct opening *opening, size_t size) {
  buf_consume(&opening->out, size);
}

uint64_t opening_deadline(const struct opening *opening) {
  if (opening->state != OPENING_RUNNING && opening->state != OPENING_GRANTED)
    return WHEN_NEVER;
  uint64_t truncated_us = frames_deadline(&opening->outer);
  uint64_t late_us = opening->started_us + AVOW_OPENING_TIME_US;
  return truncated_us < late_us ? truncated_us : late_us;
}

void opening_tick(struct opening *opening, struct now now) {
  if (opening->state != OPENING_RUNNING && opening->state != OPENING_GRANTED)
    return;
  if (now.mono_us >= opening->started_us + AVOW_OPENING_TIME_US) {
    fail(opening, AVOW_TIMEOUT);
    return;
  }
  frames_tick(&opening->outer, now.mono_us);
  take_frames(opening, false, now); /* a truncated frame may have come to light */
}
