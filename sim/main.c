// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stubs.h"
#include "world.h"

static const char USAGE[] =
    "usage: sim --seeds A-B [--jobs N]\n"
    "       sim --seed N [--trace]\n"
    "Live through the worlds with these seeds.  Exits 1 at the first one in which a property does\n"
    "not hold, and says which.  The same seed gives the same trace, byte for byte.\n";

#define JOBS_MAX 64u

/* What a worker has done; shared with the one who waits for it. */
struct report {
  uint64_t seed, worlds, steps, connections, deaths, tamperings, digest;
  uint64_t lies[LIES_COUNT];
  bool done;
  char broken[512];
};

static struct report *reports;
static struct report *mine;

/* An assertion in a core, most often. */
static void on_abort(int number) {
  static const char text[] = "an assertion of the core does not hold (see above)";
  (void)number;
  if (mine->broken[0] == '\0')
    memcpy(mine->broken, text, sizeof text);
  _exit(3);
}

static void work(unsigned job, unsigned jobs, uint64_t first, uint64_t last, bool tracing) {
  static struct world world;
  mine = &reports[job];
  stubs_use(&world);
  signal(SIGABRT, on_abort);
  for (uint64_t seed = first + job; seed <= last && seed >= first; seed += jobs) {
    mine->seed = seed;
    world_run(&world, seed, tracing);
    mine->worlds++;
    mine->done = seed == last || last - seed < jobs;
    mine->steps += world.steps;
    mine->connections += world.connections;
    mine->deaths += world.deaths;
    mine->tamperings += world.tamperings;
    mine->lies[world.lie]++;
    mine->digest ^= world.digest * (seed * 2 + 1);
    if (world.broken[0] != '\0') {
      memcpy(mine->broken, world.broken, sizeof mine->broken);
      exit(1);
    }
  }
  free(world.heap);
  exit(0);
}

static int conclude(unsigned jobs, uint64_t first, uint64_t last) {
  struct report sum = {.seed = UINT64_MAX};
  for (unsigned i = 0; i < jobs; i++) {
    struct report *report = &reports[i];
    sum.worlds += report->worlds;
    sum.steps += report->steps;
    sum.connections += report->connections;
    sum.deaths += report->deaths;
    sum.tamperings += report->tamperings;
    for (unsigned lie = 0; lie < LIES_COUNT; lie++)
      sum.lies[lie] += report->lies[lie];
    sum.digest ^= report->digest;
    if (report->broken[0] != '\0' && report->seed < sum.seed) {
      sum.seed = report->seed;
      memcpy(sum.broken, report->broken, sizeof sum.broken);
    }
  }
  if (sum.broken[0] != '\0') {
    printf("seed %" PRIu64 ": %s\nreplay: sim --seed %" PRIu64 " --trace\n", sum.seed, sum.broken,
           sum.seed);
    return 1;
  }
  if (sum.worlds != last - first + 1) {
    puts("not all worlds were lived through");
    return 1;
  }
  printf("%" PRIu64 " steps, %" PRIu64 " connections, %" PRIu64 " ends of programs, %" PRIu64
         " frames tampered with, digest %016" PRIx64 "\n",
         sum.steps, sum.connections, sum.deaths, sum.tamperings, sum.digest);
  printf("old copies of logs put back: %" PRIu64 " seen by bob, %" PRIu64
         " shown by the logs, %" PRIu64 " without harm\n",
         sum.lies[LIE_SEEN], sum.lies[LIE_IN_LOGS], sum.lies[LIE_HARMLESS]);
  printf("%" PRIu64 " worlds: every property holds\n", sum.worlds);
  return 0;
}

static int run(unsigned jobs, uint64_t first, uint64_t last, bool tracing) {
  reports =
      mmap(NULL, jobs * sizeof *reports, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (reports == MAP_FAILED) {
    perror("sim");
    return 1;
  }
  fflush(stdout);
  for (unsigned i = 0; i < jobs; i++) {
    pid_t worker = fork();
    if (worker == 0)
      work(i, jobs, first, last, tracing);
    if (worker < 0) {
      perror("sim");
      return 1;
    }
  }
  while (wait(NULL) > 0)
    ;
  for (unsigned i = 0; i < jobs; i++) /* a sanitizer's finding, a signal: stderr says more */
    if (!reports[i].done && reports[i].seed != 0 && reports[i].broken[0] == '\0')
      snprintf(reports[i].broken, sizeof reports[i].broken, "the worker ended in the middle");
  return conclude(jobs, first, last);
}

static bool number(const char *text, const char **ret_rest, uint64_t *ret) {
  char *end;
  if (*text < '0' || *text > '9')
    return false;
  *ret = strtoull(text, &end, 10);
  *ret_rest = end;
  return true;
}

int main(int count, char **arguments) {
  uint64_t first = 1, last = 0, jobs = 1;
  const char *rest = "";
  bool tracing = false, good = count > 1;
  for (int i = 1; i < count && good; i++) {
    const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : "";
    if (strcmp(name, "--trace") == 0) {
      tracing = true;
      continue;
    }
    i++;
    if (strcmp(name, "--seeds") == 0)
      good = number(value, &rest, &first) && *rest == '-' && number(rest + 1, &rest, &last);
    else if (strcmp(name, "--seed") == 0)
      good = number(value, &rest, &first) && number(value, &rest, &last);
    else if (strcmp(name, "--jobs") == 0)
      good = number(value, &rest, &jobs) && jobs >= 1 && jobs <= JOBS_MAX;
    else
      good = false;
    good = good && *rest == '\0';
  }
  if (!good || last < first) {
    fputs(USAGE, stderr);
    return 2;
  }
  return run(tracing ? 1 : (unsigned)jobs, first, last, tracing);
}
