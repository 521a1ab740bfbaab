// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/tls.h"

/* In the place of src/crypto/tls.c, which draws randomness of its own: the same three flights, that
 * show the two keys in the clear, and data as it is.  Nobody on the simulator's line touches what
 * TLS would protect. */

struct tls_identity {
  struct ed25519 *key;
};

struct tls {
  bool server, ready, known;
  struct ed25519 *key;   /* the identity's */
  const uint8_t *wanted; /* the key that the client goes on with */
  uint8_t peer[ED25519_PUBLIC_SIZE];
  struct buf in, out;
};

static const uint8_t HELLO = 1; /* the client's first flight */

enum avow_error tls_identity_new(struct tls_identity **ret, const uint8_t seed[ED25519_SEED_SIZE]) {
  struct tls_identity *identity = calloc(1, sizeof *identity);
  if (identity == NULL || ed25519_private(&identity->key, seed) != AVOW_OK)
    abort();
  *ret = identity;
  return AVOW_OK;
}

struct ed25519 *tls_identity_key(const struct tls_identity *identity) {
  return identity->key;
}

void tls_identity_free(struct tls_identity *identity) {
  if (identity == NULL)
    return;
  ed25519_free(identity->key);
  free(identity);
}

static struct tls *begin(const struct tls_identity *identity) {
  struct tls *tls = calloc(1, sizeof *tls);
  if (tls == NULL)
    abort();
  tls->key = identity->key;
  buf_init(&tls->in, AVOW_OPENING_BYTES_MAX);
  buf_init(&tls->out, AVOW_OPENING_BYTES_MAX);
  return tls;
}

enum avow_error tls_connect(struct tls **ret, const struct tls_identity *identity,
                            const uint8_t *server_key) {
  *ret = begin(identity);
  (*ret)->wanted = server_key;
  return buf_append(&(*ret)->out, view_of(&HELLO, sizeof HELLO));
}

enum avow_error tls_accept(struct tls **ret, const struct tls_identity *identity) {
  *ret = begin(identity);
  (*ret)->server = true;
  return AVOW_OK;
}

void tls_free(struct tls *tls) {
  if (tls == NULL)
    return;
  buf_free(&tls->in);
  buf_free(&tls->out);
  free(tls);
}

static enum avow_error show_key(struct tls *tls) {
  return buf_append(&tls->out, view_of(ed25519_key(tls->key), ED25519_PUBLIC_SIZE));
}

enum avow_error tls_input(struct tls *tls, struct view bytes) {
  enum avow_error error = buf_append(&tls->in, bytes);
  bool said = tls->known;
  if (error == AVOW_OK && tls->server && !tls->known && buf_view(&tls->in).size > 0) {
    tls->known = true; /* the client's hello */
    buf_consume(&tls->in, sizeof HELLO);
    error = show_key(tls);
  }
  if (error != AVOW_OK || tls->ready || (tls->server && !said) ||
      buf_view(&tls->in).size < sizeof tls->peer)
    return error;
  memcpy(tls->peer, buf_view(&tls->in).data, sizeof tls->peer);
  buf_consume(&tls->in, sizeof tls->peer);
  if (!tls->server && tls->wanted == NULL)
    return AVOW_KEY_UNKNOWN;
  if (!tls->server && memcmp(tls->peer, tls->wanted, sizeof tls->peer) != 0)
    return AVOW_KEY_CHANGED;
  tls->ready = true;
  return tls->server ? AVOW_OK : show_key(tls);
}

struct view tls_output(struct tls *tls) {
  return buf_view(&tls->out);
}

void tls_output_consume(struct tls *tls, size_t size) {
  buf_consume(&tls->out, size);
}

bool tls_ready(const struct tls *tls) {
  return tls->ready;
}

enum avow_error tls_write(struct tls *tls, struct view bytes) {
  assert(tls->ready);
  return buf_append(&tls->out, bytes);
}

struct view tls_data(struct tls *tls) {
  return tls->ready ? buf_view(&tls->in) : view_of("", 0);
}

void tls_data_consume(struct tls *tls, size_t size) {
  if (size > 0)
    buf_consume(&tls->in, size);
}

bool tls_peer_key(const struct tls *tls, uint8_t key[ED25519_PUBLIC_SIZE]) {
  if (tls->ready)
    memcpy(key, tls->peer, sizeof tls->peer);
  return tls->ready;
}

const char *tls_group(const struct tls *tls) {
  return tls->ready ? "simulated" : "";
}

const char *tls_error_detail(const struct tls *tls) {
  (void)tls;
  return "";
}

const char *tls_library_version(void) {
  return "simulated";
}
