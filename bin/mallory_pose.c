// SPDX-License-Identifier: Apache-2.0
#include "mallory_pose.h"

#include <stdlib.h>
#include <string.h>

#include "core/notary.h"
#include "core/opening.h"
#include "crypto/random.h"
#include "io/clock.h"
#include "io/port_file.h"
#include "mallory.h"
#include "mallory_forge.h"

struct pose {
  enum attack_role role;
  const char *text;
  struct tls_identity *tls;
  struct opening *opening;
  bool open;   /* there is a session */
  bool failed; /* there will be none, and that was said */
};

static const char *name_of(const struct pose *pose) {
  return pose->role == ROLE_ALICE ? "impersonate-alice" : "impersonate-bob";
}

static void tell(const struct pose *pose, const char *act, const char *text) {
  mallory_say(json_pack("{s:s, s:s, s:s}", "event", "posed", "attack", name_of(pose), "act", act),
              "%s", text);
}

enum avow_error pose_new(struct pose **ret, enum attack_role role, const char *text) {
  struct pose *pose = calloc(1, sizeof *pose);
  uint8_t seed[ED25519_SEED_SIZE];
  if (pose == NULL)
    return AVOW_NO_MEMORY;
  pose->role = role;
  pose->text = text;
  enum avow_error error = random_bytes(seed, sizeof seed);
  if (error == AVOW_OK)
    error = tls_identity_new(&pose->tls, seed);
  explicit_bzero(seed, sizeof seed);
  if (error == AVOW_OK)
    *ret = pose;
  else
    pose_free(pose);
  return error;
}

void pose_free(struct pose *pose) {
  if (pose == NULL)
    return;
  opening_free(pose->opening);
  tls_identity_free(pose->tls);
  free(pose);
}

/* What the opening has to say. */
static void flush(struct pose *pose, struct relay *relay) {
  struct view bytes = opening_output(pose->opening);
  enum direction way = pose->role == ROLE_ALICE ? TO_BOB : TO_ALICE;
  (void)relay_say(relay, way, bytes);
  opening_output_consume(pose->opening, bytes.size);
}

void pose_call(struct pose *pose, struct relay *relay, const char *alice_port_file) {
  struct open open = {0};
  uint8_t key[ED25519_PUBLIC_SIZE];
  char name[AVOW_NAME_SIZE];
  bool tls = port_file_key(alice_port_file, key, name) == AVOW_OK;
  if (opening_bob(&pose->opening, tls ? pose->tls : NULL, tls ? key : NULL, &open, clock_now()) !=
      AVOW_OK) {
    relay_cut(relay);
    return;
  }
  tell(pose, "called",
       tls ? "calls Alice in Bob's name, with a key of her own."
           : "calls Alice in Bob's name. In plain mode nobody asks for a key.");
  flush(pose, relay);
}

/* As Alice: a session, with a key of hers. */
static void grant_session(struct pose *pose, struct spy *spy) {
  struct now now = clock_now();
  struct grant grant = {.clock_us = now.wall_us, .opened_us = now.wall_us};
  const struct open *asked = opening_asked(pose->opening);
  if (random_bytes(grant.key, sizeof grant.key) != AVOW_OK ||
      random_bytes(grant.session_id, sizeof grant.session_id) != AVOW_OK)
    return;
  if (asked->resume) {
    memcpy(grant.session_id, asked->session_id, sizeof grant.session_id);
    grant.opened_us = asked->opened_us;
  }
  opening_grant(pose->opening, &grant, now);
  pose->open = spy_take(spy, opening_session(pose->opening)->handshake, &grant);
  explicit_bzero(&grant, sizeof grant);
  tell(pose, "believed", "is taken for Alice. Bob sends her his messages.");
}

/* With the key that she was let in with: it is hers, not Bob's. */
static enum avow_error sign(const struct session *session, struct sealed *envelope) {
  struct notary notary = {0};
  struct enveloped enveloped = {.count = envelope->count};
  memcpy(enveloped.proof.bob_head, session->open.bob_head, HEAD_SIZE);
  memcpy(enveloped.proof.alice_head, session->grant.alice_head, HEAD_SIZE);
  enum avow_error error = notary_open(&notary, session, true);
  if (error == AVOW_OK && notary.on)
    error = notary_digest(&notary, session->open.offset_min, 0, envelope->count,
                          reader_of(envelope->body), enveloped.digest);
  if (error == AVOW_OK && notary.on)
    error = statement_origin(notary_text(&notary), &notary.names, &enveloped);
  if (error == AVOW_OK && notary.on)
    error = notary_sign(&notary, enveloped.proof.bob_signature);
  envelope->proof = enveloped.proof;
  notary_close(&notary);
  return error;
}

/* As Bob: the session that Alice has granted, and a message in it. */
static void use_session(struct pose *pose, struct spy *spy, struct relay *relay) {
  const struct session *session = opening_session(pose->opening);
  struct buf body, frame;
  uint64_t now_us = clock_now().wall_us;
  buf_init(&body, AVOW_PLAINTEXT_MAX);
  buf_init(&frame, AVOW_FRAME_HEADER + AVOW_TOKEN_MAX);
  pose->open = spy_take(spy, session->handshake, &session->grant);
  if (now_us <= session->open.clock_us)
    now_us = session->open.clock_us + 1;
  struct sealed envelope = {.kind = SEALED_ENVELOPE,
                            .direction = TO_ALICE,
                            .time_us = now_us,
                            .echo_us = session->grant.clock_us,
                            .count = 1};
  if (forge_message(&body, now_us, view_text(pose->text)) == AVOW_OK) {
    envelope.body = buf_view(&body);
    if (pose->open && sign(session, &envelope) == AVOW_OK &&
        spy_seal(spy, &envelope, &frame) == AVOW_OK)
      (void)relay_say(relay, TO_ALICE, buf_view(&frame));
  }
  tell(pose, "let in", "was let in. She sends Alice a message in Bob's name.");
  buf_free(&body);
  buf_free(&frame);
}

/* Why nothing comes of it. */
static const char *failure(const struct pose *pose) {
  if (pose->role == ROLE_ALICE)
    return "is not taken for Alice: Bob knows Alice's key, and hers is another one.";
  switch (opening_error(pose->opening)) {
  case AVOW_KEY_REFUSED: return "is not let in: Alice does not know her key.";
  case AVOW_BAD_MODE:
    return "is not let in: Alice speaks tls, and for that she must know Alice's key. It lies in "
           "alice.pub beside Alice's port file: name that with --port-file.";
  case AVOW_BUSY: return "is not let in: Alice is busy with another client.";
  default: return "is not let in.";
  }
}

static void fail(struct pose *pose, struct relay *relay) {
  pose->failed = true;
  tell(pose, "refused", failure(pose));
  flush(pose, relay);
  relay_cut(relay);
}

static void go_on_opening(struct pose *pose, struct spy *spy, struct relay *relay,
                          const struct relay_event *event) {
  struct buf frame;
  buf_init(&frame, AVOW_FRAME_HEADER + AVOW_TOKEN_MAX);
  if (frame_append(&frame, event->type, event->payload) == AVOW_OK)
    opening_input(pose->opening, buf_view(&frame), clock_now());
  buf_free(&frame);
  if (opening_state(pose->opening) == OPENING_ASKED)
    grant_session(pose, spy);
  if (pose->role == ROLE_BOB && opening_state(pose->opening) == OPENING_GRANTED)
    opening_agree(pose->opening);
  if (opening_state(pose->opening) == OPENING_FAILED) {
    fail(pose, relay);
    return;
  }
  flush(pose, relay);
  if (opening_state(pose->opening) == OPENING_DONE && pose->role == ROLE_BOB)
    use_session(pose, spy, relay);
}

/* In the session: as Alice she confirms all; as Bob, one confirmation is all that she wants. */
static void go_on_talking(struct pose *pose, struct spy *spy, struct relay *relay,
                          const struct relay_event *event) {
  struct sealed sealed;
  struct buf answer;
  if (event->type != FRAME_TOKEN || !spy_open(spy, event->payload, event->way, &sealed))
    return;
  if (pose->role == ROLE_BOB) {
    if (sealed.kind == SEALED_CONFIRMATION)
      tell(pose, "confirmed", "has Alice's confirmation: her message is stored as Bob's.");
    relay_cut(relay);
    return;
  }
  buf_init(&answer, AVOW_FRAME_HEADER + AVOW_TOKEN_MAX);
  if (forge_answer(spy, &sealed, &answer) == AVOW_OK)
    (void)relay_say(relay, TO_BOB, buf_view(&answer));
  buf_free(&answer);
}

void pose_event(struct pose *pose, struct spy *spy, struct relay *relay,
                const struct relay_event *event) {
  if (pose->opening == NULL && pose->role == ROLE_ALICE) {
    bool tls = hello_decode(event->payload, HANDSHAKE_TLS) == AVOW_OK;
    tell(pose, "called", "answers Bob in Alice's place.");
    if (opening_alice(&pose->opening, tls ? pose->tls : NULL, clock_now()) != AVOW_OK)
      relay_cut(relay);
  }
  if (pose->opening == NULL || pose->failed)
    return;
  if (pose->open)
    go_on_talking(pose, spy, relay, event);
  else
    go_on_opening(pose, spy, relay, event);
}

void pose_ended(struct pose *pose) {
  if (pose->open || pose->failed)
    return;
  pose->failed = true;
  tell(pose, "refused",
       pose->role == ROLE_ALICE ? "is not taken for Alice: Bob has gone."
                                : "is not let in: Alice closed.");
}
