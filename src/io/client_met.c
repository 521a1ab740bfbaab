// SPDX-License-Identifier: Apache-2.0
#include "io/client_state.h"

#include "io/clock.h"
#include "io/screen.h"
#include "keys/public_key.h"

/* So many spoilt openings in a row, and somebody does it on purpose. */
#define SPOILT_MAX 3u
/* So long another key at the port of the port file may be a misunderstanding. */
#define OLD_PORT_US 3000000u

/* What stands at the address is not alice. */
static void met_stranger(struct client *client, const char *detail) {
  const char *what = detail[0] != '\0' ? detail : "it speaks something else";
  if (client->options->host != NULL) {
    screen_error("%s is not avow's: %s.", client->peer, what);
    client_finish(client, CODE_UNREACHABLE);
    return;
  }
  if (!client->stranger_said)
    screen_status("%s is not avow's (%s): the port file is old. Still waiting for server...",
                  client->peer, what);
  client->stranger_said = true;
  client_drop_link(client);
}

/* That may pass, but who waits should know. */
void client_met_silence(struct client *client, const char *why) {
  if (client->stranger_said)
    screen_detail("%s: %s.", client->peer, why);
  else
    screen_status("%s: %s. Still waiting for server...", client->peer, why);
  client->stranger_said = true;
  client_drop_link(client);
}

/* Somebody has spoilt the opening, or the line has: try again. */
static void met_damage(struct client *client, enum avow_error error, const char *detail) {
  screen_alarm("The opening failed: %s%s%s.", avow_error_text(error), detail[0] != '\0' ? ": " : "",
               detail);
  screen_alarm("%s", verdict_attack(VERDICT_MODIFIED));
  screen_json(json_pack("{s:s, s:s}", "event", "opening failed", "reason", avow_error_text(error)));
  if (++client->spoilt >= SPOILT_MAX) {
    screen_error("%u openings in a row were spoilt.", client->spoilt);
    client_finish(client, CODE_ATTACK);
    return;
  }
  client_drop_link(client);
}

static void met_unknown_key(struct client *client) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  bool shown = opening_peer_key(client->opening, key);
  client_drop_link(client); /* a person takes his time: the next connection finds the key known */
  client->retry_ms = RETRY_FIRST_MS;
  if (!shown || trust_ask(client->options, client->port, key) != AVOW_OK)
    client_finish(client, CODE_UNTRUSTED);
  client->started_us = clock_now().mono_us;
  client->next = NULL;
  client->again = true;
}

static void met_refusal(struct client *client, enum avow_error error) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  char line[PUBLIC_KEY_TEXT_SIZE];
  switch (error) {
  case AVOW_BUSY:
    screen_error(
        "the server is busy: it has as many clients as it takes. Try later, or ask its owner for "
        "alice --serve, or a larger --max-clients.");
    client_finish(client, CODE_UNREACHABLE);
    break;
  case AVOW_BAD_MODE:
    screen_error("the server was started with another --handshake than %s. Both must agree.",
                 client->tls != NULL ? "tls" : "plain");
    client_finish(client, CODE_FAILURE);
    break;
  case AVOW_BAD_VERSION:
    screen_error("the server speaks another version of the protocol.");
    client_finish(client, CODE_FAILURE);
    break;
  case AVOW_NO_SESSION:
    if (talk_renew(client->talk, opening_peer_key(client->opening, key) ? key : NULL)) {
      client->next = NULL;
      client->again = true;
      client->retry_ms = RETRY_FIRST_MS;
      client_drop_link(client);
    } else {
      client_finish(client, CODE_FAILURE);
    }
    break;
  default:
    public_key_encode(client->options->identity->public, line);
    screen_error("the server does not let our key in. Give its owner this line "
                 "for allowed_signers:\n%s %s",
                 client->options->identity->comment, line);
    client_finish(client, CODE_UNTRUSTED);
  }
}

/* Another alice may have the port that an old port file names, at this address or since ours was
 * killed: look again for a while before the alarm. */
static bool may_be_old(struct client *client) {
  uint64_t now_us = clock_now().mono_us;
  if (client->options->host != NULL)
    return false;
  if (client->mismatch_us == 0)
    client->mismatch_us = now_us;
  return client->next != NULL || now_us - client->mismatch_us < OLD_PORT_US;
}

void client_met_failure(struct client *client) {
  enum avow_error error = opening_error(client->opening);
  const char *detail = opening_detail(client->opening);
  uint8_t key[ED25519_PUBLIC_SIZE];
  switch (error) {
  case AVOW_NOT_AVOW: met_stranger(client, detail); break;
  case AVOW_KEY_UNKNOWN: met_unknown_key(client); break;
  case AVOW_KEY_CHANGED:
    if (may_be_old(client)) {
      client_drop_link(client);
      break;
    }
    if (opening_peer_key(client->opening, key))
      trust_changed(client->options, client->port, &client->trust, key);
    client_finish(client, CODE_UNTRUSTED);
    break;
  case AVOW_BUSY:
  case AVOW_BAD_MODE:
  case AVOW_BAD_VERSION:
  case AVOW_NO_SESSION:
  case AVOW_KEY_REFUSED: met_refusal(client, error); break;
  case AVOW_CLOSED:
  case AVOW_TIMEOUT: client_met_silence(client, avow_error_text(error)); break;
  case AVOW_NO_MEMORY:
  case AVOW_CRYPTO:
    screen_error("cannot open a session: %s.", avow_error_text(error));
    client_finish(client, CODE_FAILURE);
    break;
  default: met_damage(client, error, detail);
  }
}
