// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_KEYS_FIELDS_H
#define AVOW_KEYS_FIELDS_H

#include "base/bytes.h"
#include "base/limits.h"

/* What the text files of this room have in common: lines, fields parted by blanks (spaces and
 * tabs), and armour.  For this room only. */

/* A walk over the lines of a file. */
struct fields_lines {
  struct view rest;
  unsigned number; /* of the line returned last, from 1 */
};

/** fields_lines_of(file): Return a walk that stands before the first line of ${file}. */
struct fields_lines fields_lines_of(struct view file);

/**
 * fields_next_line(lines, ret_line):
 * Take the next line, without its LF or CRLF; the last one may lack them.  False at the end.
 */
bool fields_next_line(struct fields_lines *lines, struct view *ret_line);

/** fields_blank(byte): Whether ${byte} is a space or a tab. */
bool fields_blank(uint8_t byte);

/** fields_trim(text): Return ${text} without the blanks at both ends. */
struct view fields_trim(struct view text);

/** fields_skipped(line): Whether the trimmed ${line} says nothing: empty, or begins with '#'. */
bool fields_skipped(struct view line);

/** fields_has(text, byte): Whether ${byte} occurs in ${text}. */
bool fields_has(struct view text, uint8_t byte);

/** fields_take(rest): Take the bytes up to the first blank, and the blanks after them. */
struct view fields_take(struct view *rest);

/** fields_equal_nocase(a, b): Compare without regard to ASCII case, whatever the locale. */
bool fields_equal_nocase(struct view a, struct view b);

/**
 * fields_name(text, name):
 * Copy ${text} with a NUL, cut to fit; a UTF-8 character is kept whole or left out.
 */
void fields_name(struct view text, char name[AVOW_NAME_SIZE]);

/**
 * fields_armor(begin, end, text, file):
 * Append ${text} to ${file} in lines of 70 characters, as ssh-keygen does, between the lines
 * ${begin} and ${end}; all of it, or nothing.  Errors of buf_reserve.
 */
enum avow_error fields_armor(const char *begin, const char *end, struct view text,
                             struct buf *file);

#endif
