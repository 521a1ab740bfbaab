// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_UNIT_SCRATCH_H
#define AVOW_TESTS_UNIT_SCRATCH_H

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for each test, removed afterwards; the test runs in it. */
static char scratch_folder[64];

static inline int scratch_up(void **state) {
  (void)state;
  snprintf(scratch_folder, sizeof scratch_folder, "/tmp/avow-test-XXXXXX");
  umask(022);
  return mkdtemp(scratch_folder) == NULL || chdir(scratch_folder) != 0;
}

static inline int scratch_remove(const char *path, const struct stat *status, int type,
                                 struct FTW *walk) {
  (void)status;
  (void)type;
  (void)walk;
  return remove(path);
}

static inline int scratch_down(void **state) {
  (void)state;
  return chdir("/") != 0 ||
         nftw(scratch_folder, scratch_remove, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0;
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_up, scratch_down)

/** put(path, text, mode): Make a file, by other means than those that are tested. */
static inline void put(const char *path, const char *text, mode_t mode) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, mode), 0);
}

/** assert_content(path, text): The file holds just this. */
static inline void assert_content(const char *path, const char *text) {
  char content[4096];
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t size = fread(content, 1, sizeof content - 1, file);
  fclose(file);
  content[size] = '\0';
  assert_string_equal(content, text);
}

/** assert_mode(path, mode): These are its permissions, and it is no link. */
static inline void assert_mode(const char *path, mode_t mode) {
  struct stat status;
  assert_int_equal(lstat(path, &status), 0);
  assert_false(S_ISLNK(status.st_mode));
  assert_int_equal(status.st_mode & 07777, mode);
}

/** assert_system(error, reason): It is AVOW_SYSTEM, and errno says this. */
#define assert_system(error, reason)                                                               \
  do {                                                                                             \
    errno = 0;                                                                                     \
    assert_int_equal(error, AVOW_SYSTEM);                                                          \
    assert_int_equal(errno, reason);                                                               \
  } while (0)

/** assert_count(count): So many files and folders are here; no temporary one is left. */
static inline void assert_count(unsigned count) {
  unsigned found = 0;
  DIR *folder = opendir(".");
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    found += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(folder);
  assert_int_equal(found, count);
}

#endif
