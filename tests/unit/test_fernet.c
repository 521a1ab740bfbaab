// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "crypto/hmac.h"
#include "fernet/fernet.h"

/* The Fernet specification's vectors (github.com/fernet/spec: generate.json, verify.json,
 * invalid.json).  1985-10-26T01:20:00-07:00 is 499162800 seconds after 1970. */
#define SPEC_KEY "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
#define SPEC_S 499162800u
#define SPEC_TOKEN                                                                                 \
  "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4I" \
  "wqDA=="

#define UNTOUCHED 987654321u
#define ROOM 4096u

static const struct fernet_time any_time;

static struct fernet *spec_fernet(void) {
  uint8_t key[FERNET_KEY_SIZE];
  struct fernet *fernet;
  assert_int_equal(fernet_key_decode(view_text(SPEC_KEY), key), AVOW_OK);
  assert_int_equal(fernet_new(&fernet, key), AVOW_OK);
  return fernet;
}

/* Whether any 4 bytes of ${message} stand in a row somewhere in ${bytes}. */
static bool shows(const uint8_t *bytes, size_t size, struct view message) {
  for (size_t i = 0; i + 4 <= message.size; i += 4)
    if (memmem(bytes, size, message.data + i, 4) != NULL)
      return true;
  return false;
}

/* Decrypt a token that is to be refused: check the error, that the size is untouched, that nothing
 * of
 * ${message} is left, and that no byte is written beyond the promised room. */
static void check_refused(struct fernet *fernet, struct view token, struct fernet_time time,
                          enum avow_error expected, struct view message) {
  size_t room = fernet_message_max(token.size), size = UNTOUCHED;
  uint8_t *bytes = malloc(room + 1); /* exactly, for a sanitizer */
  uint8_t *copy = malloc(token.size + 1);
  assert_true(bytes != NULL && copy != NULL);
  memcpy(copy, token.data, token.size);
  memset(bytes, 0xee, room + 1);
  assert_int_equal(fernet_decrypt(fernet, view_of(copy, token.size), time, bytes, &size), expected);
  assert_int_equal(size, UNTOUCHED);
  assert_false(shows(bytes, room, message));
  assert_int_equal(bytes[room], 0xee);
  free(bytes);
  free(copy);
}

static void check_accepted(struct fernet *fernet, struct view token, struct fernet_time time,
                           struct view message) {
  size_t room = fernet_message_max(token.size), size = UNTOUCHED;
  uint8_t *bytes = malloc(room + 1);
  assert_non_null(bytes);
  bytes[room] = 0xee;
  assert_int_equal(fernet_decrypt(fernet, token, time, bytes, &size), AVOW_OK);
  assert_true(view_equal(view_of(bytes, size), message));
  assert_int_equal(bytes[room], 0xee);
  free(bytes);
}

/* Goal: the specification's generate vector comes out letter by letter. */
static void test_spec_generate(void **state) {
  (void)state;
  static const uint8_t iv[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  struct fernet *fernet = spec_fernet();
  uint8_t token[sizeof SPEC_TOKEN];
  assert_int_equal(fernet_token_size(5), strlen(SPEC_TOKEN));
  token[strlen(SPEC_TOKEN)] = 0xee;
  for (int round = 0; round < 2; round++) {
    assert_int_equal(fernet_encrypt(fernet, SPEC_S, iv, view_text("hello"), token), AVOW_OK);
    assert_memory_equal(token, SPEC_TOKEN, strlen(SPEC_TOKEN));
  }
  assert_int_equal(token[strlen(SPEC_TOKEN)], 0xee);
  fernet_free(fernet);
}

/* Goal: its verify vector is accepted, at its time and with its time-to-live. */
static void test_spec_verify(void **state) {
  (void)state;
  struct fernet *fernet = spec_fernet();
  const struct fernet_time time = {.check = true, .now_s = SPEC_S + 1, .ttl_s = 60};
  check_accepted(fernet, view_text(SPEC_TOKEN), time, view_text("hello"));
  check_accepted(fernet, view_text(SPEC_TOKEN), any_time, view_text("hello"));
  fernet_free(fernet);
}

/* Goal: its invalid vectors are refused, those for their time as expired, all others with the one
 * error of authenticity. */
static void test_spec_invalid(void **state) {
  (void)state;
  static const struct {
    const char *description, *token;
    uint64_t now_s;
    enum avow_error expected;
  } vectors[] = {
      {"incorrect mac",
       "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQU"
       "FBQUFBQQ==",
       SPEC_S + 1, AVOW_NOT_AUTHENTIC},
      {"too short", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==", SPEC_S + 1,
       AVOW_NOT_AUTHENTIC},
      {"invalid base64",
       "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-"
       "p1YsUD2Q==",
       SPEC_S + 1, AVOW_NOT_AUTHENTIC},
      {"payload size not multiple of block size",
       "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrf"
       "yudzUm",
       SPEC_S + 1, AVOW_NOT_AUTHENTIC},
      {"payload padding error",
       "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIb"
       "kuKNqOhw==",
       SPEC_S + 1, AVOW_NOT_AUTHENTIC},
      {"far-future TS (unacceptable clock skew)",
       "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX"
       "9b_qXQcw==",
       SPEC_S + 1, AVOW_EXPIRED},
      {"expired TTL",
       "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-"
       "p1YsUD2Q==",
       SPEC_S + 91, AVOW_EXPIRED},
      {"incorrect IV (causes padding error)",
       "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TI"
       "vcZjK1zQ==",
       SPEC_S + 1, AVOW_NOT_AUTHENTIC},
  };
  struct fernet *fernet = spec_fernet();
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    const struct fernet_time time = {.check = true, .now_s = vectors[i].now_s, .ttl_s = 60};
    check_refused(fernet, view_text(vectors[i].token), time, vectors[i].expected,
                  view_text("hello"));
  }
  fernet_free(fernet);
}

/* A token of ${size} known bytes under the specification's key, in memory of its exact size. */
static struct view make_token(struct fernet *fernet, uint8_t *message, size_t size) {
  uint8_t iv[FERNET_IV_SIZE];
  for (size_t i = 0; i < size; i++)
    message[i] = (uint8_t)(i * 131 + size + (i >> 8));
  for (size_t i = 0; i < sizeof iv; i++)
    iv[i] = (uint8_t)(size * 17 + i * 29);
  size_t token_size = fernet_token_size(size);
  uint8_t *token = malloc(token_size);
  uint8_t *exact = malloc(size + 1); /* and the message, too */
  assert_true(token != NULL && exact != NULL);
  memcpy(exact + 1, message, size);
  assert_int_equal(fernet_encrypt(fernet, SPEC_S, iv, view_of(exact + 1, size), token), AVOW_OK);
  free(exact);
  return view_of(token, token_size);
}

/* Goal: messages of all lengths over several blocks come back, with one struct used for all. */
static void test_lengths(void **state) {
  (void)state;
  struct fernet *fernet = spec_fernet();
  uint8_t message[ROOM];
  for (size_t size = 0; size <= ROOM; size += size < 300 ? 1 : 97) {
    struct view token = make_token(fernet, message, size);
    check_accepted(fernet, token, any_time, view_of(message, size));
    free((void *)(uintptr_t)token.data);
  }
  fernet_free(fernet);
}

/* Goal: every single-bit flip of a token is refused, at each kind of padding at its end; the bits
 * of the padding and of the last letter's unused part among them. */
static void test_every_bit(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 16, 32, 100, 250};
  struct fernet *fernet = spec_fernet();
  uint8_t message[ROOM];
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct view token = make_token(fernet, message, sizes[i]);
    uint8_t *changed = (uint8_t *)(uintptr_t)token.data;
    for (size_t bit = 0; bit < 8 * token.size; bit++) {
      changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
      check_refused(fernet, token, any_time, AVOW_NOT_AUTHENTIC, view_of(message, sizes[i]));
      changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    check_accepted(fernet, token, any_time, view_of(message, sizes[i]));
    free(changed);
  }
  fernet_free(fernet);
}

/* Goal: of all 256 values of each of the last four characters only the right one is accepted: a
 * decoder that ignores unused bits would take 16 of them. */
static void test_last_characters(void **state) {
  (void)state;
  struct fernet *fernet = spec_fernet();
  uint8_t message[ROOM];
  for (size_t size = 0; size < 48; size += 16) { /* ends "==", "=", and no padding */
    struct view token = make_token(fernet, message, size);
    uint8_t *changed = (uint8_t *)(uintptr_t)token.data;
    for (size_t at = token.size - 4; at < token.size; at++) {
      uint8_t right = changed[at];
      for (unsigned value = 0; value < 256; value++) {
        changed[at] = (uint8_t)value;
        if (value != right)
          check_refused(fernet, token, any_time, AVOW_NOT_AUTHENTIC, view_of(message, size));
      }
      changed[at] = right;
    }
    free(changed);
  }
  fernet_free(fernet);
}

/* Goal: padding is for the end only.  The right token goes first each time, so that whatever a
 * decoder leaves undecoded is there from before. */
static void test_padding_inside(void **state) {
  (void)state;
  struct fernet *fernet = spec_fernet();
  uint8_t message[ROOM];
  for (size_t size = 0; size < 64; size++) {
    struct view token = make_token(fernet, message, size);
    uint8_t *changed = (uint8_t *)(uintptr_t)token.data;
    for (size_t at = 0; at < token.size - 2; at++) {
      uint8_t right = changed[at];
      check_accepted(fernet, token, any_time, view_of(message, size));
      changed[at] = '=';
      check_refused(fernet, token, any_time, AVOW_NOT_AUTHENTIC, view_of(message, size));
      changed[at] = right;
    }
    free(changed);
  }
  fernet_free(fernet);
}

/* Goal: every truncation is refused, from either end, and everything after a token. */
static void test_cut_and_trailing(void **state) {
  (void)state;
  static const char *const more[] = {"=", "A", "\n", "AAAA", "====", "\n\n\n\n", "\0"};
  struct fernet *fernet = spec_fernet();
  uint8_t message[ROOM], longer[ROOM];
  for (size_t size = 0; size < 160; size += 16) {
    struct view token = make_token(fernet, message, size);
    struct view known = view_of(message, size);
    for (size_t cut = 0; cut < token.size; cut++) {
      check_refused(fernet, view_of(token.data, cut), any_time, AVOW_NOT_AUTHENTIC, known);
      struct view tail = view_of(token.data + token.size - cut, cut);
      check_refused(fernet, tail, any_time, AVOW_NOT_AUTHENTIC, known);
    }
    memcpy(longer, token.data, token.size);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
      size_t extra = more[i][0] == '\0' ? 1 : strlen(more[i]);
      memcpy(longer + token.size, more[i], extra);
      check_refused(fernet, view_of(longer, token.size + extra), any_time, AVOW_NOT_AUTHENTIC,
                    known);
    }
    memcpy(longer + token.size, token.data, token.size);
    check_refused(fernet, view_of(longer, 2 * token.size), any_time, AVOW_NOT_AUTHENTIC, known);
    free((void *)(uintptr_t)token.data);
  }
  fernet_free(fernet);
}

/* Goal: another key's token is refused, whichever half of the key differs.  A token that another
 * encryption half made verifies, so only its padding can show it; that half is fixed here to one
 * under which the padding is wrong. */
static void test_other_key(void **state) {
  (void)state;
  struct fernet *fernet = spec_fernet(), *other;
  uint8_t key[FERNET_KEY_SIZE], message[ROOM];
  struct view token = make_token(fernet, message, 40);
  for (size_t at = 0; at < FERNET_KEY_SIZE; at += 16) {
    assert_int_equal(fernet_key_decode(view_text(SPEC_KEY), key), AVOW_OK);
    key[at] ^= 1;
    assert_int_equal(fernet_new(&other, key), AVOW_OK);
    check_refused(other, token, any_time, AVOW_NOT_AUTHENTIC, view_of(message, 40));
    fernet_free(other);
  }
  free((void *)(uintptr_t)token.data);
  fernet_free(fernet);
  fernet_free(NULL);
}

/* Make a token of any bytes before its HMAC, which is right. */
static size_t sign(uint8_t *raw, size_t size, uint8_t *token) {
  uint8_t key[FERNET_KEY_SIZE];
  struct hmac *hmac;
  assert_int_equal(fernet_key_decode(view_text(SPEC_KEY), key), AVOW_OK);
  assert_int_equal(hmac_new(&hmac, view_of(key, 16)), AVOW_OK);
  assert_int_equal(hmac_tag(hmac, view_of(raw, size), view_of("", 0), raw + size), AVOW_OK);
  hmac_free(hmac);
  base64_encode(BASE64_URL, view_of(raw, size + HMAC_SIZE), (char *)token);
  return base64_encoded_size(size + HMAC_SIZE);
}

/* Goal: a right HMAC does not save a token of another version that is good otherwise. */
static void test_signed_version(void **state) {
  (void)state;
  struct fernet *fernet = spec_fernet();
  uint8_t message[ROOM], raw[ROOM], token[ROOM];
  struct view good = make_token(fernet, message, 40);
  size_t size;
  assert_int_equal(base64_decode(BASE64_URL, good, raw, &size), AVOW_OK);
  for (unsigned version = 0; version < 256; version++) {
    raw[0] = (uint8_t)version;
    struct view changed = view_of(token, sign(raw, size - HMAC_SIZE, token));
    if (version == 0x80)
      check_accepted(fernet, changed, any_time, view_of(message, 40));
    else
      check_refused(fernet, changed, any_time, AVOW_NOT_AUTHENTIC, view_of(message, 40));
  }
  free((void *)(uintptr_t)good.data);
  fernet_free(fernet);
}

/* Goal: nor does it save one without ciphertext, or with a ciphertext of no whole blocks. */
static void test_signed_sizes(void **state) {
  (void)state;
  struct fernet *fernet = spec_fernet();
  uint8_t raw[ROOM] = {0x80}, token[ROOM];
  for (size_t signed_size = 0; signed_size <= 25 + 64; signed_size++) {
    if (signed_size > 25 && (signed_size - 25) % 16 == 0)
      continue;
    size_t size = sign(raw, signed_size, token);
    check_refused(fernet, view_of(token, size), any_time, AVOW_NOT_AUTHENTIC, view_of("", 0));
  }
  fernet_free(fernet);
}

/* Goal: a padding that is wrong under a right HMAC leaves nothing of the plaintext behind.  The
 * last byte of the last block but one is changed so that the padding becomes each other value. */
static void test_padding_leaves_nothing(void **state) {
  (void)state;
  struct fernet *fernet = spec_fernet();
  uint8_t message[ROOM], raw[ROOM], changed[ROOM], token[ROOM];
  struct view good = make_token(fernet, message, 200); /* padded with 8 times 8 */
  size_t size;
  assert_int_equal(base64_decode(BASE64_URL, good, raw, &size), AVOW_OK);
  size -= HMAC_SIZE;
  unsigned accepted = 0;
  for (unsigned difference = 0; difference < 256; difference++) {
    memcpy(changed, raw, size);
    changed[size - 16 - 1] ^= (uint8_t)difference;
    size_t token_size = sign(changed, size, token);
    /* Only 8 itself and 1 are right; both cost the block before it, which is garbled. */
    if (difference == 0 || difference == (8 ^ 1)) {
      uint8_t bytes[ROOM];
      size_t got;
      assert_int_equal(fernet_decrypt(fernet, view_of(token, token_size), any_time, bytes, &got),
                       AVOW_OK);
      assert_int_equal(got, difference == 0 ? 200 : 207);
      accepted++;
      continue;
    }
    check_refused(fernet, view_of(token, token_size), any_time, AVOW_NOT_AUTHENTIC,
                  view_of(message, 176));
  }
  assert_int_equal(accepted, 2);
  free((void *)(uintptr_t)good.data);
  fernet_free(fernet);
}

/* Goal: the limits of time are where the specification has them: 60 s ahead and exactly the
 * time-to-live pass, one second more does not, and each works without the other. */
static void test_time_edges(void **state) {
  (void)state;
  static const struct {
    bool check;
    uint64_t now_s, ttl_s;
    enum avow_error expected;
  } cases[] = {
      {true, SPEC_S, 0, AVOW_OK},
      {true, SPEC_S - 60, 0, AVOW_OK},
      {true, SPEC_S - 61, 0, AVOW_EXPIRED},
      {true, SPEC_S - 60, 1, AVOW_OK},
      {true, SPEC_S - 61, 1, AVOW_EXPIRED},
      {true, 0, 0, AVOW_EXPIRED},
      {false, 0, 0, AVOW_OK},
      {true, SPEC_S + 30, 30, AVOW_OK},
      {true, SPEC_S + 31, 30, AVOW_EXPIRED},
      {true, SPEC_S + 31, 0, AVOW_OK},
      {false, SPEC_S + 30, 30, AVOW_OK},
      {false, SPEC_S + 31, 30, AVOW_EXPIRED},
      {true, SPEC_S + 1, 1, AVOW_OK},
      {true, SPEC_S + 2, 1, AVOW_EXPIRED},
      {true, UINT64_MAX, 0, AVOW_OK},
      {true, UINT64_MAX, UINT64_MAX, AVOW_OK},
      {true, UINT64_MAX, 30, AVOW_EXPIRED},
      {true, SPEC_S, UINT64_MAX, AVOW_OK},
  };
  struct fernet *fernet = spec_fernet();
  uint8_t message[ROOM];
  struct view token = make_token(fernet, message, 64);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct fernet_time time = {cases[i].check, cases[i].now_s, cases[i].ttl_s};
    if (cases[i].expected == AVOW_OK)
      check_accepted(fernet, token, time, view_of(message, 64));
    else
      check_refused(fernet, token, time, cases[i].expected, view_of(message, 64));
  }
  free((void *)(uintptr_t)token.data);
  fernet_free(fernet);
}

/* Goal: a time of any 64 bits is signed and compared as such, without overflow. */
static void test_time_extremes(void **state) {
  (void)state;
  static const uint8_t iv[FERNET_IV_SIZE];
  struct fernet *fernet = spec_fernet();
  uint8_t token[ROOM];
  struct view view = view_of(token, fernet_token_size(4));
  struct fernet_time time = {.check = true, .now_s = UINT64_MAX - 60, .ttl_s = 1};
  assert_int_equal(fernet_encrypt(fernet, UINT64_MAX, iv, view_text("text"), token), AVOW_OK);
  check_accepted(fernet, view, time, view_text("text"));
  time.now_s--;
  check_refused(fernet, view, time, AVOW_EXPIRED, view_text("text"));
  assert_int_equal(fernet_encrypt(fernet, 0, iv, view_text("text"), token), AVOW_OK);
  check_refused(fernet, view, time, AVOW_EXPIRED, view_text("text"));
  fernet_free(fernet);
}

/* Goal: what is not authentic is not called expired: the time is looked at only after the HMAC. */
static void test_order(void **state) {
  (void)state;
  struct fernet *fernet = spec_fernet();
  uint8_t message[ROOM];
  struct view token = make_token(fernet, message, 64);
  ((uint8_t *)(uintptr_t)token.data)[60] ^= 1;
  const struct fernet_time late = {.check = true, .now_s = SPEC_S + 1000, .ttl_s = 1};
  check_refused(fernet, token, late, AVOW_NOT_AUTHENTIC, view_of(message, 64));
  free((void *)(uintptr_t)token.data);
  fernet_free(fernet);
}

/* Goal: keys as text go both ways, and only 44 canonical characters are one. */
static void test_key_text(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4",  /* no padding */
      "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e5=", /* unused bits set */
      "cw/0x689RpI+jtRR7oE8h/eQsKImvJapLeSbXpwF4e4=", /* the other alphabet */
      "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4Q==", /* 31 bytes */
      "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e44", /* 33 bytes */
      "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\n",
  };
  uint8_t key[FERNET_KEY_SIZE], before[FERNET_KEY_SIZE];
  char text[FERNET_KEY_TEXT_SIZE];
  assert_int_equal(fernet_key_decode(view_text(SPEC_KEY), key), AVOW_OK);
  assert_int_equal(key[0], 0x73);
  assert_int_equal(key[31], 0xee);
  fernet_key_encode(key, text);
  assert_string_equal(text, SPEC_KEY);
  memcpy(before, key, sizeof key);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(fernet_key_decode(view_text(bad[i]), key), AVOW_MALFORMED);
    assert_memory_equal(key, before, sizeof key);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_spec_generate),  cmocka_unit_test(test_spec_verify),
      cmocka_unit_test(test_spec_invalid),   cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_every_bit),      cmocka_unit_test(test_last_characters),
      cmocka_unit_test(test_padding_inside), cmocka_unit_test(test_cut_and_trailing),
      cmocka_unit_test(test_other_key),      cmocka_unit_test(test_signed_version),
      cmocka_unit_test(test_signed_sizes),   cmocka_unit_test(test_padding_leaves_nothing),
      cmocka_unit_test(test_time_edges),     cmocka_unit_test(test_time_extremes),
      cmocka_unit_test(test_order),          cmocka_unit_test(test_key_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
