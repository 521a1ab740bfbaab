// SPDX-License-Identifier: Apache-2.0
/* The attacks as they are asked for: names, options, the dice, what a length tells. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack/attack.h"
#include "attack/deeds.h"
#include "attack/dice.h"
#include "attack/lengths.h"
#include "base/base64.h"
#include "wire/sealed.h"

static enum avow_error parse(const char *text, struct attack *ret, char *problem) {
  static char copy[256];
  snprintf(copy, sizeof copy, "%s", text);
  return attack_parse(copy, ret, problem, 200);
}

/* Goal: an attack can be told what to do; what nobody says stays as the table has it. */
static void test_options(void **state) {
  (void)state;
  struct attack attack;
  char problem[200] = "";
  assert_int_equal(parse("modify,to=bob,nth=3,byte=-1,bit=7,times=0,rate=50", &attack, problem),
                   AVOW_OK);
  assert_string_equal(attack.kind->name, "modify");
  assert_int_equal(attack.value[OPTION_TO], TO_BOB);
  assert_int_equal(attack.value[OPTION_TYPE], FRAME_TOKEN);
  assert_int_equal(attack.value[OPTION_NTH], 3);
  assert_int_equal(attack.value[OPTION_BYTE], -1);
  assert_int_equal(attack.value[OPTION_BIT], 7);
  assert_int_equal(attack.value[OPTION_TIMES], 0);
  assert_int_equal(attack.value[OPTION_RATE], 50);
  assert_int_equal(parse("modify,byte=any,type=any,to=either", &attack, problem), AVOW_OK);
  assert_true(attack.value[OPTION_BYTE] == BYTE_ANY);
  assert_int_equal(attack.value[OPTION_TYPE], TYPE_ANY);
  assert_int_equal(attack.value[OPTION_TO], TO_EITHER);
  assert_int_equal(parse("replay,when=later,seconds=0.25", &attack, problem), AVOW_OK);
  assert_int_equal(attack.value[OPTION_WHEN], LATER);
  assert_int_equal(attack.value[OPTION_SECONDS], 250000);
  assert_int_equal(parse("forge-message,text=a = b", &attack, problem), AVOW_OK);
  assert_string_equal(attack.text, "a = b");
  assert_string_equal(problem, "");
}

static void refused(const char *text, const char *why) {
  struct attack attack = {.done = 17};
  char problem[200] = "";
  assert_int_equal(parse(text, &attack, problem), AVOW_MALFORMED);
  assert_int_equal(attack.done, 17); /* untouched */
  assert_string_equal(problem, why);
}

/* Goal: what is spelt wrong is refused, with the nearest that there is. */
static void test_refused(void **state) {
  (void)state;
  refused("replai", "there is no attack 'replai'. Did you mean 'replay'?");
  refused("swallow-confirmation", "there is no attack 'swallow-confirmation'. Did you mean "
                                  "'swallow-confirmations'?");
  refused("xyzzyxyzzy", "there is no attack 'xyzzyxyzzy'.");
  refused("", "there is no attack ''.");
  refused("delay,second=4", "delay has no option 'second'. Did you mean 'seconds'?");
  refused("forge", "there is no attack 'forge'. Did you mean 'forge-message'?");
  refused("drop,nht=4", "drop has no option 'nht'. Did you mean 'nth'?");
  refused("drop,byte=4", "drop has no option 'byte'. Did you mean 'type'?");
  refused("drop,nth", "drop: write nth=VALUE.");
  refused("drop,nth=-1",
          "drop: nth='-1' cannot be (which of its type, way and connection, from 1; 0: each).");
  refused("drop,nth=2x",
          "drop: nth='2x' cannot be (which of its type, way and connection, from 1; 0: each).");
  refused("drop,to=carol",
          "drop: to='carol' cannot be (whose frames: those to alice, to bob, or either).");
  refused("drop,to=1", "drop: to='1' cannot be (whose frames: those to alice, to bob, or either).");
  refused("modify,bit=8", "modify: bit='8' cannot be (0 to 7, or any).");
  refused("delay,seconds=nan", "delay: seconds='nan' cannot be (how long).");
  refused("delay,seconds=", "delay: seconds='' cannot be (how long).");
}

/* Goal: each attack of the table is whole: a name of its own, a line that fits a screen, defaults
 * that can be written and read back. */
static void test_table(void **state) {
  (void)state;
  size_t count, axes;
  const struct attack_kind *kinds = attack_kinds(&count);
  assert_true(count > 20);
  for (size_t i = 0; i < count; i++) {
    struct attack attack, again;
    char text[400], option[64], problem[200];
    attack_default(&kinds[i], &attack);
    assert_ptr_equal(attack_kind_named(view_text(kinds[i].name)), &kinds[i]);
    assert_in_range(strlen(kinds[i].line), 10, 57);
    assert_in_range(strlen(kinds[i].name), 3, 22);
    snprintf(text, sizeof text, "%s", kinds[i].name);
    for (const struct attack_default *d = kinds[i].defaults; d->option != OPTION_NONE; d++) {
      attack_option_text(d->option, attack.value[d->option], option, sizeof option);
      strncat(text, ",", sizeof text - strlen(text) - 1);
      strncat(text, option, sizeof text - strlen(text) - 1);
      assert_true(strlen(attack_option_line(d->option)) > 0);
    }
    assert_int_equal(attack_parse(text, &again, problem, sizeof problem), AVOW_OK);
    assert_memory_equal(attack.value, again.value, sizeof attack.value);
  }
  const char *const *names = chaos_axes(&axes);
  for (size_t i = 0; i < axes; i++)
    assert_non_null(attack_kind_named(view_text(names[i]))->deed);
}

/* Goal: the dice are fair enough, and fall the same way for the same seed. */
static void test_dice(void **state) {
  (void)state;
  struct dice a = {7}, b = {7}, c = {8};
  unsigned hits = 0;
  assert_true(dice_roll(&a) == dice_roll(&b));
  assert_true(dice_roll(&a) != dice_roll(&c));
  for (unsigned i = 0; i < 10000; i++)
    hits += dice_percent(&a, 10);
  assert_in_range(hits, 800, 1200);
  assert_false(dice_percent(&a, 0));
  assert_true(dice_percent(&a, 100));
}

/* Goal: a made-up token has the form of one: only its key is wrong. */
static void test_made_up_token(void **state) {
  (void)state;
  struct dice dice = {3};
  for (size_t size = 0; size < 3000; size += 37) {
    struct buf out;
    uint8_t bytes[4096];
    size_t raw;
    buf_init(&out, 8192);
    assert_int_equal(dice_token(&dice, &out, size), AVOW_OK);
    struct view frame = buf_view(&out);
    assert_int_equal(load_u32(frame.data), frame.size - AVOW_FRAME_HEADER);
    assert_int_equal(frame.data[4], FRAME_TOKEN);
    assert_true(frame.size - AVOW_FRAME_HEADER >= size);
    assert_int_equal(
        base64_decode(BASE64_URL,
                      view_of(frame.data + AVOW_FRAME_HEADER, frame.size - AVOW_FRAME_HEADER),
                      bytes, &raw),
        AVOW_OK);
    assert_int_equal(bytes[0], 0x80);
    assert_true(raw >= 73 && (raw - 57) % 16 == 0);
    buf_free(&out);
  }
}

/* How long the token of one message is, from the encoder itself. */
static size_t real_size(size_t text_size, bool proven) {
  static uint8_t text[70000], hash[MESSAGE_HASH_SIZE];
  struct buf body, plain;
  buf_init(&body, AVOW_PLAINTEXT_MAX);
  buf_init(&plain, AVOW_PLAINTEXT_MAX);
  struct message message = {.hash = hash, .text = view_of(text, text_size)};
  assert_int_equal(message_append(&body, &message), AVOW_OK);
  struct sealed sealed = {
      .kind = SEALED_ENVELOPE, .direction = TO_ALICE, .count = 1, .body = buf_view(&body)};
  assert_int_equal(sealed_encode(&sealed, proven, 0, &plain), AVOW_OK);
  size_t size = base64_encoded_size(57 + (buf_view(&plain).size / 16 + 1) * 16);
  buf_free(&body);
  buf_free(&plain);
  return size;
}

/* Goal: what she says of a length holds for the text that made it, in both modes, and padding
 * widens it. */
static void check_lengths(bool proven) {
  size_t least, most;
  for (size_t size = 0; size < 65000; size += 1 + size / 9) {
    assert_true(lengths_of(real_size(size, proven), proven, true, &least, &most));
    assert_in_range(size, least, most);
    assert_int_equal(real_size(least, proven), real_size(most, proven));
    assert_true(real_size(most + 1, proven) > real_size(most, proven));
    assert_true(least == 0 || real_size(least - 1, proven) < real_size(least, proven));
  }
}

static void test_lengths(void **state) {
  (void)state;
  size_t least, most;
  check_lengths(false);
  check_lengths(true);
  assert_true(lengths_of(real_size(20000, false), false, true, &least, &most));
  assert_true(most - least > 200);
  assert_false(lengths_of(10, false, true, &least, &most));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_options),       cmocka_unit_test(test_refused),
      cmocka_unit_test(test_table),         cmocka_unit_test(test_dice),
      cmocka_unit_test(test_made_up_token), cmocka_unit_test(test_lengths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
