// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "evidence/replay.h"

/* What stands durably in the logs, held against the model record by record. */

void witness_forget(struct file *file) {
  replay_free(file->replay);
  rules_free(file->rules);
  file->replay = NULL;
  file->rules = NULL;
  file->witnessed = 0;
  file->messages = file->connections = file->envelopes = file->confirmed = 0;
  file->ended = false;
}

/* The message that a log has under this id, if it is the one that bob's user gave. */
static struct entry *same_entry(struct host *host, struct file *file, const struct record *record) {
  struct world *world = host->world;
  struct model *model = &world->models[file->model];
  const char *who = HOST_NAMES[host->side];
  if (record->id != file->messages++) {
    broken(world, "%s's log: message %" PRIu64 " stands where %" PRIu64 " is due", who, record->id,
           file->messages - 1);
    return NULL;
  }
  struct entry *entry = &model->entries[record->id];
  if (record->id >= model->count || memcmp(entry->hash, record->hash, sizeof entry->hash) != 0 ||
      entry->timestamp_us != record->timestamp_us) {
    broken(world, "%s's log: message %" PRIu64 " is not the one that was given", who, record->id);
    return NULL;
  }
  return entry;
}

static void read_alices(struct host *host, struct file *file, const struct record *record) {
  struct world *world = host->world;
  struct entry *entry = same_entry(host, file, record);
  if (entry == NULL)
    return;
  if (!entry->left)
    broken(world, "alice's log: message %" PRIu64 " never left bob", record->id);
  if (entry->logged && entry->file != file)
    broken(world, "message %" PRIu64 " is in two of alice's logs", record->id);
  else if (entry->logged && entry->confirmed_us != record->confirmed_us)
    broken(world, "alice's log: message %" PRIu64 " has another time than before", record->id);
  entry->logged = true;
  entry->file = file;
  entry->confirmed_us = record->confirmed_us;
}

/* What alice has durably signed of these messages, she never signs otherwise. */
static void read_alices_receipt(struct host *host, struct file *file, const struct record *record) {
  struct world *world = host->world;
  struct model *model = &world->models[file->model];
  if (record->id != file->envelopes || record->id + record->count > file->messages) {
    broken(world, "alice's log: an envelope of message %" PRIu64 " out of order", record->id);
    return;
  }
  struct entry *entry = record->id < model->count ? &model->entries[record->id] : NULL;
  if (entry == NULL)
    return;
  if (entry->envelope != 0 && (entry->envelope != record->count ||
                               memcmp(&entry->proof, &record->proof, sizeof entry->proof) != 0))
    broken(world, "alice's log: another receipt of message %" PRIu64 " than before", record->id);
  entry->envelope = record->count;
  entry->proof = record->proof;
}

static void read_bobs_confirmation(struct host *host, struct file *file,
                                   const struct record *record) {
  struct model *model = &host->world->models[file->model];
  if (record->id != file->confirmed || record->id + record->count > file->messages)
    broken(host->world, "bob's log: a confirmation of message %" PRIu64 " out of order",
           record->id);
  else if (record->count != model->entries[record->id].envelope ||
           memcmp(&record->proof, &model->entries[record->id].proof, sizeof record->proof) != 0)
    broken(host->world, "bob's log: another receipt of message %" PRIu64 " than in alice's",
           record->id);
  for (uint64_t id = record->id; id < record->id + record->count && id < model->count; id++) {
    if (!model->entries[id].logged || model->entries[id].confirmed_us != record->confirmed_us)
      broken(host->world,
             "bob's log: message %" PRIu64 " is confirmed, and alice's has it not, or "
             "with another time",
             id);
    model->entries[id].confirmed = true;
  }
  file->confirmed = record->id + record->count;
}

static void take(struct host *host, struct file *file, const struct record *record) {
  struct world *world = host->world;
  bool bob = host->side == BOB;
  const char *breach = rules_take(file->rules, record);
  if (breach != NULL)
    broken(world, "%s's log: %s, in the record at line %" PRIu64, HOST_NAMES[host->side], breach,
           record->line);
  switch (record->type) {
  case RECORD_OPENED:
    file->connections++;
    file->ended = false;
    if (bob)
      world->models[file->model].ended = false;
    break;
  case RECORD_MESSAGE:
    if (!bob)
      read_alices(host, file, record);
    else if (same_entry(host, file, record) && world->models[file->model].durable < file->messages)
      world->models[file->model].durable = file->messages;
    break;
  case RECORD_ENVELOPE:
    if (bob)
      read_bobs_confirmation(host, file, record);
    else
      read_alices_receipt(host, file, record);
    file->envelopes = record->id + record->count;
    break;
  case RECORD_ENDED:
    file->ended = true;
    if (record->id != file->messages || (bob && record->id != file->confirmed))
      broken(world, "%s's log: an end after message %" PRIu64 " of %" PRIu64,
             HOST_NAMES[host->side], record->id, file->messages);
    if (bob)
      world->models[file->model].ended = true;
    break;
  case RECORD_QUEUED:
  case RECORD_AGREED:
  case RECORD_HEAD:
  case RECORD_INCIDENT: break;
  }
}

void witness_read(struct host *host, struct file *file) {
  struct world *world = host->world;
  struct record record;
  if (file->replay == NULL) {
    file->rules = rules_new(world, host->side);
    if (replay_new(&file->replay) != AVOW_OK)
      abort();
  }
  if (file->synced <= file->witnessed || world->broken[0] != '\0' || world->lie != NO_LIE)
    return;
  struct view bytes = view_of(file->bytes.data + file->witnessed, file->synced - file->witnessed);
  file->witnessed = file->synced;
  enum avow_error error = replay_input(file->replay, bytes);
  while (error == AVOW_OK) {
    error = replay_next(file->replay, &record);
    if (error == AVOW_OK)
      take(host, file, &record);
  }
  if (error != AVOW_NOT_FOUND)
    broken(world, "%s's log is malformed at line %" PRIu64 ": %s", HOST_NAMES[host->side],
           replay_line(file->replay), replay_reason(file->replay));
}

const char *witness_judge(struct host *host, struct file *file) {
  struct record record;
  const char *breach = NULL;
  witness_forget(file);
  file->rules = rules_new(host->world, host->side);
  if (replay_new(&file->replay) != AVOW_OK ||
      replay_input(file->replay, buf_view(&file->bytes)) != AVOW_OK)
    abort();
  enum avow_error error = AVOW_OK;
  while (error == AVOW_OK && breach == NULL) {
    error = replay_next(file->replay, &record);
    if (error == AVOW_OK)
      breach = rules_take(file->rules, &record);
  }
  return breach != NULL || error == AVOW_NOT_FOUND ? breach : replay_reason(file->replay);
}

void witness_again(struct host *host, struct file *file) {
  if (host->world->lie != NO_LIE)
    return;
  struct file before = *file;
  file->replay = NULL;
  file->rules = NULL;
  witness_forget(file);
  witness_read(host, file);
  replay_free(before.replay);
  rules_free(before.rules);
  if (file->messages < before.messages || file->connections < before.connections ||
      file->envelopes < before.envelopes || file->confirmed < before.confirmed)
    broken(host->world, "%s's log has lost what was durable", HOST_NAMES[host->side]);
}

void witness_count(const struct file *file, uint64_t *ret_messages, uint64_t *ret_connections) {
  struct replay *replay;
  struct record record;
  if (replay_new(&replay) != AVOW_OK || replay_input(replay, buf_view(&file->bytes)) != AVOW_OK)
    abort();
  *ret_messages = *ret_connections = 0;
  while (replay_next(replay, &record) == AVOW_OK) {
    *ret_messages += record.type == RECORD_MESSAGE;
    *ret_connections += record.type == RECORD_OPENED;
  }
  replay_free(replay);
}
