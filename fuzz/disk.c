// SPDX-License-Identifier: Apache-2.0
#include "disk.h"

#include <string.h>

#include "harness.h"

#define DISK_MAX (256u * 1024u * 1024u)
#define HASH_SIZE 64u

void disk_init(struct disk *disk) {
  *disk = (struct disk){0};
  buf_init(&disk->log, DISK_MAX);
  buf_init(&disk->hashes, DISK_MAX);
}

void disk_free(struct disk *disk) {
  buf_free(&disk->log);
  buf_free(&disk->hashes);
}

static bool starts(struct view line, const char *name) {
  return line.size >= strlen(name) && memcmp(line.data, name, strlen(name)) == 0;
}

static unsigned hex_digit(uint8_t digit) {
  REQUIRE((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'));
  return digit <= '9' ? digit - '0' : digit - 'a' + 10u;
}

static void take_line(struct disk *disk, struct view line) {
  if (starts(line, "Message ID: ")) {
    uint64_t id = 0;
    for (size_t i = 12; i < line.size; i++)
      id = id * 10 + (uint64_t)(line.data[i] - '0');
    REQUIRE(id == disk->messages++);
  } else if (starts(line, "Hash value: ")) {
    uint8_t hash[HASH_SIZE];
    REQUIRE(line.size == 12 + 2 * HASH_SIZE);
    for (size_t i = 0; i < HASH_SIZE; i++)
      hash[i] = (uint8_t)(hex_digit(line.data[12 + 2 * i]) << 4 | hex_digit(line.data[13 + 2 * i]));
    REQUIRE_OK(buf_append(&disk->hashes, view_of(hash, sizeof hash)));
  }
}

static void scan(struct disk *disk, struct view lines) {
  while (lines.size > 0) {
    const uint8_t *end = memchr(lines.data, '\n', lines.size);
    REQUIRE(end != NULL);
    struct view line = view_of(lines.data, (size_t)(end - lines.data));
    take_line(disk, line);
    lines = view_of(end + 1, lines.size - line.size - 1);
  }
}

void disk_write(struct disk *disk, struct view record) {
  scan(disk, record);
  REQUIRE_OK(buf_append(&disk->log, record));
}

void disk_sync(struct disk *disk) {
  disk->synced = buf_view(&disk->log).size;
  disk->durable = disk->messages;
}

const uint8_t *disk_hash(const struct disk *disk, uint64_t id) {
  REQUIRE(id < disk->messages);
  return buf_view(&disk->hashes).data + id * HASH_SIZE;
}

struct head disk_crash(struct disk *disk, size_t torn,
                       void (*take)(void *core, const struct record *record), void *core) {
  struct view log = buf_view(&disk->log);
  struct replay *replay;
  struct record record;
  enum avow_error error;
  if (torn < log.size - disk->synced)
    log.size = disk->synced + torn;
  REQUIRE_OK(replay_new(&replay));
  REQUIRE_OK(replay_input(replay, log));
  while ((error = replay_next(replay, &record)) == AVOW_OK)
    take(core, &record);
  REQUIRE(error == AVOW_NOT_FOUND);
  REQUIRE_OK(replay_end(replay));
  size_t finished = (size_t)replay_finished(replay);
  REQUIRE(finished >= disk->synced && finished <= log.size);
  struct head head = replay_take_head(replay);
  replay_free(replay);
  disk->log.size = disk->log.start + finished;
  disk->messages = 0;
  buf_clear(&disk->hashes);
  scan(disk, buf_view(&disk->log));
  REQUIRE(disk->messages >= disk->durable);
  disk_sync(disk);
  return head;
}
