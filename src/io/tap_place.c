// SPDX-License-Identifier: Apache-2.0
#include "io/tap_place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/files.h"
#include "io/port_file.h"
#include "io/screen.h"

static enum exit_code look_up(const char *host, unsigned port, int flags, struct addrinfo **ret) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  int unknown = getaddrinfo(host, service, &hints, ret);
  if (unknown == 0)
    return CODE_OK;
  screen_error("cannot find %s: %s.", host != NULL ? host : "this machine", gai_strerror(unknown));
  return CODE_UNREACHABLE;
}

static enum exit_code read_port(const struct tap_options *options, unsigned *ret_port) {
  const char *path = options->port_file;
  enum avow_error error = port_file_read(path, ret_port);
  if (error == AVOW_OK)
    return CODE_OK;
  if (error == AVOW_NOT_FOUND) {
    screen_error("no Alice to be found: there is no port file %s. Start alice first, in this "
                 "folder; or say where hers is with --port-file, or where she is with --upstream.",
                 path);
    return CODE_UNREACHABLE;
  }
  const char *reason = error == AVOW_SYSTEM && errno == ELOOP    ? "it is a symbolic link"
                       : error == AVOW_SYSTEM && errno == EISDIR ? "it is not a file"
                       : error == AVOW_SYSTEM                    ? strerror(errno)
                                                                 : "it holds no port number";
  screen_error("cannot use Alice's port file %s: %s. She writes a new one when she starts.", path,
               reason);
  return CODE_FAILURE;
}

enum exit_code tap_find_alice(const struct tap_options *options, unsigned port,
                              struct addrinfo **ret) {
  unsigned theirs = options->upstream_port;
  if (options->upstream_host == NULL) {
    enum exit_code code = read_port(options, &theirs);
    if (code == CODE_OK && port != 0)
      code = tap_lay(options, port);
    if (code != CODE_OK)
      return code;
  }
  return look_up(options->upstream_host, theirs, 0, ret);
}

enum exit_code tap_listen_address(const struct tap_options *options, struct addrinfo **ret) {
  return look_up(options->listen_host, options->listen_port, AI_PASSIVE, ret) == CODE_OK
             ? CODE_OK
             : CODE_FAILURE;
}

/* Whether both paths name the same file, be it there or not. */
static bool same_place(const char *a, const char *b) {
  char folder_a[PATH_MAX], folder_b[PATH_MAX], real_a[PATH_MAX], real_b[PATH_MAX];
  const char *name_a = strrchr(a, '/'), *name_b = strrchr(b, '/');
  name_a = name_a == NULL ? a : name_a + 1;
  name_b = name_b == NULL ? b : name_b + 1;
  return strcmp(name_a, name_b) == 0 && file_beside(a, ".", folder_a, sizeof folder_a) &&
         file_beside(b, ".", folder_b, sizeof folder_b) && realpath(folder_a, real_a) != NULL &&
         realpath(folder_b, real_b) != NULL && strcmp(real_a, real_b) == 0;
}

enum exit_code tap_lay(const struct tap_options *options, unsigned port) {
  uint8_t key[ED25519_PUBLIC_SIZE];
  char name[AVOW_NAME_SIZE], folder[PATH_MAX];
  if (options->lay == NULL)
    return CODE_OK;
  if (options->upstream_host == NULL && same_place(options->lay, options->port_file)) {
    screen_error(
        "%s is Alice's own port file. It was not touched. Lay mine in another folder, with "
        "--lay.",
        options->lay);
    return CODE_USAGE;
  }
  bool known =
      options->upstream_host == NULL && port_file_key(options->port_file, key, name) == AVOW_OK;
  enum avow_error error = AVOW_OK;
  if (file_beside(options->lay, ".", folder, sizeof folder))
    error = folder_make(folder);
  if (error == AVOW_OK)
    error = port_file_write(options->lay, port, known ? key : NULL, known ? name : "");
  if (error == AVOW_OK)
    return CODE_OK;
  const char *reason = errno == ELOOP    ? "it, or alice.pub beside it, is a symbolic link"
                       : errno == EISDIR ? "it, or alice.pub beside it, is not a file"
                                         : strerror(errno);
  screen_error(
      "cannot lay the port file %s: %s. Remove what is there, or choose another place with "
      "--lay.",
      options->lay, reason);
  return CODE_FAILURE;
}
