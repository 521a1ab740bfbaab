// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_KEYS_SSHSIG_H
#define AVOW_KEYS_SSHSIG_H

#include "crypto/ed25519.h"

/* Signatures in OpenSSH's format (openssh-portable, PROTOCOL.sshsig), so that `ssh-keygen -Y
 * verify` checks them: by an ssh-ed25519 key, over the SHA-512 of a text, in one namespace.  What a
 * text is, its first line says (evidence/statement.h), so that none can pass for another. */
#define SSHSIG_NAMESPACE "avow"
/* The base64 of such a signature, on one line, and a NUL. */
#define SSHSIG_TEXT_SIZE 233u

/** sshsig_sign(key, text, signature): Make the raw signature.  Returns AVOW_NO_MEMORY,
 * AVOW_CRYPTO. */
enum avow_error sshsig_sign(struct ed25519 *key, struct view text,
                            uint8_t signature[ED25519_SIGNATURE_SIZE]);

/** sshsig_verify(key, text, signature): Check a raw signature.  Returns AVOW_NOT_AUTHENTIC,
 * AVOW_NO_MEMORY, AVOW_CRYPTO. */
enum avow_error sshsig_verify(struct ed25519 *key, struct view text,
                              const uint8_t signature[ED25519_SIGNATURE_SIZE]);

/** sshsig_encode(public, signature, line): Write it on one line: what stands between the BEGIN and
 * END lines of ssh-keygen's file, without newlines. */
void sshsig_encode(const uint8_t public[ED25519_PUBLIC_SIZE],
                   const uint8_t signature[ED25519_SIGNATURE_SIZE], char line[SSHSIG_TEXT_SIZE]);

/**
 * sshsig_decode(line, public, signature):
 * Read what sshsig_encode wrote, and nothing else: another version, namespace, key type, hash, or
 * anything behind it is AVOW_MALFORMED.
 */
enum avow_error sshsig_decode(struct view line, uint8_t public[ED25519_PUBLIC_SIZE],
                              uint8_t signature[ED25519_SIGNATURE_SIZE]);

/** sshsig_armor(line, file): Append ssh-keygen's file of the encoded ${line}.  Errors of
 * buf_append. */
enum avow_error sshsig_armor(const char *line, struct buf *file);

#endif
