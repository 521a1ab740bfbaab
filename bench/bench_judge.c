// SPDX-License-Identifier: Apache-2.0
/* bench_judge FOLDER MESSAGES BYTES PER-ENVELOPE: write both logs of a made-up session there,
 * alice.log and bob.log, and the list of keys, as alice and bob would: for bench/judge.py. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/when.h"
#include "evidence/head.h"
#include "evidence/statement.h"
#include "keys/public_key.h"

#define NOW_US UINT64_C(1795368456951090)
#define CHUNK_MAX (64u * 1024u * 1024u)
#define BYTES_MAX (1024u * 1024u)

/* What fails here fails for want of memory or disk. */
#define MUST(call) ((call) == AVOW_OK ? (void)0 : die(#call))

static void die(const char *what) {
  fprintf(stderr, "bench_judge: %s failed.\n", what);
  exit(1);
}

struct side {
  struct chunk chunk;
  FILE *file;
};

static struct {
  struct side alice, bob;
  struct ed25519 *alice_key, *bob_key;
  struct names names;
  struct hash *hash;
  uint64_t now_us;
  uint8_t seen[HEAD_SIZE];
  char text[BYTES_MAX];
  size_t bytes;
} session;

static const struct zones zones;

static FILE *create(const char *folder, const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  if (file == NULL)
    die(path);
  return file;
}

static void seal(struct side *side) {
  MUST(chunk_seal(&side->chunk));
  struct view bytes = buf_view(&side->chunk.bytes);
  if (fwrite(bytes.data, 1, bytes.size, side->file) != bytes.size)
    die("write");
  chunk_consume(&side->chunk, bytes.size);
}

#define SIGN(key, signature, statement, ...)                                                       \
  do {                                                                                             \
    struct buf made;                                                                               \
    buf_init(&made, STATEMENT_MAX);                                                                \
    MUST(statement(&made, __VA_ARGS__));                                                           \
    MUST(sshsig_sign(key, buf_view(&made), signature));                                            \
    buf_free(&made);                                                                               \
  } while (0)

static void begin(const char *folder) {
  uint8_t seed[ED25519_SEED_SIZE] = {1};
  char alice[PUBLIC_KEY_TEXT_SIZE], bob[PUBLIC_KEY_TEXT_SIZE];
  MUST(ed25519_private(&session.alice_key, seed));
  seed[0] = 2;
  MUST(ed25519_private(&session.bob_key, seed));
  MUST(hash_new(&session.hash));
  memcpy(session.names.alice_key, ed25519_key(session.alice_key), ED25519_PUBLIC_SIZE);
  memcpy(session.names.bob_key, ed25519_key(session.bob_key), ED25519_PUBLIC_SIZE);
  public_key_encode(session.names.alice_key, alice);
  public_key_encode(session.names.bob_key, bob);
  FILE *keys = create(folder, "keys");
  fprintf(keys, "alice@host %s\nbob@host %s\n", alice, bob);
  if (fclose(keys) != 0)
    die("write");
  MUST(chunk_init(&session.alice.chunk, CHUNK_MAX));
  MUST(chunk_init(&session.bob.chunk, CHUNK_MAX));
  session.alice.file = create(folder, "alice.log");
  session.bob.file = create(folder, "bob.log");
  session.now_us = NOW_US;
}

static void connect_both(void) {
  struct queued queued = {.to = "port", .since_us = session.now_us, .tls = true};
  struct opened opened = {.peer = "('127.0.0.1', 38464)",
                          .session_id = session.names.session_id,
                          .when_us = session.now_us,
                          .tls = true,
                          .group = "X25519"};
  uint8_t signature[SIGNATURE_SIZE];
  memcpy(queued.bob.key, session.names.bob_key, sizeof queued.bob.key);
  MUST(record_queued(&session.bob.chunk.bytes, &queued));
  seal(&session.bob);
  memcpy(opened.alice.key, session.names.alice_key, sizeof opened.alice.key);
  memcpy(opened.bob.key, session.names.bob_key, sizeof opened.bob.key);
  memcpy(opened.bob_head, session.bob.chunk.head.last, HEAD_SIZE);
  memcpy(opened.alice_head, session.alice.chunk.head.last, HEAD_SIZE);
  memcpy(session.seen, opened.alice_head, HEAD_SIZE);
  SIGN(session.alice_key, opened.alice_signature, statement_opening, &opened);
  SIGN(session.bob_key, signature, statement_opening, &opened);
  MUST(record_opened(&session.alice.chunk.bytes, LOG_TEXT, true, &opened));
  MUST(record_opened(&session.bob.chunk.bytes, LOG_TEXT, false, &opened));
  MUST(record_agreed(&session.bob.chunk.bytes, &session.names, signature));
  seal(&session.alice);
  seal(&session.bob);
  MUST(record_agreed(&session.alice.chunk.bytes, &session.names, signature));
  seal(&session.alice);
}

/* A message in both logs; its lines in ${lines}. */
static size_t message(uint64_t id, uint64_t confirmed_us, char *lines) {
  uint8_t hash[SHA512_SIZE];
  int size = snprintf(session.text, sizeof session.text, "%llu ", (unsigned long long)id);
  if ((size_t)size < session.bytes)
    session.text[size] = 'x'; /* not the NUL */
  MUST(hash_sha512(session.hash, view_of(session.text, session.bytes), hash));
  struct recorded recorded = {.id = id,
                              .hash = hash,
                              .timestamp_us = NOW_US + id,
                              .text = view_of(session.text, session.bytes),
                              .confirmed_us = WHEN_NEVER};
  MUST(record_message(&session.bob.chunk.bytes, LOG_TEXT, zones, &recorded));
  recorded.confirmed_us = confirmed_us;
  MUST(record_message(&session.alice.chunk.bytes, LOG_TEXT, zones, &recorded));
  return record_lines(lines, zones.bob_min, &recorded);
}

static void deliver(uint64_t first_id, unsigned count) {
  struct enveloped enveloped = {
      .first_id = first_id, .count = count, .confirmed_us = ++session.now_us};
  struct buf *alice = &session.alice.chunk.bytes, *bob = &session.bob.chunk.bytes, lines;
  buf_init(&lines, CHUNK_MAX);
  for (unsigned i = 0; i < count; i++) {
    char of_one[RECORD_LINES_MAX];
    MUST(
        buf_append(&lines, view_of(of_one, message(first_id + i, enveloped.confirmed_us, of_one))));
  }
  seal(&session.bob);
  MUST(hash_sha256(session.hash, buf_view(&lines), enveloped.digest));
  buf_free(&lines);
  memcpy(enveloped.proof.bob_head, session.bob.chunk.head.last, HEAD_SIZE);
  memcpy(enveloped.proof.alice_head, session.seen, HEAD_SIZE);
  SIGN(session.bob_key, enveloped.proof.bob_signature, statement_origin, &session.names,
       &enveloped);
  MUST(record_envelope(alice, first_id, count, enveloped.confirmed_us, 0));
  MUST(record_origin(alice, &session.names, &enveloped.proof));
  MUST(chunk_head(&session.alice.chunk, enveloped.proof.head));
  SIGN(session.alice_key, enveloped.proof.alice_signature, statement_receipt, &session.names,
       &enveloped);
  MUST(record_receipt(alice, &session.names, &enveloped.proof));
  seal(&session.alice);
  MUST(record_envelope(bob, first_id, count, enveloped.confirmed_us, 0));
  MUST(record_origin(bob, &session.names, &enveloped.proof));
  MUST(record_receipt(bob, &session.names, &enveloped.proof));
  seal(&session.bob);
  memcpy(session.seen, enveloped.proof.head, HEAD_SIZE);
}

static void end(uint64_t messages) {
  struct ended ended = {.messages = messages, .ended_us = ++session.now_us, .by_bob = true};
  struct side *sides[] = {&session.alice, &session.bob};
  memcpy(ended.proof.bob_head, session.bob.chunk.head.last, HEAD_SIZE);
  memcpy(ended.proof.alice_head, session.seen, HEAD_SIZE);
  SIGN(session.bob_key, ended.proof.bob_signature, statement_end, &session.names, &ended);
  for (int i = 0; i < 2; i++) {
    struct buf *out = &sides[i]->chunk.bytes;
    MUST(record_ended(out, &session.names, &ended));
    if (i == 0) {
      MUST(chunk_head(&session.alice.chunk, ended.proof.head));
      SIGN(session.alice_key, ended.proof.alice_signature, statement_ended, &session.names, &ended);
    }
    MUST(record_closing(out, &session.names, &ended.proof));
    seal(sides[i]);
    if (fclose(sides[i]->file) != 0)
      die("write");
  }
}

int main(int argc, char **argv) {
  if (argc != 5)
    die("bench_judge FOLDER MESSAGES BYTES PER-ENVELOPE");
  uint64_t messages = strtoull(argv[2], NULL, 10), id = 0;
  uint64_t each = strtoull(argv[4], NULL, 10);
  session.bytes = strtoull(argv[3], NULL, 10);
  if (session.bytes > BYTES_MAX || each == 0 || each > AVOW_ENVELOPE_MESSAGES_MAX)
    die("an argument");
  memset(session.text, 'x', sizeof session.text);
  begin(argv[1]);
  connect_both();
  for (; id < messages; id += each)
    deliver(id, (unsigned)(messages - id < each ? messages - id : each));
  end(messages);
  return 0;
}
