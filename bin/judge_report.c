// SPDX-License-Identifier: Apache-2.0
#include "judge_report.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/when.h"
#include "evidence/escape.h"
#include "io/screen.h"
#include "keys/public_key.h"

#define HEX_SIZE (2 * SHA512_SIZE + 1)

/* A text that is not ours, for people: on one line, harmless on a terminal. */
static void print_escaped(const char *text) {
  struct buf escaped;
  buf_init(&escaped, 4 * strlen(text) + 1);
  if (escape_append(&escaped, view_text(text)) == AVOW_OK && buf_view(&escaped).size > 0)
    fwrite(buf_view(&escaped).data, 1, buf_view(&escaped).size, stdout);
  buf_free(&escaped);
}

static const char *hex_of(const uint8_t *bytes, size_t size, char hex[HEX_SIZE]) {
  hex_encode(view_of(bytes, size), hex);
  return hex;
}

static const char *name_of(const struct testimony *testimony) {
  return testimony->keeper == WHO_ALICE ? "Alice's log"
         : testimony->keeper == WHO_BOB ? "Bob's log"
                                        : "Log";
}

/* The parties, from the first log that knows them. */
static const struct parties *parties_of(const struct judge_log *logs, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    if (audit_parties(logs[i].audit)->known)
      return audit_parties(logs[i].audit);
  return NULL;
}

static void print_party(const char *who, const char *name, unsigned line, const uint8_t *key) {
  char text[FINGERPRINT_SIZE] = "";
  (void)fingerprint(key, text);
  printf("%s: ", who);
  print_escaped(name[0] != '\0' ? name : "not in your list");
  printf(", %s", text);
  if (line > 0)
    printf(" (line %u of your list)", line);
  putchar('\n');
}

static const char *s_of(uint64_t count) {
  return count == 1 ? "" : "s";
}

static void print_log(const struct judge_log *log) {
  const struct testimony *heard = log->testimony;
  char hex[HEX_SIZE];
  printf("%s: ", name_of(heard));
  print_escaped(log->path);
  printf("\n  %" PRIu64 " message%s (%" PRIu64 " with text), %" PRIu64 " of them in %" PRIu64
         " envelope%s; %" PRIu64 " connection%s, %" PRIu64 " incident%s, %s\n",
         heard->messages, s_of(heard->messages), heard->texts, heard->confirmed, heard->envelopes,
         s_of(heard->envelopes), heard->connections, s_of(heard->connections), heard->incidents,
         s_of(heard->incidents), heard->at_end ? "ended" : "no end");
  printf("  %" PRIu64 " signature%s checked; last head %s\n", heard->signatures,
         s_of(heard->signatures), hex_of(audit_head(log->audit), HEAD_SIZE, hex));
  if (heard->fault.kind != FAULT_NONE)
    printf("  what stands there holds up to line %" PRIu64 "; there: %s\n", heard->fault.line,
           heard->fault.text);
  if (heard->uncovered)
    printf("  bytes at the end that no head line covers: %" PRIu64 "\n",
           log->size - audit_finished(log->audit));
  if (log->stamp.there)
    printf("  time stamp: %s\n", log->stamp.text);
}

static void print_both(const struct bench *bench) {
  const struct story *story = &bench->story;
  char hex[HEX_SIZE];
  if (story->connections == 0)
    return;
  printf("Both: one story of %" PRIu64 " connection%s and %" PRIu64 " message%s%s\n",
         story->connections, s_of(story->connections), story->messages, s_of(story->messages),
         story->ended ? ", to its end" : "");
  printf("  last head of Bob's in both:   %s\n", hex_of(story->bob_head, HEAD_SIZE, hex));
  printf("  last head of Alice's in both: %s\n", hex_of(story->alice_head, HEAD_SIZE, hex));
  if (story->unreceived > 0)
    printf("  messages in Alice's log whose receipts never reached Bob: %" PRIu64 "\n",
           story->unreceived);
}

/* The message that was asked for, as the log has it whose envelope covers it. */
static void print_message(const struct bench *bench) {
  const struct testimony *log = bench->alice.covers ? &bench->alice : &bench->bob;
  char hex[HEX_SIZE], sent[WHEN_TEXT_SIZE], confirmed[WHEN_TEXT_SIZE];
  if (!log->covers || !log->has_message)
    return;
  when_text(log->message.timestamp_us, log->message.offset_min, sent);
  when_text(log->envelope.confirmed_us, log->envelope.confirmed_min, confirmed);
  printf("Message %" PRIu64 ": given to Bob at %s, confirmed by Alice at %s\n  SHA-512 %s\n",
         log->message.id, sent, confirmed, hex_of(log->message.hash, SHA512_SIZE, hex));
}

static void print_text(const struct judge_request *request, const struct bench *bench,
                       const struct judge_log *logs, enum ruling ruling, const char *text) {
  printf("%s: %c%s\n", ruling_name(ruling), toupper((unsigned char)text[0]), text + 1);
  if (request->quiet)
    return;
  const struct parties *parties = parties_of(logs, request->count);
  char hex[HEX_SIZE];
  if (parties != NULL) {
    printf("Session: %s\n",
           hex_of(parties->names.session_id, sizeof parties->names.session_id, hex));
    if (parties->tls) {
      print_party("Alice", parties->alice, parties->alice_line, parties->names.alice_key);
      print_party("Bob", parties->bob, parties->bob_line, parties->names.bob_key);
    }
  }
  print_message(bench);
  for (unsigned i = 0; i < request->count; i++)
    print_log(&logs[i]);
  if (request->count == 2)
    print_both(bench);
}

static json_t *json_hex(const uint8_t *bytes, size_t size) {
  char hex[HEX_SIZE];
  return json_string(hex_of(bytes, size, hex));
}

/* Paths and names may be anything; JSON is UTF-8. */
static json_t *json_name(const char *name) {
  char text[4096];
  snprintf(text, sizeof text, "%s", name);
  screen_harmless(text);
  return json_string(text);
}

static json_t *json_party(const char *name, unsigned line, const uint8_t *key) {
  char text[FINGERPRINT_SIZE] = "", encoded[PUBLIC_KEY_TEXT_SIZE];
  (void)fingerprint(key, text);
  public_key_encode(key, encoded);
  json_t *party = json_pack("{s:s, s:s}", "fingerprint", text, "key", encoded);
  if (line > 0) {
    json_object_set_new(party, "principal", json_name(name));
    json_object_set_new(party, "keys_line", json_integer((json_int_t)line));
  }
  return party;
}

static json_t *json_fault(const struct fault *fault) {
  json_t *object =
      json_pack("{s:s, s:I, s:s, s:s, s:s}", "log", who_name(fault->log), "line",
                (json_int_t)fault->line, "what", fault->text, "against", who_name(fault->against),
                "kind", fault->kind == FAULT_UNKNOWN ? "unknown key" : "broken rule");
  if (fault->id != FAULT_NO_ID)
    json_object_set_new(object, "id", json_integer((json_int_t)fault->id));
  return object;
}

static json_t *json_log(const struct judge_log *log) {
  const struct testimony *heard = log->testimony;
  json_t *object = json_pack(
      "{s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b, s:I}", "file",
      json_name(log->path), "keeper", who_name(heard->keeper), "connections",
      (json_int_t)heard->connections, "messages", (json_int_t)heard->messages, "texts",
      (json_int_t)heard->texts, "envelopes", (json_int_t)heard->envelopes, "confirmed",
      (json_int_t)heard->confirmed, "incidents", (json_int_t)heard->incidents, "signatures",
      (json_int_t)heard->signatures, "bytes", (json_int_t)log->size, "head",
      json_hex(audit_head(log->audit), HEAD_SIZE), "ended", (int)heard->at_end, "uncovered_bytes",
      (json_int_t)(heard->uncovered ? log->size - audit_finished(log->audit) : 0));
  if (heard->fault.kind != FAULT_NONE)
    json_object_set_new(object, "fault", json_fault(&heard->fault));
  if (log->stamp.there)
    json_object_set_new(object, "time_stamp",
                        json_pack("{s:s, s:s}", "ruling", ruling_name(log->stamp.ruling), "because",
                                  log->stamp.text));
  return object;
}

static json_t *json_both(const struct bench *bench) {
  const struct story *story = &bench->story;
  json_t *object = json_pack(
      "{s:I, s:I, s:I, s:b, s:b, s:o, s:o}", "connections", (json_int_t)story->connections,
      "messages", (json_int_t)story->messages, "unreceived", (json_int_t)story->unreceived, "ended",
      (int)story->ended, "bob_lacks_end", (int)story->bob_lacks_end, "bob_head",
      json_hex(story->bob_head, HEAD_SIZE), "alice_head", json_hex(story->alice_head, HEAD_SIZE));
  if (bench->compared.kind != FAULT_NONE)
    json_object_set_new(object, "fault", json_fault(&bench->compared));
  return object;
}

static void print_json(const struct judge_request *request, const struct bench *bench,
                       const struct judge_log *logs, enum ruling ruling, const char *text) {
  const struct parties *parties = parties_of(logs, request->count);
  json_t *object = json_pack("{s:s, s:s, s:s}", "ruling", ruling_name(ruling), "because", text,
                             "question", request->name);
  if (bench->question.id != FAULT_NO_ID)
    json_object_set_new(object, "id", json_integer((json_int_t)bench->question.id));
  if (parties != NULL)
    json_object_set_new(object, "session",
                        json_hex(parties->names.session_id, sizeof parties->names.session_id));
  if (parties != NULL && parties->tls) {
    json_object_set_new(object, "alice",
                        json_party(parties->alice, parties->alice_line, parties->names.alice_key));
    json_object_set_new(object, "bob",
                        json_party(parties->bob, parties->bob_line, parties->names.bob_key));
  }
  json_t *list = json_array();
  for (unsigned i = 0; i < request->count; i++)
    json_array_append_new(list, json_log(&logs[i]));
  json_object_set_new(object, "logs", list);
  if (request->count == 2)
    json_object_set_new(object, "both", json_both(bench));
  screen_json(object);
}

enum judge_code judge_report(const struct judge_request *request, const struct bench *bench,
                             const struct judge_log *logs, enum ruling ruling, const char *text) {
  if (request->json)
    print_json(request, bench, logs, ruling, text);
  else
    print_text(request, bench, logs, ruling, text);
  if (fflush(stdout) == 0 && !ferror(stdout))
    return judge_code_of(ruling);
  screen_error("cannot write to standard output: %s.", strerror(errno));
  return JUDGE_USAGE;
}
