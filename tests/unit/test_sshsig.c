// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "keys/identity.h"
#include "keys/sshsig.h"
#include "keys_data.h"
#include "unit.h"

#define TEXT "Hey dude"
/* What `printf 'Hey dude' | ssh-keygen -Y sign -n avow -f bob` printed, by the key of BOB_FILE. */
#define LINE                                                                                       \
  "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAghOio4/K+Ot1wsWENle82qWbfRw"                         \
  "BjGOUav85oxHzDF8UAAAAEYXZvdwAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUx"                         \
  "OQAAAEC6hnrX7BzeZnNFrJ54RDw2PVmHznUXFZ2tBbAfjyg70h8AWPQed/Kys2ZdraRAsI"                         \
  "ZyMk+tEnbBDBvIl5Dlaw0D"
#define FILE_TEXT                                                                                  \
  "-----BEGIN SSH SIGNATURE-----\n"                                                                \
  "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAghOio4/K+Ot1wsWENle82qWbfRw\n"                       \
  "BjGOUav85oxHzDF8UAAAAEYXZvdwAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUx\n"                       \
  "OQAAAEC6hnrX7BzeZnNFrJ54RDw2PVmHznUXFZ2tBbAfjyg70h8AWPQed/Kys2ZdraRAsI\n"                       \
  "ZyMk+tEnbBDBvIl5Dlaw0D\n"                                                                       \
  "-----END SSH SIGNATURE-----\n"

static struct ed25519 *bob(void) {
  struct identity identity;
  struct ed25519 *key;
  assert_int_equal(identity_decode(view_text(BOB_FILE), &identity), AVOW_OK);
  assert_int_equal(ed25519_private(&key, identity.seed), AVOW_OK);
  return key;
}

/* Decode a copy of exactly ${size} bytes; on an error, see that nothing was written. */
static enum avow_error decode(const void *line, size_t size, uint8_t *public, uint8_t *signature) {
  uint8_t before[ED25519_SIGNATURE_SIZE];
  uint8_t *copy = malloc(size > 0 ? size : 1);
  assert_non_null(copy);
  memcpy(copy, line, size);
  memset(before, 0xa5, sizeof before);
  memcpy(public, before, ED25519_PUBLIC_SIZE);
  memcpy(signature, before, ED25519_SIGNATURE_SIZE);
  enum avow_error error = sshsig_decode(view_of(copy, size), public, signature);
  free(copy);
  if (error != AVOW_OK) {
    assert_memory_equal(public, before, ED25519_PUBLIC_SIZE);
    assert_memory_equal(signature, before, ED25519_SIGNATURE_SIZE);
  }
  return error;
}

static enum avow_error verify(const uint8_t *public, struct view text, const uint8_t *signature) {
  struct ed25519 *peer;
  assert_int_equal(ed25519_peer(&peer, public), AVOW_OK);
  enum avow_error error = sshsig_verify(peer, text, signature);
  ed25519_free(peer);
  return error;
}

static void test_known(void **state) {
  /* Goal: what we make is what ssh-keygen makes of the same key and text, byte for byte. */
  (void)state;
  struct ed25519 *key = bob();
  uint8_t signature[ED25519_SIGNATURE_SIZE];
  char line[SSHSIG_TEXT_SIZE];
  struct buf file;
  assert_int_equal(sshsig_sign(key, view_text(TEXT), signature), AVOW_OK);
  sshsig_encode(ed25519_key(key), signature, line);
  assert_string_equal(line, LINE);
  buf_init(&file, 4096);
  assert_int_equal(buf_text(&file, "before\n"), AVOW_OK);
  assert_int_equal(sshsig_armor(line, &file), AVOW_OK);
  assert_view_text(buf_view(&file), "before\n" FILE_TEXT);
  buf_free(&file);
  ed25519_free(key);
}

static void test_armor_room(void **state) {
  /* Goal: a file without room for all of it gets none of it; of full rows there is no empty one. */
  (void)state;
  struct buf file;
  buf_init(&file, strlen(FILE_TEXT) - 1);
  assert_int_equal(sshsig_armor(LINE, &file), AVOW_TOO_LONG);
  assert_int_equal(buf_view(&file).size, 0);
  buf_free(&file);
  buf_init(&file, strlen(FILE_TEXT));
  assert_int_equal(sshsig_armor(LINE, &file), AVOW_OK);
  buf_clear(&file);
  char row[] = LINE;
  row[70] = '\0';
  assert_int_equal(sshsig_armor(row, &file), AVOW_OK);
  const char *begin = "-----BEGIN SSH SIGNATURE-----\n", *end = "-----END SSH SIGNATURE-----\n";
  assert_int_equal(buf_view(&file).size, strlen(begin) + 71 + strlen(end));
  buf_free(&file);
}

static void test_round_trip(void **state) {
  /* Goal: what is signed and encoded decodes and verifies, for any key and any length of text. */
  (void)state;
  uint64_t seed_of = 1;
  uint8_t text[300];
  for (size_t size = 0; size <= sizeof text; size += 1 + size / 16) {
    uint8_t seed[ED25519_SEED_SIZE], public[ED25519_PUBLIC_SIZE], public_again[ED25519_PUBLIC_SIZE];
    uint8_t signature[ED25519_SIGNATURE_SIZE], again[ED25519_SIGNATURE_SIZE];
    char line[SSHSIG_TEXT_SIZE];
    struct ed25519 *key;
    for (size_t i = 0; i < sizeof seed; i++)
      seed[i] = (uint8_t)chance(&seed_of);
    for (size_t i = 0; i < size; i++)
      text[i] = (uint8_t)chance(&seed_of);
    assert_int_equal(ed25519_private(&key, seed), AVOW_OK);
    assert_int_equal(ed25519_public(seed, public), AVOW_OK);
    assert_int_equal(sshsig_sign(key, view_of(text, size), signature), AVOW_OK);
    sshsig_encode(ed25519_key(key), signature, line);
    assert_int_equal(strlen(line), SSHSIG_TEXT_SIZE - 1);
    assert_int_equal(decode(line, strlen(line), public_again, again), AVOW_OK);
    assert_memory_equal(public_again, public, sizeof public);
    assert_memory_equal(again, signature, sizeof signature);
    assert_int_equal(sshsig_verify(key, view_of(text, size), again), AVOW_OK);
    assert_int_equal(verify(public_again, view_of(text, size), again), AVOW_OK);
    ed25519_free(key);
  }
}

static void test_other_text(void **state) {
  /* Goal: no other text verifies: not with any bit changed, nor cut, nor gone on.  And the bare
   * text is not what is signed, so that no other use of the key can be taken for this one. */
  (void)state;
  uint8_t public[ED25519_PUBLIC_SIZE], signature[ED25519_SIGNATURE_SIZE];
  char text[] = TEXT "!";
  size_t size = strlen(TEXT);
  struct ed25519 *key = bob();
  assert_int_equal(decode(LINE, strlen(LINE), public, signature), AVOW_OK);
  for (size_t bit = 0; bit < 8 * size; bit++) {
    text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
    assert_int_equal(sshsig_verify(key, view_of(text, size), signature), AVOW_NOT_AUTHENTIC);
    text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
  }
  for (size_t cut = 0; cut <= size + 1; cut++)
    assert_int_equal(sshsig_verify(key, view_of(text, cut), signature),
                     cut == size ? AVOW_OK : AVOW_NOT_AUTHENTIC);
  assert_int_equal(ed25519_verify(key, view_text(TEXT), signature), AVOW_NOT_AUTHENTIC);
  assert_int_equal(ed25519_sign(key, view_text(TEXT), signature), AVOW_OK);
  assert_int_equal(sshsig_verify(key, view_text(TEXT), signature), AVOW_NOT_AUTHENTIC);
  ed25519_free(key);
}

static void test_flipped(void **state) {
  /* Goal: whatever byte is changed, the line is malformed, or says another key or signature that
   * encodes to it and does not verify. */
  (void)state;
  unsigned read = 0;
  for (size_t at = 0; at < strlen(LINE); at++)
    for (unsigned value = 0; value < 256; value++) {
      uint8_t public[ED25519_PUBLIC_SIZE], signature[ED25519_SIGNATURE_SIZE];
      char line[] = LINE, text[SSHSIG_TEXT_SIZE];
      if (line[at] == (char)value)
        continue;
      line[at] = (char)value;
      if (decode(line, strlen(LINE), public, signature) != AVOW_OK)
        continue;
      read++;
      sshsig_encode(public, signature, text);
      assert_memory_equal(text, line, strlen(LINE));
      assert_int_equal(verify(public, view_text(TEXT), signature), AVOW_NOT_AUTHENTIC);
    }
  /* The key is in 42 characters and 4 bits of another, the signature in 85 and 2 bits. */
  assert_int_equal(read, 42 * 63 + 15 + 85 * 63 + 3);
}

static void test_malformed(void **state) {
  /* Goal: a line that is cut, goes on, or has white space in it is malformed. */
  (void)state;
  uint8_t public[ED25519_PUBLIC_SIZE], signature[ED25519_SIGNATURE_SIZE];
  static const char longer[] = LINE "AAAA", nul[] = LINE;
  for (size_t size = 0; size < sizeof longer; size++)
    assert_int_equal(decode(longer, size, public, signature),
                     size == strlen(LINE) ? AVOW_OK : AVOW_MALFORMED);
  assert_int_equal(decode(nul, sizeof nul, public, signature), AVOW_MALFORMED);
  static const char *const lines[] = {LINE "\n",   LINE " ",  " " LINE, LINE "=",
                                      LINE "====", LINE LINE, FILE_TEXT};
  for (size_t i = 0; i < COUNT_OF(lines); i++)
    assert_int_equal(decode(lines[i], strlen(lines[i]), public, signature), AVOW_MALFORMED);
  for (size_t at = 0; at + 1 < strlen(LINE); at++) { /* as long as it should be */
    char line[] = LINE;
    memmove(line + at + 1, line + at, strlen(LINE) - at - 1);
    line[at] = '\n';
    assert_int_equal(decode(line, strlen(LINE), public, signature), AVOW_MALFORMED);
  }
  assert_int_equal(sshsig_decode((struct view){0}, public, signature), AVOW_MALFORMED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known),      cmocka_unit_test(test_armor_room),
      cmocka_unit_test(test_round_trip), cmocka_unit_test(test_other_text),
      cmocka_unit_test(test_flipped),    cmocka_unit_test(test_malformed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
