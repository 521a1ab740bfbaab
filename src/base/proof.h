// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BASE_PROOF_H
#define AVOW_BASE_PROOF_H

#include <stdint.h>

#define HEAD_SIZE 32u
#define SIGNATURE_SIZE 64u

/* What is signed beside the ids and hashes of an envelope, or beside the end of a session, and the
 * signatures.  It travels in tokens and stands in both logs.  docs/EVIDENCE.md. */
struct proof {
  uint8_t bob_head[HEAD_SIZE];             /* of his log */
  uint8_t alice_head[HEAD_SIZE];           /* of hers: the last one that he has seen */
  uint8_t bob_signature[SIGNATURE_SIZE];   /* of the origin, or of his end */
  uint8_t head[HEAD_SIZE];                 /* of alice's log, at the receipt or at the end */
  uint8_t alice_signature[SIGNATURE_SIZE]; /* of the receipt, or of her end */
};

#endif
