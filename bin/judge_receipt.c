// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "base/when.h"
#include "evidence/escape.h"
#include "io/screen.h"
#include "judge_exhibit.h"

/* The longest text, each byte escaped for a screen, and then for HTML. */
#define PAGE_MAX (24u * AVOW_TEXT_MAX)

/* The first error sticks. */
struct page {
  struct buf *out;
  bool html;
  enum avow_error error;
};

#define SAY(page, ...)                                                                             \
  ((page)->error = (page)->error != AVOW_OK ? (page)->error : buf_format((page)->out, __VA_ARGS__))

static const char HTML_HEAD[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Receipt</title>\n"
    "<style>\n"
    "@page { size: A4; margin: 20mm; }\n"
    "body { font: 11pt/1.4 serif; color: #000; background: #fff; max-width: 170mm;\n"
    "  margin: 10mm auto; padding: 0 5mm; }\n"
    "h1 { font-size: 20pt; font-weight: normal; border-bottom: 1.5pt solid #000; }\n"
    "table { border-collapse: collapse; width: 100%; }\n"
    "th { text-align: left; font-weight: normal; color: #444; width: 30mm; }\n"
    "th, td { vertical-align: top; padding: 1.5mm 4mm 1.5mm 0; border-bottom: .3pt solid #aaa; }\n"
    "td { overflow-wrap: anywhere; }\n"
    "code { font: 9.5pt/1.4 monospace; white-space: pre-wrap; overflow-wrap: anywhere; }\n"
    "tr { break-inside: avoid; } tr.text { break-inside: auto; }\n"
    "p.verdict { border: 1pt solid #000; padding: 3mm 4mm; margin: 6mm 0; break-inside: avoid; }\n"
    "p.note { font-size: 9.5pt; color: #444; }\n"
    "@media print { body { margin: 0; padding: 0; max-width: none; } }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n";

/* Bytes that may be anything, harmless on a terminal and in HTML. */
static void say_escaped(struct page *page, struct view bytes) {
  struct buf text;
  buf_init(&text, PAGE_MAX);
  if (page->error == AVOW_OK)
    page->error = escape_append(&text, bytes);
  struct view rest = buf_view(&text);
  while (page->error == AVOW_OK && rest.size > 0) {
    size_t plain = 0;
    while (plain < rest.size && (!page->html || strchr("<>&\"'", rest.data[plain]) == NULL))
      plain++;
    page->error = buf_append(page->out, view_of(rest.data, plain));
    if (plain < rest.size)
      SAY(page, "&#%u;", (unsigned)rest.data[plain++]);
    rest = view_of(rest.data + plain, rest.size - plain);
  }
  buf_free(&text);
}

static void begin_row(struct page *page, const char *name, const char *class) {
  if (page->html)
    SAY(page, "<tr%s><th>%s</th><td>", class, name);
  else
    SAY(page, "%-12s", name);
}

static void end_row(struct page *page) {
  SAY(page, "%s", page->html ? "</td></tr>\n" : "\n");
}

static void say_code(struct page *page, const char *text) {
  SAY(page, page->html ? "<code>%s</code>" : "%s", text);
}

static void say_party(struct page *page, const char *role, const char *name, const char *key) {
  begin_row(page, role, "");
  say_escaped(page, view_text(name));
  SAY(page, "%s", page->html ? "<br>" : "\n            ");
  say_code(page, key);
  end_row(page);
}

static void say_time(struct page *page, const char *name, uint64_t us, int offset_min,
                     const char *whose) {
  char time[WHEN_TEXT_SIZE];
  when_text(us, offset_min, time);
  begin_row(page, name, "");
  SAY(page, "%s, by %s clock", time, whose);
  end_row(page);
}

static void say_hash(struct page *page, const uint8_t hash[64]) {
  char text[129];
  hex_encode(view_of(hash, 64), text);
  begin_row(page, "SHA-512", "");
  if (page->html)
    say_code(page, text);
  else
    SAY(page, "%.64s\n            %s", text, text + 64);
  end_row(page);
}

static void say_text(struct page *page, const struct exhibit *exhibit) {
  begin_row(page, "Text", " class=\"text\"");
  if (!exhibit->has_text) {
    SAY(page, "withheld (the hash stands for it)");
  } else {
    SAY(page, "%s", page->html ? "<code>" : "");
    say_escaped(page, buf_view(&exhibit->text));
    SAY(page, "%s", page->html ? "</code>" : "");
  }
  end_row(page);
}

static void say_verdict(struct page *page, const struct shown *shown) {
  SAY(page, "%s",
      page->html ? "</table>\n<p class=\"verdict\"><strong>PROVEN</strong>: " : "\nPROVEN: ");
  say_escaped(page, view_text(shown_name(shown, EXHIBIT_ORIGIN)));
  SAY(page, " has signed that this message was sent,%sand ", page->html ? " " : "\n");
  say_escaped(page, view_text(shown_name(shown, EXHIBIT_RECEIPT)));
  SAY(page, " has signed that it was stored.%s\n", page->html ? "</p>" : "");
}

static void say_note(struct page *page, const struct shown *shown) {
  SAY(page, "%s", page->html ? "<p class=\"note\">" : "\n");
  SAY(page, "\"Stored\" is not \"read\". Whose keys these are was taken from the file ");
  say_escaped(page, view_text(shown->keys_path));
  SAY(page, ".%sThis page proves nothing by itself: ", page->html ? " " : "\n");
  SAY(page, "the signatures are in the log ");
  say_escaped(page, view_text(shown->log));
  SAY(page,
      ",%sline %" PRIu64 ". With \"judge export\" they go into a folder that anybody can check."
      "%s\n",
      page->html ? " " : "\n", shown->exhibit.envelope.line, page->html ? "</p>" : "");
}

static void say_receipt(struct page *page, const struct shown *shown) {
  const struct exhibit *exhibit = &shown->exhibit;
  char session[33];
  hex_encode(view_of(exhibit->names.session_id, 16), session);
  if (page->html)
    SAY(page, "%s<h1>Receipt</h1>\n<table>\n", HTML_HEAD);
  else
    SAY(page, "RECEIPT\n\n");
  say_party(page, "From", shown_name(shown, EXHIBIT_ORIGIN), shown->bob);
  say_party(page, "To", shown_name(shown, EXHIBIT_RECEIPT), shown->alice);
  say_time(page, "Sent", exhibit->timestamp_us, exhibit->timestamp_min, "the sender's");
  say_time(page, "Stored", exhibit->envelope.confirmed_us, exhibit->envelope.confirmed_min,
           "the receiver's");
  begin_row(page, "Message", "");
  SAY(page, "%" PRIu64 " of the session ", exhibit->id);
  say_code(page, session);
  end_row(page);
  say_hash(page, exhibit->hash);
  say_text(page, exhibit);
  say_verdict(page, shown);
  say_note(page, shown);
  if (page->html)
    SAY(page, "</body>\n</html>\n");
}

static enum judge_code print_receipt(const struct shown *shown, bool html) {
  struct buf out;
  buf_init(&out, PAGE_MAX);
  struct page page = {.out = &out, .html = html};
  say_receipt(&page, shown);
  enum judge_code code = JUDGE_USAGE;
  if (page.error != AVOW_OK)
    screen_error("cannot make the receipt: %s.", avow_error_text(page.error));
  else if (screen_data(buf_view(&out)) != AVOW_OK || screen_flush() != AVOW_OK)
    screen_error("cannot write the receipt: %s.", strerror(errno));
  else
    code = JUDGE_PROVEN;
  buf_wipe_free(&out);
  return code;
}

enum judge_code judge_receipt(int argc, char **argv) {
  static const struct option options[] = {{"message", required_argument, NULL, 'm'},
                                          {"keys", required_argument, NULL, 'k'},
                                          {"html", no_argument, NULL, 'h'},
                                          {0}};
  const char *keys = NULL;
  bool has_id = false, html = false;
  uint64_t id = 0;
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'k')
      keys = optarg;
    else if (option == 'h')
      html = true;
    else if (option == 'm' && !has_id && judge_take_id(optarg, &id))
      has_id = true;
    else
      return judge_usage("receipt takes --message N, once, --keys FILE and --html.");
  }
  if (argc - optind != 1 || !has_id)
    return judge_usage("receipt wants LOG --message N --keys FILE.");
  if (keys == NULL)
    return judge_usage("receipt wants --keys FILE: whose key is whose, a log cannot say. The file "
                       "has a line for each, like 'alice@host ssh-ed25519 AAAA...'.");
  struct shown shown;
  enum judge_code code = shown_load(&shown, argv[optind], id, keys);
  if (code == JUDGE_PROVEN)
    code = print_receipt(&shown, html);
  shown_free(&shown);
  return code;
}
