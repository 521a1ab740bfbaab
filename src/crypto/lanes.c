// SPDX-License-Identifier: Apache-2.0
#include "crypto/lanes.h"

#ifdef AVOW_LANES

#include <intel-ipsec-mb.h>
#include <stdlib.h>

struct lanes {
  /* Does as many jobs at a time as there are lanes, and wipes its own copies of the texts. */
  IMB_MGR *manager;
};

struct lanes *lanes_new(void) {
  struct lanes *lanes = calloc(1, sizeof *lanes);
  if (lanes == NULL)
    return NULL;
  IMB_ARCH arch = IMB_ARCH_NONE;
  lanes->manager = alloc_mb_mgr(0);
  if (lanes->manager != NULL)
    init_mb_mgr_auto(lanes->manager, &arch);
  /* In shorter registers it is slower than one text after the other. */
  if (arch < IMB_ARCH_AVX2 || imb_get_errno(lanes->manager) != 0) {
    lanes_free(lanes);
    return NULL;
  }
  return lanes;
}

void lanes_free(struct lanes *lanes) {
  if (lanes == NULL)
    return;
  free_mb_mgr(lanes->manager);
  free(lanes);
}

size_t lanes_size(void) {
  return sizeof(struct lanes) + imb_get_mb_mgr_size();
}

static void describe(IMB_JOB *job, struct view text, uint8_t digest[SHA512_SIZE]) {
  job->chain_order = IMB_ORDER_HASH_CIPHER;
  job->cipher_mode = IMB_CIPHER_NULL;
  job->cipher_direction = IMB_DIR_ENCRYPT;
  job->hash_alg = IMB_AUTH_SHA_512;
  job->src = text.size > 0 ? text.data : digest; /* NULL would be refused */
  job->hash_start_src_offset_in_bytes = 0;
  job->msg_len_to_hash_in_bytes = text.size;
  job->auth_tag_output = digest;
  job->auth_tag_output_len_in_bytes = SHA512_SIZE;
}

/* How many of the jobs that are done now, from this one on, came to a good end. */
static size_t good_ones(struct lanes *lanes, const IMB_JOB *job) {
  size_t good = 0;
  for (; job != NULL; job = IMB_GET_COMPLETED_JOB(lanes->manager))
    good += job->status == IMB_STATUS_COMPLETED;
  return good;
}

enum avow_error lanes_sha512(struct lanes *lanes, const struct view *texts, size_t count,
                             uint8_t (*digests)[SHA512_SIZE]) {
  const IMB_JOB *job;
  size_t good = 0;
  for (size_t i = 0; i < count; i++) {
    describe(IMB_GET_NEXT_JOB(lanes->manager), texts[i], digests[i]);
    good += good_ones(lanes, IMB_SUBMIT_JOB(lanes->manager));
  }
  while ((job = IMB_FLUSH_JOB(lanes->manager)) != NULL)
    good += good_ones(lanes, job);
  return good == count ? AVOW_OK : AVOW_CRYPTO;
}

#else

struct lanes *lanes_new(void) {
  return NULL;
}

void lanes_free(struct lanes *lanes) {
  (void)lanes;
}

size_t lanes_size(void) {
  return 0;
}

enum avow_error lanes_sha512(struct lanes *lanes, const struct view *texts, size_t count,
                             uint8_t (*digests)[SHA512_SIZE]) {
  (void)lanes, (void)texts, (void)count, (void)digests;
  return AVOW_CRYPTO;
}

#endif
