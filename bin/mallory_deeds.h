// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_MALLORY_DEEDS_H
#define AVOW_BIN_MALLORY_DEEDS_H

#include "mallory_pages.h"

/* What can be done to a log without a private key. */
struct forgery {
  struct pages pages;
  uint64_t id, first_id, last_id; /* of the message, and of those in its envelope */
  const char *text;               /* the new one */
  size_t message, envelope;       /* the blocks; of ${envelope}, the count of all: none */
  char told[320];                 /* what was done */
};

struct deed {
  const char *name, *line;
  const char *wants; /* what a log must have for it */
  enum avow_error (*commit)(struct forgery *forgery);
};

/* All of them; the last one has no name.  ${commit} changes the pages, and returns AVOW_NOT_FOUND
 * if they do not have what it wants, errors of buf_append, AVOW_CRYPTO. */
extern const struct deed DEEDS[];

#endif
