// SPDX-License-Identifier: Apache-2.0
#include "io/announce.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/when.h"
#include "evidence/escape.h"
#include "io/screen.h"
#include "keys/public_key.h"
#include "wire/sealed.h"

void announce_client(const struct session *session, const char *peer, const char *log,
                     const char *name) {
  char key_text[FINGERPRINT_SIZE] = "";
  screen_status("Connected: %s", peer);
  screen_status("Logging messages in: %s.log", log);
  if (session->handshake == HANDSHAKE_PLAIN) {
    screen_alarm("Plain mode: anyone on the line can read the key.");
  } else if (fingerprint(session->peer_key, key_text) == AVOW_OK) {
    screen_status("Client's key: %s %s", key_text, name[0] != '\0' ? name : "(anyone is let in)");
    screen_detail("Key exchange: %s", session->group);
  }
  screen_status("%s", "");
  screen_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "event", "connected", "peer", peer, "log",
                        log, "handshake", session->handshake == HANDSHAKE_TLS ? "tls" : "plain",
                        "client_key", key_text, "client_name", name));
}

void announce_confirmed(const struct event *event, bool person) {
  for (uint64_t i = 0; i < event->count; i++) {
    if (person)
      screen_status("Your message was successfully received by the server.");
    else
      screen_detail("Message %llu was successfully received by the server.",
                    (unsigned long long)(event->id + i));
    if (screen_json_on())
      screen_json(json_pack("{s:s, s:I, s:o}", "event", "confirmed", "id",
                            (json_int_t)(event->id + i), "confirmed_at",
                            screen_time_json(event->confirmed_us)));
  }
}

void announce_slow(const struct event *event) {
  bool one = event->count == 1;
  char last[40] = "";
  if (!one)
    snprintf(last, sizeof last, " to %llu", (unsigned long long)(event->id + event->count - 1));
  screen_error("message%s %llu%s %s refused again and again, this time %.1f seconds after %s left: "
               "on this line %s longer than the server lets a token be old, so %s will not arrive "
               "like this, nor will what is behind. Nothing is lost; it waits in the outbox. Find "
               "a faster line, let the server's owner give alice a longer --freshness, or send "
               "shorter messages.",
               one ? "" : "s", (unsigned long long)event->id, last, one ? "is" : "are",
               (double)event->way_us / 1e6, one ? "it" : "they", one ? "it takes" : "they take",
               one ? "it" : "they");
  screen_json(json_pack("{s:s, s:I, s:I, s:f}", "event", "too slow", "id", (json_int_t)event->id,
                        "count", (json_int_t)event->count, "seconds", (double)event->way_us / 1e6));
}

void announce_server(const struct session *session, const char *peer, const struct trust *trust,
                     const char *log, uint64_t waiting, bool person) {
  char text[FINGERPRINT_SIZE] = "";
  bool resumed = session->open.resume;
  screen_status("Connected to server.");
  if (session->handshake == HANDSHAKE_PLAIN) {
    screen_alarm("Plain mode: anyone on the line can read the key.");
  } else if (fingerprint(session->peer_key, text) == AVOW_OK) {
    screen_detail("Server's key: %s %s (%s)", text, trust->name, trust->source);
    screen_detail("Key exchange: %s", session->group);
  }
  if (resumed && waiting > 0)
    screen_status("%llu message%s from before go%s first.", (unsigned long long)waiting,
                  PLURAL(waiting), waiting == 1 ? "es" : "");
  if (person)
    screen_status("You can now send messages to the server:");
  screen_json(json_pack("{s:s, s:s, s:s, s:b, s:I, s:s, s:s}", "event", "connected", "peer", peer,
                        "log", log, "resumed", resumed, "waiting", (json_int_t)waiting, "handshake",
                        session->handshake == HANDSHAKE_TLS ? "tls" : "plain", "server_key", text));
}

enum avow_error announce_text(const struct event *event, int offset_min) {
  if (!screen_stdout_is_terminal()) {
    enum avow_error error = screen_data(event->text);
    return error == AVOW_OK ? screen_data(view_text("\n")) : error;
  }
  char time[WHEN_TEXT_SIZE];
  struct buf line;
  buf_init(&line, 4 * AVOW_TEXT_MAX + 1);
  when_text(event->timestamp_us, offset_min, time);
  screen_status("%.26s", time); /* without the zone: it is the reader's */
  enum avow_error error = escape_append(&line, event->text);
  if (error == AVOW_OK)
    error = buf_text(&line, "\n");
  if (error == AVOW_OK)
    error = screen_data(buf_view(&line));
  buf_wipe_free(&line);
  return error;
}

void announce_json(const struct event *event) {
  char hash[2 * MESSAGE_HASH_SIZE + 1];
  hex_encode(view_of(event->hash, MESSAGE_HASH_SIZE), hash);
  json_t *object =
      json_pack("{s:s, s:I, s:s, s:o, s:o}", "event", "message", "id", (json_int_t)event->id,
                "hash", hash, "timestamp", screen_time_json(event->timestamp_us), "confirmed_at",
                screen_time_json(event->confirmed_us));
  screen_json_text(object, event->text);
  screen_json(object);
}
