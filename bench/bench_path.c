// SPDX-License-Identifier: Apache-2.0
/* What bench/path.py leaves to C, where Python's own time would show.
 *
 *     bench_path run RESULT COMMAND...      run it; "wall_s cpu_s peak_bytes status" into RESULT
 *     bench_path ask COUNT SIZE COMMAND...  lines to bob --json, one at a time
 *     bench_path disk FILE COUNT SIZE       append and fdatasync
 *     bench_path line COUNT                 a byte to another process and back, over loopback
 *
 * The last three print the p50 and the p99 of one, in microseconds. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check(bool good, const char *what) {
  if (good)
    return;
  perror(what);
  exit(1);
}

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_times(double *times, size_t count) {
  qsort(times, count, sizeof *times, compare);
  printf("%.1f %.1f\n", times[count / 2], times[count * 99 / 100]);
}

static double *times_new(size_t count) {
  double *times = count > 0 ? calloc(count, sizeof *times) : NULL;
  check(times != NULL, "times");
  return times;
}

/* A program's peak memory counts from the process that it was forked off: this one is small. */
static int run(const char *result, char **command) {
  struct rusage used;
  int status;
  double before = now_us();
  pid_t pid = fork();
  check(pid >= 0, "fork");
  if (pid == 0) {
    execvp(command[0], command);
    check(false, command[0]);
  }
  check(wait4(pid, &status, 0, &used) == pid, "wait4");
  double wall_s = (now_us() - before) / 1e6;
  double cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  FILE *file = fopen(result, "w");
  check(file != NULL, result);
  fprintf(file, "%.6f %.6f %ld %d\n", wall_s, cpu_s, used.ru_maxrss * 1024, status);
  check(fclose(file) == 0, result);
  return status == 0 ? 0 : 1;
}

static pid_t start(char **command, int *ret_in, int *ret_out) {
  int in[2], out[2];
  check(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe");
  pid_t pid = fork();
  check(pid >= 0, "fork");
  if (pid == 0) {
    check(dup2(in[0], STDIN_FILENO) >= 0 && dup2(out[1], STDOUT_FILENO) >= 0, "dup2");
    execvp(command[0], command);
    check(false, command[0]);
  }
  close(in[0]);
  close(out[1]);
  *ret_in = in[1];
  *ret_out = out[0];
  return pid;
}

/* Read events until one is that a message was confirmed; they come in whole lines. */
static void await_confirmed(int from) {
  char events[65536];
  size_t have = 0;
  do {
    ssize_t size = read(from, events + have, sizeof events - have);
    check(size > 0, "bob's events");
    have += (size_t)size;
  } while (memmem(events, have, "\"event\":\"confirmed\"", 19) == NULL);
}

static int ask(size_t count, size_t size, char **command) {
  double *times = times_new(count);
  char *line = malloc(size + 1);
  int in, out, status;
  check(line != NULL, "line");
  memset(line, 'x', size);
  line[size] = '\n';
  pid_t pid = start(command, &in, &out);
  for (size_t i = 0; i < count; i++) {
    double before = now_us();
    check(write(in, line, size + 1) == (ssize_t)size + 1, "write");
    await_confirmed(out);
    times[i] = now_us() - before;
  }
  close(in);
  check(waitpid(pid, &status, 0) == pid && status == 0, "bob's end");
  print_times(times, count);
  free(line);
  free(times);
  return 0;
}

static int disk(const char *name, size_t count, size_t size) {
  double *times = times_new(count);
  char *bytes = malloc(size);
  int file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  check(bytes != NULL && file >= 0, name);
  memset(bytes, 'x', size);
  for (size_t i = 0; i < count; i++) {
    double before = now_us();
    check(write(file, bytes, size) == (ssize_t)size && fdatasync(file) == 0, name);
    times[i] = now_us() - before;
  }
  print_times(times, count);
  close(file);
  free(bytes);
  free(times);
  return 0;
}

static int socket_new(void) {
  int one = 1, end = socket(AF_INET, SOCK_STREAM, 0);
  check(end >= 0 && setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0, "socket");
  return end;
}

/* Give back every byte that comes. */
static void echo(int listener) {
  char byte;
  int end = accept(listener, NULL, NULL);
  while (read(end, &byte, 1) == 1 && write(end, &byte, 1) == 1)
    ;
  _exit(0);
}

static int line(size_t count) {
  double *times = times_new(count);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  char byte = 'x';
  int listener = socket_new(), end = socket_new();
  check(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0 &&
            getsockname(listener, (struct sockaddr *)&address, &size) == 0,
        "listen");
  pid_t pid = fork();
  check(pid >= 0, "fork");
  if (pid == 0) {
    close(end);
    echo(listener);
  }
  check(connect(end, (struct sockaddr *)&address, size) == 0, "connect");
  for (size_t i = 0; i < count; i++) {
    double before = now_us();
    check(write(end, &byte, 1) == 1 && read(end, &byte, 1) == 1, "line");
    times[i] = now_us() - before;
  }
  close(end);
  waitpid(pid, NULL, 0);
  print_times(times, count);
  free(times);
  return 0;
}

static size_t number(const char *text) {
  return (size_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(what, "run") == 0 && argc > 3)
    return run(argv[2], argv + 3);
  if (strcmp(what, "ask") == 0 && argc > 4)
    return ask(number(argv[2]), number(argv[3]), argv + 4);
  if (strcmp(what, "disk") == 0 && argc == 5)
    return disk(argv[2], number(argv[3]), number(argv[4]));
  if (strcmp(what, "line") == 0 && argc == 3)
    return line(number(argv[2]));
  fprintf(stderr, "usage: see bench/path.py\n");
  return 2;
}
