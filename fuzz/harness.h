// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_FUZZ_HARNESS_H
#define AVOW_FUZZ_HARNESS_H

#include "base/bytes.h"

/* What the fuzzers share.  A fuzzer's input is a script: its bytes choose what is done and with
 * what, read with the cursor of base/bytes.h, which yields zeroes past the end. */

/** LLVMFuzzerTestOneInput(data, size): libFuzzer calls it with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold.  A breach ends the process, and libFuzzer keeps the input. */
#define REQUIRE(claim) ((claim) ? (void)0 : fuzz_breach(#claim, __FILE__, __LINE__))
#define REQUIRE_OK(call) REQUIRE((call) == AVOW_OK)

/** fuzz_breach(claim, file, line): Say which claim does not hold, and end the process. */
void fuzz_breach(const char *claim, const char *file, int line) __attribute__((noreturn));

/**
 * fuzz_exact(bytes):
 * Return a copy on the heap that ends where ${bytes} end, so that the address sanitizer sees what
 * is read or written past them.  The caller frees it.
 */
uint8_t *fuzz_exact(struct view bytes);

/** fuzz_take(script, size): Take so many bytes, or what is left if that is less. */
struct view fuzz_take(struct reader *script, size_t size);

/** fuzz_more(script): Whether the script goes on. */
bool fuzz_more(const struct reader *script);

#endif
