// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BASE_LIMITS_H
#define AVOW_BASE_LIMITS_H

/* Every limit in one place.  Sizes are bytes unless the name says otherwise. */

/* The text of one message. */
#define AVOW_TEXT_MAX (1024u * 1024u)
/* Messages in one envelope. */
#define AVOW_ENVELOPE_MESSAGES_MAX 1024u
/* Plaintext of a token: the longest message, its headers, and Padme padding. */
#define AVOW_PLAINTEXT_MAX (AVOW_TEXT_MAX + 64u * 1024u)
/* base64url of version, time, IV, padded ciphertext and HMAC of such a plaintext. */
#define AVOW_TOKEN_MAX (4u * ((1u + 8u + 16u + AVOW_PLAINTEXT_MAX + 16u + 32u + 2u) / 3u))

/* What a token holds under cover: `bob --cover`.  A confirmation of all that fits in there fits. */
#define AVOW_COVER_MIN 1024u
#define AVOW_COVER_MAX (64u * 1024u)

/* A frame is a header and a payload. */
#define AVOW_FRAME_HEADER 5u
/* Payload of a frame before the session is open. */
#define AVOW_OPENING_FRAME_MAX (16u * 1024u)
/* All that a peer may send before the session is open. */
#define AVOW_OPENING_BYTES_MAX (64u * 1024u)
/* Time from the first byte to an open session. */
#define AVOW_OPENING_TIME_US (10u * 1000000u)

/* Read at once, from a peer or from standard input: what is read together is made durable
 * together. */
#define AVOW_READ_MAX (1024u * 1024u)
/* Given to the system at once to be sent. */
#define AVOW_WRITE_MAX (256u * 1024u)
/* Messages that wait in the sender. */
#define AVOW_QUEUE_MAX (4u * 1024u * 1024u)
/* Bytes of messages in flight at most. */
#define AVOW_WINDOW_MAX (AVOW_QUEUE_MAX / 2u)
/* Bytes that wait to be written to a peer; past it we stop reading from him. */
#define AVOW_OUTPUT_MAX (4u * 1024u * 1024u)

/* MiB of memory for bob: by default, and at least.  What he needs for a message and a frame
 * of the longest, and how many times his queue, as it is in a log and in tokens, too. */
#define AVOW_BOB_MEMORY_MIB 48u
#define AVOW_BOB_MEMORY_LEAST_MIB 32u
#define AVOW_BOB_MEMORY_BESIDE_MIB 24u
#define AVOW_BOB_MEMORY_TIMES 6u

/* A key file, a list of keys, a port file. */
#define AVOW_KEY_FILE_MAX (16u * 1024u)
#define AVOW_KEY_LIST_MAX (4u * 1024u * 1024u)
#define AVOW_PORT_FILE_MAX 64u
/* A peer's name, from a key list or a key comment, with its terminating NUL. */
#define AVOW_NAME_SIZE 128u

/* A peer from whom the system has heard nothing for so long, while something that we sent waits for
 * him, is gone. */
#define AVOW_LINE_DEAD_MS (30u * 1000u)
/* On a quiet line the system asks whether he is still there: after so long, and then so often. */
#define AVOW_KEEPALIVE_S 15u
#define AVOW_KEEPALIVE_AGAIN_S 5u

/* Connections whose session is not open yet, at one alice. */
#define AVOW_PENDING_MAX 64u
/* Sessions at once of one `alice --serve`: by default, and at most. */
#define AVOW_SESSIONS_MAX 1024u
#define AVOW_SESSIONS_MOST 100000u
/* MiB of memory for all sessions of one alice: by default, at least, at most. */
#define AVOW_MEMORY_MIB 1024u
#define AVOW_MEMORY_LEAST_MIB 16u
#define AVOW_MEMORY_MOST_MIB (1024u * 1024u)

/* Defaults of the options of the same names. */
#define AVOW_FRESHNESS_US (3u * 1000000u)
#define AVOW_RESEND_AFTER_US (10u * 1000000u)

#endif
