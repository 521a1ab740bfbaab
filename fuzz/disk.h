// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_FUZZ_DISK_H
#define AVOW_FUZZ_DISK_H

#include "evidence/replay.h"

/* A core's log on a disk that may lose what was not synced; and what stands in it, found with other
 * code than the core's. */
struct disk {
  struct buf log;
  size_t synced;
  struct buf hashes; /* of the messages, by id: 64 bytes each */
  uint64_t messages; /* how many are written */
  uint64_t durable;  /* and how many of them synced */
};

/** disk_init(disk), disk_free(disk): An empty one. */
void disk_init(struct disk *disk);
void disk_free(struct disk *disk);

/** disk_write(disk, record): Append whole lines; ids of messages in them must be in order. */
void disk_write(struct disk *disk, struct view record);

/** disk_sync(disk): All that was written is durable. */
void disk_sync(struct disk *disk);

/** disk_hash(disk, id): Return the hash of a message. */
const uint8_t *disk_hash(const struct disk *disk, uint64_t id);

/**
 * disk_crash(disk, torn):
 * Lose what is not durable, but for ${torn} bytes of it at most; and read the log, which must be
 * good, giving each record to ${take}.  The log is then cut to what was finished; returns its head.
 */
struct head disk_crash(struct disk *disk, size_t torn,
                       void (*take)(void *core, const struct record *record), void *core);

#endif
