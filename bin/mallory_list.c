// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "attack/attack.h"
#include "common.h"
#include "mallory.h"

static void list_all(void) {
  size_t count;
  const struct attack_kind *kinds = attack_kinds(&count);
  for (size_t i = 0; i < count; i++)
    printf("%-22s %s\n", kinds[i].name, kinds[i].line);
}

static void list_one(const struct attack_kind *kind) {
  struct attack attack;
  char text[64];
  attack_default(kind, &attack);
  printf("%s: %s\n", kind->name, kind->line);
  for (const struct attack_default *d = kind->defaults; d->option != OPTION_NONE; d++) {
    attack_option_text(d->option, attack.value[d->option], text, sizeof text);
    printf("  %-18s %s\n", text, attack_option_line(d->option));
  }
}

enum exit_code mallory_list(int argc, char **argv) {
  if (argc == 2) {
    list_all();
    return fflush(stdout) == 0 ? CODE_OK : CODE_FAILURE;
  }
  if (argc > 3)
    return usage_error("mallory", "list takes the name of one attack, or nothing.");
  const struct attack_kind *kind = attack_kind_named(view_text(argv[2]));
  if (kind != NULL) {
    list_one(kind);
    return fflush(stdout) == 0 ? CODE_OK : CODE_FAILURE;
  }
  struct attack unused;
  char problem[160];
  (void)attack_parse(argv[2], &unused, problem, sizeof problem);
  return usage_error("mallory", "%s", problem);
}
