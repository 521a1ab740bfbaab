// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common.h"
#include "io/files.h"
#include "io/screen.h"
#include "judge.h"
#include "judge_exhibit.h"
#include "judge_readme.h"
#include "keys/public_key.h"
#include "keys/sshsig.h"

/* A page, or the file of a signature. */
#define PAGE_MAX (64u * 1024u)

/* A folder that fills up; the first error sticks, and is said. */
struct folder {
  const char *path;
  bool failed;
};

static void put(struct folder *folder, const char *name, struct view bytes) {
  char path[PATH_MAX];
  if (folder->failed)
    return;
  int need = snprintf(path, sizeof path, "%s/%s", folder->path, name);
  errno = ENAMETOOLONG;
  if (need >= (int)sizeof path || file_create(path, 0644, bytes) != AVOW_OK) {
    screen_error("cannot write %s/%s: %s. What is in that folder is not complete.", folder->path,
                 name, strerror(errno));
    folder->failed = true;
  }
}

static void put_buf(struct folder *folder, const char *name, enum avow_error error,
                    struct buf *bytes) {
  if (error != AVOW_OK && !folder->failed) {
    screen_error("cannot make %s: %s.", name, avow_error_text(error));
    folder->failed = true;
  }
  put(folder, name, buf_view(bytes));
  buf_free(bytes);
}

static void put_statement(struct folder *folder, const struct shown *shown, enum exhibit_part part,
                          const char *name) {
  struct buf text;
  buf_init(&text, STATEMENT_MAX);
  enum avow_error error = exhibit_statement(&shown->exhibit, part, &text);
  put_buf(folder, name, error, &text);
}

static void put_signature(struct folder *folder, const struct shown *shown, enum exhibit_part part,
                          const char *name) {
  char line[SSHSIG_TEXT_SIZE];
  struct buf file;
  buf_init(&file, PAGE_MAX);
  sshsig_encode(exhibit_key(&shown->exhibit, part), exhibit_signature(&shown->exhibit, part), line);
  enum avow_error error = sshsig_armor(line, &file);
  put_buf(folder, name, error, &file);
}

/* The line ${number}, from 1, as it stands in the list. */
static enum avow_error append_line(struct buf *out, struct view list, unsigned number) {
  const uint8_t *end;
  while ((end = list.size > 0 ? memchr(list.data, '\n', list.size) : NULL) != NULL && --number > 0)
    list = view_of(end + 1, list.size - (size_t)(end + 1 - list.data));
  struct view line = end != NULL ? view_of(list.data, (size_t)(end - list.data)) : list;
  if (line.size > 0 && line.data[line.size - 1] == '\r')
    line.size--;
  enum avow_error error = buf_append(out, line);
  return error == AVOW_OK ? buf_text(out, "\n") : error;
}

static enum avow_error own_words(struct buf *out, const struct exhibit *exhibit) {
  char alice[PUBLIC_KEY_TEXT_SIZE], bob[PUBLIC_KEY_TEXT_SIZE];
  public_key_encode(exhibit->names.alice_key, alice);
  public_key_encode(exhibit->names.bob_key, bob);
  return buf_format(out, "alice %s\nbob %s\n", alice, bob);
}

/* Each line that vouches for a signature, once. */
static enum avow_error list_keys(struct buf *out, const struct shown *shown) {
  if (shown->keys_path == NULL)
    return own_words(out, &shown->exhibit);
  enum avow_error error = AVOW_OK;
  for (unsigned part = 0; part < EXHIBIT_PARTS && error == AVOW_OK; part++) {
    bool again = false;
    for (unsigned before = 0; before < part; before++)
      again |= shown->vouchers[before].line == shown->vouchers[part].line;
    if (!again)
      error = append_line(out, buf_view(&shown->keys), shown->vouchers[part].line);
  }
  return error;
}

static enum judge_code write_folder(const struct shown *shown, const char *path) {
  struct folder folder = {.path = path};
  struct buf page, keys;
  if (mkdir(path, 0755) != 0) {
    screen_error("cannot make the folder %s: %s. Name one that is not there yet.", path,
                 strerror(errno));
    return JUDGE_USAGE;
  }
  put_statement(&folder, shown, EXHIBIT_OPENING_ALICE, "opening.txt");
  put_signature(&folder, shown, EXHIBIT_OPENING_ALICE, "opening.txt.alice.sig");
  put_signature(&folder, shown, EXHIBIT_OPENING_BOB, "opening.txt.bob.sig");
  put_statement(&folder, shown, EXHIBIT_ORIGIN, "origin.txt");
  put_signature(&folder, shown, EXHIBIT_ORIGIN, "origin.txt.sig");
  put_statement(&folder, shown, EXHIBIT_RECEIPT, "receipt.txt");
  put_signature(&folder, shown, EXHIBIT_RECEIPT, "receipt.txt.sig");
  put(&folder, "messages.txt", buf_view(&shown->exhibit.lines));
  if (shown->exhibit.has_text)
    put(&folder, "text", buf_view(&shown->exhibit.text));
  buf_init(&keys, AVOW_KEY_LIST_MAX);
  enum avow_error error = list_keys(&keys, shown);
  put_buf(&folder, "allowed_signers", error, &keys);
  buf_init(&page, PAGE_MAX);
  error = readme_append(shown, &page);
  put_buf(&folder, "README", error, &page);
  return folder.failed ? JUDGE_USAGE : JUDGE_PROVEN;
}

enum judge_code judge_export(int argc, char **argv) {
  static const struct option options[] = {
      {"message", required_argument, NULL, 'm'}, {"keys", required_argument, NULL, 'k'}, {0}};
  const char *keys = NULL;
  bool has_id = false;
  uint64_t id = 0;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'k')
      keys = optarg;
    else if (option == 'm' && !has_id && judge_take_id(optarg, &id))
      has_id = true;
    else
      return judge_usage("export takes --message N, once, and --keys FILE.");
  }
  if (argc - optind != 2 || !has_id)
    return judge_usage("export wants LOG --message N FOLDER.");
  struct shown shown;
  enum judge_code code = shown_load(&shown, argv[optind], id, keys);
  if (code == JUDGE_PROVEN)
    code = write_folder(&shown, argv[optind + 1]);
  if (code == JUDGE_PROVEN) {
    screen_status("Message %" PRIu64
                  " and its evidence are in %s. Its README says how to check it.",
                  id, argv[optind + 1]);
    if (keys == NULL)
      screen_alarm("Whose keys these are is not proven there: give --keys FILE, or the reader must "
                   "know them.");
  }
  shown_free(&shown);
  return code;
}
