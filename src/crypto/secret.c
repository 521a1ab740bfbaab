// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include <openssl/crypto.h>

bool secret_equal(const void *a, const void *b, size_t size) {
  return CRYPTO_memcmp(a, b, size) == 0;
}

void secret_wipe(void *data, size_t size) {
  OPENSSL_cleanse(data, size);
}
