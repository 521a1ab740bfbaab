// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "mallory_scene.h"
#include "mallory_sights.h"
#include "mallory_stage.h"

/* How long the whole of a scene may take: of what should have come by then, nothing is waited for
 * any more. */
#define START_S 10.0
#define BOB_S 25.0
#define END_S 5.0
#define GIVE_UP_S 4.0
/* Between two messages, and how long to wait for a confirmation before the next one. */
#define PACE_S 0.2
#define CONFIRMED_S 0.5
#define LOGS_MAX (16u * 1024u * 1024u)

struct play {
  const struct scene *scene;
  enum handshake mode;
  const char *programs, *folder;
  struct actor alice, mallory, bobs[2];
  struct result *result;
};

/* The first thing that is not as it must be. */
static bool wrong(struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct play *play, const char *format, ...) {
  va_list args;
  if (play->result->problem[0] == '\0') {
    va_start(args, format);
    vsnprintf(play->result->problem, sizeof play->result->problem, format, args);
    va_end(args);
    for (char *c = play->result->problem; *c != '\0'; c++)
      if (*c == '\n')
        *c = '|'; /* texts are on lines of their own */
  }
  return false;
}

static const char *mode_name(const struct play *play) {
  return play->mode == HANDSHAKE_TLS ? "tls" : "plain";
}

static void path_of(const struct play *play, const char *name, char path[STAGE_PATH_MAX]) {
  snprintf(path, STAGE_PATH_MAX, "%s/%s", play->folder, name);
}

static bool start(struct play *play, struct actor *actor, const char *who, const char *folder,
                  const char *const *args, bool with_input) {
  char program[STAGE_PATH_MAX], place[STAGE_PATH_MAX];
  snprintf(program, sizeof program, "%s/%s", play->programs, who);
  path_of(play, folder, place);
  return stage_start(actor, program, place, who, args, with_input) ||
         wrong(play, "%s cannot be started", who);
}

/* Bob makes his key, and gives it to Alice. */
static bool introduce(struct play *play) {
  static const char *const args[] = {"keygen", NULL};
  struct actor bob = {0};
  struct buf line;
  char path[STAGE_PATH_MAX];
  if (!start(play, &bob, "bob", "bob", args, false) || !stage_wait(&bob, START_S) ||
      bob.status != 0)
    return wrong(play, "bob makes no key");
  path_of(play, "allowed", path);
  buf_init(&line, 4096);
  stage_read(bob.out, &line);
  FILE *file = fopen(path, "w");
  bool good =
      file != NULL && fprintf(file, "bob %.*s", (int)buf_view(&line).size, (char *)line.data) > 0;
  if (file != NULL)
    good &= fclose(file) == 0;
  buf_free(&line);
  remove(bob.out);
  remove(bob.err);
  return good || wrong(play, "no list of allowed keys");
}

static bool start_alice(struct play *play) {
  const char *args[STAGE_ARGS_MAX + 1] = {"--handshake", mode_name(play), "-v"};
  size_t count = 3;
  char port[STAGE_PATH_MAX];
  if (play->mode == HANDSHAKE_TLS) {
    args[count++] = "--allowed-signers";
    args[count++] = "../allowed";
  }
  if ((play->scene->how & SCENE_TWO_BOBS) != 0)
    args[count++] = "--serve";
  path_of(play, "alice/port", port);
  remove(port); /* of one who was killed */
  return start(play, &play->alice, "alice", "alice", args, false) &&
         (stage_there(port, START_S) || wrong(play, "alice does not start"));
}

static bool start_mallory(struct play *play) {
  const char *args[STAGE_ARGS_MAX + 1] = {"--json", "--port-file", "../alice/port", "--lay",
                                          "port"};
  size_t count = 5;
  char port[STAGE_PATH_MAX];
  for (size_t i = 0; i < 2 && play->scene->attacks[i] != NULL; i++) {
    args[count++] = "--attack";
    args[count++] = play->scene->attacks[i];
  }
  path_of(play, "mallory/port", port);
  if (!start(play, &play->mallory, "mallory", "mallory", args, false) ||
      !stage_there(port, START_S))
    return wrong(play, "mallory does not start");
  if ((play->scene->how & SCENE_POSE) == 0)
    return true;
  /* She has what she wanted, or was refused. */
  bool over = play->mode == HANDSHAKE_TLS ? stage_sees(play->mallory.out, "\"refused\"", START_S)
                                          : stage_sees(play->mallory.out, "\"confirmed\"", START_S);
  return over || wrong(play, "mallory did not get through with her call");
}

static bool start_bob(struct play *play, size_t which) {
  static const char *const outboxes[] = {"outbox", "outbox-two"};
  const char *args[] = {"--handshake",
                        mode_name(play),
                        "--port-file",
                        "../mallory/port",
                        "--resend-after",
                        "1",
                        "--wait-for",
                        "6",
                        "-v",
                        "--outbox",
                        outboxes[which],
                        NULL};
  if ((play->scene->how & SCENE_SLOW_BOB) != 0)
    args[5] = "5"; /* longer than the silence after which a spoilt stream heals */
  /* Two bobs have one home, and screens of their own. */
  if (which == 0)
    return start(play, &play->bobs[0], "bob", "bob", args, true);
  char program[STAGE_PATH_MAX], place[STAGE_PATH_MAX];
  snprintf(program, sizeof program, "%s/bob", play->programs);
  path_of(play, "bob", place);
  return stage_start(&play->bobs[1], program, place, "bob-two", args, true) ||
         wrong(play, "bob cannot be started");
}

/* The next text: he gives it, and waits a while for its confirmation. */
static void say(struct play *play, size_t which, size_t text) {
  char confirmed[80];
  struct actor *bob = &play->bobs[which];
  stage_say(bob, SCENE_TEXT[text]);
  snprintf(confirmed, sizeof confirmed, "Message %zu was successfully received", text);
  (void)stage_sees(bob->err, confirmed, CONFIRMED_S);
  stage_pause(PACE_S);
}

static bool restart_alice(struct play *play) {
  if (!stage_sees(play->bobs[0].err, "Message 0 was successfully received", START_S))
    return wrong(play, "the first message was not confirmed");
  stage_stop(&play->alice, SIGKILL, END_S);
  return start_alice(play);
}

static bool talk(struct play *play) {
  bool two = (play->scene->how & SCENE_TWO_BOBS) != 0;
  if (!start_bob(play, 0))
    return false;
  (void)stage_sees(play->bobs[0].err, "Connected to server.", 1.0);
  for (size_t text = 0; text < SCENE_TEXTS; text++) {
    say(play, 0, text);
    if (text == 0 && (play->scene->how & SCENE_RESTART) != 0 && !restart_alice(play))
      return false;
    if (text == 0 && two) {
      if (!start_bob(play, 1))
        return false;
      (void)stage_sees(play->bobs[1].err, "Connected to server.", START_S);
    }
    if (two)
      say(play, 1, text);
  }
  for (size_t which = 0; which < (two ? 2u : 1u); which++)
    stage_hush(&play->bobs[which]);
  if ((play->scene->how & SCENE_GIVE_UP) != 0 && !stage_wait(&play->bobs[0], GIVE_UP_S)) {
    kill(play->bobs[0].pid, SIGINT); /* he would like to finish first */
    stage_pause(PACE_S);
    stage_stop(&play->bobs[0], SIGINT, END_S);
  }
  for (size_t which = 0; which < (two ? 2u : 1u); which++)
    if (!stage_wait(&play->bobs[which], BOB_S))
      return wrong(play, "bob does not end");
  return true;
}

/* Everybody goes home. */
static void end(struct play *play) {
  stage_stop(&play->bobs[0], SIGKILL, END_S);
  stage_stop(&play->bobs[1], SIGKILL, END_S);
  (void)stage_wait(&play->alice, 0.3);
  stage_stop(&play->alice, SIGTERM, END_S);
  stage_stop(&play->mallory, SIGTERM, END_S);
}

/* How often each text stands in Alice's logs: "Message text: " and the text, in order. */
static void read_delivered(const struct play *play, struct buf *texts) {
  static const char field[] = "Message text: ";
  struct buf logs;
  char path[STAGE_PATH_MAX];
  buf_init(&logs, LOGS_MAX);
  path_of(play, "alice/logs", path);
  stage_logs(path, &logs);
  (void)buf_text(&logs, "\n");
  (void)buf_u8(&logs, 0);
  char *line = (char *)buf_view(&logs).data, *next;
  for (; line != NULL && (next = strchr(line, '\n')) != NULL; line = next + 1) {
    *next = '\0';
    if (strncmp(line, field, strlen(field)) == 0)
      (void)buf_format(texts, "%s\n", line + strlen(field));
  }
  (void)buf_u8(texts, 0);
  buf_free(&logs);
}

/* The texts that should stand there, as read_delivered gives them. */
static void expected_texts(const struct play *play, enum delivered delivered, char *text,
                           size_t size) {
  const char *const *t = SCENE_TEXT;
  const char *forged = SCENE_FORGED;
  text[0] = '\0';
  if (delivered == DELIVERED_FORGED)
    snprintf(text, size, "%s\n%s\n%s\n", forged, forged, forged);
  else if (delivered == DELIVERED_SPOILT)
    snprintf(text, size, "%s\n%s\n%s\n", t[0], forged, t[2]);
  else if (delivered == DELIVERED_ONCE || delivered == DELIVERED_MORE)
    snprintf(text, size, "%s%s%s\n%s\n%s\n", delivered == DELIVERED_MORE ? forged : "",
             delivered == DELIVERED_MORE ? "\n" : "", t[0], t[1], t[2]);
  if ((play->scene->how & SCENE_TWO_BOBS) != 0 && strlen(text) * 2 < size)
    memmove(text + strlen(text), text, strlen(text) + 1);
}

static bool check_delivered(struct play *play, const struct outcome *outcome) {
  static const char *const words[] = {
      [DELIVERED_ONCE] = "all, once, in order",
      [DELIVERED_WAITS] = "nothing; all waits in Bob's outbox",
      [DELIVERED_BELIEVED] = "nothing, and Bob believes it is",
      [DELIVERED_FORGED] = "her texts in the place of Bob's",
      [DELIVERED_SPOILT] = "a text of hers in the place of one",
      [DELIVERED_MORE] = "all, once; and a text of hers as Bob's",
  };
  struct buf texts;
  char expected[400];
  buf_init(&texts, LOGS_MAX);
  read_delivered(play, &texts);
  expected_texts(play, outcome->delivered, expected, sizeof expected);
  const char *there = (const char *)buf_view(&texts).data;
  bool same = strcmp(there, expected) == 0;
  if (!same)
    wrong(play, "Alice's logs should have [%s], and have [%.150s]", expected, there);
  buf_free(&texts);
  for (size_t which = 0; which < 2 && same; which++)
    if (play->bobs[which].out[0] != '\0' && play->bobs[which].status != outcome->code)
      same = wrong(play, "bob's exit status is %d, and should be %d", play->bobs[which].status,
                   outcome->code);
  snprintf(play->result->delivered, sizeof play->result->delivered, "%s",
           words[outcome->delivered]);
  return same;
}

/* Which of Bob's texts Mallory has told that she read. */
static unsigned read_learned(const struct play *play) {
  struct buf out;
  unsigned learned = 0;
  buf_init(&out, LOGS_MAX);
  stage_read(play->mallory.out, &out);
  (void)buf_text(&out, "\n");
  (void)buf_u8(&out, 0);
  char *line = (char *)buf_view(&out).data, *next;
  for (; line != NULL && (next = strchr(line, '\n')) != NULL; line = next + 1) {
    *next = '\0';
    json_t *object = json_loads(line, 0, NULL);
    const char *event = json_string_value(json_object_get(object, "event"));
    const char *text = json_string_value(json_object_get(object, "text"));
    for (unsigned i = 0; i < SCENE_TEXTS; i++)
      if (event != NULL && text != NULL && strcmp(event, "learned") == 0 &&
          strcmp(text, SCENE_TEXT[i]) == 0)
        learned |= 1u << i;
    json_decref(object);
  }
  buf_free(&out);
  return learned;
}

static bool check_learned(struct play *play) {
  unsigned learned = read_learned(play), all = (1u << SCENE_TEXTS) - 1;
  unsigned expected = play->mode == HANDSHAKE_PLAIN ? all : 0;
  snprintf(play->result->learned, sizeof play->result->learned, "%s",
           learned == all ? "every text"
           : learned == 0 ? "lengths and times"
                          : "some texts");
  return learned == expected || wrong(play, "mallory should have read %s, and has read %s",
                                      expected == 0 ? "nothing" : "all", play->result->learned);
}

void scene_play(const struct scene *scene, enum handshake mode, const char *programs,
                const char *folder, struct result *ret) {
  struct play play = {.scene = scene,
                      .mode = mode,
                      .programs = programs,
                      .folder = folder,
                      .alice = {.input = -1},
                      .mallory = {.input = -1},
                      .bobs = {{.input = -1}, {.input = -1}},
                      .result = ret};
  *ret = (struct result){0};
  bool good = (mode == HANDSHAKE_PLAIN || introduce(&play)) && start_alice(&play) &&
              start_mallory(&play) && talk(&play);
  end(&play);
  ret->good = good && check_delivered(&play, &scene->outcome[mode]) && check_learned(&play) &&
              sights_check(scene, &scene->outcome[mode], folder, ret);
}
