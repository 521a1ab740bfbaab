// SPDX-License-Identifier: Apache-2.0
#include "mallory_sights.h"

#include <stdio.h>
#include <string.h>

#include "mallory_stage.h"

#define FILE_MAX (16u * 1024u * 1024u)

static const struct {
  const char *who, *where;
} PLACES[] = {[ALICE_LOG] = {"Alice", "Alice's log"},
              [BOB_LOG] = {"Bob", "Bob's log"},
              [ALICE_SCREEN] = {"Alice", "Alice's screen"},
              [BOB_SCREEN] = {"Bob", "Bob's screen"},
              [MALLORY_HERSELF] = {"nobody", "Mallory"}};

/* What honest sides say when something was lost or late on the way, whatever it was. */
static const char *const CONSEQUENCES[] = {"A message before this one is missing.", "Late token.",
                                           "Message received again, confirmed again.",
                                           "No confirmation received from the server.",
                                           "The connection was cut."};

static void read_place(const char *folder, enum place place, struct buf *ret) {
  char path[STAGE_PATH_MAX];
  static const char *const names[][2] = {[ALICE_LOG] = {"alice/logs", NULL},
                                         [BOB_LOG] = {"bob/outbox", "bob/outbox-two"},
                                         [ALICE_SCREEN] = {"alice/alice.err", NULL},
                                         [BOB_SCREEN] = {"bob/bob.err", "bob/bob-two.err"},
                                         [MALLORY_HERSELF] = {"mallory/mallory.out", NULL}};
  for (size_t i = 0; i < 2 && names[place][i] != NULL; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[place][i]);
    if (place == ALICE_LOG || place == BOB_LOG)
      stage_logs(path, ret);
    else
      stage_read(path, ret);
  }
  (void)buf_u8(ret, 0);
}

/* The line in which ${text} stands; false if it stands nowhere.  Of a log, an incident's line. */
static bool find_line(const char *all, enum place place, const char *text, char *line,
                      size_t size) {
  char wanted[160];
  bool log = place == ALICE_LOG || place == BOB_LOG;
  snprintf(wanted, sizeof wanted, "%s%s", log ? "\nIncident: " : "", text);
  const char *at = strstr(all, wanted);
  if (at == NULL)
    return false;
  at += log ? 1 : 0;
  while (at > all && at[-1] != '\n')
    at--;
  snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
  return true;
}

static void add(char *to, size_t size, const char *between, const char *text) {
  size_t there = strlen(to);
  snprintf(to + there, size - there, "%s%s", there > 0 ? between : "", text);
}

/* Every incident in a log is one that is expected, or a consequence. */
static bool only_expected(const struct outcome *outcome, enum place place, const char *log,
                          struct result *result) {
  static const char field[] = "\nIncident: ";
  for (const char *at = strstr(log, field); at != NULL; at = strstr(at + 1, field)) {
    const char *what = at + strlen(field);
    bool known = false;
    for (size_t i = 0; i < sizeof CONSEQUENCES / sizeof CONSEQUENCES[0]; i++)
      known |= strncmp(what, CONSEQUENCES[i], strlen(CONSEQUENCES[i])) == 0;
    for (size_t i = 0; i < 2; i++) {
      const struct sight *sight = &outcome->sights[i];
      known |= sight->text != NULL && sight->place == place &&
               strncmp(what, sight->text, strlen(sight->text)) == 0;
    }
    if (!known) {
      snprintf(result->problem, sizeof result->problem, "%s also has: %.*s", PLACES[place].where,
               (int)strcspn(what, "\n"), what);
      return false;
    }
  }
  return true;
}

static bool check_place(const struct outcome *outcome, enum place place, const char *all, bool any,
                        struct result *result) {
  for (size_t i = 0; i < 2; i++) {
    const struct sight *sight = &outcome->sights[i];
    char line[120], proof[200];
    if (sight->text == NULL || sight->place != place)
      continue;
    if (!find_line(all, place, sight->text, line, sizeof line)) {
      snprintf(result->problem, sizeof result->problem, "%s should have '%s', and has not",
               PLACES[place].where, sight->text);
      return false;
    }
    snprintf(proof, sizeof proof, "%s: `%s`", PLACES[place].where,
             place == ALICE_LOG || place == BOB_LOG ? line : sight->text);
    add(result->proof, sizeof result->proof, "; ", proof);
    if (strstr(result->noticed, PLACES[place].who) == NULL)
      add(result->noticed, sizeof result->noticed, ", ", PLACES[place].who);
  }
  return any || (place != ALICE_LOG && place != BOB_LOG) ||
         only_expected(outcome, place, all, result);
}

bool sights_check(const struct scene *scene, const struct outcome *outcome, const char *folder,
                  struct result *result) {
  struct buf all;
  bool good = true, any = (scene->how & SCENE_ANY_SIGHT) != 0;
  size_t incidents = 0;
  buf_init(&all, FILE_MAX);
  for (int place = ALICE_LOG; place <= MALLORY_HERSELF && good; place++) {
    buf_clear(&all);
    read_place(folder, (enum place)place, &all);
    const char *text = (const char *)buf_view(&all).data;
    incidents += strstr(text, "\nIncident: ") != NULL;
    good = check_place(outcome, (enum place)place, text, any, result);
  }
  buf_free(&all);
  if (good && any && incidents == 0) {
    snprintf(result->problem, sizeof result->problem, "nobody noticed anything");
    good = false;
  }
  if (result->noticed[0] == '\0')
    add(result->noticed, sizeof result->noticed, "", any ? "who was hit" : "nobody");
  if (result->proof[0] == '\0')
    add(result->proof, sizeof result->proof, "", any ? "incidents in the logs" : "no incident");
  return good;
}
