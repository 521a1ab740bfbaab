// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_JUDGE_H
#define AVOW_BIN_JUDGE_H

#include <stdbool.h>

#include "evidence/audit.h"
#include "evidence/ruling.h"

/* What the subcommands of judge share. */

/* What judge exits with; judge(1), EXIT STATUS. */
enum judge_code {
  JUDGE_PROVEN = 0, /* or: done */
  JUDGE_REFUTED = 1,
  JUDGE_USAGE = 2, /* the command line, or a file that cannot be read or written */
  JUDGE_UNDECIDED = 3,
};

/** judge_code_of(ruling): Return what to exit with. */
enum judge_code judge_code_of(enum ruling ruling);

/* A subcommand: argv[0] is its name.  Each is a file bin/judge_NAME.c, or shares one. */
enum judge_code judge_rule(int argc, char **argv); /* verify, sent, stored, complete, same */

enum judge_code judge_export(int argc, char **argv);  /* LOG --message N FOLDER [--keys FILE] */
enum judge_code judge_receipt(int argc, char **argv); /* LOG --message N --keys FILE [--html] */
enum judge_code judge_redact(int argc, char **argv);  /* LOG --message N... [-o COPY] */
enum judge_code judge_stamp(int argc, char **argv);   /* LOG --tsa URL, --query F or --answer F */

/* What the time stamp of a log is worth. */
struct stamp_finding {
  bool there;                      /* the log has one */
  enum ruling ruling;              /* UNDECIDED also where a file cannot be read */
  char text[RULING_TEXT_SIZE - 1]; /* one sentence without its full stop, harmless on a terminal */
};

/** stamp_rule(log, authorities): Check the time stamp LOG.tsr of a log against the certificates in
 * the file ${authorities}. */
struct stamp_finding stamp_rule(const char *log, const char *authorities);

/** judge_usage(format, ...): Say what is wrong with the command line; return JUDGE_USAGE. */
enum judge_code judge_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** judge_take_id(text, ret): Take the number of a message; false if it is no id. */
bool judge_take_id(const char *text, uint64_t *ret);

/** judge_file_read(path, file): Read a file.  Returns JUDGE_PROVEN, or JUDGE_USAGE, said. */
enum judge_code judge_file_read(const char *path, struct buf *file);

/* The reader's list of keys, read from a file. */
struct judge_keys {
  struct buf file;
  struct keyring keyring;
};

/**
 * judge_keys_open(keys, path):
 * Read an allowed_signers file.  Returns JUDGE_PROVEN, or JUDGE_USAGE, said; NULL: says how to make
 * one.  judge_keys_close is due after JUDGE_PROVEN.
 */
enum judge_code judge_keys_open(struct judge_keys *keys, const char *path);

/** judge_keys_close(keys): Give the memory back. */
void judge_keys_close(struct judge_keys *keys);

#endif
