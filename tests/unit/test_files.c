// SPDX-License-Identifier: Apache-2.0
#include "scratch.h"

#include <limits.h>

#include "io/files.h"

static enum avow_error read_file(const char *path, enum file_trust trust, size_t max,
                                 const char *expected) {
  struct buf file;
  buf_init(&file, max);
  errno = 0;
  enum avow_error error = file_read(path, trust, &file);
  int reason = errno;
  if (error == AVOW_OK)
    assert_view_text(buf_view(&file), expected);
  buf_free(&file);
  errno = reason;
  return error;
}

/* Goal: a file up to the limit is read whole, one byte more is too long, none is not found. */
static void test_read(void **state) {
  (void)state;
  put("empty", "", 0600);
  put("file", "content\n", 0600);
  assert_int_equal(read_file("empty", FILE_ANY, 0, ""), AVOW_OK);
  assert_int_equal(read_file("file", FILE_ANY, 8, "content\n"), AVOW_OK);
  assert_int_equal(read_file("file", FILE_ANY, 100000, "content\n"), AVOW_OK);
  for (size_t max = 0; max < 8; max++)
    assert_int_equal(read_file("file", FILE_ANY, max, ""), AVOW_TOO_LONG);
  assert_int_equal(read_file("none", FILE_ANY, 8, ""), AVOW_NOT_FOUND);
  struct buf file;
  buf_init(&file, 20);
  assert_int_equal(buf_text(&file, "before "), AVOW_OK);
  assert_int_equal(file_read("file", FILE_ANY, &file), AVOW_OK);
  assert_view_text(buf_view(&file), "before content\n");
  buf_free(&file);

  static char big[4001]; /* more than one read */
  memset(big, 'b', sizeof big - 1);
  put("big", big, 0600);
  assert_int_equal(read_file("big", FILE_ANY, 4000, big), AVOW_OK);
  assert_int_equal(read_file("big", FILE_ANY, 3999, ""), AVOW_TOO_LONG);
}

/* Goal: what is no regular file is refused at once; a FIFO under the name holds nobody. */
static void test_not_a_file(void **state) {
  (void)state;
  assert_int_equal(mkdir("folder", 0700), 0);
  assert_int_equal(mkfifo("fifo", 0600), 0);
  for (int trust = FILE_ANY; trust <= FILE_SECRET; trust++) {
    assert_system(read_file("folder", (enum file_trust)trust, 8, ""), EISDIR);
    assert_system(read_file("fifo", (enum file_trust)trust, 8, ""), EISDIR);
    assert_system(read_file("/dev/null", (enum file_trust)trust, 8, ""), EISDIR);
  }
}

/* Goal: each degree of trust takes the links and modes that it should, and no others. */
static void test_trust(void **state) {
  (void)state;
  put("file", "x", 0600);
  assert_int_equal(symlink("file", "link"), 0);
  assert_int_equal(read_file("link", FILE_ANY, 8, "x"), AVOW_OK);
  assert_system(read_file("link", FILE_NO_LINK, 8, ""), ELOOP);
  assert_system(read_file("link", FILE_OURS, 8, ""), ELOOP);
  assert_int_equal(read_file("link", FILE_SECRET, 8, "x"), AVOW_OK);
  for (mode_t mode = 0600; mode <= 0677; mode++) {
    assert_int_equal(chmod("file", mode), 0);
    assert_int_equal(read_file("file", FILE_ANY, 8, "x"), AVOW_OK);
    assert_int_equal(read_file("file", FILE_NO_LINK, 8, "x"), AVOW_OK);
    if (mode & 022)
      assert_system(read_file("file", FILE_OURS, 8, ""), EPERM);
    else
      assert_int_equal(read_file("file", FILE_OURS, 8, "x"), AVOW_OK);
    if (mode & 077)
      assert_system(read_file("file", FILE_SECRET, 8, ""), EPERM);
    else
      assert_int_equal(read_file("file", FILE_SECRET, 8, "x"), AVOW_OK);
  }
}

/* Goal: a file is replaced whole, with the mode that is meant whatever the umask; a link is
 * replaced, not followed; nothing temporary stays. */
static void test_replace(void **state) {
  (void)state;
  umask(077);
  assert_int_equal(file_replace("file", 0644, view_text("one")), AVOW_OK);
  assert_mode("file", 0644);
  umask(0);
  assert_int_equal(file_replace("file", 0600, view_text("two, longer")), AVOW_OK);
  assert_mode("file", 0600);
  assert_content("file", "two, longer");
  put("target", "target", 0600);
  assert_int_equal(symlink("target", "link"), 0);
  assert_int_equal(file_replace("link", 0600, view_text("three")), AVOW_OK);
  assert_mode("link", 0600);
  assert_content("target", "target");
  assert_content("link", "three");
  assert_count(3);
}

/* Goal: a replacement that fails leaves the old file, and nothing temporary; the reason is told. */
static void test_replace_fails(void **state) {
  (void)state;
  assert_int_equal(mkdir("folder", 0700), 0);
  put("folder/inside", "", 0600);
  assert_system(file_replace("folder", 0600, view_text("x")), EISDIR);
  assert_system(file_replace("none/file", 0600, view_text("x")), ENOENT);
  static char name[PATH_MAX + 10];
  memset(name, 'n', sizeof name - 1);
  assert_system(file_replace(name, 0600, view_text("x")), ENAMETOOLONG);
  assert_count(1);
}

/* Goal: creating never replaces: not a file, not a link, not even one that leads nowhere. */
static void test_create(void **state) {
  (void)state;
  assert_int_equal(file_create("file", 0600, view_text("one")), AVOW_OK);
  assert_mode("file", 0600);
  assert_system(file_create("file", 0644, view_text("two")), EEXIST);
  assert_content("file", "one");
  assert_mode("file", 0600);
  assert_int_equal(symlink("nowhere", "link"), 0);
  assert_system(file_create("link", 0600, view_text("x")), EEXIST);
  assert_int_equal(access("nowhere", F_OK), -1);
  /* What a process of our number left behind when it died. */
  char left[64];
  snprintf(left, sizeof left, "new.%ld.new", (long)getpid());
  assert_int_equal(symlink("file", left), 0);
  assert_int_equal(file_create("new", 0600, view_text("new")), AVOW_OK);
  assert_content("file", "one");
  assert_content("new", "new");
  assert_count(3);
}

/* Goal: the neighbour of a path, in the same folder, and a plain no where it does not fit. */
static void test_beside(void **state) {
  (void)state;
  char out[17];
  assert_true(file_beside("port", "alice.pub", out, 16));
  assert_string_equal(out, "alice.pub");
  assert_true(file_beside("a/b/port", "x", out, 16));
  assert_string_equal(out, "a/b/x");
  assert_true(file_beside("/port", "x", out, 16));
  assert_string_equal(out, "/x");
  assert_true(file_beside("abcdef/", "123456789", out, 17));
  assert_false(file_beside("abcdef/", "123456789", out, 16));
}

/* Goal: a folder is made with all above it, for us alone; where they are, that is fine. */
static void test_folders(void **state) {
  (void)state;
  umask(0);
  char path[128];
  snprintf(path, sizeof path, "%s/a/b/c", scratch_folder);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(folder_make(path), AVOW_OK);
    assert_int_equal(folder_make("d/e"), AVOW_OK);
  }
  assert_mode("a", 0700);
  assert_mode("a/b/c", 0700);
  assert_mode("d/e", 0700);
  put("file", "", 0600);
  assert_system(folder_make("file/x"), ENOTDIR);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(test_read),    IN_SCRATCH(test_not_a_file),    IN_SCRATCH(test_trust),
      IN_SCRATCH(test_replace), IN_SCRATCH(test_replace_fails), IN_SCRATCH(test_create),
      IN_SCRATCH(test_beside),  IN_SCRATCH(test_folders),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
