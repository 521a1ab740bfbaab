// SPDX-License-Identifier: Apache-2.0
#include "evidence/fault.h"

const char *who_name(enum who who) {
  switch (who) {
  case WHO_ALICE: return "Alice";
  case WHO_BOB: return "Bob";
  case WHO_UNKNOWN: break;
  }
  return "nobody in particular";
}
