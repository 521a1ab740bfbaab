// SPDX-License-Identifier: Apache-2.0
#include "io/post.h"

#include <curl/curl.h>
#include <stdio.h>

#define STATUS_GOOD 200

/* What curl writes to. */
struct sink {
  struct buf *answer;
  enum avow_error error;
};

static size_t on_bytes(char *bytes, size_t one, size_t size, void *context) {
  struct sink *sink = context;
  sink->error = buf_append(sink->answer, view_of(bytes, one * size));
  return sink->error == AVOW_OK ? one * size : 0;
}

/* The first failure sticks; 0 is success. */
#define SET(handle, failed, option, value)                                                         \
  ((failed) = (failed) != CURLE_OK ? (failed) : curl_easy_setopt(handle, option, value))

static CURLcode prepare(CURL *handle, const char *url, struct curl_slist *headers, struct view body,
                        uint64_t wait_us) {
  CURLcode failed = CURLE_OK;
  SET(handle, failed, CURLOPT_URL, url);
  SET(handle, failed, CURLOPT_NOSIGNAL, 1L);
  SET(handle, failed, CURLOPT_FOLLOWLOCATION, 0L);
  SET(handle, failed, CURLOPT_HTTPHEADER, headers);
  SET(handle, failed, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
  SET(handle, failed, CURLOPT_POSTFIELDS, body.data);
  SET(handle, failed, CURLOPT_TIMEOUT_MS, (long)(wait_us / 1000 + 1));
  SET(handle, failed, CURLOPT_PROTOCOLS_STR, "http,https");
  return failed;
}

static enum avow_error perform(CURL *handle, struct sink *sink, char *reason) {
  long status = 0;
  CURLcode failed = curl_easy_perform(handle);
  if (sink->error != AVOW_OK)
    return sink->error;
  if (failed != CURLE_OK) {
    snprintf(reason, POST_REASON_SIZE, "%s", curl_easy_strerror(failed));
    return failed == CURLE_OPERATION_TIMEDOUT ? AVOW_TIMEOUT : AVOW_CLOSED;
  }
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (status == STATUS_GOOD)
    return AVOW_OK;
  snprintf(reason, POST_REASON_SIZE, "it answers with status %ld", status);
  return AVOW_CLOSED;
}

enum avow_error post(const char *url, const char *type, struct view body, uint64_t wait_us,
                     struct buf *answer, char reason[POST_REASON_SIZE]) {
  struct sink sink = {.answer = answer};
  char header[128];
  snprintf(header, sizeof header, "Content-Type: %s", type);
  snprintf(reason, POST_REASON_SIZE, "it cannot be asked");
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return AVOW_CLOSED;
  struct curl_slist *headers = curl_slist_append(NULL, header);
  CURL *handle = curl_easy_init();
  enum avow_error error = AVOW_NO_MEMORY;
  if (headers != NULL && handle != NULL) {
    CURLcode failed = prepare(handle, url, headers, body, wait_us);
    SET(handle, failed, CURLOPT_WRITEFUNCTION, on_bytes);
    SET(handle, failed, CURLOPT_WRITEDATA, &sink);
    error = failed == CURLE_OK ? perform(handle, &sink, reason) : AVOW_CLOSED;
  }
  curl_easy_cleanup(handle);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  return error;
}
