// SPDX-License-Identifier: Apache-2.0
/* Measure our Fernet: `bench_fernet SIZE MS` prints the nanoseconds of processor time for a token
 * of SIZE bytes, encrypting (a fresh IV included) and decrypting (the time checked), each measured
 * for MS milliseconds.  bench/fernet.py runs it beside others. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/random.h"
#include "fernet/fernet.h"

#define NOW_S 1800000000u
#define SIZE_MAX_MEASURED (1u << 20)

struct bench {
  struct fernet *fernet;
  struct drbg *drbg;
  struct view message;
  struct view token;
  uint8_t *to_token;
  uint8_t *to_message;
};

static uint64_t cpu_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static enum avow_error encrypt(struct bench *bench) {
  uint8_t iv[FERNET_IV_SIZE];
  enum avow_error error = drbg_bytes(bench->drbg, iv, sizeof iv);
  if (error == AVOW_OK)
    error = fernet_encrypt(bench->fernet, NOW_S, iv, bench->message, bench->to_token);
  return error;
}

static enum avow_error decrypt(struct bench *bench) {
  const struct fernet_time time = {.check = true, .now_s = NOW_S + 1, .ttl_s = 60};
  size_t size;
  return fernet_decrypt(bench->fernet, bench->token, time, bench->to_message, &size);
}

/* Nanoseconds for one call, or less than 0 on failure. */
static double measure(struct bench *bench, enum avow_error (*call)(struct bench *), unsigned ms) {
  uint64_t calls = 0, start = cpu_ns(), spent = 0;
  for (unsigned some = 1; spent < (uint64_t)ms * 1000000u; spent = cpu_ns() - start) {
    for (unsigned i = 0; i < some; i++)
      if (call(bench) != AVOW_OK)
        return -1;
    calls += some;
    if (some < 64) /* ask the clock seldom */
      some *= 2;
  }
  return (double)spent / (double)calls;
}

static int run(size_t size, unsigned ms) {
  static const uint8_t key[FERNET_KEY_SIZE] = {1, 2, 3}, seed[DRBG_SEED_SIZE] = {4, 5, 6};
  struct bench bench;
  uint8_t *message = calloc(1, size + 1);
  bench.to_token = malloc(fernet_token_size(size));
  bench.to_message = malloc(fernet_message_max(fernet_token_size(size)));
  if (message == NULL || bench.to_token == NULL || bench.to_message == NULL ||
      fernet_new(&bench.fernet, key) != AVOW_OK || drbg_new(&bench.drbg, seed) != AVOW_OK)
    return 1;
  bench.message = view_of(message, size);
  bench.token = view_of(bench.to_token, fernet_token_size(size));
  double encrypt_ns = measure(&bench, encrypt, ms);
  double decrypt_ns = measure(&bench, decrypt, ms);
  printf("%.1f %.1f\n", encrypt_ns, decrypt_ns);
  fernet_free(bench.fernet);
  drbg_free(bench.drbg);
  free(message);
  free(bench.to_token);
  free(bench.to_message);
  return encrypt_ns < 0 || decrypt_ns < 0;
}

int main(int argc, char **argv) {
  size_t size = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
  unsigned long ms = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
  if (size == 0 || size > SIZE_MAX_MEASURED || ms == 0 || ms > 60000) {
    fputs("usage: bench_fernet SIZE MS\n", stderr);
    return 2;
  }
  return run(size, (unsigned)ms);
}
