// SPDX-License-Identifier: Apache-2.0
#include "mallory_scene.h"

#define KEYLESS                                                                                    \
  {                                                                                                \
    DELIVERED_ONCE, 0, {                                                                           \
      { MALLORY_HERSELF, "no key to forge with: it went inside TLS" }                              \
    }                                                                                              \
  }
#define CUT "The connection was cut."
#define EARLY "A message before this one is missing."
#define FAKE "Fake confirmation."
#define INCORRECT "Incorrect token."
#define LATE "Late token."
#define MALFORMED "Malformed frame."
#define REPEATED "Repeated token."
#define TRUNCATED "Truncated frame."
#define UNCONFIRMED "No confirmation received from the server."

/* What is the same in both modes: all arrives, and this is noticed. */
#define BOTH(...)                                                                                  \
  {                                                                                                \
    {DELIVERED_ONCE, 0, {__VA_ARGS__}}, {                                                          \
      DELIVERED_ONCE, 0, {                                                                         \
        __VA_ARGS__                                                                                \
      }                                                                                            \
    }                                                                                              \
  }
#define NOBODY                                                                                     \
  { ALICE_LOG, 0 }

const char *const SCENE_TEXT[SCENE_TEXTS] = {"first message", "second message", "third message"};

static const struct scene SCENES[] = {
    {"eavesdrop", {"eavesdrop"}, 0, BOTH(NOBODY)},
    {"modify a message", {"modify,nth=2"}, 0, BOTH({ALICE_LOG, INCORRECT})},
    {"modify a confirmation", {"modify,to=bob,nth=2"}, 0, BOTH({BOB_LOG, FAKE})},
    {"modify a length", {"modify,nth=2,byte=0,bit=7"}, 0, BOTH({ALICE_LOG, MALFORMED})},
    {"modify a hello",
     {"modify,type=hello,byte=6"},
     0,
     BOTH({ALICE_SCREEN, "the other side does not speak avow."})},
    {"truncate a message", {"truncate,nth=3"}, SCENE_SLOW_BOB, BOTH({ALICE_LOG, TRUNCATED})},
    {"truncate a confirmation",
     {"truncate,to=bob,nth=3"},
     SCENE_SLOW_BOB,
     BOTH({BOB_LOG, TRUNCATED})},
    {"inject noise", {"inject,nth=2"}, 0, BOTH({ALICE_LOG, MALFORMED})},
    {"inject a frame", {"inject,nth=2,what=open"}, 0, BOTH({ALICE_LOG, "Unexpected frame."})},
    {"inject a made-up token", {"inject,nth=2,what=token"}, 0, BOTH({ALICE_LOG, INCORRECT})},
    {"replay at once", {"replay,nth=2"}, 0, BOTH({ALICE_LOG, REPEATED})},
    {"replay later", {"replay,when=later,seconds=0.25"}, 0, BOTH({ALICE_LOG, REPEATED})},
    {"replay on another connection",
     {"cut,nth=2", "replay,when=another"},
     0,
     BOTH({ALICE_LOG, INCORRECT}, {BOB_LOG, CUT})},
    {"replay after a restart",
     {"replay,when=another"},
     SCENE_RESTART,
     BOTH({ALICE_LOG, INCORRECT}, {BOB_LOG, CUT})},
    {"replay a confirmation", {"replay,to=bob,nth=2"}, 0, BOTH({BOB_LOG, REPEATED})},
    {"reorder", {"reorder,nth=2"}, 0, BOTH({ALICE_LOG, EARLY}, {ALICE_LOG, REPEATED})},
    {"duplicate", {"duplicate,nth=2"}, 0, BOTH({ALICE_LOG, REPEATED})},
    {"drop a message", {"drop,nth=2"}, 0, BOTH({ALICE_LOG, EARLY})},
    {"drop the last message", {"drop,nth=3"}, 0, BOTH({BOB_LOG, UNCONFIRMED})},
    {"delay", {"delay,nth=3,seconds=4"}, SCENE_SLOW_BOB, BOTH({ALICE_LOG, LATE})},
    {"fake confirmation", {"fake-confirmation,nth=2"}, 0, BOTH({BOB_LOG, FAKE})},
    {"reflect", {"reflect,nth=2"}, 0, BOTH({BOB_LOG, "Malformed token."})},
    {"swallow confirmations",
     {"swallow-confirmations,during=2.5"},
     0,
     BOTH({BOB_LOG, UNCONFIRMED})},
    {"cut", {"cut,nth=2"}, 0, BOTH({ALICE_LOG, CUT}, {BOB_LOG, CUT})},
    {"half-open",
     {"half-open,nth=2,seconds=2.5"},
     0,
     BOTH({ALICE_LOG, CUT}, {BOB_LOG, UNCONFIRMED})},
    {"flood Alice", {"flood,nth=2"}, 0, BOTH({ALICE_LOG, INCORRECT})},
    {"flood Bob", {"flood,to=bob,nth=2"}, 0, BOTH({BOB_LOG, FAKE})},
    {"slow drip", {"drip,nth=3,gap=0.015"}, SCENE_SLOW_BOB, BOTH({ALICE_LOG, LATE})},
    {"huge length to Alice", {"huge-length,nth=2"}, 0, BOTH({ALICE_LOG, MALFORMED})},
    {"huge length to Bob", {"huge-length,to=bob,nth=2"}, 0, BOTH({BOB_LOG, MALFORMED})},
    {"impersonate Alice",
     {"impersonate-alice"},
     0,
     {{DELIVERED_BELIEVED, 0, {NOBODY}},
      {DELIVERED_WAITS, 4, {{BOB_SCREEN, "THE SERVER'S KEY HAS CHANGED."}}}}},
    {"impersonate Bob",
     {"impersonate-bob"},
     SCENE_POSE,
     {{DELIVERED_MORE, 0, {NOBODY}},
      {DELIVERED_ONCE, 0, {{ALICE_SCREEN, "Refused: the client's key"}}}}},
    {"downgrade to plain",
     {"downgrade"},
     0,
     {{DELIVERED_ONCE, 0, {NOBODY}},
      {DELIVERED_WAITS,
       1,
       {{BOB_SCREEN, "the server was started with another --handshake than tls."}}}}},
    {"splice two sessions",
     {"splice,connection=2,nth=2"},
     SCENE_TWO_BOBS,
     BOTH({ALICE_LOG, INCORRECT})},
    {"forge messages",
     {"forge-message,text=" SCENE_FORGED},
     0,
     {{DELIVERED_FORGED, 0, {NOBODY}}, KEYLESS}},
    {"forge half of the exchange",
     {"forge-message,to=alice,nth=2,times=1,text=" SCENE_FORGED},
     SCENE_GIVE_UP,
     {{DELIVERED_SPOILT, 5, {{ALICE_LOG, "Another message under a stored ID."}, {BOB_LOG, FAKE}}},
      KEYLESS}},
    {"forge a text, not its hash",
     {"forge-hash,nth=2"},
     0,
     {{DELIVERED_ONCE, 0, {{ALICE_LOG, "Incorrect hash value."}}}, KEYLESS}},
    {"forge confirmations",
     {"forge-confirmation"},
     0,
     {{DELIVERED_BELIEVED, 0, {{ALICE_LOG, CUT}}}, KEYLESS}},
    {"chaos", {"chaos,seed=7,rate=30,during=3"}, SCENE_ANY_SIGHT, BOTH(NOBODY)},
};

const struct scene *scenes(size_t *ret_count) {
  *ret_count = sizeof SCENES / sizeof SCENES[0];
  return SCENES;
}
