// SPDX-License-Identifier: Apache-2.0
#include "keys/allowed_signers.h"

#include <string.h>

#include "base/when.h"
#include "keys/fields.h"
#include "keys/public_key.h"
#include "keys/sshsig.h"

/* The options of a line. */
struct options {
  bool authority; /* cert-authority: the key vouches for certificates, and is nobody's own */
  bool has_namespaces, has_after, has_before;
  struct view namespaces;
  uint64_t after_s, before_s; /* seconds since 1970 */
};

/* One line, read. */
struct signer {
  struct view principals;
  struct options options;
  bool ed25519; /* else ${key} is not set: a key of another type, which never matches */
  uint8_t key[ED25519_PUBLIC_SIZE];
};

/* ${size} decimal digits from the front of ${text}; false if there are fewer. */
static bool take_digits(struct view *text, size_t size, unsigned *ret) {
  if (text->size < size)
    return false;
  unsigned value = 0;
  for (size_t i = 0; i < size; i++) {
    if (text->data[i] < '0' || text->data[i] > '9')
      return false;
    value = value * 10 + (unsigned)(text->data[i] - '0');
  }
  *text = view_of(text->data + size, text->size - size);
  *ret = value;
  return true;
}

static bool is_leap(unsigned year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Whether the calendar has such a date since 1970. */
static bool is_date(unsigned year, unsigned month, unsigned day) {
  static const uint8_t sizes[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1970 || month < 1 || month > 12 || day < 1)
    return false;
  return day <= sizes[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* YYYYMMDD[HHMM[SS]][Z] */
static bool read_time(struct view text, uint64_t *ret_s) {
  if (text.size > 0 && text.data[text.size - 1] == 'Z')
    text.size--;
  unsigned year, month, day, hour = 0, minute = 0, second = 0;
  if (!take_digits(&text, 4, &year) || !take_digits(&text, 2, &month) ||
      !take_digits(&text, 2, &day))
    return false;
  if (text.size > 0 && (!take_digits(&text, 2, &hour) || !take_digits(&text, 2, &minute)))
    return false;
  if (text.size > 0 && !take_digits(&text, 2, &second))
    return false;
  if (text.size > 0 || hour > 23 || minute > 59 || second > 59 || !is_date(year, month, day))
    return false;
  *ret_s = (uint64_t)when_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
  return true;
}

/* Where a "…" that begins at ${text} ends, past its closing quote; 0 if it does not.  As OpenSSH
 * has it, only \" is an escape: any other backslash stands for itself. */
static size_t quoted_size(struct view text) {
  if (text.size == 0 || text.data[0] != '"')
    return 0;
  for (size_t i = 1; i < text.size; i++) {
    if (text.data[i] == '\\' && i + 1 < text.size && text.data[i + 1] == '"')
      i++;
    else if (text.data[i] == '"')
      return i + 1;
  }
  return 0;
}

/* Take ="…" and return what is between the quotes, its escapes as they are: neither a time nor a
 * pattern that can match SSHSIG_NAMESPACE has a quote in it, so there is nothing to undo. */
static bool take_value(struct view *text, struct view *ret) {
  if (text->size == 0 || text->data[0] != '=')
    return false;
  struct view value = view_of(text->data + 1, text->size - 1);
  size_t size = quoted_size(value);
  if (size == 0)
    return false;
  *ret = view_of(value.data + 1, size - 2);
  *text = view_of(value.data + size, value.size - size);
  return true;
}

static struct view take_option_name(struct view *text) {
  size_t size = 0;
  while (size < text->size && strchr("=, \t", text->data[size]) == NULL)
    size++;
  struct view name = view_of(text->data, size);
  *text = view_of(text->data + size, text->size - size);
  return name;
}

static bool take_time(struct view *text, bool *has, uint64_t *ret_s) {
  struct view value;
  if (*has || !take_value(text, &value) || !read_time(value, ret_s))
    return false;
  *has = true;
  return true;
}

static bool take_option(struct view *text, struct options *options) {
  struct view name = take_option_name(text);
  if (fields_equal_nocase(name, view_text("cert-authority"))) {
    options->authority = true;
    return true;
  }
  if (fields_equal_nocase(name, view_text("namespaces"))) {
    if (options->has_namespaces)
      return false;
    options->has_namespaces = true;
    return take_value(text, &options->namespaces);
  }
  if (fields_equal_nocase(name, view_text("valid-after")))
    return take_time(text, &options->has_after, &options->after_s);
  if (fields_equal_nocase(name, view_text("valid-before")))
    return take_time(text, &options->has_before, &options->before_s);
  return false;
}

/* Take the options and the blanks behind them.  As ssh-keygen does, we do not take an option twice,
 * nor a time that ends before it begins. */
static bool take_options(struct view *text, struct options *options) {
  for (;;) {
    if (!take_option(text, options) || text->size == 0)
      return false;
    if (fields_blank(text->data[0]))
      break;
    if (text->data[0] != ',')
      return false;
    *text = view_of(text->data + 1, text->size - 1);
  }
  *text = fields_trim(*text);
  return !options->has_after || !options->has_before || options->before_s > options->after_s;
}

/* The first field, which may stand in quotes if there are blanks in it. */
static bool take_principals(struct view *text, struct view *ret) {
  if (text->size == 0 || text->data[0] != '"') {
    *ret = fields_take(text);
  } else {
    const uint8_t *end = memchr(text->data + 1, '"', text->size - 1);
    if (end == NULL)
      return false;
    size_t size = (size_t)(end - text->data);
    *ret = view_of(text->data + 1, size - 1);
    struct view rest = view_of(text->data + size + 1, text->size - size - 1);
    if (rest.size == 0 || !fields_blank(rest.data[0]))
      return false;
    *text = fields_trim(rest);
  }
  return ret->size > 0;
}

/* Take the next item of a list that is parted by commas.  False at the end. */
static bool take_item(struct view *list, struct view *ret) {
  if (list->size == 0)
    return false;
  const uint8_t *comma = memchr(list->data, ',', list->size);
  size_t size = comma != NULL ? (size_t)(comma - list->data) : list->size;
  size_t taken = comma != NULL ? size + 1 : size;
  *ret = view_of(list->data, size);
  *list = view_of(list->data + taken, list->size - taken);
  return true;
}

static enum avow_error read_line(struct view line, struct signer *ret) {
  struct signer signer = {0};
  if (fields_has(line, '\0') || !take_principals(&line, &signer.principals))
    return AVOW_MALFORMED;
  enum avow_error error = public_key_decode(line, signer.key, NULL);
  if (error == AVOW_MALFORMED) {
    /* No key?  Then options stand before it. */
    if (!take_options(&line, &signer.options))
      return AVOW_MALFORMED;
    error = public_key_decode(line, signer.key, NULL);
  }
  if (error != AVOW_OK && error != AVOW_KEY_TYPE)
    return error;
  signer.ed25519 = error == AVOW_OK;
  *ret = signer;
  return AVOW_OK;
}

/* Whether ${text} matches ${pattern}, where '*' is any bytes and '?' is one.  On a mismatch only
 * the last '*' has to be tried again, so the time is at most the product of the sizes. */
static bool glob(struct view pattern, struct view text) {
  size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;
  while (t < text.size) {
    if (p < pattern.size && pattern.data[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size && (pattern.data[p] == '?' || pattern.data[p] == text.data[t])) {
      p++;
      t++;
    } else if (star != SIZE_MAX) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size && pattern.data[p] == '*')
    p++;
  return p == pattern.size;
}

/* PATTERNS of ssh_config(5): one pattern must match, and none that is negated with '!'. */
static bool in_patterns(struct view patterns, const char *text) {
  bool found = false;
  struct view pattern;
  while (take_item(&patterns, &pattern)) {
    bool negated = pattern.size > 0 && pattern.data[0] == '!';
    if (negated)
      pattern = view_of(pattern.data + 1, pattern.size - 1);
    if (!glob(pattern, view_text(text)))
      continue;
    if (negated)
      return false;
    found = true;
  }
  return found;
}

/* The name of a line; false if it has none, only names that it excludes ("!mallory"). */
static bool find_name(struct view principals, struct view *ret) {
  struct view item;
  while (take_item(&principals, &item)) {
    if (item.size > 0 && item.data[0] != '!') {
      *ret = item;
      return true;
    }
  }
  return false;
}

/* Whether ${key} is let in by this line at some time. */
static bool line_has(const struct signer *signer, const uint8_t key[ED25519_PUBLIC_SIZE]) {
  return signer->ed25519 && memcmp(signer->key, key, ED25519_PUBLIC_SIZE) == 0 &&
         !signer->options.authority &&
         (!signer->options.has_namespaces ||
          in_patterns(signer->options.namespaces, SSHSIG_NAMESPACE));
}

/* Take the next line that has ${key}.  Returns AVOW_NOT_FOUND at the end, AVOW_MALFORMED. */
static enum avow_error next_line(struct fields_lines *walk, const uint8_t *key,
                                 struct allowed_line *ret) {
  struct view line, name;
  while (fields_next_line(walk, &line)) {
    line = fields_trim(line);
    if (fields_skipped(line))
      continue;
    struct signer signer;
    const struct options *options = &signer.options;
    enum avow_error error = read_line(line, &signer);
    if (error != AVOW_OK)
      return error;
    if (!line_has(&signer, key) || !find_name(signer.principals, &name))
      continue;
    *ret = (struct allowed_line){.number = walk->number,
                                 .after_s = options->has_after ? options->after_s : 0,
                                 .before_s = options->has_before ? options->before_s : UINT64_MAX,
                                 .principals = signer.principals};
    return AVOW_OK;
  }
  return AVOW_NOT_FOUND;
}

enum avow_error allowed_signers_lines(struct view file, const uint8_t key[ED25519_PUBLIC_SIZE],
                                      struct buf *lines, unsigned *ret_line) {
  struct fields_lines walk = fields_lines_of(file);
  struct allowed_line line;
  enum avow_error error;
  while ((error = next_line(&walk, key, &line)) == AVOW_OK)
    if ((error = buf_append(lines, view_of(&line, sizeof line))) != AVOW_OK)
      return error;
  if (error == AVOW_MALFORMED)
    *ret_line = walk.number;
  return error == AVOW_NOT_FOUND ? AVOW_OK : error;
}

/* Both ends are seconds that belong to the time, as ssh-keygen -Y verify counts. */
bool allowed_line_in_time(const struct allowed_line *line, uint64_t wall_us) {
  return wall_us / 1000000 >= line->after_s && wall_us / 1000000 <= line->before_s;
}

void allowed_line_name(const struct allowed_line *line, char name[AVOW_NAME_SIZE]) {
  struct view first = view_of("", 0), principals = line->principals;
  (void)find_name(principals, &first);
  fields_name(first, name);
}

bool allowed_line_is(const struct allowed_line *line, const char *principal) {
  return in_patterns(line->principals, principal);
}

enum avow_error allowed_signers_find(struct view file, const uint8_t key[ED25519_PUBLIC_SIZE],
                                     uint64_t wall_us, char *name, unsigned *ret_line) {
  struct fields_lines walk = fields_lines_of(file);
  struct allowed_line line, found = {0};
  enum avow_error result = AVOW_NOT_FOUND, error;
  while ((error = next_line(&walk, key, &line)) == AVOW_OK) {
    bool good = result != AVOW_OK && allowed_line_in_time(&line, wall_us);
    if (good)
      found = line;
    if (result != AVOW_OK)
      result = good ? AVOW_OK : AVOW_EXPIRED;
  }
  if (error != AVOW_NOT_FOUND) {
    *ret_line = walk.number;
    return error;
  }
  if (result == AVOW_OK) {
    allowed_line_name(&found, name);
    *ret_line = found.number;
  }
  return result;
}
