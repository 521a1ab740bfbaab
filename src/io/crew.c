// SPDX-License-Identifier: Apache-2.0
#include "io/crew.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define THREADS_MAX 64u
/* Keys that a thread keeps ready: those of two logs. */
#define KEYS 4u
/* Signatures that were found right and are remembered: both logs of a session bear the same ones,
 * at about the same time. */
#define RIGHT 4096u

struct crew {
  uv_mutex_t lock;
  uv_cond_t work_is_there, work_is_done;
  struct work *first, **last; /* with claims that no thread has taken */
  bool over;
  struct claim *right; /* of RIGHT; a place is decided by the first bytes of the signature */
  unsigned threads_count;
  uv_thread_t threads[THREADS_MAX];
};

/* The keys of one thread. */
struct ready {
  struct ed25519 *keys[KEYS];
  unsigned next;
};

static enum avow_error key_of(struct ready *ready, const uint8_t *public, struct ed25519 **ret) {
  for (unsigned i = 0; i < KEYS; i++) {
    *ret = ready->keys[i];
    if (*ret != NULL && memcmp(ed25519_key(*ret), public, ED25519_PUBLIC_SIZE) == 0)
      return AVOW_OK;
  }
  struct ed25519 **place = &ready->keys[ready->next];
  ready->next = (ready->next + 1) % KEYS;
  ed25519_free(*place);
  *place = NULL;
  enum avow_error error = ed25519_peer(place, public);
  *ret = *place;
  return error;
}

static enum avow_error check(struct ready *ready, const struct claim *claim) {
  struct ed25519 *key;
  enum avow_error error = key_of(ready, claim->key, &key);
  return error == AVOW_OK ? audit_check(claim, key) : error;
}

static struct claim *place_of(struct crew *crew, const struct claim *claim) {
  return &crew->right[load_u32(claim->signature) % RIGHT];
}

/* Whether the same signature, of the same statement, by the same key, was found right before. */
static bool is_right(struct crew *crew, const struct claim *claim) {
  const struct claim *known = place_of(crew, claim);
  return known->size > 0 && known->size == claim->size &&
         memcmp(known->signature, claim->signature, sizeof known->signature) == 0 &&
         memcmp(known->key, claim->key, ED25519_PUBLIC_SIZE) == 0 &&
         memcmp(known->text, claim->text, claim->size) == 0;
}

static void run(void *argument) {
  struct crew *crew = argument;
  struct ready ready = {0};
  uv_mutex_lock(&crew->lock);
  for (;;) {
    while (crew->first == NULL && !crew->over)
      uv_cond_wait(&crew->work_is_there, &crew->lock);
    struct work *work = crew->first;
    if (work == NULL)
      break;
    unsigned claim = work->given++;
    if (work->given == work->fact.claims_count) {
      crew->first = work->next;
      if (crew->first == NULL)
        crew->last = &crew->first;
    }
    const struct claim *asked = &work->fact.claims[claim];
    work->errors[claim] = AVOW_OK;
    if (!is_right(crew, asked)) {
      uv_mutex_unlock(&crew->lock);
      work->errors[claim] = check(&ready, asked);
      uv_mutex_lock(&crew->lock);
      if (work->errors[claim] == AVOW_OK)
        *place_of(crew, asked) = *asked;
    }
    if (--work->left == 0)
      uv_cond_signal(&crew->work_is_done);
  }
  uv_mutex_unlock(&crew->lock);
  for (unsigned i = 0; i < KEYS; i++)
    ed25519_free(ready.keys[i]);
}

enum avow_error crew_new(struct crew **ret) {
  struct crew *crew = calloc(1, sizeof *crew);
  if (crew == NULL)
    return AVOW_NO_MEMORY;
  unsigned cores = uv_available_parallelism();
  crew->right = calloc(RIGHT, sizeof *crew->right);
  crew->last = &crew->first;
  uv_mutex_init(&crew->lock);
  uv_cond_init(&crew->work_is_there);
  uv_cond_init(&crew->work_is_done);
  for (; crew->right != NULL && crew->threads_count < cores && crew->threads_count < THREADS_MAX;
       crew->threads_count++)
    if (uv_thread_create(&crew->threads[crew->threads_count], run, crew) != 0)
      break;
  if (crew->threads_count == 0) {
    enum avow_error error = crew->right == NULL ? AVOW_NO_MEMORY : AVOW_SYSTEM;
    crew_free(crew);
    return error;
  }
  *ret = crew;
  return AVOW_OK;
}

void crew_free(struct crew *crew) {
  if (crew == NULL)
    return;
  uv_mutex_lock(&crew->lock);
  crew->over = true;
  uv_cond_broadcast(&crew->work_is_there);
  uv_mutex_unlock(&crew->lock);
  for (unsigned i = 0; i < crew->threads_count; i++)
    uv_thread_join(&crew->threads[i]);
  uv_cond_destroy(&crew->work_is_done);
  uv_cond_destroy(&crew->work_is_there);
  uv_mutex_destroy(&crew->lock);
  free(crew->right);
  free(crew);
}

void crew_give(struct crew *crew, struct work *work) {
  work->left = work->fact.claims_count;
  work->given = 0;
  work->next = NULL;
  if (work->left == 0)
    return;
  uv_mutex_lock(&crew->lock);
  *crew->last = work;
  crew->last = &work->next;
  uv_cond_broadcast(&crew->work_is_there);
  uv_mutex_unlock(&crew->lock);
}

void crew_wait(struct crew *crew, struct work *work) {
  uv_mutex_lock(&crew->lock);
  while (work->left > 0)
    uv_cond_wait(&crew->work_is_done, &crew->lock);
  uv_mutex_unlock(&crew->lock);
}
