// SPDX-License-Identifier: Apache-2.0
#include "forger.h"

#include <string.h>

#include "crypto/hash.h"
#include "evidence/escape.h"
#include "evidence/head.h"
#include "harness.h"

#define TEXT_MAX (1024u * 1024u)

static struct view next_line(struct view *rest) {
  const uint8_t *end = memchr(rest->data, '\n', rest->size);
  size_t size = end != NULL ? (size_t)(end - rest->data) + 1 : rest->size;
  struct view line = view_of(rest->data, size);
  *rest = view_of(rest->data + size, rest->size - size);
  return line;
}

/* The right hash for a message whose hash line comes now: its text stands in the next lines. */
static void put_hash(struct view rest, struct buf *out) {
  static const char name[] = "Message text: ";
  uint8_t hash[SHA512_SIZE];
  char hex[2 * SHA512_SIZE + 1];
  struct hash *hasher;
  struct buf text;
  struct view line = view_of("", 0);
  buf_init(&text, TEXT_MAX);
  for (int i = 0; i < 2 && rest.size > 0 && !view_begins(line, name); i++)
    line = next_line(&rest);
  if (view_begins(line, name) && line.data[line.size - 1] == '\n')
    (void)escape_decode(view_of(line.data + 14, line.size - 15), &text);
  REQUIRE_OK(hash_new(&hasher));
  REQUIRE_OK(hash_sha512(hasher, buf_view(&text), hash));
  hash_free(hasher);
  buf_free(&text);
  hex_encode(view_of(hash, sizeof hash), hex);
  REQUIRE_OK(buf_format(out, "Hash value: %s\n", hex));
}

void forger_put_right(struct view log, struct buf *out) {
  struct head head;
  uint8_t value[SHA256_SIZE];
  char hex[2 * SHA256_SIZE + 1];
  bool alice = !view_begins(log, "To: "); /* hers has her own heads in it; Bob's copies them */
  REQUIRE_OK(head_init(&head));
  while (log.size > 0) {
    size_t before = buf_view(out).size;
    struct view line = next_line(&log);
    if (line.data[line.size - 1] != '\n') {
      REQUIRE_OK(buf_append(out, line));
      break;
    }
    bool at_receipt = view_begins(line, "Head at receipt: ");
    if (view_begins(line, HEAD_LINE) ||
        (alice && (at_receipt || view_begins(line, "Head at the end: ")))) {
      REQUIRE_OK(head_value(&head, value));
      hex_encode(view_of(value, sizeof value), hex);
      REQUIRE_OK(buf_format(out, "%s%s\n",
                            view_begins(line, HEAD_LINE) ? HEAD_LINE
                            : at_receipt                 ? "Head at receipt: "
                                                         : "Head at the end: ",
                            hex));
    } else if (view_begins(line, "Hash value: ")) {
      put_hash(log, out);
    } else {
      REQUIRE_OK(buf_append(out, line));
    }
    struct view all = buf_view(out);
    REQUIRE_OK(head_add(&head, view_of(all.data + before, all.size - before)));
  }
  head_free(&head);
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

/* Half of the time, leave out a run of lines, or say it twice: logs are made of lines. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
  size_t starts_at[64], count = 0;
  if (seed % 2 == 0 || size < 2)
    return LLVMFuzzerMutate(data, size, size_max);
  size_t skipped = seed / 2 % 32; /* so that any place of a long log is reached */
  for (size_t at = 1; at < size && count < 64; at++)
    if ((at == 1 || data[at - 1] == '\n') && skipped-- == 0)
      skipped = seed / 64 % 3, starts_at[count++] = at;
  if (count < 2)
    return LLVMFuzzerMutate(data, size, size_max);
  size_t first = seed / 192 % (count - 1), last = first + 1 + seed / 4096 % 4;
  size_t from = starts_at[first], to = starts_at[last < count ? last : count - 1];
  if (seed % 4 == 1) {
    memmove(data + from, data + to, size - to);
    return size - (to - from);
  }
  if (size + (to - from) > size_max)
    return LLVMFuzzerMutate(data, size, size_max);
  memmove(data + to, data + from, size - from);
  return size + (to - from);
}
