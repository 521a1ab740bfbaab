// SPDX-License-Identifier: Apache-2.0
#include "keys/known_servers.h"

#include <string.h>

#include "keys/fields.h"
#include "keys/public_key.h"

#define PORT_MAX 65535u

/* The first field of a line, taken apart. */
struct server {
  struct view host;
  unsigned port;
};

/* What can stand between the brackets and means one host.  In OpenSSH's known_hosts '*', '?', '!'
 * and ',' make patterns and lists; here a host with one of them is refused rather than taken
 * literally, for a line may be about more hosts than it seems to be. */
static bool host_fits(struct view host) {
  if (host.size == 0)
    return false;
  for (size_t i = 0; i < host.size; i++) {
    uint8_t byte = host.data[i];
    if (byte <= ' ' || byte == 0x7f || strchr("[]*?!,", byte) != NULL)
      return false;
  }
  return true;
}

static bool read_port(struct view text, unsigned *ret_port) {
  if (text.size == 0 || text.size > 5 || text.data[0] == '0')
    return false;
  unsigned port = 0;
  for (size_t i = 0; i < text.size; i++) {
    if (text.data[i] < '0' || text.data[i] > '9')
      return false;
    port = port * 10 + (unsigned)(text.data[i] - '0');
  }
  if (port > PORT_MAX)
    return false;
  *ret_port = port;
  return true;
}

/* "[host]:port" */
static bool read_server(struct view text, struct server *ret) {
  if (text.size == 0 || text.data[0] != '[')
    return false;
  const uint8_t *end = memchr(text.data, ']', text.size);
  if (end == NULL)
    return false;
  struct view host = view_of(text.data + 1, (size_t)(end - text.data) - 1);
  size_t after = host.size + 2;
  if (!host_fits(host) || after == text.size || text.data[after] != ':')
    return false;
  unsigned port;
  if (!read_port(view_of(text.data + after + 1, text.size - after - 1), &port))
    return false;
  *ret = (struct server){.host = host, .port = port};
  return true;
}

enum avow_error known_servers_find(struct view file, const char *host, unsigned port,
                                   uint8_t key[ED25519_PUBLIC_SIZE], unsigned *ret_line) {
  struct fields_lines lines = fields_lines_of(file);
  struct view line;
  while (fields_next_line(&lines, &line)) {
    struct view rest = fields_trim(line);
    if (fields_skipped(rest))
      continue;
    struct server server;
    enum avow_error error;
    if (!read_server(fields_take(&rest), &server))
      error = AVOW_MALFORMED;
    else if (server.port != port || !fields_equal_nocase(server.host, view_text(host)))
      continue;
    else
      error = public_key_decode(rest, key, NULL);
    *ret_line = lines.number;
    return error;
  }
  return AVOW_NOT_FOUND;
}

enum avow_error known_servers_line(const char *host, unsigned port,
                                   const uint8_t key[ED25519_PUBLIC_SIZE], struct buf *line) {
  if (!host_fits(view_text(host)) || port == 0 || port > PORT_MAX)
    return AVOW_MALFORMED;
  char text[PUBLIC_KEY_TEXT_SIZE];
  public_key_encode(key, text);
  return buf_format(line, "[%s]:%u %s\n", host, port, text);
}
