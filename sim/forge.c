// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "disk.h"
#include "evidence/statement.h"
#include "fernet/fernet.h"
#include "net.h"
#include "wire/frame.h"

/* Somebody who has the session's key, and says what must be refused: a stranger without bob's and
 * alice's private keys, or one of them who is not honest. */

enum false_word {
  WRONG_HASH,
  MISSING_BEFORE,
  OTHER_UNDER_ID,
  LATE_END,
  /* Where there are signatures: */
  NOT_BOBS_ORIGIN,
  OLDER_HEAD, /* bob's own: he signs a head of alice's that is older than the last one he signed */
  NO_HEAD,    /* bob's own: one that she never gave him */
  NOT_BOBS_END,
  TO_ALICE_WORDS,
};

enum false_answer {
  OTHER_HASH,
  EARLY,
  NOT_ALICES_RECEIPT,
  OTHER_ORIGIN, /* alice's own: a receipt of what bob did not sign so */
  NOT_ALICES_END,
  TO_BOB_WORDS,
};

struct forgery {
  struct world *world;
  const struct model *model;
  const struct rules *alice; /* what her log says of the session; NULL: nothing */
  struct sealed sealed;
  struct buf body;
};

static void must(enum avow_error error) {
  if (error != AVOW_OK)
    abort();
}

static void sign(struct world *world, enum side side, const struct buf *text,
                 uint8_t signature[SIGNATURE_SIZE]) {
  must(sshsig_sign(tls_identity_key(world->hosts[side].tls), buf_view(text), signature));
}

/* One message that was never given, perhaps with a hash that it does not have. */
static void fake_message(struct forgery *forgery, bool good_hash) {
  uint8_t text[40], hash[SHA512_SIZE];
  struct hash *hasher;
  chance_bytes(&forgery->world->chance, text, sizeof text);
  chance_bytes(&forgery->world->chance, hash, sizeof hash);
  struct view view = view_of(text, sizeof text);
  must(hash_new(&hasher));
  if (good_hash)
    must(hash_sha512(hasher, view, hash));
  hash_free(hasher);
  struct message message = {.timestamp_us = 1, .hash = hash, .text = view};
  must(message_append(&forgery->body, &message));
}

static void add_lines(const struct forgery *forgery, struct buf *out, uint64_t id,
                      const uint8_t *hash, uint64_t timestamp_us) {
  char lines[RECORD_LINES_MAX];
  struct recorded recorded = {.id = id, .hash = hash, .timestamp_us = timestamp_us};
  size_t size = record_lines(lines, forgery->world->setting.sender.offset_min, &recorded);
  must(buf_append(out, view_of(lines, size)));
}

static void digest_lines(struct buf *lines, uint8_t digest[SHA256_SIZE]) {
  struct hash *hasher;
  must(hash_new(&hasher));
  must(hash_sha256(hasher, buf_view(lines), digest));
  hash_free(hasher);
  buf_free(lines);
}

/* Sign the origin of the message in the body. */
static void sign_fake(struct forgery *forgery, enum side side) {
  struct sealed *sealed = &forgery->sealed;
  struct reader body = reader_of(buf_view(&forgery->body));
  struct message message;
  struct buf lines, text;
  struct enveloped enveloped = {.first_id = sealed->first_id, .count = 1, .proof = sealed->proof};
  message_take(&body, &message);
  buf_init(&lines, RECORD_LINES_MAX);
  add_lines(forgery, &lines, sealed->first_id, message.hash, message.timestamp_us);
  digest_lines(&lines, enveloped.digest);
  buf_init(&text, STATEMENT_MAX);
  must(statement_origin(&text, rules_names(forgery->alice), &enveloped));
  sign(forgery->world, side, &text, sealed->proof.bob_signature);
  buf_free(&text);
}

/* The heads that bob would sign now. */
static void take_heads(struct forgery *forgery) {
  struct proof *proof = &forgery->sealed.proof;
  const uint8_t *head = rules_given(forgery->alice, rules_seen(forgery->alice));
  memcpy(proof->alice_head, head, HEAD_SIZE);
  chance_bytes(&forgery->world->chance, proof->bob_head, HEAD_SIZE);
}

static void fake_origin(struct forgery *forgery, enum false_word word) {
  struct proof *proof = &forgery->sealed.proof;
  size_t seen = rules_seen(forgery->alice);
  take_heads(forgery);
  if (word == NO_HEAD)
    chance_bytes(&forgery->world->chance, proof->alice_head, HEAD_SIZE);
  else if (word == OLDER_HEAD && seen > 0)
    memcpy(proof->alice_head, rules_given(forgery->alice, seen - 1), HEAD_SIZE);
  else
    word = NOT_BOBS_ORIGIN;
  sign_fake(forgery, word == NOT_BOBS_ORIGIN ? ALICE : BOB);
}

static void fake_end(struct forgery *forgery) {
  struct sealed *sealed = &forgery->sealed;
  struct buf text;
  buf_init(&text, STATEMENT_MAX);
  sealed->kind = SEALED_END;
  sealed->count = 0;
  take_heads(forgery);
  struct ended ended = {.messages = sealed->first_id, .by_bob = true, .proof = sealed->proof};
  must(statement_end(&text, rules_names(forgery->alice), &ended));
  sign(forgery->world, ALICE, &text, sealed->proof.bob_signature);
  buf_free(&text);
}

static void fake_to_alice(struct forgery *forgery) {
  struct world *world = forgery->world;
  struct chance *chance = &world->chance;
  const struct model *model = forgery->model;
  uint64_t logged = 0;
  while (logged < model->count && model->entries[logged].logged)
    logged++;
  bool keys = forgery->alice != NULL && !world->setting.plain;
  enum false_word word =
      (enum false_word)chance_between(chance, 0, (keys ? TO_ALICE_WORDS : NOT_BOBS_ORIGIN) - 1);
  forgery->sealed = (struct sealed){
      .kind = SEALED_ENVELOPE, .direction = TO_ALICE, .count = 1, .first_id = logged};
  if (word != NOT_BOBS_END && word != LATE_END)
    fake_message(forgery, word != WRONG_HASH);
  if (word == MISSING_BEFORE)
    forgery->sealed.first_id = model->count + chance_between(chance, 1, 3);
  else if (word == OTHER_UNDER_ID && logged > 0)
    forgery->sealed.first_id = chance_between(chance, 0, logged - 1);
  else if (word == OTHER_UNDER_ID || word == LATE_END) {
    buf_clear(&forgery->body);
    forgery->sealed =
        (struct sealed){.kind = SEALED_END, .direction = TO_ALICE, .first_id = model->count + 1};
  } else if (word == NOT_BOBS_END) {
    fake_end(forgery);
  } else if (word > LATE_END) {
    fake_origin(forgery, word);
  }
}

/* A receipt of the oldest envelope that bob waits for. */
static void fake_receipt(struct forgery *forgery, bool by_alice) {
  struct world *world = forgery->world;
  struct sealed *sealed = &forgery->sealed;
  const struct entry *entry = &forgery->model->entries[sealed->first_id];
  struct enveloped enveloped = {.first_id = sealed->first_id, .count = entry->sent};
  struct buf lines, text;
  sealed->proof = entry->origin;
  sealed->count = (uint16_t)entry->sent;
  sealed->when_us = 1;
  buf_init(&lines, entry->sent * RECORD_LINES_MAX);
  for (unsigned i = 0; i < entry->sent; i++) {
    must(buf_append(&forgery->body, view_of(entry[i].hash, SHA512_SIZE)));
    add_lines(forgery, &lines, sealed->first_id + i, entry[i].hash, entry[i].timestamp_us);
  }
  digest_lines(&lines, enveloped.digest);
  chance_bytes(&world->chance, sealed->proof.head, HEAD_SIZE);
  if (by_alice)
    chance_bytes(&world->chance, sealed->proof.bob_head, HEAD_SIZE);
  enveloped.confirmed_us = sealed->when_us;
  enveloped.proof = sealed->proof;
  buf_init(&text, STATEMENT_MAX);
  must(statement_receipt(&text, rules_names(forgery->alice), &enveloped));
  sign(world, by_alice ? ALICE : BOB, &text, sealed->proof.alice_signature);
  buf_free(&text);
}

static void fake_ended(struct forgery *forgery) {
  struct sealed *sealed = &forgery->sealed;
  struct buf text;
  buf_init(&text, STATEMENT_MAX);
  sealed->kind = SEALED_END;
  sealed->count = 0;
  sealed->first_id = forgery->model->count;
  memcpy(sealed->proof.bob_head, rules_bob_head(forgery->alice), HEAD_SIZE);
  struct ended ended = {.messages = sealed->first_id, .proof = sealed->proof};
  must(statement_ended(&text, rules_names(forgery->alice), &ended));
  sign(forgery->world, BOB, &text, sealed->proof.alice_signature);
  buf_free(&text);
}

static void fake_to_bob(struct forgery *forgery) {
  struct chance *chance = &forgery->world->chance;
  const struct model *model = forgery->model;
  uint64_t first = 0;
  while (first < model->count && model->entries[first].confirmed)
    first++;
  const struct entry *entry = first < model->count ? &model->entries[first] : NULL;
  bool keys = forgery->alice != NULL && !forgery->world->setting.plain;
  enum false_answer word =
      (enum false_answer)chance_between(chance, 0, (keys ? TO_BOB_WORDS : NOT_ALICES_RECEIPT) - 1);
  struct sealed *sealed = &forgery->sealed;
  *sealed = (struct sealed){
      .kind = SEALED_CONFIRMATION, .direction = TO_BOB, .count = 1, .first_id = first};
  if (word == NOT_ALICES_END) {
    fake_ended(forgery);
    return;
  }
  if ((word == NOT_ALICES_RECEIPT || word == OTHER_ORIGIN) && entry != NULL && entry->sent > 0) {
    fake_receipt(forgery, word == OTHER_ORIGIN);
    return;
  }
  bool early = word == EARLY && first + 1 < model->count && entry[1].logged;
  if (early) /* a right one, before its turn */
    sealed->first_id++;
  uint8_t junk[SHA512_SIZE];
  chance_bytes(chance, junk, sizeof junk);
  must(buf_append(&forgery->body, view_of(early ? entry[1].hash : junk, SHA512_SIZE)));
  sealed->when_us = early ? entry[1].confirmed_us : 1;
}

void net_forge(struct world *world) {
  unsigned number = net_youngest(world);
  struct conn *conn = number != NO_CONN ? world->net->conns[number] : NULL;
  if (conn == NULL || conn->pipes[ALICE].last_time_us == 0 || world->calm || conn->pipes[BOB].cut)
    return;
  enum side side = chance_of(&world->chance, 600000) ? ALICE : BOB;
  struct forgery forgery = {.world = world, .model = &world->models[conn->model]};
  struct buf plaintext, frame;
  uint8_t iv[FERNET_IV_SIZE], *token;
  forgery.alice = disk_log(world->hosts[ALICE].store, conn->session_id);
  buf_init(&forgery.body, 4096);
  buf_init(&plaintext, 8192);
  buf_init(&frame, 16384);
  if (side == ALICE)
    fake_to_alice(&forgery);
  else
    fake_to_bob(&forgery);
  struct sealed *sealed = &forgery.sealed;
  if (sealed->kind == SEALED_ENVELOPE || sealed->kind == SEALED_CONFIRMATION)
    sealed->body = buf_view(&forgery.body);
  sealed->time_us = conn->clock_us[OTHER(side)] + (world->now_us - conn->made_us);
  chance_bytes(&world->chance, iv, sizeof iv);
  must(sealed_encode(sealed, !world->setting.plain, 0, &plaintext));
  must(frame_reserve(&frame, FRAME_TOKEN, fernet_token_size(plaintext.size), &token));
  must(fernet_encrypt(conn->fernet, 1, iv, buf_view(&plaintext), token));
  trace(world, "line", "connection %u: a forgery to %s, kind %u, id %" PRIu64, number,
        HOST_NAMES[side], sealed->kind, sealed->first_id);
  net_emit(world, number, side, buf_view(&frame));
  buf_free(&forgery.body);
  buf_free(&plaintext);
  buf_free(&frame);
}
