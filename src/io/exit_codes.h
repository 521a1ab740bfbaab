// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_EXIT_CODES_H
#define AVOW_IO_EXIT_CODES_H

/* What alice, bob and mallory exit with; man pages, EXIT STATUS. */
enum exit_code {
  CODE_OK = 0,          /* bob: all messages are confirmed; alice: ended in order */
  CODE_FAILURE = 1,     /* a disk, a file, the system */
  CODE_USAGE = 2,       /* the command line */
  CODE_UNREACHABLE = 3, /* bob: no server there, or none that has time; mallory: no alice */
  CODE_UNTRUSTED = 4,   /* bob: a key is unknown, changed or refused */
  CODE_ATTACK = 5,      /* bob: not all confirmed, and an attack is suspected */
  CODE_CUT = 6,         /* bob: not all confirmed, the connection was cut */
};

#endif
