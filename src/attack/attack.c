// SPDX-License-Identifier: Apache-2.0
#include "attack/attack.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack/kinds.h"

#define NUMBER_MAX 1000000000
#define WORDS_MAX 9
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

enum form { FORM_NUMBER, FORM_SECONDS, FORM_TEXT };

struct word {
  const char *word;
  int64_t value;
};

static const struct {
  const char *name, *line;
  enum form form;
  int64_t min, max;
  struct word words[WORDS_MAX];
} OPTIONS[] = {
    [OPTION_TO] = {"to",
                   "whose frames: those to alice, to bob, or either",
                   FORM_NUMBER,
                   1,
                   0,
                   {{"alice", TO_ALICE}, {"bob", TO_BOB}, {"either", TO_EITHER}}},
    [OPTION_TYPE] = {"type",
                     "hello, handshake, open, session, refusal, token, or any",
                     FORM_NUMBER,
                     1,
                     0,
                     {{"hello", FRAME_HELLO},
                      {"handshake", FRAME_HANDSHAKE},
                      {"open", FRAME_OPEN},
                      {"session", FRAME_SESSION},
                      {"refusal", FRAME_REFUSAL},
                      {"token", FRAME_TOKEN},
                      {"any", TYPE_ANY}}},
    [OPTION_NTH] = {"nth",
                    "which of its type, way and connection, from 1; 0: each",
                    FORM_NUMBER,
                    0,
                    NUMBER_MAX,
                    {{0}}},
    [OPTION_TIMES] =
        {"times", "how often in all; 0: without end", FORM_NUMBER, 0, NUMBER_MAX, {{0}}},
    [OPTION_CONNECTION] =
        {"connection", "on this one, from 1; 0: on each", FORM_NUMBER, 0, NUMBER_MAX, {{0}}},
    [OPTION_RATE] = {"rate", "to so many percent of them", FORM_NUMBER, 0, 100, {{0}}},
    [OPTION_BYTE] = {"byte",
                     "from the frame's first, 0; negative: from its end; or any",
                     FORM_NUMBER,
                     -NUMBER_MAX,
                     NUMBER_MAX,
                     {{"any", BYTE_ANY}}},
    [OPTION_BIT] = {"bit", "0 to 7, or any", FORM_NUMBER, 0, 7, {{"any", BIT_ANY}}},
    [OPTION_SIZE] = {"size", "how many bytes", FORM_NUMBER, 1, NUMBER_MAX, {{0}}},
    [OPTION_COUNT] = {"count", "how many", FORM_NUMBER, 1, 100000, {{0}}},
    [OPTION_SECONDS] = {"seconds", "how long", FORM_SECONDS, 1, INT64_C(86400000000), {{0}}},
    [OPTION_GAP] = {"gap", "seconds between two bytes", FORM_SECONDS, 1, 10000000, {{0}}},
    [OPTION_DURING] = {"during",
                       "seconds from the first one on; 0: without end",
                       FORM_SECONDS,
                       0,
                       INT64_C(86400000000),
                       {{0}}},
    [OPTION_WHAT] = {"what",
                     "noise, http, open, token, or empty (a token of no bytes)",
                     FORM_NUMBER,
                     1,
                     0,
                     {{"noise", WHAT_NOISE},
                      {"http", WHAT_HTTP},
                      {"open", WHAT_OPEN},
                      {"token", WHAT_TOKEN},
                      {"empty", WHAT_EMPTY}}},
    [OPTION_WHEN] = {"when",
                     "now, later, or another (on the next connection)",
                     FORM_NUMBER,
                     1,
                     0,
                     {{"now", AT_ONCE}, {"later", LATER}, {"another", ANOTHER_CONNECTION}}},
    [OPTION_OVERTAKE] = {"overtake",
                         "yes: what comes behind may overtake; or no",
                         FORM_NUMBER,
                         1,
                         0,
                         {{"yes", 1}, {"no", 0}}},
    [OPTION_SEED] =
        {"seed", "of the dice: the same seed, the same row", FORM_NUMBER, 0, NUMBER_MAX, {{0}}},
    [OPTION_TEXT] = {"text", "the text, without commas", FORM_TEXT, 0, 0, {{0}}},
};
static_assert(COUNT_OF(OPTIONS) == OPTION_LAST, "one row per option");

const struct attack_kind *attack_kinds(size_t *ret_count) {
  *ret_count = ATTACK_KINDS_COUNT;
  return ATTACK_KINDS;
}

const struct attack_kind *attack_kind_named(struct view name) {
  for (size_t i = 0; i < ATTACK_KINDS_COUNT; i++)
    if (view_equal(name, view_text(ATTACK_KINDS[i].name)))
      return &ATTACK_KINDS[i];
  return NULL;
}

void attack_default(const struct attack_kind *kind, struct attack *ret) {
  *ret = (struct attack){.kind = kind, .text = "Mallory was here."};
  ret->value[OPTION_RATE] = 100;
  for (const struct attack_default *d = kind->defaults; d->option != OPTION_NONE; d++)
    ret->value[d->option] = d->value;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* How many letters must be changed, put in or left out, to make one of the other (Levenshtein). */
static size_t distance(struct view a, struct view b) {
  size_t row[40];
  if (a.size >= COUNT_OF(row) || b.size >= COUNT_OF(row))
    return SIZE_MAX;
  for (size_t j = 0; j <= b.size; j++)
    row[j] = j;
  for (size_t i = 1; i <= a.size; i++) {
    size_t above_left = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size; j++) {
      size_t change = above_left + (a.data[i - 1] != b.data[j - 1]);
      above_left = row[j];
      row[j] = least(change, least(row[j], row[j - 1]) + 1);
    }
  }
  return row[b.size];
}

const char *nearest_name(struct view name, const char *const *names, size_t count) {
  const char *nearest = NULL;
  size_t best = (name.size + 1) / 2 + 1; /* further off is no slip */
  for (size_t i = 0; i < count; i++) {
    struct view whole = view_text(names[i]);
    bool begins =
        name.size > 0 && name.size < whole.size && view_equal(name, view_of(whole.data, name.size));
    size_t here = begins ? 1 : distance(name, whole);
    if (here < best) {
      best = here;
      nearest = names[i];
    }
  }
  return nearest;
}

static bool knows(const struct attack_kind *kind, enum attack_option option) {
  for (const struct attack_default *d = kind->defaults; d->option != OPTION_NONE; d++)
    if (d->option == option)
      return true;
  return false;
}

/* "there is no attack 'replai'. Did you mean 'replay'?" */
static enum avow_error say_unknown(const char *what, struct view name, const char *const *names,
                                   size_t count, char *problem, size_t size) {
  const char *near = nearest_name(name, names, count);
  snprintf(problem, size, "%s '%.*s'%s%s%s", what, (int)least(name.size, 40), name.data,
           near != NULL ? ". Did you mean '" : "", near != NULL ? near : "",
           near != NULL ? "'?" : ".");
  return AVOW_MALFORMED;
}

static enum avow_error unknown_kind(struct view name, char *problem, size_t size) {
  const char *names[ATTACK_KINDS_COUNT];
  for (size_t i = 0; i < ATTACK_KINDS_COUNT; i++)
    names[i] = ATTACK_KINDS[i].name;
  return say_unknown("there is no attack", name, names, ATTACK_KINDS_COUNT, problem, size);
}

static enum avow_error unknown_option(const struct attack_kind *kind, struct view name,
                                      char *problem, size_t size) {
  const char *names[OPTION_LAST];
  char what[64];
  size_t count = 0;
  for (const struct attack_default *d = kind->defaults; d->option != OPTION_NONE; d++)
    names[count++] = OPTIONS[d->option].name;
  snprintf(what, sizeof what, "%s has no option", kind->name);
  return say_unknown(what, name, names, count, problem, size);
}

static bool take_word(enum attack_option option, const char *text, int64_t *ret) {
  for (const struct word *w = OPTIONS[option].words; w->word != NULL; w++) {
    if (strcmp(text, w->word) == 0) {
      *ret = w->value;
      return true;
    }
  }
  return false;
}

static bool take_number(enum attack_option option, const char *text, int64_t *ret) {
  char *end;
  errno = 0;
  bool seconds = OPTIONS[option].form == FORM_SECONDS;
  double number = seconds ? strtod(text, &end) * 1e6 : (double)strtoll(text, &end, 10);
  bool digit = (text[0] >= '0' && text[0] <= '9') || text[0] == '-' || text[0] == '.';
  if (!digit || *end != '\0' || errno != 0 || !(number >= (double)OPTIONS[option].min) ||
      number > (double)OPTIONS[option].max)
    return false;
  *ret = (int64_t)number;
  return true;
}

static enum avow_error take_value(struct attack *attack, enum attack_option option, char *text,
                                  char *problem, size_t size) {
  if (OPTIONS[option].form == FORM_TEXT) {
    attack->text = text;
    if (strlen(text) <= ATTACK_TEXT_MAX)
      return AVOW_OK;
  } else if (take_word(option, text, &attack->value[option]) ||
             take_number(option, text, &attack->value[option])) {
    return AVOW_OK;
  }
  snprintf(problem, size, "%s: %s='%.40s' cannot be (%s).", attack->kind->name,
           OPTIONS[option].name, text, OPTIONS[option].line);
  return AVOW_MALFORMED;
}

static enum avow_error take_option(struct attack *attack, char *text, char *problem, size_t size) {
  char *equals = strchr(text, '=');
  struct view name = view_of(text, equals != NULL ? (size_t)(equals - text) : strlen(text));
  for (int option = OPTION_NONE + 1; option < OPTION_LAST; option++) {
    if (!view_equal(name, view_text(OPTIONS[option].name)) ||
        !knows(attack->kind, (enum attack_option)option))
      continue;
    if (equals == NULL) {
      snprintf(problem, size, "%s: write %s=VALUE.", attack->kind->name, OPTIONS[option].name);
      return AVOW_MALFORMED;
    }
    return take_value(attack, (enum attack_option)option, equals + 1, problem, size);
  }
  return unknown_option(attack->kind, name, problem, size);
}

enum avow_error attack_parse(char *text, struct attack *ret, char *problem, size_t size) {
  struct attack attack;
  char *comma = strchr(text, ',');
  struct view name = view_of(text, comma != NULL ? (size_t)(comma - text) : strlen(text));
  const struct attack_kind *kind = attack_kind_named(name);
  if (kind == NULL)
    return unknown_kind(name, problem, size);
  attack_default(kind, &attack);
  while (comma != NULL) {
    char *option = comma + 1;
    comma = strchr(option, ',');
    if (comma != NULL)
      *comma = '\0';
    enum avow_error error = take_option(&attack, option, problem, size);
    if (error != AVOW_OK)
      return error;
  }
  *ret = attack;
  return AVOW_OK;
}

void attack_option_text(enum attack_option option, int64_t value, char *text, size_t size) {
  for (const struct word *w = OPTIONS[option].words; w->word != NULL; w++) {
    if (w->value == value) {
      snprintf(text, size, "%s=%s", OPTIONS[option].name, w->word);
      return;
    }
  }
  if (OPTIONS[option].form == FORM_SECONDS)
    snprintf(text, size, "%s=%g", OPTIONS[option].name, (double)value / 1e6);
  else if (OPTIONS[option].form == FORM_TEXT)
    snprintf(text, size, "%s=TEXT", OPTIONS[option].name);
  else
    snprintf(text, size, "%s=%" PRId64, OPTIONS[option].name, value);
}

const char *attack_option_line(enum attack_option option) {
  return OPTIONS[option].line;
}
