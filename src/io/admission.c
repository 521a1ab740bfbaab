// SPDX-License-Identifier: Apache-2.0
#include "io/admission.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/screen.h"
#include "keys/allowed_signers.h"
#include "keys/public_key.h"

/* Strangers may not fill the screen: so many lines in such a time. */
#define FAILURES_SHOWN 10u
#define FAILURES_TIME_US 10000000u

/* Whether this line may be shown; says how many were not once they may again. */
static bool may_show(void) {
  static uint64_t since_us;
  static unsigned seen;
  uint64_t now_us = clock_now().mono_us;
  if (now_us - since_us >= FAILURES_TIME_US) {
    if (seen > FAILURES_SHOWN)
      screen_alarm("And %u more connection%s that opened no session.", seen - FAILURES_SHOWN,
                   PLURAL(seen - FAILURES_SHOWN));
    since_us = now_us;
    seen = 0;
  }
  return seen++ < FAILURES_SHOWN;
}

bool admission_allows(const struct server_options *options, bool loopback,
                      const uint8_t key[ED25519_PUBLIC_SIZE], char *name) {
  name[0] = '\0';
  if (options->accept_anyone)
    return true;
  if (options->allowed_file == NULL)
    return loopback;
  struct buf file;
  buf_init(&file, AVOW_KEY_LIST_MAX);
  unsigned line = 0;
  char text[FINGERPRINT_SIZE] = "";
  (void)fingerprint(key, text);
  enum avow_error error = file_read(options->allowed_file, FILE_ANY, &file);
  bool read = error == AVOW_OK;
  const char *reason = error == AVOW_SYSTEM ? strerror(errno) : avow_error_text(error);
  if (read)
    error = allowed_signers_find(buf_view(&file), key, clock_now().wall_us, name, &line);
  buf_free(&file);
  screen_harmless(name);
  if (error == AVOW_OK)
    return true;
  if (!may_show())
    return false;
  if (!read)
    screen_error("cannot read %s: %s. Nobody is let in until it can be read.",
                 options->allowed_file, reason);
  else if (error == AVOW_NOT_FOUND)
    screen_alarm("Refused: the client's key %s is not in %s.", text, options->allowed_file);
  else if (error == AVOW_EXPIRED)
    screen_alarm("Refused: the client's key %s is not valid now, says %s.", text,
                 options->allowed_file);
  else
    screen_error("%s:%u: %s. Nobody is let in until that line is mended.", options->allowed_file,
                 line, avow_error_text(error));
  return false;
}

void admission_failed(const char *peer, const struct opening *opening) {
  enum avow_error error = opening_error(opening);
  const char *detail = opening_detail(opening);
  if (!may_show())
    return;
  switch (error) {
  case AVOW_HANDSHAKE:
  case AVOW_MALFORMED:
  case AVOW_TOO_LONG:
    screen_alarm("The opening with %s failed: %s%s%s.", peer, avow_error_text(error),
                 detail[0] != '\0' ? ": " : "", detail);
    screen_alarm("%s", verdict_attack(VERDICT_MODIFIED));
    break;
  case AVOW_KEY_REFUSED: break; /* said by admission_allows */
  case AVOW_BUSY: screen_status("Refused %s: there are as many sessions as may be.", peer); break;
  case AVOW_CLOSED: /* a bob who does not know our key yet, most likely: he asks, and comes again */
    screen_status("%s ended the opening.", peer);
    screen_detail("He says: %s", detail);
    break;
  default:
    screen_status("Closed %s: %s%s%s.", peer, avow_error_text(error), detail[0] != '\0' ? ", " : "",
                  detail);
  }
  screen_json(json_pack("{s:s, s:s, s:s}", "event", "refused", "peer", peer, "reason",
                        avow_error_text(error)));
}
