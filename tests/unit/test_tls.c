// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/limits.h"
#include "crypto/tls.h"

static const uint8_t alice_seed[ED25519_SEED_SIZE] = "alice's seed, thirty-two bytes..";
static const uint8_t bob_seed[ED25519_SEED_SIZE] = "bob's seed, also thirty-two byte";
static const uint8_t eve_seed[ED25519_SEED_SIZE] = "eve's seed is not on any list...";

/* ---- Two of ours ---- */

struct pair {
  struct tls_identity *alice;
  struct tls_identity *bob;
  struct tls *server;
  struct tls *client;
  uint8_t alice_key[ED25519_PUBLIC_SIZE];
};

static void key_of(const uint8_t *seed, uint8_t *key) {
  size_t size = ED25519_PUBLIC_SIZE;
  EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_SIZE);
  assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, key, &size), 1);
  EVP_PKEY_free(pkey);
}

static void connect_pair(struct pair *pair, const uint8_t *pin) {
  tls_free(pair->server);
  tls_free(pair->client);
  assert_int_equal(tls_accept(&pair->server, pair->alice), AVOW_OK);
  assert_int_equal(tls_connect(&pair->client, pair->bob, pin), AVOW_OK);
}

static int pair_up(void **state) {
  struct pair *pair = calloc(1, sizeof *pair);
  key_of(alice_seed, pair->alice_key);
  assert_int_equal(tls_identity_new(&pair->alice, alice_seed), AVOW_OK);
  assert_int_equal(tls_identity_new(&pair->bob, bob_seed), AVOW_OK);
  connect_pair(pair, pair->alice_key);
  assert_int_equal(ERR_peek_error(), 0);
  *state = pair;
  return 0;
}

static int pair_down(void **state) {
  struct pair *pair = *state;
  tls_free(pair->server);
  tls_free(pair->client);
  tls_identity_free(pair->alice);
  tls_identity_free(pair->bob);
  free(pair);
  return 0;
}

/* Every input of this file goes through here: whatever comes of it, the error queue is empty. */
static enum avow_error feed(struct tls *to, struct view bytes) {
  enum avow_error error = tls_input(to, bytes);
  assert_int_equal(ERR_peek_error(), 0);
  assert_false(error != AVOW_OK && tls_ready(to));
  return error;
}

/* Move the output of one side to the other, in pieces of at most ${piece} bytes. */
static enum avow_error move(struct tls *from, struct tls *to, size_t piece) {
  enum avow_error error = AVOW_OK;
  while (tls_output(from).size > 0) {
    struct view bytes = tls_output(from);
    bytes.size = bytes.size < piece ? bytes.size : piece;
    error = feed(to, bytes);
    tls_output_consume(from, bytes.size);
  }
  return error;
}

static void shake(struct pair *pair, size_t piece) {
  assert_int_equal(move(pair->client, pair->server, piece), AVOW_OK);
  assert_false(tls_ready(pair->server));
  assert_int_equal(move(pair->server, pair->client, piece), AVOW_OK);
  assert_true(tls_ready(pair->client));
  assert_int_equal(move(pair->client, pair->server, piece), AVOW_OK);
  assert_true(tls_ready(pair->server));
}

static void assert_key(const struct tls *tls, const uint8_t *seed) {
  uint8_t key[ED25519_PUBLIC_SIZE], expected[ED25519_PUBLIC_SIZE];
  key_of(seed, expected);
  assert_true(tls_peer_key(tls, key));
  assert_memory_equal(key, expected, sizeof key);
}

static void assert_no_key(const struct tls *tls) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  assert_false(tls_peer_key(tls, key));
}

/* One record and nothing after it: an alert in the clear, or one sealed (2 bytes, the inner type
 * and the tag), which is too short to be anything else of a handshake but a KeyUpdate. */
static void assert_only_alert(struct view out) {
  assert_true(out.size >= 5);
  size_t size = (size_t)(out.data[3] << 8 | out.data[4]);
  assert_int_equal(out.size, 5 + size);
  assert_true((out.data[0] == 21 && size == 2) || (out.data[0] == 23 && size == 2 + 1 + 16));
}

static void assert_refused(struct tls *tls, enum avow_error error) {
  assert_int_equal(feed(tls, view_of("x", 1)), error);
  assert_int_equal(feed(tls, view_of("", 0)), error);
  assert_int_equal(tls_write(tls, view_of("x", 1)), error);
  assert_false(tls_ready(tls));
  assert_string_equal(tls_group(tls), "");
  assert_int_equal(tls_data(tls).size, 0);
  assert_int_equal(ERR_peek_error(), 0);
}

static void send_data(struct tls *from, struct tls *to, size_t size, size_t piece) {
  uint8_t *bytes = malloc(size);
  for (size_t i = 0; i < size; i++)
    bytes[i] = (uint8_t)(i * 7 + size);
  assert_int_equal(tls_write(from, view_of(bytes, size)), AVOW_OK);
  assert_int_equal(ERR_peek_error(), 0);
  assert_int_equal(move(from, to, piece), AVOW_OK);
  assert_int_equal(tls_data(to).size, size);
  assert_memory_equal(tls_data(to).data, bytes, size);
  tls_data_consume(to, size);
  assert_int_equal(tls_data(to).size, 0);
  free(bytes);
}

static void test_two_sides(void **state) {
  /* Goal: two sides shake hands and exchange data, however the bytes are cut. */
  struct pair *pair = *state;
  static const size_t pieces[] = {1, 2, 3, 5, 7, 64, 333, 1000, SIZE_MAX};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    connect_pair(pair, pair->alice_key);
    assert_string_equal(tls_group(pair->client), "");
    shake(pair, pieces[i]);
    assert_key(pair->client, alice_seed);
    assert_key(pair->server, bob_seed);
    assert_string_equal(tls_group(pair->client), tls_group(pair->server));
    assert_true(strcmp(tls_group(pair->client), "X25519") == 0 ||
                strcmp(tls_group(pair->client), "X25519MLKEM768") == 0);
    assert_int_equal(tls_output(pair->server).size, 0); /* no session ticket */
    send_data(pair->client, pair->server, 1, pieces[i]);
    send_data(pair->server, pair->client, 300, pieces[i]);
    send_data(pair->server, pair->client, 40000, pieces[i]);
    send_data(pair->client, pair->server, 40000, pieces[i]);
    assert_string_equal(tls_error_detail(pair->client), "");
  }
  assert_memory_equal(tls_library_version(), "OpenSSL ", 8);
}

static void test_data_with_the_handshake(void **state) {
  /* Goal: data that comes in one piece with the end of the handshake is there at once. */
  struct pair *pair = *state;
  move(pair->client, pair->server, SIZE_MAX);
  move(pair->server, pair->client, SIZE_MAX);
  assert_int_equal(tls_write(pair->client, view_text("open")), AVOW_OK);
  assert_int_equal(tls_write(pair->client, view_text(" sesame")), AVOW_OK);
  assert_int_equal(feed(pair->server, tls_output(pair->client)), AVOW_OK);
  assert_true(tls_ready(pair->server));
  assert_true(view_equal(tls_data(pair->server), view_text("open sesame")));
}

static void test_server_key(void **state) {
  /* Goal: a client goes on with the pinned server only; to any other it shows the door, not its
   * certificate, and says which key it saw. */
  struct pair *pair = *state;
  for (size_t i = 0; i <= 8 * ED25519_PUBLIC_SIZE; i++) { /* each bit off; at the end none */
    bool none = i == 8 * ED25519_PUBLIC_SIZE;
    uint8_t close_by[ED25519_PUBLIC_SIZE];
    memcpy(close_by, pair->alice_key, sizeof close_by);
    close_by[i / 8 % sizeof close_by] ^= (uint8_t)(1 << i % 8);
    enum avow_error expected = none ? AVOW_KEY_UNKNOWN : AVOW_KEY_CHANGED;
    connect_pair(pair, none ? NULL : close_by);
    assert_no_key(pair->client);
    move(pair->client, pair->server, SIZE_MAX);
    assert_int_equal(move(pair->server, pair->client, SIZE_MAX), expected);
    assert_key(pair->client, alice_seed);
    assert_only_alert(tls_output(pair->client));
    assert_refused(pair->client, expected);
    assert_string_equal(tls_error_detail(pair->client), "certificate verify failed");
    assert_int_equal(move(pair->client, pair->server, SIZE_MAX), AVOW_CLOSED);
    assert_refused(pair->server, AVOW_CLOSED);
    assert_no_key(pair->server);
  }
}

enum flight { HELLO, FIRST, SECOND };

/* Flip byte ${at} of the flight that ${from} has ready and give it to ${to}; false if there is no
 * such byte.  Unless the byte is one of a record's length, ${to} must fail at once.  Two bytes are
 * an exception, the legacy_record_version of a record in the clear: no hash covers it, and it MUST
 * be ignored (RFC 8446, 5.1).  A changed ClientHello may be noticed by the other side only. */
static bool flip(struct tls *from, struct tls *to, size_t at, uint8_t mask, enum flight which) {
  struct view flight = tls_output(from);
  if (at >= flight.size)
    return false;
  size_t record = 0; /* where the one begins that the byte belongs to */
  for (size_t next = 0; next <= at; next += 5 + load_u32(&flight.data[next + 1]) % 65536)
    record = next;
  uint8_t *copy = malloc(flight.size);
  memcpy(copy, flight.data, flight.size);
  copy[at] ^= mask;
  enum avow_error error = feed(to, view_of(copy, flight.size));
  free(copy);
  if (which == FIRST && (at == 1 || at == 2) && tls_ready(to))
    return true; /* with the pinned key: CertificateVerify and Finished have been checked */
  assert_false(tls_ready(to));
  assert_true(error == AVOW_HANDSHAKE || (error == AVOW_OK && which == HELLO) ||
              (error == AVOW_OK && (at == record + 3 || at == record + 4)));
  return true;
}

static void test_flipped_bytes(void **state) {
  /* Goal: a change of any byte of the server's flight is refused by the client, and of the client's
   * second flight by the server. */
  struct pair *pair = *state;
  static const uint8_t masks[] = {0xff, 0x01, 0x80};
  for (size_t i = 0; i < sizeof masks; i++) {
    size_t at;
    for (at = 0;; at++) {
      connect_pair(pair, pair->alice_key);
      move(pair->client, pair->server, SIZE_MAX);
      if (!flip(pair->server, pair->client, at, masks[i], FIRST))
        break;
    }
    assert_true(at > 300); /* the loop has really run */
    for (at = 0;; at++) {
      connect_pair(pair, pair->alice_key);
      move(pair->client, pair->server, SIZE_MAX);
      move(pair->server, pair->client, SIZE_MAX);
      if (!flip(pair->client, pair->server, at, masks[i], SECOND))
        break;
      assert_no_key(pair->server);
    }
    assert_true(at > 300);
  }
}

static void test_flipped_hello(void **state) {
  /* Goal: after a change of the ClientHello neither side gets ready. */
  struct pair *pair = *state;
  for (size_t at = 0; flip(pair->client, pair->server, at, 0xff, HELLO); at++) {
    tls_output_consume(pair->client, tls_output(pair->client).size);
    move(pair->server, pair->client, SIZE_MAX);
    move(pair->client, pair->server, SIZE_MAX);
    if (at != 1 && at != 2) { /* legacy_record_version again */
      assert_false(tls_ready(pair->client));
      assert_false(tls_ready(pair->server));
    }
    connect_pair(pair, pair->alice_key);
  }
}

static void send_once(struct pair *pair, const uint8_t *bytes, size_t size, size_t *used) {
  assert_int_equal(tls_write(pair->client, view_of(bytes, size)), AVOW_OK);
  *used += tls_output(pair->client).size;
  assert_int_equal(move(pair->client, pair->server, SIZE_MAX), AVOW_OK);
  tls_data_consume(pair->server, size);
}

static void test_too_much(void **state) {
  /* Goal: the limit is on the input of the whole life, is met exactly, and is final. */
  struct pair *pair = *state;
  static const uint8_t zeroes[AVOW_OPENING_BYTES_MAX + 1];
  size_t used = tls_output(pair->client).size;
  move(pair->client, pair->server, SIZE_MAX);
  move(pair->server, pair->client, SIZE_MAX);
  used += tls_output(pair->client).size;
  move(pair->client, pair->server, SIZE_MAX);
  while (AVOW_OPENING_BYTES_MAX - used > 16000 + 100)
    send_once(pair, zeroes, 16000, &used);
  send_once(pair, zeroes, AVOW_OPENING_BYTES_MAX - used - 5 - 1 - 16, &used);
  assert_int_equal(used, AVOW_OPENING_BYTES_MAX);
  assert_int_equal(feed(pair->server, view_of("x", 1)), AVOW_TOO_LONG);
  assert_int_equal(tls_write(pair->client, view_of(zeroes, sizeof zeroes)), AVOW_TOO_LONG);
  assert_int_equal(tls_write(pair->client, view_of(zeroes, 1)), AVOW_TOO_LONG);

  connect_pair(pair, NULL);
  assert_int_equal(feed(pair->server, view_of(zeroes, sizeof zeroes)), AVOW_TOO_LONG);
  assert_refused(pair->server, AVOW_TOO_LONG);
}

static void test_garbage(void **state) {
  /* Goal: bytes that are no handshake are refused, before and after it, and the refusal stays. */
  struct pair *pair = *state;
  static const char garbage[][24] = {"GET / HTTP/1.1\r\n\r\n",    "SSH-2.0-OpenSSH_9.2\r\n",
                                     "\x17\x03\x03\x00\x05hello", "\x15\x03\x03\x00\x04bye!",
                                     "\x14\x03\x03\x00\x01\x02",  "\x16\x03\x03\x00\x04\x0b"};
  uint8_t bytes[1 << 15] = {0}; /* enough for any length that is announced */
  for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
    memcpy(bytes, garbage[i], sizeof garbage[i]);
    for (size_t side = 0; side < 4; side++) {
      connect_pair(pair, pair->alice_key);
      if (side >= 2)
        shake(pair, SIZE_MAX);
      struct tls *tls = side % 2 == 0 ? pair->server : pair->client;
      assert_int_equal(feed(tls, view_of(bytes, sizeof bytes)), AVOW_HANDSHAKE);
      assert_int_equal(tls_write(tls, view_of("x", 1)), AVOW_HANDSHAKE);
      assert_string_not_equal(tls_error_detail(tls), "");
      if (side < 2)
        assert_refused(tls, AVOW_HANDSHAKE);
      else
        assert_key(tls, tls == pair->server ? bob_seed : alice_seed); /* that stays proven */
    }
  }
}

static void test_stale_errors(void **state) {
  /* Goal: an error that somebody else left in the library's queue does not disturb a handshake. */
  struct pair *pair = *state;
  struct tls *sides[] = {pair->client, pair->server};
  for (int i = 0; i < 3; i++) {
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    assert_int_equal(move(sides[i % 2], sides[1 - i % 2], 50), AVOW_OK);
  }
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  send_data(pair->client, pair->server, 10, 50);
}

/* ---- One of ours and a stranger: plain OpenSSL with settings of its own ---- */

/* The public key is shown, the seed signs: with the seed of another key he is an impostor. */
static EVP_PKEY *two_faces(const uint8_t *seed, const uint8_t *shown_seed) {
  uint8_t shown[ED25519_PUBLIC_SIZE];
  uint8_t secret[ED25519_SEED_SIZE];
  EVP_PKEY *key = NULL;
  key_of(shown_seed, shown);
  memcpy(secret, seed, sizeof secret);
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, shown, sizeof shown),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, secret, sizeof secret),
      OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "ED25519", NULL);
  assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
  assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
  EVP_PKEY_CTX_free(ctx);
  return key;
}

/* Whatever the client offers; ${name} is a string with its length before it. */
static int choose(SSL *ssl, const uint8_t **ret_name, uint8_t *ret_size, const uint8_t *offers,
                  unsigned int offers_size, void *name) {
  (void)ssl, (void)offers, (void)offers_size;
  *ret_name = (const uint8_t *)name + 1;
  *ret_size = *(const uint8_t *)name;
  return SSL_TLSEXT_ERR_OK;
}

static int take_any(X509_STORE_CTX *store, void *unused) {
  (void)store, (void)unused;
  return 1;
}

/* With ${key}, which is freed, in an expired certificate; NULL is none.  Asks for ours. */
static SSL_CTX *stranger_new(EVP_PKEY *key, const EVP_MD *digest) {
  static uint8_t alpn[] = {6, 'a', 'v', 'o', 'w', '/', '1'};
  SSL_CTX *stranger = SSL_CTX_new(TLS_method());
  SSL_CTX_set_alpn_protos(stranger, alpn, sizeof alpn);
  SSL_CTX_set_alpn_select_cb(stranger, choose, alpn);
  SSL_CTX_set_verify(stranger, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_cert_verify_callback(stranger, take_any, NULL);
  if (key == NULL)
    return stranger;
  X509 *cert = X509_new();
  X509_set_pubkey(cert, key);
  X509_gmtime_adj(X509_getm_notBefore(cert), -2000);
  X509_gmtime_adj(X509_getm_notAfter(cert), -1000);
  assert_true(X509_sign(cert, key, digest) > 0);
  assert_int_equal(SSL_CTX_use_certificate(stranger, cert), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey(stranger, key), 1);
  X509_free(cert);
  EVP_PKEY_free(key);
  return stranger;
}

static bool shown; /* whether the last stranger met has seen our certificate */

/* As far as it goes; the stranger's own errors are nobody's business.  Frees the stranger. */
static enum avow_error meet(SSL_CTX *stranger, struct tls *ours, bool stranger_serves) {
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  enum avow_error error = AVOW_OK;
  SSL *ssl = SSL_new(stranger);
  SSL_set_bio(ssl, in, out);
  (stranger_serves ? SSL_set_accept_state : SSL_set_connect_state)(ssl);
  for (int turn = 0; turn < 4; turn++) { /* after an error too: what did we still say? */
    struct view bytes = tls_output(ours);
    BIO_write(in, bytes.data, (int)bytes.size);
    tls_output_consume(ours, bytes.size);
    SSL_do_handshake(ssl);
    ERR_clear_error();
    uint8_t flight[8192];
    int size = BIO_read(out, flight, sizeof flight);
    if (size > 0)
      error = feed(ours, view_of(flight, (size_t)size));
  }
  shown = SSL_get0_peer_certificate(ssl) != NULL;
  SSL_free(ssl);
  SSL_CTX_free(stranger);
  return error;
}

static void test_stranger_let_in(void **state) {
  /* Goal: the strangers of the next tests fail for what they lack and for nothing else: one who
   * lacks nothing gets through, on either side, whatever his certificate says beside the key. */
  struct pair *pair = *state;
  SSL_CTX *client = stranger_new(two_faces(eve_seed, eve_seed), NULL);
  assert_int_equal(meet(client, pair->server, false), AVOW_OK);
  assert_key(pair->server, eve_seed);
  SSL_CTX *server = stranger_new(two_faces(alice_seed, alice_seed), NULL);
  assert_int_equal(meet(server, pair->client, true), AVOW_OK);
  assert_true(tls_ready(pair->client) && shown);
}

static void test_impostor(void **state) {
  /* Goal: to show somebody's key is not enough, CertificateVerify must prove it; and an impostor
   * as the server does not get to see our certificate. */
  struct pair *pair = *state;
  SSL_CTX *client = stranger_new(two_faces(eve_seed, bob_seed), NULL);
  assert_int_equal(meet(client, pair->server, false), AVOW_HANDSHAKE);
  assert_string_not_equal(tls_error_detail(pair->server), "");
  assert_no_key(pair->server);
  SSL_CTX *server = stranger_new(two_faces(eve_seed, alice_seed), NULL);
  assert_int_equal(meet(server, pair->client, true), AVOW_HANDSHAKE);
  assert_string_not_equal(tls_error_detail(pair->client), "");
  assert_false(shown);
  assert_no_key(pair->client);
}

static void test_key_type(void **state) {
  /* Goal: a client with an RSA or ECDSA key is refused, and told apart from one without a key; a
   * server with such a key finds no signature that we would take. */
  struct pair *pair = *state;
  enum { RSA_KEY, ECDSA_KEY, NO_KEY, CASES };
  for (int i = 0; i < 2 * CASES; i++) {
    bool serves = i % 2 == 1;
    connect_pair(pair, pair->alice_key);
    struct tls *ours = serves ? pair->client : pair->server;
    EVP_PKEY *key = NULL;
    if (i / 2 != NO_KEY)
      key = i / 2 == RSA_KEY ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    enum avow_error expected = serves ? AVOW_CLOSED : key == NULL ? AVOW_HANDSHAKE : AVOW_KEY_TYPE;
    assert_int_equal(meet(stranger_new(key, EVP_sha256()), ours, serves), expected);
    assert_refused(ours, expected);
    assert_no_key(ours);
    if (!serves && i / 2 == NO_KEY)
      assert_string_equal(tls_error_detail(ours), "peer did not return a certificate");
  }
}

static void test_other_protocol(void **state) {
  /* Goal: an older TLS, no ALPN or another one is refused, on either side, before our certificate
   * has been shown. */
  struct pair *pair = *state;
  enum { OLD, NO_ALPN, OTHER_ALPN, CASES };
  for (int i = 0; i < 2 * CASES; i++) {
    bool serves = i % 2 == 1;
    connect_pair(pair, pair->alice_key);
    struct tls *ours = serves ? pair->client : pair->server;
    const uint8_t *seed = serves ? alice_seed : bob_seed;
    SSL_CTX *stranger = stranger_new(two_faces(seed, seed), NULL);
    static uint8_t other[] = {6, 'a', 'v', 'o', 'w', '/', '2', 2, 'h', '2'};
    if (i / 2 == OLD) {
      SSL_CTX_set_max_proto_version(stranger, TLS1_2_VERSION);
    } else {
      SSL_CTX_set_alpn_protos(stranger, other, i / 2 == NO_ALPN ? 0 : sizeof other);
      SSL_CTX_set_alpn_select_cb(stranger, i / 2 == NO_ALPN ? NULL : choose, other);
    }
    enum avow_error error = meet(stranger, ours, serves);
    assert_true(error == AVOW_HANDSHAKE || error == AVOW_CLOSED);
    assert_false(shown);
    assert_refused(ours, error);
  }
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, pair_up, pair_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_PAIR(test_two_sides),       WITH_PAIR(test_data_with_the_handshake),
      WITH_PAIR(test_server_key),      WITH_PAIR(test_flipped_bytes),
      WITH_PAIR(test_flipped_hello),   WITH_PAIR(test_too_much),
      WITH_PAIR(test_garbage),         WITH_PAIR(test_stale_errors),
      WITH_PAIR(test_stranger_let_in), WITH_PAIR(test_impostor),
      WITH_PAIR(test_key_type),        WITH_PAIR(test_other_protocol),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
