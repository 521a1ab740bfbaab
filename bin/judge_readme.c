// SPDX-License-Identifier: Apache-2.0
#include "judge_readme.h"

#include <inttypes.h>
#include <string.h>

#include "base/when.h"

/* The first error sticks. */
struct page {
  struct buf *out;
  enum avow_error error;
};

#define SAY(page, ...)                                                                             \
  ((page)->error = (page)->error != AVOW_OK ? (page)->error : buf_format((page)->out, __VA_ARGS__))

/* A word of a command, in quotes where the shell would see more than a word in it. */
static void say_word(struct page *page, const char *word) {
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
  if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
    SAY(page, "%s", word);
    return;
  }
  SAY(page, "'");
  for (; *word != '\0'; word++) {
    if (*word == '\'')
      SAY(page, "'\\''");
    else
      SAY(page, "%c", *word);
  }
  SAY(page, "'");
}

/* The statement of this kind, and who signed it. */
static void say_verify(struct page *page, const struct shown *shown, enum exhibit_part part,
                       const char *kind, const char *statement, const char *signature) {
  char time[WHEN_NAME_SIZE];
  if (kind != NULL)
    SAY(page, "    $ grep -x 'avow %s 1' %s\n", kind, statement);
  when_name(exhibit_time(&shown->exhibit, part), 0, time);
  SAY(page, "    $ ssh-keygen -Y verify -f allowed_signers -n avow -O verify-time=%.14sZ -I ",
      time);
  say_word(page, shown_name(shown, part));
  SAY(page, " -s %s < %s\n", signature, statement);
}

static void say_keys(struct page *page, const struct shown *shown) {
  if (shown->keys_path != NULL) {
    SAY(page, "%s",
        "The file allowed_signers says whose keys these are. It was given by whoever made this\n"
        "folder. Nothing here can prove it: compare it with what you know of these people's keys,\n"
        "or put lines of your own in its place.\n\n");
    return;
  }
  SAY(page, "%s",
      "WARNING: WHOSE KEYS THESE ARE, THIS FOLDER DOES NOT SAY. Whoever made it gave no list of\n"
      "keys, so allowed_signers holds the two keys that the log itself names. Anybody can make "
      "two\n"
      "keys and write such a log. Ask Alice and Bob for their keys, or somebody whom you trust,\n"
      "and put these in its place. Before that, nothing below proves anything.\n\n");
}

static void say_head(struct page *page, const struct shown *shown) {
  const struct exhibit *exhibit = &shown->exhibit;
  char session[33], sent[WHEN_TEXT_SIZE], stored[WHEN_TEXT_SIZE];
  hex_encode(view_of(exhibit->names.session_id, 16), session);
  when_text(exhibit->timestamp_us, exhibit->timestamp_min, sent);
  when_text(exhibit->envelope.confirmed_us, exhibit->envelope.confirmed_min, stored);
  SAY(page, "Message %" PRIu64 " of the session %s\n\n", exhibit->id, session);
  SAY(page, "  %s  %s\n  says: I sent it at %s.\n\n", shown_name(shown, EXHIBIT_ORIGIN), shown->bob,
      sent);
  SAY(page, "  %s  %s\n  says: I stored it at %s.\n\n", shown_name(shown, EXHIBIT_RECEIPT),
      shown->alice, stored);
  SAY(page, "%s",
      "Each time is by that one's own clock. \"Stored\" is not \"read\". In the files the first "
      "one is\n"
      "Bob and the second one Alice, whatever their names.\n\n");
  say_keys(page, shown);
  SAY(page, "%s",
      "To check it, run these commands in this folder, one after the other. They are OpenSSH's\n"
      "ssh-keygen (9.1 or later), sha256sum, sha512sum and grep. Each must print something, and "
      "end\n"
      "without an error. Then what is said above is true, if the keys are theirs. If one prints\n"
      "nothing, it is not.\n\n");
}

/* The same lines in another statement. */
static void say_same(struct page *page, const char *other) {
  SAY(page,
      "    $ grep -c -x -F \"$(grep -E '^(Session|Alice|Bob): ' receipt.txt)\" %s | grep -x 3\n",
      other);
}

static void say_key_of(struct page *page, const char *who) {
  SAY(page, "    $ grep '^%s: ' receipt.txt | grep -o 'AAAA.*' | grep -F -f - allowed_signers\n",
      who);
}

static void say_digest(struct page *page, const char *statement) {
  SAY(page, "    $ grep -x \"Digest: $(sha256sum < messages.txt | grep -o '^[0-9a-f]*')\" %s\n",
      statement);
}

static void say_signatures(struct page *page, const struct shown *shown) {
  struct view keys = buf_view(&shown->keys);
  if (keys.size > 0 && memmem(keys.data, keys.size, "valid-", 6) != NULL)
    SAY(page, "%s",
        "Times in allowed_signers are UTC:\n\n    $ export TZ=UTC; grep . allowed_signers\n\n");
  SAY(page, "%s", "1. Both signed that this is a session between them.\n\n");
  say_verify(page, shown, EXHIBIT_OPENING_ALICE, "opening", "opening.txt", "opening.txt.alice.sig");
  say_verify(page, shown, EXHIBIT_OPENING_BOB, NULL, "opening.txt", "opening.txt.bob.sig");
  SAY(page, "%s", "\n2. Bob signed that he sent these messages.\n\n");
  say_verify(page, shown, EXHIBIT_ORIGIN, "origin", "origin.txt", "origin.txt.sig");
  SAY(page, "%s", "\n3. Alice signed that she stored these messages.\n\n");
  say_verify(page, shown, EXHIBIT_RECEIPT, "receipt", "receipt.txt", "receipt.txt.sig");
  SAY(page, "%s", "    $ grep '^Message confirmed at: ' receipt.txt\n");
  SAY(page, "%s", "\n4. All three are of the same session, and of these two keys.\n\n");
  say_same(page, "opening.txt");
  say_same(page, "origin.txt");
  say_key_of(page, "Alice");
  say_key_of(page, "Bob");
}

static void say_message(struct page *page, const struct exhibit *exhibit) {
  SAY(page, "%s",
      "\n5. Both signed the hash of the same list of messages, which is messages.txt.\n\n");
  say_digest(page, "origin.txt");
  say_digest(page, "receipt.txt");
  SAY(page, "\n6. Message %" PRIu64 " is in that list%s.\n\n", exhibit->id,
      exhibit->has_text ? ", and the file text is what it says, byte by byte" : "");
  SAY(page, "    $ grep -x -A 2 'Message ID: %" PRIu64 "' messages.txt\n", exhibit->id);
  if (exhibit->has_text)
    SAY(page,
        "    $ grep -x -A 1 'Message ID: %" PRIu64 "' messages.txt | "
        "grep -x \"Hash value: $(sha512sum < text | grep -o '^[0-9a-f]*')\"\n",
        exhibit->id);
  else
    SAY(page, "%s",
        "\nThe text is withheld: the log that this folder was made from does not have it. Whoever\n"
        "shows it to you later shows the right one if sha512sum prints that \"Hash value\" of "
        "it.\n");
}

enum avow_error readme_append(const struct shown *shown, struct buf *out) {
  struct page page = {.out = out};
  say_head(&page, shown);
  say_signatures(&page, shown);
  say_message(&page, &shown->exhibit);
  return page.error;
}
