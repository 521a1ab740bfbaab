// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_CRYPTO_SECRET_H
#define AVOW_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/** secret_equal(a, b, size): Compare ${size} bytes in a time that does not depend on them. */
bool secret_equal(const void *a, const void *b, size_t size);

/** secret_wipe(data, size): Overwrite; the compiler cannot leave it out. */
void secret_wipe(void *data, size_t size);

#endif
