// SPDX-License-Identifier: Apache-2.0
#include "disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

#define FILE_MAX (256u * 1024u * 1024u)

void disk_begin(struct host *host) {
  host->store = calloc(1, sizeof *host->store);
  if (host->store == NULL)
    abort();
  host->store->host = host;
}

static void drop_file(struct store *store, unsigned i) {
  witness_forget(store->files[i]);
  buf_free(&store->files[i]->bytes);
  free(store->files[i]->copies);
  free(store->files[i]);
  memmove(store->files + i, store->files + i + 1, (--store->count - i) * sizeof *store->files);
}

void disk_end(struct host *host) {
  while (host->store->count > 0)
    drop_file(host->store, host->store->count - 1);
  free(host->store->files);
  free(host->store);
}

static size_t lose(struct file *file, size_t keep) {
  size_t lost = file->bytes.size - keep;
  file->bytes.size = keep;
  while (file->copies_count > 0 && file->copies[file->copies_count - 1] > keep)
    file->copies_count--;
  return lost;
}

static void keep_copy(struct file *file) {
  if (file->copies_count > 0 && file->copies[file->copies_count - 1] == file->synced)
    return;
  file->copies = rules_grow(file->copies, file->copies_count, sizeof *file->copies);
  file->copies[file->copies_count++] = file->synced;
}

/* Whether the logs of a side durably hold this head, of 64 hex digits. */
static bool held(const struct store *store, const uint8_t *hex, bool openings) {
  for (unsigned i = 0; i < store->count; i++)
    if (store->files[i]->rules != NULL && rules_holds(store->files[i]->rules, hex, openings))
      return true;
  return false;
}

/* Whether the other side holds a head that stands behind the first ${keep} bytes.  Where bob's old
 * copy knows no session yet, an opening that he signed later is all alone: nothing was said. */
static bool heard_of(const struct host *host, const struct file *file, size_t keep) {
  const struct store *other = host->world->hosts[OTHER(host->side)].store;
  /* In bob's log the others are alice's. */
  static const char *const names[] = {"\nHead: ", "\nHead at receipt: ", "\nHead at the end: "};
  unsigned count = host->side == ALICE ? sizeof names / sizeof names[0] : 1;
  struct view lost = view_of(file->bytes.data + keep - 1, file->synced - keep + 1);
  bool openings = memmem(file->bytes.data, keep, "\nSession: ", 10) != NULL;
  for (unsigned i = 0; i < count; i++) {
    size_t size = strlen(names[i]);
    struct view rest = lost;
    const uint8_t *at;
    while (rest.size > size + (size_t)2 * SHA256_SIZE &&
           (at = memmem(rest.data, rest.size, names[i], size)) != NULL) {
      if (held(other, at + size, openings))
        return true;
      rest = view_of(at + size, rest.size - (size_t)(at + size - rest.data));
    }
  }
  return false;
}

void disk_put_back(struct host *host) {
  struct store *store = host->store;
  struct world *world = host->world;
  if (world->lie != NO_LIE || store->count == 0)
    return;
  struct file *file = store->files[chance_between(&world->chance, 0, store->count - 1)];
  if (file->copies_count < 2)
    return;
  size_t last = file->copies_count - 1;
  size_t keep = file->copies[chance_between(&world->chance, 0, last - 1)];
  world->liar = host->side;
  world->lie = heard_of(host, file, keep) ? LIE_KNOWN : LIE_TOLD;
  trace(world, HOST_NAMES[host->side], "%s.log is an old copy: %zu bytes of %zu%s", file->name,
        keep, file->copies[last],
        world->lie == LIE_KNOWN ? ", and the other side knows better" : "");
  lose(file, keep);
  file->synced = keep;
}

/* Of what was not synced a first part is kept, perhaps none, perhaps all; and the file may be
 * longer than that, with zeroes. */
static void tear(struct host *host, struct file *file) {
  struct chance *chance = &host->world->chance;
  size_t all = file->bytes.size, keep = file->synced, loose = all - keep;
  if (loose > 0 && chance_of(chance, 600000))
    keep += chance_between(chance, 0, loose);
  lose(file, keep);
  if (chance_of(chance, 200000) && all > keep) {
    memset(file->bytes.data + keep, 0, all - keep);
    file->bytes.size = all;
  }
  file->synced = file->bytes.size;
  if (loose > 0)
    trace(host->world, HOST_NAMES[host->side], "%s.log: %zu bytes were not synced, %zu are kept",
          file->name, loose, keep + loose - all);
}

void disk_power(struct host *host) {
  struct store *store = host->store;
  for (unsigned i = store->count; i-- > 0;) {
    struct file *file = store->files[i];
    tear(host, file);
    if (!file->listed && chance_of(&host->world->chance, 500000)) {
      drop_file(store, i);
      continue;
    }
    file->listed = true;
    witness_again(host, file);
  }
}

enum avow_error store_names(struct store *store, struct buf *names) {
  enum avow_error error = AVOW_OK;
  for (unsigned i = 0; i < store->count && error == AVOW_OK; i++)
    error = buf_format(names, "%s\n", store->files[i]->name);
  return error;
}

/* A program that is dead does nothing. */
static enum avow_error dead(void) {
  errno = EIO;
  return AVOW_SYSTEM;
}

static struct file *find(struct store *store, const char *name) {
  for (unsigned i = 0; i < store->count; i++)
    if (strcmp(store->files[i]->name, name) == 0)
      return store->files[i];
  return NULL;
}

const struct file *disk_file(const struct store *store, const uint8_t session_id[SESSION_ID_SIZE]) {
  for (unsigned i = 0; i < store->count; i++) {
    const struct rules *rules = store->files[i]->rules;
    const uint8_t *session = rules == NULL ? NULL : rules_session(rules);
    if (session != NULL && memcmp(session, session_id, SESSION_ID_SIZE) == 0)
      return store->files[i];
  }
  return NULL;
}

const struct rules *disk_log(const struct store *store, const uint8_t session_id[SESSION_ID_SIZE]) {
  const struct file *file = disk_file(store, session_id);
  return file == NULL ? NULL : file->rules;
}

static struct file *add_file(struct store *store, const char *name) {
  struct file *file = calloc(1, sizeof *file);
  if (store->count == store->capacity) {
    store->capacity = store->capacity * 2 + 8;
    store->files = realloc(store->files, store->capacity * sizeof(struct file *));
  }
  if (file == NULL || store->files == NULL)
    abort();
  snprintf(file->name, sizeof file->name, "%s", name);
  buf_init(&file->bytes, FILE_MAX);
  file->model = bob_model(store->host->world);
  unsigned i = store->count++;
  for (; i > 0 && strcmp(store->files[i - 1]->name, name) > 0; i--)
    store->files[i] = store->files[i - 1];
  store->files[i] = file;
  return file;
}

static enum avow_error open_file(struct log **ret, struct store *store, struct file *file) {
  struct log *log = calloc(1, sizeof *log);
  if (log == NULL)
    abort();
  *log = (struct log){.host = store->host, .file = file, .size = file->bytes.size};
  *ret = log;
  return AVOW_OK;
}

enum avow_error log_create(struct log **ret, struct store *store, const char *name) {
  struct log *log;
  if (!host_step(store->host))
    return dead();
  if (find(store, name) != NULL) {
    errno = EEXIST;
    return AVOW_SYSTEM;
  }
  struct file *file = add_file(store, name);
  if (!host_step(store->host))
    return dead();
  file->listed = true; /* the folder is synced */
  if (!host_step(store->host))
    return dead();
  trace(store->host->world, HOST_NAMES[store->host->side], "creates %s.log", name);
  enum avow_error error = open_file(&log, store, file);
  if (error == AVOW_OK)
    error = log_lock(log);
  *ret = log;
  return error;
}

enum avow_error log_open(struct log **ret, struct store *store, const char *name) {
  struct file *file = find(store, name);
  if (!host_step(store->host))
    return dead();
  return file == NULL ? AVOW_NOT_FOUND : open_file(ret, store, file);
}

enum avow_error log_look(struct log **ret, struct store *store, const char *name) {
  return log_open(ret, store, name);
}

enum avow_error log_lock(struct log *log) {
  if (log->file->locked)
    return AVOW_BUSY;
  log->file->locked = log->locker = true;
  log->size = log->file->bytes.size;
  return AVOW_OK;
}

uint64_t log_size(const struct log *log) {
  return log->size;
}

enum avow_error log_read(struct log *log, uint64_t offset, uint8_t *bytes, size_t size,
                         size_t *ret_size) {
  struct view all = buf_view(&log->file->bytes);
  if (!host_step(log->host))
    return dead();
  log->file->reads++;
  size_t left = offset < all.size ? all.size - (size_t)offset : 0;
  *ret_size = left < size ? left : size;
  if (*ret_size > 0)
    memcpy(bytes, all.data + offset, *ret_size);
  return AVOW_OK;
}

struct store *disk_unread(struct store *store) {
  for (unsigned i = 0; i < store->count; i++)
    store->files[i]->reads = 0;
  return store;
}

bool disk_wasted(const struct store *store) {
  bool wasted = false;
  for (unsigned i = 0; i < store->count; i++)
    wasted |= store->files[i]->ended && store->files[i]->reads > 1;
  return wasted;
}

enum avow_error log_truncate(struct log *log, uint64_t size) {
  struct file *file = log->file;
  struct world *world = log->host->world;
  if (!host_step(log->host) && chance_of(&world->chance, 500000))
    return dead();
  trace(world, HOST_NAMES[log->host->side], "cuts %s.log from %zu to %llu bytes", file->name,
        file->bytes.size, (unsigned long long)size);
  lose(file, (size_t)size);
  log->size = size;
  if (file->synced > file->bytes.size)
    file->synced = file->bytes.size;
  witness_again(log->host, file);
  return log->host->dead ? dead() : log_sync(log);
}

enum avow_error log_append(struct log *log, struct view bytes) {
  struct world *world = log->host->world;
  if (!host_step(log->host))
    return dead();
  if (log->failed || (!world->calm && chance_of(&world->chance, world->setting.append_fails))) {
    log->host->disk_failed = true;
    trace(world, HOST_NAMES[log->host->side], "%s.log: no space", log->file->name);
    errno = ENOSPC;
    return AVOW_SYSTEM;
  }
  if (buf_append(&log->file->bytes, bytes) != AVOW_OK)
    abort();
  log->size += bytes.size;
  return host_step(log->host) ? AVOW_OK : dead();
}

enum avow_error log_hasten(struct log *log) {
  return log->failed ? AVOW_SYSTEM : AVOW_OK;
}

enum avow_error log_sync(struct log *log) {
  struct world *world = log->host->world;
  struct file *file = log->file;
  if (!host_step(log->host))
    return dead();
  if (!log->failed && !world->calm && chance_of(&world->chance, world->setting.sync_fails)) {
    trace(world, HOST_NAMES[log->host->side], "%s.log: a sync fails", file->name);
    log->failed = true;
    tear(log->host, file); /* and the system forgets the rest */
    witness_again(log->host, file);
  }
  log->host->disk_failed |= log->failed;
  errno = EIO;
  if (log->failed)
    return AVOW_SYSTEM;
  file->synced = file->bytes.size;
  keep_copy(file);
  witness_read(log->host, file);
  return host_step(log->host) ? AVOW_OK : dead();
}

void log_close(struct log *log) {
  if (log == NULL)
    return;
  if (log->locker)
    log->file->locked = false;
  free(log);
}

/* Nobody calls these here; io/journal.c has a function that would. */
enum avow_error store_open(struct store **ret, const char *folder) {
  (void)ret;
  (void)folder;
  return dead();
}

enum avow_error store_look(struct store **ret, const char *folder) {
  return store_open(ret, folder);
}

void store_close(struct store *store) {
  (void)store;
}
