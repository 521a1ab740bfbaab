// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_SIM_DISK_H
#define AVOW_SIM_DISK_H

#include "rules.h"
#include "store/store.h"
#include "world.h"

/* Disks: src/store/store.h over memory.  What is appended is in the system's cache until it is
 * synced; a machine that loses its power loses that, or keeps a first part of it.  Every durable
 * byte is read at once by a witness, who holds it against the model. */

struct file {
  char name[32];
  struct buf bytes;
  size_t synced;
  size_t *copies; /* sizes that it durably had, growing */
  size_t copies_count;
  bool listed; /* its entry in the folder is durable */
  bool locked;
  unsigned reads; /* in this life of its program */
  unsigned model;
  struct replay *replay;
  struct rules *rules;
  size_t witnessed; /* bytes that were read */
  uint64_t messages, connections, envelopes, confirmed;
  bool ended;
};

struct store {
  struct host *host;
  struct file **files;
  unsigned count, capacity;
};

struct log {
  struct host *host;
  struct file *file;
  uint64_t size;
  bool failed, locker;
};

void disk_begin(struct host *host);
void disk_end(struct host *host);

/** disk_power(host): The machine has lost its power. */
void disk_power(struct host *host);

/** disk_file(store, session_id): Return the log of this session; NULL if there is none. */
const struct file *disk_file(const struct store *store, const uint8_t session_id[SESSION_ID_SIZE]);

/** disk_log(store, session_id): Return what the log of this session durably tells; NULL if there is
 * none. */
const struct rules *disk_log(const struct store *store, const uint8_t session_id[SESSION_ID_SIZE]);

/** disk_put_back(host): One of its logs becomes what it durably was some time ago. */
void disk_put_back(struct host *host);

/** disk_unread(store): Return it, with nothing read from it yet. */
struct store *disk_unread(struct store *store);

/** disk_wasted(store): Whether more than the end was read since then of a log that is finished. */
bool disk_wasted(const struct store *store);

/** witness_judge(host, file): Read all of it by the rules alone, into ${file->rules}.  Return what
 * is wrong, or NULL. */
const char *witness_judge(struct host *host, struct file *file);

/** witness_read(host, file): Read what has become durable. */
void witness_read(struct host *host, struct file *file);

/** witness_again(host, file): Read all of it anew, and find what was there before. */
void witness_again(struct host *host, struct file *file);

/**
 * witness_count(file, ret_messages, ret_connections):
 * Count what a program reads there, whether it is durable or not.
 */
void witness_count(const struct file *file, uint64_t *ret_messages, uint64_t *ret_connections);

/** witness_forget(file): It is gone. */
void witness_forget(struct file *file);

#endif
