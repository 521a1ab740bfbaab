// SPDX-License-Identifier: Apache-2.0
/* Fernet on standard input and output, for the tests beside other implementations.
 *
 *   fernet_tool encrypt KEY TIME IVHEX < message
 *   fernet_tool decrypt KEY < token
 *   fernet_tool batch < requests
 *
 * A request is: 'e' or 'd', the 32 bytes of the key, 8 of the time, 16 of the IV, 4 of the length,
 * the message or token.  An answer is: one byte, the error's number (0: none), 4 of the length, the
 * token or message.  Numbers are big-endian; decrypting checks no time.  Exit status: 0 for done, 1
 * for a token that was refused, 2 for wrong use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fernet/fernet.h"

#define INPUT_MAX (1u << 30)
#define REQUEST_HEADER (1u + FERNET_KEY_SIZE + 8u + FERNET_IV_SIZE + 4u)

static int wrong_use(const char *what) {
  fprintf(stderr, "fernet_tool: %s\n", what);
  return 2;
}

static bool read_all(struct buf *input) {
  for (;;) {
    uint8_t *to;
    if (buf_reserve(input, 65536, &to) != AVOW_OK)
      return false;
    size_t size = fread(to, 1, 65536, stdin);
    if (size == 0)
      return ferror(stdin) == 0;
    buf_commit(input, size);
  }
}

static bool unhex(const char *text, uint8_t *bytes, size_t size) {
  if (strlen(text) != 2 * size || strspn(text, "0123456789abcdefABCDEF") != 2 * size)
    return false;
  for (size_t i = 0; i < size; i++) {
    const char digits[] = {text[2 * i], text[2 * i + 1], '\0'};
    bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return true;
}

/* Run one request; ${ret} gets the result, which the caller frees. */
static enum avow_error run(char what, const uint8_t *key, uint64_t time_s, const uint8_t *iv,
                           struct view input, uint8_t **ret, size_t *ret_size) {
  static const struct fernet_time any_time;
  struct fernet *fernet;
  enum avow_error error = fernet_new(&fernet, key);
  if (error != AVOW_OK)
    return error;
  size_t size = what == 'e' ? fernet_token_size(input.size) : fernet_message_max(input.size);
  uint8_t *output = malloc(size + 1); /* never a request for nothing */
  if (output == NULL)
    error = AVOW_NO_MEMORY;
  else if (what == 'e')
    error = fernet_encrypt(fernet, time_s, iv, input, output);
  else
    error = fernet_decrypt(fernet, input, any_time, output, &size);
  fernet_free(fernet);
  if (error != AVOW_OK) {
    free(output);
    return error;
  }
  *ret = output;
  *ret_size = size;
  return AVOW_OK;
}

static int batch(struct view input) {
  struct reader reader = reader_of(input);
  while (reader.rest.size > 0) {
    char what = (char)reader_u8(&reader);
    struct view key = reader_bytes(&reader, FERNET_KEY_SIZE);
    uint64_t time_s = reader_u64(&reader);
    struct view iv = reader_bytes(&reader, FERNET_IV_SIZE);
    struct view text = reader_bytes(&reader, reader_u32(&reader));
    if (reader.failed || (what != 'e' && what != 'd'))
      return wrong_use("bad request");
    uint8_t *output = NULL, header[5];
    size_t size = 0;
    header[0] = (uint8_t)run(what, key.data, time_s, iv.data, text, &output, &size);
    store_u32(header + 1, (uint32_t)size);
    fwrite(header, 1, sizeof header, stdout);
    fwrite(output == NULL ? header : output, 1, size, stdout);
    free(output);
  }
  return 0;
}

static int one(char what, const char *key_text, const char *time_text, const char *iv_text,
               struct view input) {
  uint8_t key[FERNET_KEY_SIZE], iv[FERNET_IV_SIZE] = {0};
  uint64_t time_s = strtoull(time_text, NULL, 10);
  if (fernet_key_decode(view_text(key_text), key) != AVOW_OK)
    return wrong_use("bad key");
  if (what == 'e' && !unhex(iv_text, iv, sizeof iv))
    return wrong_use("bad IV");
  uint8_t *output;
  size_t size;
  enum avow_error error = run(what, key, time_s, iv, input, &output, &size);
  if (error != AVOW_OK) {
    fprintf(stderr, "fernet_tool: %s\n", avow_error_text(error));
    return 1;
  }
  fwrite(output, 1, size, stdout);
  free(output);
  return 0;
}

int main(int argc, char **argv) {
  const char *what = argc < 2 ? "" : argv[1];
  struct buf input;
  buf_init(&input, INPUT_MAX);
  int status;
  if (!read_all(&input))
    status = wrong_use("cannot read the input");
  else if (strcmp(what, "encrypt") == 0 && argc == 5)
    status = one('e', argv[2], argv[3], argv[4], buf_view(&input));
  else if (strcmp(what, "decrypt") == 0 && argc == 3)
    status = one('d', argv[2], "0", "", buf_view(&input));
  else if (strcmp(what, "batch") == 0 && argc == 2)
    status = batch(buf_view(&input));
  else
    status = wrong_use("usage: encrypt KEY TIME IVHEX | decrypt KEY | batch");
  buf_free(&input);
  if (fflush(stdout) != 0)
    return wrong_use("cannot write the output");
  return status;
}
