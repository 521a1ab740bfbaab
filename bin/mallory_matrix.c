// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "io/clock.h"
#include "io/screen.h"
#include "mallory.h"
#include "mallory_scene.h"
#include "mallory_stage.h"

/* So many scenes are played at once: mostly they wait. */
#define AT_ONCE 12u
#define CELLS_MAX 128u

struct cell {
  const struct scene *scene;
  enum handshake mode;
  pid_t pid;
  int pipe; /* its result comes there */
  bool over;
  struct result result;
};

struct matrix {
  char programs[STAGE_PATH_MAX], folder[STAGE_PATH_MAX];
  struct cell cells[CELLS_MAX];
  size_t count, started, running, failed;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
  (void)number;
  interrupted = 1;
}

static const char *mode_name(enum handshake mode) {
  return mode == HANDSHAKE_TLS ? "tls" : "plain";
}

/* In a process of its own: a scene waits for its programs one after the other. */
static void play(const struct matrix *matrix, const struct cell *cell, int to, pid_t parent) {
  char folder[STAGE_PATH_MAX + 16];
  struct result result;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(1);
  snprintf(folder, sizeof folder, "%s/%zu", matrix->folder, (size_t)(cell - matrix->cells));
  scene_play(cell->scene, cell->mode, matrix->programs, folder, &result);
  bool told = write(to, &result, sizeof result) == (ssize_t)sizeof result;
  stage_remove(folder);
  _exit(told ? 0 : 1);
}

static void start(struct matrix *matrix) {
  struct cell *cell = &matrix->cells[matrix->started++];
  int ends[2];
  if (pipe(ends) != 0) {
    cell->over = true;
    snprintf(cell->result.problem, sizeof cell->result.problem, "no pipe: %s", strerror(errno));
    return;
  }
  fflush(NULL);
  pid_t parent = getpid();
  cell->pid = fork();
  if (cell->pid == 0)
    play(matrix, cell, ends[1], parent);
  close(ends[1]);
  cell->pipe = ends[0];
  cell->over = cell->pid < 0;
  matrix->running += cell->pid > 0;
}

static void collect(struct matrix *matrix) {
  int status;
  for (size_t i = 0; i < matrix->started; i++) {
    struct cell *cell = &matrix->cells[i];
    if (cell->over || waitpid(cell->pid, &status, WNOHANG) != cell->pid)
      continue;
    cell->over = true;
    matrix->running--;
    if (read(cell->pipe, &cell->result, sizeof cell->result) != (ssize_t)sizeof cell->result)
      snprintf(cell->result.problem, sizeof cell->result.problem, "it was not played to its end");
    close(cell->pipe);
  }
}

static void kill_all(struct matrix *matrix) {
  int status;
  for (size_t i = 0; i < matrix->started; i++)
    if (!matrix->cells[i].over && matrix->cells[i].pid > 0) {
      kill(matrix->cells[i].pid, SIGKILL);
      waitpid(matrix->cells[i].pid, &status, 0);
    }
}

/* The rows that have ${only} in their titles; all, if that is NULL. */
static void set_up(struct matrix *matrix, const char *only) {
  size_t count;
  const struct scene *rows = scenes(&count);
  for (size_t i = 0; i < count; i++)
    if (only == NULL || strstr(rows[i].title, only) != NULL)
      for (int mode = HANDSHAKE_PLAIN; mode <= HANDSHAKE_TLS && matrix->count < CELLS_MAX; mode++)
        matrix->cells[matrix->count++] =
            (struct cell){.scene = &rows[i], .mode = (enum handshake)mode};
}

static bool run(struct matrix *matrix) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  while (!interrupted && (matrix->started < matrix->count || matrix->running > 0)) {
    while (matrix->running < AT_ONCE && matrix->started < matrix->count)
      start(matrix);
    collect(matrix);
    stage_pause(0.01);
  }
  kill_all(matrix);
  return !interrupted;
}

/* The same came of both but for what she reads. */
static bool same(const struct result *a, const struct result *b) {
  return strcmp(a->delivered, b->delivered) == 0 && strcmp(a->noticed, b->noticed) == 0 &&
         strcmp(a->proof, b->proof) == 0;
}

static void print_row(const struct cell *cell, const char *mode, const char *learned) {
  const struct result *r = &cell->result;
  printf("| %s: `%s`", cell->scene->title, cell->scene->attacks[0]);
  if (cell->scene->attacks[1] != NULL)
    printf(" and `%s`", cell->scene->attacks[1]);
  printf(" | %s | %s | %s | %s | %s |\n", mode, learned, r->delivered, r->noticed, r->proof);
}

/* Both modes of an attack, in one row where they are alike. */
static void print_markdown(const struct cell *plain, const struct cell *tls) {
  char learned[160];
  if (!plain->result.good || !tls->result.good || !same(&plain->result, &tls->result)) {
    if (plain->result.good)
      print_row(plain, "plain", plain->result.learned);
    if (tls->result.good)
      print_row(tls, "tls", tls->result.learned);
    return;
  }
  snprintf(learned, sizeof learned, "plain: %s; tls: %s", plain->result.learned,
           tls->result.learned);
  print_row(plain, "both", learned);
}

static void print_plain(const struct cell *cell) {
  const struct result *r = &cell->result;
  printf("%-30s %-5s  %-17s  %-38s  %-10s  %s\n", cell->scene->title, mode_name(cell->mode),
         r->learned, r->delivered, r->noticed, r->proof);
}

static void print(struct matrix *matrix, bool markdown) {
  if (markdown)
    printf("| attack | mode | Mallory reads | delivered | noticed by | what says so |\n"
           "|---|---|---|---|---|---|\n");
  else
    printf("%-30s %-5s  %-17s  %-38s  %-10s  %s\n", "attack", "mode", "Mallory reads", "delivered",
           "noticed by", "what says so");
  for (size_t i = 0; i < matrix->count; i++) {
    struct cell *cell = &matrix->cells[i];
    matrix->failed += !cell->result.good;
    if (markdown && cell->mode == HANDSHAKE_TLS)
      print_markdown(cell - 1, cell);
    else if (!markdown && cell->result.good)
      print_plain(cell);
  }
  fflush(stdout);
  for (size_t i = 0; i < matrix->count; i++)
    if (!matrix->cells[i].result.good)
      screen_error("%s, %s: not as it must be: %s.", matrix->cells[i].scene->title,
                   mode_name(matrix->cells[i].mode), matrix->cells[i].result.problem);
}

static enum exit_code play_all(struct matrix *matrix, bool markdown) {
  uint64_t since_us = clock_now().mono_us;
  if (!run(matrix)) {
    screen_error("interrupted; nothing is proven.");
    return CODE_FAILURE;
  }
  print(matrix, markdown);
  screen_status("%zu of %zu as they must be, in %.0f s.", matrix->count - matrix->failed,
                matrix->count, (double)(clock_now().mono_us - since_us) / 1e6);
  if (ferror(stdout) != 0) {
    screen_error("cannot write to standard output: %s.", strerror(errno));
    return CODE_FAILURE;
  }
  return matrix->failed == 0 ? CODE_OK : CODE_FAILURE;
}

static enum exit_code read_options(int argc, char **argv, bool *markdown, const char **only) {
  static const struct option options[] = {
      {"markdown", no_argument, NULL, 'm'}, {"only", required_argument, NULL, 'o'}, {0}};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'm')
      *markdown = true;
    else if (option == 'o')
      *only = optarg;
    else
      return usage_error("mallory", "matrix takes --markdown and --only WORDS.");
  }
  if (optind + 1 != argc)
    return usage_error("mallory", "matrix takes --markdown and --only WORDS.");
  return CODE_OK;
}

static enum exit_code make_folder(struct matrix *matrix) {
  const char *scratch = getenv("TMPDIR");
  if (scratch == NULL || scratch[0] == '\0')
    scratch = "/tmp";
  int size = snprintf(matrix->folder, sizeof matrix->folder, "%s/mallory-XXXXXX", scratch);
  if (size < (int)sizeof matrix->folder && mkdtemp(matrix->folder) != NULL)
    return CODE_OK;
  screen_error("cannot make a folder in %s: %s. Set TMPDIR to one where I can.", scratch,
               size < (int)sizeof matrix->folder ? strerror(errno) : strerror(ENAMETOOLONG));
  return CODE_FAILURE;
}

enum exit_code mallory_matrix(int argc, char **argv) {
  bool markdown = false;
  const char *only = NULL;
  enum exit_code code = read_options(argc, argv, &markdown, &only);
  struct matrix *matrix = code == CODE_OK ? calloc(1, sizeof *matrix) : NULL;
  if (matrix == NULL)
    return code == CODE_OK ? CODE_FAILURE : code;
  set_up(matrix, only);
  if (matrix->count == 0)
    code = usage_error("mallory", "no row of the matrix has '%s' in its name.", only);
  else if (!stage_programs(matrix->programs, sizeof matrix->programs))
    code = CODE_FAILURE;
  else
    code = make_folder(matrix);
  if (code == CODE_OK) {
    code = play_all(matrix, markdown);
    stage_remove(matrix->folder);
  }
  free(matrix);
  return code;
}
