// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_TRUST_H
#define AVOW_IO_TRUST_H

#include "crypto/ed25519.h"
#include "io/client.h"

/* Whom bob trusts to be alice: the key that the user gave, or the one beside the port file, or the
 * one that known_servers has for this host and port; else the user is asked once. */
struct trust {
  bool known; /* ${key} is the one */
  uint8_t key[ED25519_PUBLIC_SIZE];
  char name[AVOW_NAME_SIZE];
  char source[64]; /* where the key came from, for messages */
};

/**
 * trust_find(options, port, ret):
 * Find the key to expect at ${port} of the server of ${options}.  Returns AVOW_OK also if there is
 * none (then not known); after an error, which it says on the screen, bob must not go on.
 */
enum avow_error trust_find(const struct client_options *options, unsigned port, struct trust *ret);

/**
 * trust_ask(options, port, key):
 * Show the key of a server that was not known and ask the person at the terminal; on a yes, write
 * it to known_servers.  Returns AVOW_KEY_UNKNOWN on a no or without a terminal, AVOW_SYSTEM if it
 * cannot be written; each said on the screen.
 */
enum avow_error trust_ask(const struct client_options *options, unsigned port,
                          const uint8_t key[ED25519_PUBLIC_SIZE]);

/** trust_changed(options, port, trust, key): Shout: the server has shown ${key}, not the trusted
 * one. */
void trust_changed(const struct client_options *options, unsigned port, const struct trust *trust,
                   const uint8_t key[ED25519_PUBLIC_SIZE]);

#endif
