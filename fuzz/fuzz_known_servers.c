// SPDX-License-Identifier: Apache-2.0
/* Lists of known servers: a line that we wrote, before any others, is found; behind any others it
 * is found, or an earlier line is to blame. */

#include "base/limits.h"
#include "crypto/secret.h"
#include "harness.h"
#include "keys/known_servers.h"

#define PORT 2442u
static const char host[] = "alice.example";
static const uint8_t own[ED25519_PUBLIC_SIZE] = "the key of alice, thirty-two oct";

static unsigned lines_of(struct view text) {
  unsigned count = 0;
  for (size_t i = 0; i < text.size; i++)
    count += text.data[i] == '\n';
  return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  unsigned line = 0;
  struct view list = view_of(data, size);
  struct buf file;
  enum avow_error first = known_servers_find(list, host, PORT, key, &line);
  REQUIRE(first == AVOW_NOT_FOUND ? line == 0 : line >= 1 && line <= lines_of(list) + 1);

  buf_init(&file, AVOW_KEY_LIST_MAX);
  REQUIRE_OK(known_servers_line(host, PORT, own, &file));
  REQUIRE_OK(buf_append(&file, list));
  REQUIRE_OK(known_servers_find(buf_view(&file), "ALICE.example", PORT, key, &line));
  REQUIRE(line == 1 && secret_equal(key, own, sizeof key));

  buf_clear(&file);
  REQUIRE_OK(buf_append(&file, list));
  REQUIRE_OK(buf_text(&file, "\n"));
  REQUIRE_OK(known_servers_line(host, PORT, own, &file));
  enum avow_error last = known_servers_find(buf_view(&file), host, PORT, key, &line);
  REQUIRE(first == AVOW_NOT_FOUND ? last == AVOW_OK && secret_equal(key, own, sizeof key)
                                  : last == first);
  buf_free(&file);
  return 0;
}
