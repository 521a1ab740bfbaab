// SPDX-License-Identifier: Apache-2.0
#include "mallory_stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/files.h"
#include "io/screen.h"

#define FILE_SIZE_MAX (8u * 1024u * 1024u)
#define LOOK_S 0.01

bool stage_programs(char *ret_folder, size_t size) {
  static const char *const needed[] = {"alice", "bob", "mallory"};
  char path[STAGE_PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", ret_folder, size - 1);
  char *slash = NULL;
  if (length > 0) {
    ret_folder[length] = '\0';
    slash = strrchr(ret_folder, '/');
  }
  if (slash == NULL) {
    screen_error("cannot find out where I am: %s.", strerror(errno));
    return false;
  }
  *slash = '\0';
  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", ret_folder, needed[i]);
    if (access(path, X_OK) != 0) {
      screen_error("the matrix needs %s beside me, in %s: %s.", needed[i], ret_folder,
                   strerror(errno));
      return false;
    }
  }
  return true;
}

void stage_pause(double seconds) {
  struct timespec wait = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&wait, NULL);
}

static bool passed(uint64_t since_us, double seconds) {
  return (double)(clock_now().mono_us - since_us) / 1e6 >= seconds;
}

/* In the child: its files, its folder, its home; then the program. */
static void become(const struct actor *actor, const char *folder, const char *const *argv,
                   int input, pid_t parent) {
  char home[STAGE_PATH_MAX];
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(127); /* that was too late to be told of its death */
  int out = open(actor->out, O_WRONLY | O_CREAT | O_APPEND, 0600);
  int err = open(actor->err, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (out < 0 || err < 0 || chdir(folder) != 0 || dup2(input, STDIN_FILENO) < 0 ||
      dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
    _exit(127);
  unsetenv("XDG_CONFIG_HOME");
  if (getcwd(home, sizeof home) == NULL || setenv("HOME", home, 1) != 0 ||
      setenv("LC_ALL", "C.UTF-8", 1) != 0)
    _exit(127);
  execv(argv[0], (char *const *)(uintptr_t)argv);
  _exit(127);
}

bool stage_start(struct actor *actor, const char *program, const char *folder, const char *as,
                 const char *const *args, bool with_input) {
  const char *argv[STAGE_ARGS_MAX + 2] = {program};
  int ends[2] = {-1, -1};
  for (size_t i = 0; args[i] != NULL && i < STAGE_ARGS_MAX; i++)
    argv[i + 1] = args[i];
  if (folder_make(folder) != AVOW_OK)
    return false;
  snprintf(actor->out, sizeof actor->out, "%s/%s.out", folder, as);
  snprintf(actor->err, sizeof actor->err, "%s/%s.err", folder, as);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || (with_input && pipe2(ends, O_CLOEXEC) != 0))
    return false;
  fflush(NULL);
  pid_t parent = getpid();
  actor->pid = fork();
  if (actor->pid == 0)
    become(actor, folder, argv, with_input ? ends[0] : nothing, parent);
  close(nothing);
  if (with_input)
    close(ends[0]);
  actor->input = with_input ? ends[1] : -1;
  actor->status = -1;
  if (actor->pid < 0)
    actor->pid = 0;
  return actor->pid != 0;
}

bool stage_wait(struct actor *actor, double seconds) {
  uint64_t since_us = clock_now().mono_us;
  int status;
  while (actor->pid != 0) {
    if (waitpid(actor->pid, &status, WNOHANG) == actor->pid) {
      actor->pid = 0;
      actor->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    } else if (passed(since_us, seconds)) {
      return false;
    } else {
      stage_pause(LOOK_S);
    }
  }
  return true;
}

void stage_stop(struct actor *actor, int number, double seconds) {
  stage_hush(actor);
  if (actor->pid != 0)
    kill(actor->pid, number);
  if (!stage_wait(actor, seconds)) {
    kill(actor->pid, SIGKILL);
    (void)stage_wait(actor, 10);
    actor->status = -1;
  }
}

void stage_say(struct actor *actor, const char *text) {
  if (actor->input >= 0)
    dprintf(actor->input, "%s\n", text);
}

void stage_hush(struct actor *actor) {
  if (actor->input >= 0)
    close(actor->input);
  actor->input = -1;
}

void stage_read(const char *path, struct buf *ret) {
  (void)file_read(path, FILE_ANY, ret);
}

bool stage_sees(const char *path, const char *text, double seconds) {
  uint64_t since_us = clock_now().mono_us;
  struct buf file;
  bool there = false;
  buf_init(&file, FILE_SIZE_MAX);
  do {
    buf_clear(&file);
    stage_read(path, &file);
    struct view all = buf_view(&file);
    there = all.size > 0 && memmem(all.data, all.size, text, strlen(text)) != NULL;
    if (!there)
      stage_pause(LOOK_S);
  } while (!there && !passed(since_us, seconds));
  buf_free(&file);
  return there;
}

bool stage_there(const char *path, double seconds) {
  uint64_t since_us = clock_now().mono_us;
  while (access(path, R_OK) != 0) {
    if (passed(since_us, seconds))
      return false;
    stage_pause(LOOK_S);
  }
  return true;
}

static int is_log(const struct dirent *entry) {
  const char *dot = strrchr(entry->d_name, '.');
  return dot != NULL && strcmp(dot, ".log") == 0;
}

void stage_logs(const char *folder, struct buf *ret) {
  struct dirent **names;
  char path[STAGE_PATH_MAX];
  int count = scandir(folder, &names, is_log, alphasort);
  for (int i = 0; i < count; i++) {
    if (snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name) < (int)sizeof path)
      stage_read(path, ret);
    free(names[i]);
  }
  if (count >= 0)
    free(names);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)kind, (void)place;
  return remove(path);
}

void stage_remove(const char *folder) {
  (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
