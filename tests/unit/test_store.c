// SPDX-License-Identifier: Apache-2.0
#include "scratch.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "store/store.h"

/* The disk, as far as the store asks it: these stand in front of the C library's. */
static unsigned folder_syncs, data_syncs;
static int sync_fails, truncate_fails, hasten_fails; /* errno to fail with; 0: do it */

int fsync(int fd) {
  struct stat status;
  folder_syncs += fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
  return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
  data_syncs++;
  errno = sync_fails;
  return sync_fails != 0 ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t size) {
  errno = truncate_fails;
  return truncate_fails != 0 ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int sync_file_range(int fd, off_t from, off_t size, unsigned flags) {
  errno = hasten_fails;
  return hasten_fails != 0 ? -1 : (int)syscall(SYS_sync_file_range, fd, from, size, flags);
}

static struct log *begin_log(struct store **store) {
  struct log *log = NULL;
  assert_int_equal(store_open(store, "logs"), AVOW_OK);
  assert_int_equal(log_create(&log, *store, "2026"), AVOW_OK);
  return log;
}

static void end_log(struct store *store, struct log *log) {
  log_close(log);
  store_close(store);
}

static enum avow_error append(struct log *log, const char *text) {
  return log_append(log, view_text(text));
}

/* Let files grow to ${size} and no further, as a full disk does. */
static void limit_files(rlim_t size) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = size;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Goal: a new folder is ours alone and its name is durable; an old one is taken as it is; a log is
 * ours alone, and durably in its folder. */
static void test_modes(void **state) {
  (void)state;
  struct store *store;
  struct log *log = NULL;
  umask(0);
  folder_syncs = 0;
  assert_int_equal(store_open(&store, "logs"), AVOW_OK);
  assert_int_equal(folder_syncs, 1);
  assert_mode("logs", 0700);
  assert_int_equal(log_create(&log, store, "2026"), AVOW_OK);
  assert_int_equal(folder_syncs, 2);
  assert_mode("logs/2026.log", 0600);
  assert_content("logs/2026.log", "");
  end_log(store, log);
  assert_int_equal(chmod("logs", 0755), 0);
  assert_int_equal(store_open(&store, "logs/"), AVOW_OK);
  assert_mode("logs", 0755);
  store_close(store);
  store_close(NULL);
  log_close(NULL);
}

/* Goal: no log goes through a link, into a file's place, or into a folder where others may write.
 */
static void test_refused_folders(void **state) {
  (void)state;
  struct store *store = NULL;
  put("file", "", 0600);
  assert_system(store_open(&store, "file"), ENOTDIR);
  assert_system(store_open(&store, "none/logs"), ENOENT);
  assert_int_equal(mkdir("real", 0700), 0);
  assert_int_equal(symlink("real", "link"), 0);
  /* Linux says ENOTDIR of a link that is to be a folder and is not followed. */
  assert_int_equal(store_open(&store, "link"), AVOW_SYSTEM);
  assert_true(errno == ELOOP || errno == ENOTDIR);
  assert_int_equal(symlink("nowhere", "dangling"), 0);
  assert_int_equal(store_open(&store, "dangling"), AVOW_SYSTEM);
  assert_true(errno == ELOOP || errno == ENOTDIR);
  static const mode_t modes[] = {0720, 0702, 0777, 01777};
  for (size_t i = 0; i < COUNT_OF(modes); i++) {
    assert_int_equal(chmod("real", modes[i]), 0);
    assert_system(store_open(&store, "real"), EPERM);
  }
  assert_null(store);
}

/* Goal: a log never continues or replaces what has its name, be it a file or a dangling link. */
static void test_names_taken(void **state) {
  (void)state;
  struct store *store;
  struct log *log = begin_log(&store), *other = NULL;
  assert_int_equal(append(log, "first\n"), AVOW_OK);
  assert_system(log_create(&other, store, "2026"), EEXIST);
  assert_int_equal(symlink("elsewhere", "logs/2027.log"), 0);
  assert_system(log_create(&other, store, "2027"), EEXIST);
  assert_null(other);
  assert_int_equal(access("logs/elsewhere", F_OK), -1);
  assert_content("logs/2026.log", "first\n");
  end_log(store, log);
}

/* Goal: what is appended stands there in order, each time to the end. */
static void test_append(void **state) {
  (void)state;
  struct store *store;
  struct log *log = begin_log(&store);
  assert_int_equal(append(log, "one\n"), AVOW_OK);
  assert_int_equal(append(log, ""), AVOW_OK);
  assert_int_equal(append(log, "two\n"), AVOW_OK);
  assert_int_equal(log_sync(log), AVOW_OK);
  assert_content("logs/2026.log", "one\ntwo\n");
  end_log(store, log);
}

/* Goal: on a full disk nothing is left of a record, nor of what was appended before it and not
 * synced, for every place at which the disk may fill up; and that is final. */
static void test_full_disk(void **state) {
  (void)state;
  struct store *store;
  struct log *first = begin_log(&store), *log;
  for (rlim_t size = 8; size < 8 + 8; size++) {
    char name[8], path[32];
    snprintf(name, sizeof name, "30%u", (unsigned)size);
    snprintf(path, sizeof path, "logs/%s.log", name);
    assert_int_equal(log_create(&log, store, name), AVOW_OK);
    assert_int_equal(append(log, "one\n"), AVOW_OK);
    assert_int_equal(log_sync(log), AVOW_OK);
    assert_int_equal(append(log, "two\n"), AVOW_OK);
    assert_int_equal(log_hasten(log), AVOW_OK);
    limit_files(size);
    enum avow_error error = append(log, "record3\n");
    int reason = errno;
    limit_files(RLIM_INFINITY);
    assert_int_equal(error, AVOW_SYSTEM);
    assert_int_equal(reason, EFBIG);
    assert_content(path, "one\n");
    assert_system(append(log, "more\n"), EFBIG);
    assert_system(log_hasten(log), EFBIG);
    assert_system(log_sync(log), EFBIG);
    log_close(log);
  }
  end_log(store, first);
}

/* Goal: if a torn record cannot even be taken back, the log takes nothing more. */
static void test_torn_record(void **state) {
  (void)state;
  struct store *store;
  struct log *log = begin_log(&store);
  limit_files(3);
  truncate_fails = EIO;
  enum avow_error error = append(log, "record\n");
  int reason = errno;
  limit_files(RLIM_INFINITY);
  truncate_fails = 0;
  assert_int_equal(error, AVOW_SYSTEM);
  assert_int_equal(reason, EFBIG);
  assert_system(append(log, "more\n"), EFBIG);
  assert_system(log_sync(log), EFBIG);
  assert_content("logs/2026.log", "rec");
  end_log(store, log);
}

/* Goal: what the disk says when it is to begin is not lost: the sync would not say it again.  But a
 * system that cannot begin early does it all in the sync. */
static void test_failed_hasten(void **state) {
  (void)state;
  struct store *store;
  struct log *log = begin_log(&store);
  hasten_fails = ENOSYS;
  assert_int_equal(append(log, "synced\n"), AVOW_OK);
  assert_int_equal(log_hasten(log), AVOW_OK);
  assert_int_equal(log_sync(log), AVOW_OK);
  hasten_fails = EIO;
  assert_int_equal(append(log, "one\n"), AVOW_OK);
  assert_system(log_hasten(log), EIO);
  hasten_fails = 0;
  assert_system(log_sync(log), EIO);
  assert_system(append(log, "two\n"), EIO);
  assert_content("logs/2026.log", "synced\n");
  end_log(store, log);
}

/* Goal: a failed sync is final: the second one would lie. */
static void test_failed_sync(void **state) {
  (void)state;
  struct store *store;
  struct log *log = begin_log(&store);
  assert_int_equal(append(log, "synced\n"), AVOW_OK);
  assert_int_equal(log_sync(log), AVOW_OK);
  assert_int_equal(append(log, "one\n"), AVOW_OK);
  sync_fails = EIO;
  assert_system(log_sync(log), EIO);
  sync_fails = 0;
  data_syncs = 0;
  assert_system(log_sync(log), EIO);
  assert_int_equal(data_syncs, 0); /* not even tried */
  assert_system(append(log, "two\n"), EIO);
  assert_content("logs/2026.log", "synced\n"); /* what is not durable cannot be read either */
  end_log(store, log);
}

static void assert_names(struct store *store, const char *expected) {
  struct buf names;
  buf_init(&names, 4096);
  assert_int_equal(store_names(store, &names), AVOW_OK);
  assert_view_text(buf_view(&names), expected);
  buf_free(&names);
}

/* Goal: the names are those of the logs, oldest first, and of nothing else that lies there. */
static void test_names(void **state) {
  (void)state;
  static const char *const others[] = {"readme",
                                       ".log",
                                       "x.log",
                                       "12a.log",
                                       "123.log~",
                                       "123.LOG",
                                       "124.log.gz",
                                       "-5.log",
                                       "125",
                                       " 126.log",
                                       "12345678901234567890123456789012.log"};
  static const char *const logs[] = {"20261122182736951091", "20251122182736951090",
                                     "20261122182736951090", "1"};
  struct store *store;
  struct log *log;
  char path[64];
  assert_int_equal(store_open(&store, "logs"), AVOW_OK);
  assert_names(store, "");
  for (size_t i = 0; i < COUNT_OF(others); i++) {
    snprintf(path, sizeof path, "logs/%s", others[i]);
    put(path, "", 0600);
  }
  assert_names(store, "");
  for (size_t i = 0; i < COUNT_OF(logs); i++) {
    assert_int_equal(log_create(&log, store, logs[i]), AVOW_OK);
    log_close(log);
  }
  for (unsigned i = 0; i < 2; i++) /* and again the same */
    assert_names(store, "1\n20251122182736951090\n20261122182736951090\n"
                        "20261122182736951091\n");
  struct buf small;
  buf_init(&small, 5);
  assert_int_equal(store_names(store, &small), AVOW_TOO_LONG);
  buf_free(&small);
  for (unsigned i = 0; i < 500; i++) {
    snprintf(path, sizeof path, "%u", 5000 - i);
    assert_int_equal(log_create(&log, store, path), AVOW_OK);
    log_close(log);
  }
  buf_init(&small, 1000000);
  assert_int_equal(store_names(store, &small), AVOW_OK);
  assert_memory_equal(small.data, "1\n20251122182736951090\n", 23);
  assert_non_null(memmem(small.data, small.size, "\n4501\n4502\n4503\n", 16));
  buf_free(&small);
  store_close(store);
}

/* Goal: a log that is there is opened and read as it is, at any place; one that is not there, or
 * is a link, is not. */
static void test_read(void **state) {
  (void)state;
  struct store *store;
  struct log *log = begin_log(&store), *other = NULL;
  uint8_t bytes[16];
  size_t size;
  assert_int_equal(append(log, "0123456789"), AVOW_OK);
  assert_int_equal(log_size(log), 10);
  log_close(log);
  assert_int_equal(log_open(&other, store, "2027"), AVOW_NOT_FOUND);
  assert_int_equal(symlink("2026.log", "logs/2027.log"), 0);
  assert_system(log_open(&other, store, "2027"), ELOOP);
  assert_null(other);
  assert_int_equal(log_open(&log, store, "2026"), AVOW_OK);
  assert_int_equal(log_size(log), 10);
  for (uint64_t offset = 0; offset < 12; offset++)
    for (size_t room = 1; room < sizeof bytes; room++) {
      size_t expected = offset < 10 ? 10 - (size_t)offset : 0;
      assert_int_equal(log_read(log, offset, bytes, room, &size), AVOW_OK);
      assert_int_equal(size, expected < room ? expected : room);
      if (size > 0)
        assert_memory_equal(bytes, &"0123456789"[offset], size);
    }
  end_log(store, log);
}

/* Goal: a log is appended to by one only: another open cannot lock it, be it in this process, until
 * the first is closed; then it sees what was appended meanwhile. */
static void test_lock(void **state) {
  (void)state;
  struct store *store;
  struct log *log = begin_log(&store), *other = NULL, *third = NULL;
  assert_int_equal(log_open(&other, store, "2026"), AVOW_OK); /* reading is for everybody */
  assert_int_equal(log_lock(other), AVOW_BUSY);
  assert_int_equal(append(log, "one\n"), AVOW_OK);
  assert_int_equal(log_lock(log), AVOW_OK); /* it has it */
  assert_int_equal(log_lock(other), AVOW_BUSY);
  assert_int_equal(log_size(other), 0);
  log_close(log);
  assert_int_equal(log_lock(other), AVOW_OK);
  assert_int_equal(log_size(other), 4);
  assert_int_equal(log_open(&third, store, "2026"), AVOW_OK);
  assert_int_equal(log_lock(third), AVOW_BUSY);
  log_close(third);
  assert_int_equal(append(other, "two\n"), AVOW_OK);
  assert_int_equal(log_size(other), 8);
  assert_int_equal(log_sync(other), AVOW_OK);
  assert_content("logs/2026.log", "one\ntwo\n");
  end_log(store, other);
}

/* Goal: what is dropped is dropped durably, and the log goes on there; if that fails, it is said,
 * and a failed sync stays final. */
static void test_truncate(void **state) {
  (void)state;
  struct store *store;
  struct log *log = begin_log(&store);
  assert_int_equal(append(log, "one\ntwo\nthr"), AVOW_OK);
  truncate_fails = EIO;
  enum avow_error error = log_truncate(log, 8);
  int reason = errno;
  truncate_fails = 0;
  assert_int_equal(error, AVOW_SYSTEM);
  assert_int_equal(reason, EIO);
  assert_int_equal(log_size(log), 11);
  data_syncs = 0;
  assert_int_equal(log_truncate(log, 8), AVOW_OK);
  assert_int_equal(data_syncs, 1);
  assert_int_equal(log_size(log), 8);
  assert_content("logs/2026.log", "one\ntwo\n");
  assert_int_equal(append(log, "three\n"), AVOW_OK);
  assert_int_equal(log_size(log), 14);
  assert_content("logs/2026.log", "one\ntwo\nthree\n");
  sync_fails = EIO;
  error = log_truncate(log, 4);
  reason = errno;
  sync_fails = 0;
  assert_int_equal(error, AVOW_SYSTEM);
  assert_int_equal(reason, EIO);
  assert_system(append(log, "four\n"), EIO);
  end_log(store, log);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(test_modes),         IN_SCRATCH(test_refused_folders),
      IN_SCRATCH(test_names_taken),   IN_SCRATCH(test_append),
      IN_SCRATCH(test_full_disk),     IN_SCRATCH(test_torn_record),
      IN_SCRATCH(test_failed_hasten), IN_SCRATCH(test_failed_sync),
      IN_SCRATCH(test_names),         IN_SCRATCH(test_read),
      IN_SCRATCH(test_lock),          IN_SCRATCH(test_truncate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
