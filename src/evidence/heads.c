// SPDX-License-Identifier: Apache-2.0
#include "evidence/heads.h"

#include <string.h>

void heads_init(struct heads *heads, size_t most) {
  buf_init(&heads->list, most * sizeof(struct head_at));
}

void heads_free(struct heads *heads) {
  buf_free(&heads->list);
}

enum avow_error heads_put(struct heads *heads, const uint8_t value[HEAD_SIZE], uint64_t next_id) {
  struct head_at at = {.next_id = next_id};
  memcpy(at.value, value, HEAD_SIZE);
  if (buf_view(&heads->list).size + sizeof at > heads->list.max)
    buf_consume(&heads->list, sizeof at);
  return buf_append(&heads->list, view_of(&at, sizeof at));
}

/* The place of the last such head, from the oldest; the number of heads if there is none.  What is
 * asked for is nearly always one of the newest. */
static size_t find(const struct heads *heads, const uint8_t *value, struct head_at *ret) {
  struct view list = buf_view(&heads->list);
  size_t count = list.size / sizeof *ret;
  for (size_t i = count; i-- > 0;) {
    memcpy(ret, list.data + i * sizeof *ret, sizeof *ret);
    if (memcmp(ret->value, value, HEAD_SIZE) == 0)
      return i;
  }
  return count;
}

bool heads_find(const struct heads *heads, const uint8_t value[HEAD_SIZE], uint64_t *ret_next_id) {
  struct head_at at;
  if (find(heads, value, &at) == buf_view(&heads->list).size / sizeof at)
    return false;
  if (ret_next_id != NULL)
    *ret_next_id = at.next_id;
  return true;
}

void heads_forget_before(struct heads *heads, const uint8_t value[HEAD_SIZE]) {
  struct head_at at;
  buf_consume(&heads->list, find(heads, value, &at) * sizeof at);
}

void heads_clear(struct heads *heads) {
  buf_clear(&heads->list);
}
