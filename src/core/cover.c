// SPDX-License-Identifier: Apache-2.0
#include "core/cover.h"

void cover_init(struct cover *cover, size_t size) {
  cover->size = size;
  buf_init(&cover->waiting, COVER_WAITING_MAX * size);
}

void cover_free(struct cover *cover) {
  buf_wipe_free(&cover->waiting);
}

size_t cover_body_max(const struct cover *cover) {
  return cover->size == 0 ? SIZE_MAX : cover->size - SEALED_HEAD_MAX;
}

bool cover_room(const struct cover *cover, unsigned count) {
  return buf_view(&cover->waiting).size + count * cover->size <= COVER_WAITING_MAX * cover->size;
}

bool cover_waits(const struct cover *cover) {
  return buf_view(&cover->waiting).size > 0;
}

enum avow_error cover_put(struct cover *cover, const struct sealed *sealed, bool proven) {
  return sealed_encode(sealed, proven, cover->size, &cover->waiting);
}

enum avow_error cover_take(struct cover *cover, const struct sealed *dummy, bool proven,
                           struct buf *plaintext) {
  if (!cover_waits(cover))
    return sealed_encode(dummy, proven, cover->size, plaintext);
  enum avow_error error =
      buf_append(plaintext, view_of(buf_view(&cover->waiting).data, cover->size));
  if (error != AVOW_OK)
    return error;
  buf_consume(&cover->waiting, cover->size);
  sealed_stamp(plaintext, dummy->time_us, dummy->echo_us);
  return AVOW_OK;
}
