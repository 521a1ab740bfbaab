// SPDX-License-Identifier: Apache-2.0
#include "crypto/tls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/limits.h"
#include "crypto/secret.h"

/* What the certificate says beside the key carries no meaning and is never looked at: names,
 * validity, extensions, further certificates, not even its own signature.  The peer is his raw
 * Ed25519 key.  That he holds the private half is proven by CertificateVerify (RFC 8446, 4.4.3), a
 * signature over this very handshake, which the library checks against the key that we looked at;
 * a certificate's own signature was made at some other time and can be copied by anyone.  So
 * check_peer decides *whom* we talk to, CertificateVerify and Finished that it is really him.
 *
 * The library keeps a queue of errors per thread, and an old entry in it changes the meaning of a
 * later call.  Every function here that can fill the queue empties it before and after. */

/* ALPN (RFC 7301): a TLS endpoint of another protocol never completes a handshake with us, so no
 * message of one protocol can be taken for one of the other. */
#define ALPN "avow/1"
static const uint8_t alpn_list[] = "\x06" ALPN; /* and a NUL, which is not sent */
#define ALPN_LIST_SIZE (sizeof alpn_list - 1)

/* Our own signatures, and all that a client accepts of a server. */
#define SIGNATURES "ed25519"
/* What a server says it accepts of a client.  Only the first can get past check_peer.  The others
 * are there because a client that finds no algorithm for its key shows no certificate at all, and
 * we could not tell him that his key is of the wrong type. */
#define CLIENT_SIGNATURES "ed25519:ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256"

/* Read at once from the library. */
#define READ_SIZE 4096u
/* A certificate list is one certificate of about 250 bytes; this leaves room for a foreign one. */
#define CERTIFICATES_MAX 8192

struct tls_identity {
  SSL_CTX *ctx;
  struct ed25519 *key;
};

struct tls {
  SSL *ssl;
  BIO *from_peer; /* both belong to ssl */
  BIO *to_peer;
  struct buf output;
  struct buf data;
  size_t input_size; /* of all tls_input */
  enum avow_error error;
  enum avow_error refusal; /* why check_peer said no */
  bool server;
  bool ready;
  bool pinned;
  bool peer_shown; /* peer_key is set; not proven before ready */
  uint8_t server_key[ED25519_PUBLIC_SIZE];
  uint8_t peer_key[ED25519_PUBLIC_SIZE];
  char group[40];
  char detail[120];
};

/* The certificate is the same each time for the same key: no clock, no random number. */
static X509 *make_certificate(EVP_PKEY *key) {
  X509 *cert = X509_new();
  if (cert == NULL)
    return NULL;
  X509_NAME *name = X509_get_subject_name(cert);
  if (X509_set_version(cert, X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
      ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), "19700101000000Z") == 1 &&
      ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), "99991231235959Z") == 1 &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"avow", -1, -1, 0) ==
          1 &&
      X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
      X509_sign(cert, key, NULL) > 0) /* Ed25519 hashes by itself: no digest */
    return cert;
  X509_free(cert);
  return NULL;
}

static enum avow_error use_seed(SSL_CTX *ctx, const uint8_t seed[ED25519_SEED_SIZE]) {
  enum avow_error error = AVOW_CRYPTO;
  X509 *cert = NULL;
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_SIZE);
  if (key == NULL)
    goto out;
  cert = make_certificate(key);
  if (cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1 &&
      SSL_CTX_use_PrivateKey(ctx, key) == 1)
    error = AVOW_OK;
out:
  X509_free(cert);
  EVP_PKEY_free(key); /* wipes the seed; what ctx holds is the same object, counted */
  return error;
}

static bool speaks_avow(const SSL *ssl) {
  const uint8_t *name;
  unsigned int size;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return view_equal(view_of(name, size), view_text(ALPN));
}

static bool take_peer_key(struct tls *tls, X509_STORE_CTX *store) {
  const X509 *cert = X509_STORE_CTX_get0_cert(store);
  EVP_PKEY *key = cert == NULL ? NULL : X509_get0_pubkey(cert);
  size_t size = sizeof tls->peer_key;
  if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key, tls->peer_key, &size) != 1 || size != sizeof tls->peer_key)
    return false;
  tls->peer_shown = true;
  return true;
}

/* Called by the library in the place of its own check of the certificate.  A client's certificate
 * leaves only after this has said yes: nobody but the pinned server learns who we are. */
static int check_peer(X509_STORE_CTX *store, void *unused) {
  (void)unused;
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct tls *tls = SSL_get_app_data(ssl);
  int alert_for = X509_V_ERR_APPLICATION_VERIFICATION; /* the alert handshake_failure */
  if (!speaks_avow(ssl)) {
    tls->refusal = AVOW_HANDSHAKE;
  } else if (!take_peer_key(tls, store)) {
    tls->refusal = AVOW_KEY_TYPE;
    alert_for = X509_V_ERR_INVALID_PURPOSE; /* unsupported_certificate */
  } else if (tls->server) {
    return 1;
  } else if (!tls->pinned) {
    tls->refusal = AVOW_KEY_UNKNOWN;
  } else if (!secret_equal(tls->peer_key, tls->server_key, sizeof tls->peer_key)) {
    tls->refusal = AVOW_KEY_CHANGED;
  } else {
    return 1;
  }
  X509_STORE_CTX_set_error(store, alert_for);
  return 0;
}

/* The library asks choose_alpn only if the client offers anything at all, hence this. */
static int check_client_hello(SSL *ssl, int *ret_alert, void *unused) {
  (void)unused;
  const uint8_t *extension;
  size_t size;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &extension,
                                &size) == 1)
    return SSL_CLIENT_HELLO_SUCCESS;
  *ret_alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}

static int choose_alpn(SSL *ssl, const uint8_t **ret_name, uint8_t *ret_size, const uint8_t *offers,
                       unsigned int offers_size, void *unused) {
  (void)ssl;
  (void)unused;
  struct reader reader = reader_of(view_of(offers, offers_size));
  while (!reader_done(&reader) && !reader.failed) {
    struct view offer = reader_bytes(&reader, reader_u8(&reader));
    if (!reader.failed && view_equal(offer, view_text(ALPN))) {
      *ret_name = offer.data;
      *ret_size = (uint8_t)offer.size;
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol */
}

/* Written after the defaults, which an openssl.cnf may have changed.  Tickets and resumption would
 * let a peer in without check_peer.  The records travel inside our frames, past any middlebox. */
static enum avow_error set_up(SSL_CTX *ctx) {
  uint64_t options =
      SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_CLEANSE_PLAINTEXT;
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION /* since 3.2 */
  options |= SSL_OP_NO_RX_CERTIFICATE_COMPRESSION | SSL_OP_NO_TX_CERTIFICATE_COMPRESSION;
#endif
  SSL_CTX_set_options(ctx, options);
  SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_MAX);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_cert_verify_callback(ctx, check_peer, NULL);
  SSL_CTX_set_client_hello_cb(ctx, check_client_hello, NULL);
  SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
  if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
      SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES) == 1 &&
      SSL_CTX_set1_client_sigalgs_list(ctx, CLIENT_SIGNATURES) == 1 &&
      SSL_CTX_set_alpn_protos(ctx, alpn_list, ALPN_LIST_SIZE) == 0) /* here 0 is success */
    return AVOW_OK;
  return AVOW_CRYPTO;
}

enum avow_error tls_identity_new(struct tls_identity **ret, const uint8_t seed[ED25519_SEED_SIZE]) {
  struct tls_identity *identity = calloc(1, sizeof *identity);
  if (identity == NULL)
    return AVOW_NO_MEMORY;
  ERR_clear_error();
  enum avow_error error = AVOW_CRYPTO;
  identity->ctx = SSL_CTX_new(TLS_method());
  if (identity->ctx != NULL)
    error = set_up(identity->ctx);
  if (error == AVOW_OK)
    error = use_seed(identity->ctx, seed);
  if (error == AVOW_OK)
    error = ed25519_private(&identity->key, seed);
  ERR_clear_error();
  if (error != AVOW_OK) {
    tls_identity_free(identity);
    return error;
  }
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
  SSL_CTX_free(identity->ctx);
  free(identity);
}

/* The oldest entry of the queue is the cause, the younger ones are its consequences. */
static void keep_detail(struct tls *tls) {
  unsigned long code = ERR_peek_error();
  const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
  if (reason != NULL)
    snprintf(tls->detail, sizeof tls->detail, "%s", reason);
  else if (code != 0)
    ERR_error_string_n(code, tls->detail, sizeof tls->detail);
}

static enum avow_error fail(struct tls *tls, enum avow_error error) {
  if (tls->error == AVOW_OK) {
    keep_detail(tls);
    tls->error = error;
    tls->ready = false;
  }
  ERR_clear_error();
  return tls->error;
}

/* A call of the library returned ${result}, not success: is it more than a wish for more bytes? */
static enum avow_error judge(struct tls *tls, int result) {
  int kind = SSL_get_error(tls->ssl, result);
  if (kind == SSL_ERROR_WANT_READ) {
    ERR_clear_error();
    return AVOW_OK;
  }
  if (tls->refusal != AVOW_OK)
    return fail(tls, tls->refusal);
  if (kind == SSL_ERROR_ZERO_RETURN)
    snprintf(tls->detail, sizeof tls->detail, "close notify"); /* the queue is empty here */
  int reason = ERR_GET_REASON(ERR_peek_error());
  return fail(tls, reason == ERR_R_MALLOC_FAILURE   ? AVOW_NO_MEMORY
                   : reason >= SSL_AD_REASON_OFFSET ? AVOW_CLOSED /* the peer sent an alert */
                                                    : AVOW_HANDSHAKE);
}

/* Move what the library wrote, alerts too, to our output. */
static enum avow_error collect_output(struct tls *tls) {
  size_t pending = BIO_ctrl_pending(tls->to_peer);
  if (pending == 0)
    return tls->error;
  uint8_t *to;
  enum avow_error error = buf_reserve(&tls->output, pending, &to);
  if (error != AVOW_OK)
    return fail(tls, error);
  size_t size;
  if (BIO_read_ex(tls->to_peer, to, pending, &size) != 1 || size != pending)
    return fail(tls, AVOW_CRYPTO);
  buf_commit(&tls->output, size);
  return tls->error;
}

/* OpenSSL 3.0 calls the group "x25519", as the IANA does; everyone else writes "X25519".  All other
 * names ("secp256r1", "X25519MLKEM768") stay as the library says. */
static void keep_group(struct tls *tls) {
  int id = (int)SSL_get_negotiated_group(tls->ssl);
  const char *name = SSL_group_to_name(tls->ssl, id);
  if (name == NULL)
    snprintf(tls->group, sizeof tls->group, "group %d", id & 0xffff);
  else if (strcmp(name, "x25519") == 0 || strcmp(name, "x448") == 0)
    snprintf(tls->group, sizeof tls->group, "X%s", name + 1);
  else
    snprintf(tls->group, sizeof tls->group, "%s", name);
}

static enum avow_error shake_hands(struct tls *tls) {
  int result = SSL_do_handshake(tls->ssl);
  if (result != 1)
    return judge(tls, result);
  /* The settings rule all of this out.  Should one of them ever not hold, stop here. */
  if (!tls->peer_shown || tls->refusal != AVOW_OK || !speaks_avow(tls->ssl) ||
      SSL_version(tls->ssl) != TLS1_3_VERSION || SSL_session_reused(tls->ssl))
    return fail(tls, AVOW_HANDSHAKE);
  keep_group(tls);
  tls->ready = true;
  return AVOW_OK;
}

static enum avow_error read_data(struct tls *tls) {
  for (;;) {
    uint8_t *to;
    enum avow_error error = buf_reserve(&tls->data, READ_SIZE, &to);
    if (error != AVOW_OK)
      return fail(tls, error);
    size_t size;
    int result = SSL_read_ex(tls->ssl, to, READ_SIZE, &size);
    if (result != 1)
      return judge(tls, result);
    buf_commit(&tls->data, size);
  }
}

static enum avow_error tls_new(struct tls **ret, const struct tls_identity *identity, bool server) {
  struct tls *tls = calloc(1, sizeof *tls);
  if (tls == NULL)
    return AVOW_NO_MEMORY;
  tls->server = server;
  /* What we send in a handshake is bounded; the peer takes AVOW_OPENING_BYTES_MAX in all. */
  buf_init(&tls->output, 2 * AVOW_OPENING_BYTES_MAX);
  /* Never reached: there is less data than input. */
  buf_init(&tls->data, AVOW_OPENING_BYTES_MAX + READ_SIZE);
  ERR_clear_error();
  tls->ssl = SSL_new(identity->ctx);
  tls->from_peer = BIO_new(BIO_s_mem());
  tls->to_peer = BIO_new(BIO_s_mem());
  if (tls->ssl == NULL || tls->from_peer == NULL || tls->to_peer == NULL ||
      SSL_set_app_data(tls->ssl, tls) != 1) {
    BIO_free(tls->from_peer);
    BIO_free(tls->to_peer);
    tls_free(tls);
    ERR_clear_error();
    return AVOW_CRYPTO;
  }
  SSL_set_bio(tls->ssl, tls->from_peer, tls->to_peer); /* transferred */
  if (server)
    SSL_set_accept_state(tls->ssl);
  else
    SSL_set_connect_state(tls->ssl);
  *ret = tls;
  return AVOW_OK;
}

enum avow_error tls_connect(struct tls **ret, const struct tls_identity *identity,
                            const uint8_t *server_key) {
  struct tls *tls;
  enum avow_error error = tls_new(&tls, identity, false);
  if (error != AVOW_OK)
    return error;
  if (server_key != NULL) {
    tls->pinned = true;
    memcpy(tls->server_key, server_key, sizeof tls->server_key);
  }
  if (shake_hands(tls) != AVOW_OK || collect_output(tls) != AVOW_OK) {
    error = tls->error == AVOW_NO_MEMORY ? AVOW_NO_MEMORY : AVOW_CRYPTO; /* no peer has spoken */
    tls_free(tls);
    return error;
  }
  *ret = tls;
  return AVOW_OK;
}

enum avow_error tls_accept(struct tls **ret, const struct tls_identity *identity) {
  return tls_new(ret, identity, true);
}

void tls_free(struct tls *tls) {
  if (tls == NULL)
    return;
  SSL_free(tls->ssl);
  buf_wipe_free(&tls->output);
  buf_wipe_free(&tls->data);
  secret_wipe(tls, sizeof *tls);
  free(tls);
}

enum avow_error tls_input(struct tls *tls, struct view bytes) {
  if (tls->error != AVOW_OK || bytes.size == 0)
    return tls->error;
  ERR_clear_error();
  if (bytes.size > AVOW_OPENING_BYTES_MAX - tls->input_size)
    return fail(tls, AVOW_TOO_LONG);
  tls->input_size += bytes.size;
  size_t size;
  if (BIO_write_ex(tls->from_peer, bytes.data, bytes.size, &size) != 1 || size != bytes.size)
    return fail(tls, AVOW_NO_MEMORY); /* the only way in which a memory BIO fails */
  if (!tls->ready)
    shake_hands(tls);
  if (tls->ready)
    read_data(tls);
  return collect_output(tls); /* after an error too: the alert */
}

struct view tls_output(struct tls *tls) {
  return buf_view(&tls->output);
}

void tls_output_consume(struct tls *tls, size_t size) {
  buf_consume(&tls->output, size);
}

bool tls_ready(const struct tls *tls) {
  return tls->ready;
}

enum avow_error tls_write(struct tls *tls, struct view bytes) {
  if (tls->error != AVOW_OK || bytes.size == 0)
    return tls->error;
  assert(tls->ready);
  ERR_clear_error();
  if (bytes.size > AVOW_OPENING_BYTES_MAX)
    return fail(tls, AVOW_TOO_LONG); /* the peer would not take it */
  size_t size;
  int result = SSL_write_ex(tls->ssl, bytes.data, bytes.size, &size);
  if (result != 1 || size != bytes.size) {
    judge(tls, result);
    fail(tls, AVOW_CRYPTO); /* memory always takes it all: there is nothing to wait for */
  }
  ERR_clear_error();
  return collect_output(tls);
}

struct view tls_data(struct tls *tls) {
  return buf_view(&tls->data);
}

void tls_data_consume(struct tls *tls, size_t size) {
  buf_consume(&tls->data, size);
}

/* group is set when the peer has proven that the key is his; that holds even if he sends garbage
 * later.  A key that he only showed is told just where a refusal is about it. */
bool tls_peer_key(const struct tls *tls, uint8_t key[ED25519_PUBLIC_SIZE]) {
  bool proven = tls->group[0] != '\0';
  bool refused = tls->error == AVOW_KEY_UNKNOWN || tls->error == AVOW_KEY_CHANGED;
  if (!proven && !refused)
    return false;
  memcpy(key, tls->peer_key, sizeof tls->peer_key);
  return true;
}

const char *tls_group(const struct tls *tls) {
  return tls->group;
}

const char *tls_error_detail(const struct tls *tls) {
  return tls->detail;
}

const char *tls_library_version(void) {
  return OpenSSL_version(OPENSSL_VERSION);
}
