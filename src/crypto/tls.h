// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_TLS_H
#define AVOW_CRYPTO_TLS_H

#include "base/bytes.h"
#include "crypto/ed25519.h"

/* TLS 1.3 over memory: bytes in, bytes out, no socket.  Each side shows a self-signed certificate
 * of its Ed25519 identity; only the raw key in it counts.  No session tickets, no other version,
 * the group list is left at the library's default so that a newer library can use its hybrid
 * groups. */

/* What all connections of one identity share: key, certificate, settings. */
struct tls_identity;

/** tls_identity_new(ret, seed): Returns AVOW_NO_MEMORY, AVOW_CRYPTO.  ${seed} is not kept. */
enum avow_error tls_identity_new(struct tls_identity **ret, const uint8_t seed[ED25519_SEED_SIZE]);

/** tls_identity_key(identity): Return the same key, to sign with; it lives as long as ${identity}.
 */
struct ed25519 *tls_identity_key(const struct tls_identity *identity);

/** tls_identity_free(identity): NULL is fine.  After all its connections. */
void tls_identity_free(struct tls_identity *identity);

/* One connection.  It holds about 100 kB: free it as soon as the opening is over. */
struct tls;

/**
 * tls_connect(ret, identity, server_key):
 * Start the client's side; its ClientHello is ready in tls_output.  The handshake goes on only with
 * a server whose key is ${server_key} (32 bytes, copied).  With NULL it stops at any server, with
 * AVOW_KEY_UNKNOWN, before our own certificate has left.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO.
 */
enum avow_error tls_connect(struct tls **ret, const struct tls_identity *identity,
                            const uint8_t *server_key);

/**
 * tls_accept(ret, identity):
 * Start the server's side.  Any client with an Ed25519 key gets through: the caller looks at
 * tls_peer_key before it answers anything.  Returns AVOW_NO_MEMORY, AVOW_CRYPTO.
 */
enum avow_error tls_accept(struct tls **ret, const struct tls_identity *identity);

/** tls_free(tls): Wipe and free; NULL is fine. */
void tls_free(struct tls *tls);

/**
 * tls_input(tls, bytes):
 * Take bytes that came from the peer (at most AVOW_OPENING_BYTES_MAX over the connection's life,
 * else AVOW_TOO_LONG).  Returns AVOW_HANDSHAKE if they do not fit a handshake, AVOW_KEY_UNKNOWN or
 * AVOW_KEY_CHANGED as tls_connect says (tls_peer_key then tells which key it was), AVOW_KEY_TYPE if
 * the peer's key is not Ed25519, AVOW_CLOSED if the peer ended the handshake.  An error is final:
 * every later call returns it again. tls_output may hold an alert for the peer after an error.
 */
enum avow_error tls_input(struct tls *tls, struct view bytes);

/** tls_output(tls): Return the bytes for the peer; valid until the next call. */
struct view tls_output(struct tls *tls);

/** tls_output_consume(tls, size): The first ${size} bytes of them have been taken. */
void tls_output_consume(struct tls *tls, size_t size);

/** tls_ready(tls): Whether the handshake is over and data can go both ways. */
bool tls_ready(const struct tls *tls);

/** tls_write(tls, bytes): Seal data for the peer into tls_output.  Only when tls_ready. */
enum avow_error tls_write(struct tls *tls, struct view bytes);

/** tls_data(tls): Return the peer's data that came so far; valid until the next call. */
struct view tls_data(struct tls *tls);

/** tls_data_consume(tls, size): The first ${size} bytes of it have been taken. */
void tls_data_consume(struct tls *tls, size_t size);

/** tls_peer_key(tls, key): Copy the peer's raw key; false if none has been seen yet. */
bool tls_peer_key(const struct tls *tls, uint8_t key[ED25519_PUBLIC_SIZE]);

/** tls_group(tls): Return the name of the key-exchange group; "" before tls_ready. */
const char *tls_group(const struct tls *tls);

/** tls_error_detail(tls): Return the TLS library's own word on the error; "" if none. */
const char *tls_error_detail(const struct tls *tls);

/** tls_library_version(): Return the library's name and version, e.g. "OpenSSL 3.0.19 27 Jan 2026".
 */
const char *tls_library_version(void);

#endif
