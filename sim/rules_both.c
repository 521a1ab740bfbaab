// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "rules_inside.h"

/* Both logs together, after each alone. */

static bool same_proof(const struct proof *one, const struct proof *other) {
  return memcmp(one, other, sizeof *one) == 0;
}

static const char *both_connections(const struct rules *bob, const struct rules *alice) {
  size_t at = 0;
  for (size_t i = 0; i < bob->connections_count; i++, at++) {
    const struct connection *his = &bob->connections[i];
    while (at < alice->connections_count &&
           (memcmp(his->statement, alice->connections[at].statement, SHA256_SIZE) != 0 ||
            memcmp(his->proof.alice_signature, alice->connections[at].proof.alice_signature,
                   SIGNATURE_SIZE) != 0))
      at++;
    if (at == alice->connections_count)
      return "both logs, rule 1: a connection that alice's log does not have";
    const struct connection *hers = &alice->connections[at];
    if (hers->agreed && (!his->agreed || !same_proof(&his->proof, &hers->proof)))
      return "both logs, rule 1: a connection with another signature";
  }
  size_t agreed[2] = {0, 0};
  for (size_t i = 0; i < bob->connections_count; i++)
    agreed[BOB] += bob->connections[i].agreed;
  for (size_t i = 0; i < alice->connections_count; i++)
    agreed[ALICE] += alice->connections[i].agreed;
  return agreed[ALICE] > agreed[BOB] ? "both logs, rule 1: a connection that only alice's log has"
                                     : NULL;
}

static const char *both_messages(const struct rules *bob, const struct rules *alice) {
  if (bob->envelopes_count > alice->envelopes_count)
    return "both logs, rule 2: an envelope that alice's log does not have";
  for (size_t i = 0; i < bob->envelopes_count; i++) {
    const struct envelope *his = &bob->envelopes[i], *hers = &alice->envelopes[i];
    if (his->first_id != hers->first_id || his->count != hers->count ||
        (hers->confirmed_us != 0 && his->confirmed_us != hers->confirmed_us) ||
        !same_proof(&his->proof, &hers->proof))
      return "both logs, rule 2: an envelope that alice's log has otherwise";
  }
  if (alice->messages_count > bob->messages_count)
    return "both logs, rule 3: a message that bob's log does not have";
  struct view his = buf_view(&bob->told), hers = buf_view(&alice->told);
  if (hers.size > his.size || (hers.size > 0 && memcmp(his.data, hers.data, hers.size) != 0))
    return "both logs, rule 3: a message that bob's log has otherwise";
  return NULL;
}

/* Whether it is a head of alice's log. */
static bool is_alices(const struct rules *alice, const uint8_t head[HEAD_SIZE]) {
  bool found = rules_line(alice, head, 0) || rules_gave(alice, head);
  for (size_t i = 0; i < alice->ends_count; i++)
    found |= memcmp(alice->ends[i].proof.head, head, HEAD_SIZE) == 0;
  return found;
}

static bool heads_fit(const struct rules *bob, const struct rules *alice) {
  bool fit = true;
  for (size_t i = 0; i < alice->connections_count; i++)
    fit &= rules_line(bob, alice->connections[i].proof.bob_head, 0);
  for (size_t i = 0; i < alice->envelopes_count; i++)
    fit &= rules_line(bob, alice->envelopes[i].proof.bob_head, 0);
  for (size_t i = 0; i < alice->ends_count; i++)
    fit &= rules_line(bob, alice->ends[i].proof.bob_head, 0);
  for (size_t i = 0; i < bob->connections_count; i++)
    fit &= is_alices(alice, bob->connections[i].proof.alice_head);
  for (size_t i = 0; i < bob->envelopes_count; i++)
    fit &= is_alices(alice, bob->envelopes[i].proof.alice_head);
  for (size_t i = 0; i < bob->ends_count; i++)
    fit &= !bob->ends[i].by_bob || is_alices(alice, bob->ends[i].proof.alice_head);
  return fit;
}

static const char *both_ends(const struct rules *bob, const struct rules *alice) {
  for (size_t i = 0; i < bob->ends_count; i++) {
    const struct end *his = &bob->ends[i];
    bool found = false;
    for (size_t k = 0; k < alice->ends_count; k++)
      found |= his->messages == alice->ends[k].messages && his->when_us == alice->ends[k].when_us &&
               his->by_bob == alice->ends[k].by_bob &&
               same_proof(&his->proof, &alice->ends[k].proof);
    if (!found)
      return "both logs, rule 5: an end that alice's log does not have";
  }
  if (alice->end_due && alice->ends[alice->ends_count - 1].by_bob && !bob->end_due)
    return "both logs, rule 5: an end that bob's log does not have";
  return NULL;
}

static bool is(const uint8_t head[HEAD_SIZE], const uint8_t *hex) {
  char text[2 * HEAD_SIZE + 1];
  hex_encode(view_of(head, HEAD_SIZE), text);
  return memcmp(text, hex, sizeof text - 1) == 0;
}

bool rules_holds(const struct rules *rules, const uint8_t *hex, bool openings) {
  bool bob = rules->side == BOB, found = false;
  for (size_t i = 0; i < rules->connections_count && openings; i++) {
    const struct connection *connection = &rules->connections[i];
    found |= connection->agreed &&
             is(bob ? connection->proof.alice_head : connection->proof.bob_head, hex);
  }
  for (size_t i = 0; i < rules->envelopes_count; i++)
    found |= is(bob ? rules->envelopes[i].proof.head : rules->envelopes[i].proof.bob_head, hex);
  for (size_t i = 0; i < rules->ends_count; i++)
    found |= is(bob ? rules->ends[i].proof.head : rules->ends[i].proof.bob_head, hex);
  return found;
}

const char *rules_both(const struct rules *bob, const struct rules *alice) {
  if (memcmp(&bob->names, &alice->names, sizeof bob->names) != 0)
    return "both logs, rule 1: another session";
  const char *breach = bob->tls ? both_connections(bob, alice) : NULL;
  if (breach == NULL)
    breach = both_messages(bob, alice);
  if (breach == NULL && bob->tls && !heads_fit(bob, alice))
    breach = "both logs, rule 4: a head that the other log does not have";
  return breach == NULL ? both_ends(bob, alice) : breach;
}
