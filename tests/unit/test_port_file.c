// SPDX-License-Identifier: Apache-2.0
#include "scratch.h"

#include "io/port_file.h"

static const uint8_t key[ED25519_PUBLIC_SIZE] = {1, 2, 3};

static void assert_port(const char *content, size_t size, unsigned expected) {
  unsigned port = 99999;
  FILE *file = fopen("port", "w");
  assert_int_equal(fwrite(content, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  enum avow_error error = port_file_read("port", &port);
  assert_int_equal(error, expected != 0 ? AVOW_OK : size > 64 ? AVOW_TOO_LONG : AVOW_MALFORMED);
  assert_int_equal(port, expected != 0 ? expected : 99999);
}

/* Goal: the two files are written, readable for all, read back, and removed. */
static void test_round_trip(void **state) {
  (void)state;
  static const unsigned ports[] = {1, 1024, 65535};
  uint8_t back[ED25519_PUBLIC_SIZE];
  char name[AVOW_NAME_SIZE];
  for (size_t i = 0; i < COUNT_OF(ports); i++) {
    unsigned port = 0;
    umask(i == 0 ? 077 : 0);
    assert_int_equal(port_file_write("port", ports[i], key, "alice@host"), AVOW_OK);
    assert_mode("port", 0644);
    assert_mode("alice.pub", 0644);
    assert_int_equal(port_file_read("port", &port), AVOW_OK);
    assert_int_equal(port, ports[i]);
    assert_int_equal(port_file_key("port", back, name), AVOW_OK);
    assert_memory_equal(back, key, sizeof key);
    assert_string_equal(name, "alice@host");
  }
  assert_content("port", "65535\n");
  assert_count(2);
  port_file_remove("port", 65535);
  assert_count(0);
  port_file_remove("port", 65535); /* a second time is no harm */
}

/* Goal: without a key only the port is written, and the key of an earlier alice goes. */
static void test_plain(void **state) {
  (void)state;
  uint8_t back[ED25519_PUBLIC_SIZE];
  char name[AVOW_NAME_SIZE];
  assert_int_equal(port_file_write("port", 1024, key, "old"), AVOW_OK);
  assert_int_equal(port_file_write("port", 1025, NULL, NULL), AVOW_OK);
  assert_content("port", "1025\n");
  assert_count(1);
  assert_int_equal(port_file_key("port", back, name), AVOW_NOT_FOUND);
  assert_int_equal(port_file_write("port", 1026, NULL, NULL), AVOW_OK);
}

/* Goal: the files of another alice who has taken the place stay. */
static void test_taken_over(void **state) {
  (void)state;
  assert_int_equal(port_file_write("port", 1024, key, "first"), AVOW_OK);
  assert_int_equal(port_file_write("port", 1025, key, "second"), AVOW_OK);
  port_file_remove("port", 1024);
  assert_content("port", "1025\n");
  assert_count(2);
  port_file_remove("port", 1025);
  assert_count(0);
}

/* Goal: nothing is written through a link or over a folder; nothing half is left either. */
static void test_places(void **state) {
  (void)state;
  put("victim", "victim", 0600);
  static const char *const names[] = {"port", "alice.pub"};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(symlink("victim", names[i]), 0);
    assert_system(port_file_write("port", 1024, key, "alice"), ELOOP);
    assert_system(port_file_write("port", 1024, NULL, NULL), ELOOP);
    assert_count(2);
    assert_int_equal(unlink(names[i]), 0);
    assert_int_equal(mkdir(names[i], 0700), 0);
    assert_system(port_file_write("port", 1024, key, "alice"), EISDIR);
    assert_count(2);
    assert_int_equal(rmdir(names[i]), 0);
  }
  assert_content("victim", "victim");
  unsigned port = 7;
  assert_int_equal(symlink("victim", "port"), 0);
  assert_system(port_file_read("port", &port), ELOOP);
  port_file_remove("port", 7);
  assert_count(2);
  assert_int_equal(port, 7);
}

/* Goal: one number from 1 to 65535, with or without an end of line, and nothing else. */
static void test_contents(void **state) {
  (void)state;
  static const struct {
    const char *content;
    unsigned port;
  } cases[] = {
      {"1024", 1024}, {"1024\n", 1024}, {"1024 \n\n", 1024}, {"1\n", 1},     {"65535", 65535},
      {"00080", 80},  {"0", 0},         {"65536", 0},        {"99999", 0},   {"", 0},
      {"\n", 0},      {" 1024", 0},     {"-1", 0},           {"+1024", 0},   {"1024x", 0},
      {"10 24", 0},   {"0x400", 0},     {"001024", 0},       {"102400", 0},  {"1024\r\n", 0},
      {"1e3", 0},     {"12:34", 0},     {"4294967297", 0},   {"1024\n2", 0}, {"/80", 0},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    assert_port(cases[i].content, strlen(cases[i].content), cases[i].port);
  assert_port("1024\0", 5, 0);
  char blanks[66] = "1024";
  memset(blanks + 4, '\n', sizeof blanks - 4);
  assert_port(blanks, 64, 1024);
  assert_port(blanks, 65, 0);
  unsigned port = 7;
  assert_int_equal(port_file_read("none", &port), AVOW_NOT_FOUND);
  assert_int_equal(port_file_read("none/port", &port), AVOW_NOT_FOUND);
  assert_int_equal(port, 7);
}

/* Goal: a key that others may have written, or that a link leads to, is not trusted. */
static void test_key_trust(void **state) {
  (void)state;
  uint8_t back[ED25519_PUBLIC_SIZE];
  char name[AVOW_NAME_SIZE];
  assert_int_equal(port_file_write("port", 1024, key, "alice"), AVOW_OK);
  assert_int_equal(chmod("alice.pub", 0664), 0);
  assert_system(port_file_key("port", back, name), EPERM);
  assert_int_equal(chmod("alice.pub", 0644), 0);
  assert_int_equal(rename("alice.pub", "other"), 0);
  assert_int_equal(symlink("other", "alice.pub"), 0);
  assert_system(port_file_key("port", back, name), ELOOP);
  assert_int_equal(unlink("alice.pub"), 0);
  put("alice.pub", "not a key\n", 0644);
  assert_int_not_equal(port_file_key("port", back, name), AVOW_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(test_round_trip), IN_SCRATCH(test_plain),    IN_SCRATCH(test_taken_over),
      IN_SCRATCH(test_places),     IN_SCRATCH(test_contents), IN_SCRATCH(test_key_trust),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
