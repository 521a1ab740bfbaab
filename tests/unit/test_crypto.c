// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cbc.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "crypto/random.h"
#include "crypto/secret.h"

static void assert_hex(const void *bytes, size_t size, const char *expected) {
  char text[2 * 64 + 1];
  assert_true(size <= 64);
  hex_encode(view_of(bytes, size), text);
  assert_string_equal(text, expected);
}

static void unhex(const char *text, uint8_t *bytes) {
  for (; *text != '\0'; text += 2) {
    const char digits[] = {text[0], text[1], '\0'};
    *bytes++ = (uint8_t)strtoul(digits, NULL, 16);
  }
}

/* Goal: the digests of FIPS 180-4's examples come out, in any order of the two functions on one
 * context, so that no state is carried from one call to the next. */
static void test_sha_vectors(void **state) {
  (void)state;
  static const struct {
    const char *text, *sha256, *sha512;
  } vectors[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
       "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
       "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
       "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
       "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445"},
  };
  struct hash *hash;
  assert_int_equal(hash_new(&hash), AVOW_OK);
  for (int round = 0; round < 2; round++)
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
      uint8_t digest[SHA512_SIZE];
      assert_int_equal(hash_sha256(hash, view_text(vectors[i].text), digest), AVOW_OK);
      assert_hex(digest, SHA256_SIZE, vectors[i].sha256);
      assert_int_equal(hash_sha512(hash, view_text(vectors[i].text), digest), AVOW_OK);
      assert_hex(digest, SHA512_SIZE, vectors[i].sha512);
    }
  hash_free(hash);
  hash_free(NULL);
}

/* Goal: the digests of a million times "a" (FIPS 180-2, appendices B.3 and C.3): many blocks. */
static void test_sha_long(void **state) {
  (void)state;
  const size_t size = 1000000;
  uint8_t *bytes = malloc(size);
  struct hash *hash;
  uint8_t digest[SHA512_SIZE];
  assert_non_null(bytes);
  memset(bytes, 'a', size);
  assert_int_equal(hash_new(&hash), AVOW_OK);
  assert_int_equal(hash_sha256(hash, view_of(bytes, size), digest), AVOW_OK);
  assert_hex(digest, SHA256_SIZE,
             "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  assert_int_equal(hash_sha512(hash, view_of(bytes, size), digest), AVOW_OK);
  assert_hex(digest, SHA512_SIZE,
             "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
             "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b");
  hash_free(hash);
  free(bytes);
}

/* Goal: texts that are hashed together have the hashes that they have alone, whatever their number
 * and their sizes: around the ends of a block, none, and longer than a lane takes. */
static void test_sha_together(void **state) {
  (void)state;
  static const size_t sizes[] = {0,   1,   100, 111, 112, 127,  128,   129,   239,
                                 240, 255, 256, 257, 300, 1024, 65000, 65001, 70000};
  enum { SIZES = sizeof sizes / sizeof *sizes, MOST = 20, ROOM = 70000 };
  static uint8_t bytes[MOST + ROOM];
  struct hash *hash;
  assert_int_equal(hash_new(&hash), AVOW_OK);
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i * i >> 5);
  for (size_t count = 0; count <= MOST; count++)
    for (size_t first = 0; first < SIZES; first++) {
      size_t among = first % 3 == 0 ? SIZES : SIZES - 2; /* one that is too long, or none */
      struct view texts[MOST];
      uint8_t together[MOST][SHA512_SIZE], alone[SHA512_SIZE];
      for (size_t i = 0; i < count; i++)
        texts[i] = view_of(bytes + i, sizes[(first + i * (1 + first % 5)) % among]);
      assert_int_equal(hash_texts(hash, texts, count, together), AVOW_OK);
      for (size_t i = 0; i < count; i++) {
        assert_int_equal(hash_sha512(hash, texts[i], alone), AVOW_OK);
        assert_memory_equal(together[i], alone, sizeof alone);
      }
    }
#ifdef AVOW_LANES
  assert_true(hash_memory(hash) > 0); /* so that some of it was done in lanes */
#endif
  hash_trim(hash);
  assert_int_equal(hash_memory(hash), 0);
  hash_free(hash);
}

/* Goal: HMAC-SHA256 as in RFC 4231, cases 1 to 3, however the text is cut in two, and again on the
 * same struct. */
static void test_hmac_vectors(void **state) {
  (void)state;
  uint8_t key[HMAC_KEY_MAX + 1], text[50];
  memset(key, 0x0b, 20);
  struct hmac *hmac;
  uint8_t tag[HMAC_SIZE];
  assert_int_equal(hmac_new(&hmac, view_of(key, 20)), AVOW_OK);
  for (size_t cut = 0; cut <= 8; cut++) {
    const char *there = "Hi There";
    assert_int_equal(hmac_tag(hmac, view_of(there, cut), view_of(there + cut, 8 - cut), tag),
                     AVOW_OK);
    assert_hex(tag, HMAC_SIZE, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  }
  hmac_free(hmac);

  assert_int_equal(hmac_new(&hmac, view_text("Jefe")), AVOW_OK);
  assert_int_equal(hmac_tag(hmac, view_text("what do ya want "), view_text("for nothing?"), tag),
                   AVOW_OK);
  assert_hex(tag, HMAC_SIZE, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  hmac_free(hmac);

  memset(key, 0xaa, 20);
  memset(text, 0xdd, 50);
  assert_int_equal(hmac_new(&hmac, view_of(key, 20)), AVOW_OK);
  assert_int_equal(hmac_tag(hmac, view_of(text, 50), view_of("", 0), tag), AVOW_OK);
  assert_hex(tag, HMAC_SIZE, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  hmac_free(hmac);
  hmac_free(NULL);

  hmac = NULL;
  assert_int_equal(hmac_new(&hmac, view_of(key, HMAC_KEY_MAX + 1)), AVOW_TOO_LONG);
  assert_null(hmac);
}

/* Goal: AES-128-CBC as in NIST SP 800-38A, F.2.1 and F.2.2, with a block of padding after it. */
static void test_cbc_vectors(void **state) {
  (void)state;
  uint8_t key[16], iv[16], plain[64], expected[64], cipher[80];
  unhex("2b7e151628aed2a6abf7158809cf4f3c", key);
  unhex("000102030405060708090a0b0c0d0e0f", iv);
  unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
        plain);
  unhex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
        expected);
  struct cbc *cbc;
  assert_int_equal(cbc_new(&cbc, key), AVOW_OK);
  for (int round = 0; round < 3;
       round++) { /* the second finds a context in the middle of a chain */
    assert_int_equal(cbc_padded_size(64), 80);
    assert_int_equal(cbc_encrypt(cbc, iv, view_of(plain, 64), cipher), AVOW_OK);
    assert_memory_equal(cipher, expected, 64);
    size_t size;
    assert_int_equal(cbc_decrypt(cbc, iv, cipher, 80, &size), AVOW_OK);
    assert_int_equal(size, 64);
    assert_memory_equal(cipher, plain, 64);
  }
  cbc_free(cbc);
  cbc_free(NULL);
}

/* Goal: all lengths over some blocks come back, and the padding is wiped. */
static void test_cbc_lengths(void **state) {
  (void)state;
  uint8_t key[16] = {1}, iv[16] = {2}, plain[100], bytes[112];
  struct cbc *cbc;
  assert_int_equal(cbc_new(&cbc, key), AVOW_OK);
  for (size_t size = 0; size <= 100; size++) {
    memset(plain, (int)(size + 100), size);
    size_t padded = cbc_padded_size(size), back = 0;
    assert_true(padded > size && padded <= size + 16 && padded % 16 == 0);
    assert_int_equal(cbc_encrypt(cbc, iv, view_of(plain, size), bytes), AVOW_OK);
    assert_int_equal(cbc_decrypt(cbc, iv, bytes, padded, &back), AVOW_OK);
    assert_int_equal(back, size);
    assert_memory_equal(bytes, plain, size);
    for (size_t i = size; i < padded; i++)
      assert_int_equal(bytes[i], 0);
  }
  cbc_free(cbc);
}

/* Goal: of all 256 values of the last byte of a block of 0x03, exactly 1 and 3 are right paddings,
 * and for each of the others all bytes are wiped and the size is untouched.  The IV's last byte is
 * changed to change that of the plaintext.  Sizes that are no blocks are refused as well. */
static void test_cbc_padding(void **state) {
  (void)state;
  uint8_t key[16] = {3}, iv[16] = {0}, plain[16], cipher[32], bytes[32];
  static const uint8_t zeroes[32];
  memset(plain, 3, sizeof plain);
  struct cbc *cbc;
  assert_int_equal(cbc_new(&cbc, key), AVOW_OK);
  assert_int_equal(cbc_encrypt(cbc, iv, view_of(plain, 16), cipher), AVOW_OK);
  for (unsigned last = 0; last < 256; last++) {
    size_t size = 777;
    memcpy(bytes, cipher, 16);
    iv[15] = (uint8_t)(last ^ 3);
    enum avow_error error = cbc_decrypt(cbc, iv, bytes, 16, &size);
    bool right = last == 1 || last == 3;
    assert_int_equal(error, right ? AVOW_OK : AVOW_MALFORMED);
    assert_int_equal(size, right ? 16 - last : 777);
    if (!right)
      assert_memory_equal(bytes, zeroes, 16);
  }
  for (size_t wrong = 0; wrong < 32; wrong += wrong == 15 ? 2 : 1) {
    size_t size = 777;
    memset(bytes, 0xaa, sizeof bytes);
    assert_int_equal(cbc_decrypt(cbc, iv, bytes, wrong, &size), AVOW_MALFORMED);
    assert_int_equal(size, 777);
    assert_memory_equal(bytes, zeroes, wrong);
  }
  cbc_free(cbc);
}

/* RFC 8032, section 7.1, tests 1 to 3. */
static const struct {
  const char *seed, *public, *message, *signature;
} ED25519[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};
#define ED25519_COUNT (sizeof ED25519 / sizeof *ED25519)

static void private_and_peer(size_t i, struct ed25519 **private, struct ed25519 **peer) {
  uint8_t seed[ED25519_SEED_SIZE], public[ED25519_PUBLIC_SIZE];
  unhex(ED25519[i].seed, seed);
  unhex(ED25519[i].public, public);
  assert_int_equal(ed25519_private(private, seed), AVOW_OK);
  assert_int_equal(ed25519_peer(peer, public), AVOW_OK);
}

/* Goal: keys and signatures are those of RFC 8032, whatever the same key, or another, did before.
 */
static void test_ed25519_vectors(void **state) {
  (void)state;
  struct ed25519 *private[ED25519_COUNT], *peer[ED25519_COUNT];
  for (size_t i = 0; i < ED25519_COUNT; i++)
    private_and_peer(i, &private[i], &peer[i]);
  for (size_t round = 0; round < 2; round++)
    for (size_t i = 0; i < ED25519_COUNT; i++) {
      uint8_t seed[ED25519_SEED_SIZE], public[ED25519_PUBLIC_SIZE], bytes[2];
      uint8_t signature[ED25519_SIGNATURE_SIZE];
      struct view message = view_of(bytes, strlen(ED25519[i].message) / 2);
      unhex(ED25519[i].seed, seed);
      unhex(ED25519[i].message, bytes);
      assert_int_equal(ed25519_public(seed, public), AVOW_OK);
      assert_hex(public, sizeof public, ED25519[i].public);
      assert_hex(ed25519_key(private[i]), ED25519_PUBLIC_SIZE, ED25519[i].public);
      assert_hex(ed25519_key(peer[i]), ED25519_PUBLIC_SIZE, ED25519[i].public);
      assert_int_equal(ed25519_sign(private[i], message, signature), AVOW_OK);
      assert_hex(signature, sizeof signature, ED25519[i].signature);
      for (size_t k = 0; k < ED25519_COUNT; k++) {
        enum avow_error expected = k == i ? AVOW_OK : AVOW_NOT_AUTHENTIC;
        assert_int_equal(ed25519_verify(peer[k], message, signature), expected);
        assert_int_equal(ed25519_verify(private[k], message, signature), expected);
      }
    }
  for (size_t i = 0; i < ED25519_COUNT; i++) {
    ed25519_free(private[i]);
    ed25519_free(peer[i]);
  }
  ed25519_free(NULL);
}

/* Goal: whichever bit of a signature or a message is changed, it is refused, and so is a message
 * that is cut or goes on; the unchanged one is accepted afterwards.  A peer's key cannot sign. */
static void test_ed25519_flipped(void **state) {
  (void)state;
  struct ed25519 *private, *peer;
  uint8_t message[100], signature[ED25519_SIGNATURE_SIZE];
  memset(message, 'm', sizeof message);
  private_and_peer(1, &private, &peer);
  struct view whole = view_of(message, sizeof message - 1);
  assert_int_equal(ed25519_sign(private, whole, signature), AVOW_OK);
  for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
    signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(ed25519_verify(peer, whole, signature), AVOW_NOT_AUTHENTIC);
    signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (size_t bit = 0; bit < 8 * whole.size; bit++) {
    message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(ed25519_verify(peer, whole, signature), AVOW_NOT_AUTHENTIC);
    message[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (size_t size = 0; size <= sizeof message; size++)
    assert_int_equal(ed25519_verify(peer, view_of(message, size), signature),
                     size == whole.size ? AVOW_OK : AVOW_NOT_AUTHENTIC);

  uint8_t before[ED25519_SIGNATURE_SIZE];
  memcpy(before, signature, sizeof before);
  assert_int_equal(ed25519_sign(peer, view_of(message, 1), signature), AVOW_CRYPTO);
  assert_memory_equal(signature, before, sizeof before);
  assert_int_equal(ed25519_verify(peer, whole, signature), AVOW_OK);
  ed25519_free(private);
  ed25519_free(peer);
}

/* Goal: nobody can make a second signature from a first one by adding the order of the group to its
 * second half (RFC 8032, section 5.1.7). */
static void test_ed25519_malleable(void **state) {
  (void)state;
  uint8_t order[32], signature[ED25519_SIGNATURE_SIZE];
  struct ed25519 *private, *peer;
  unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", order);
  unhex(ED25519[0].signature, signature);
  private_and_peer(0, &private, &peer);
  assert_int_equal(ed25519_verify(peer, view_text(""), signature), AVOW_OK);
  unsigned carry = 0;
  for (size_t i = 0; i < sizeof order; i++) {
    carry += (unsigned)signature[32 + i] + order[i];
    signature[32 + i] = (uint8_t)carry;
    carry >>= 8;
  }
  assert_int_equal(carry, 0);
  assert_int_equal(ed25519_verify(peer, view_text(""), signature), AVOW_NOT_AUTHENTIC);
  ed25519_free(private);
  ed25519_free(peer);
}

/* Goal: a key of small order authenticates nothing.  Under it this signature, which needs no
 * private key, fits every message or one in two, four or eight. */
static void test_ed25519_weak(void **state) {
  (void)state;
  static const char *const weak[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  static const uint8_t signature[ED25519_SIGNATURE_SIZE] = {1};
  for (size_t i = 0; i < 2 * sizeof weak / sizeof *weak; i++) {
    uint8_t public[ED25519_PUBLIC_SIZE];
    struct ed25519 *peer;
    unhex(weak[i / 2], public);
    public[31] |= i % 2 == 0 ? 0 : 0x80;
    assert_int_equal(ed25519_peer(&peer, public), AVOW_OK);
    for (uint8_t message = 0; message < 64; message++)
      assert_int_equal(ed25519_verify(peer, view_of(&message, 1), signature), AVOW_NOT_AUTHENTIC);
    ed25519_free(peer);
  }
}

/* Goal: the generator is AES-256-CTR from zero, also after its first pool: under the key of all
 * zeroes its blocks 0, 1 and 256 are those that `openssl enc -aes-256-ctr` gives. */
static void test_drbg_known(void **state) {
  (void)state;
  static const uint8_t seed[DRBG_SEED_SIZE];
  uint8_t bytes[4096 + 16];
  struct drbg *drbg;
  assert_int_equal(drbg_new(&drbg, seed), AVOW_OK);
  assert_int_equal(drbg_bytes(drbg, bytes, sizeof bytes), AVOW_OK);
  assert_hex(bytes, 32, "dc95c078a2408989ad48a21492842087530f8afbc74536b9a963b4f1c4cb738b");
  assert_hex(bytes + 4096, 16, "c7e9d250998632d444356242ef04058d");
  drbg_free(drbg);
  drbg_free(NULL);
}

/* Goal: the same seed gives the same bytes however they are asked for, over many pools; another
 * seed gives others. */
static void test_drbg_deterministic(void **state) {
  (void)state;
  enum { SIZE = 20000 };
  uint8_t seed[DRBG_SEED_SIZE] = {1, 2, 3};
  static uint8_t whole[SIZE], parts[SIZE], other[SIZE];
  struct drbg *drbg;
  assert_int_equal(drbg_new(&drbg, seed), AVOW_OK);
  assert_int_equal(drbg_bytes(drbg, whole, SIZE), AVOW_OK);
  drbg_free(drbg);
  assert_int_equal(drbg_new(&drbg, seed), AVOW_OK);
  for (size_t at = 0, part = 0; at < SIZE; at += part, part = (part * 7 + 16) % 5003) {
    if (part > SIZE - at)
      part = SIZE - at;
    assert_int_equal(drbg_bytes(drbg, parts + at, part), AVOW_OK);
  }
  drbg_free(drbg);
  assert_memory_equal(whole, parts, SIZE);
  seed[31] ^= 1;
  assert_int_equal(drbg_new(&drbg, seed), AVOW_OK);
  assert_int_equal(drbg_bytes(drbg, other, SIZE), AVOW_OK);
  drbg_free(drbg);
  for (size_t at = 0; at + 16 <= SIZE; at += 16) {
    assert_memory_not_equal(other + at, whole + at, 16);
    if (at >= 16) /* and no block comes twice in a row, as from a wiped pool */
      assert_memory_not_equal(whole + at, whole + at - 16, 16);
  }
}

/* Goal: random bytes are written up to the last and not beyond, and are not the same twice. */
static void test_random(void **state) {
  (void)state;
  uint8_t a[33] = {0}, b[33] = {0};
  a[32] = b[32] = 0x5a;
  assert_int_equal(random_bytes(a, 32), AVOW_OK);
  assert_int_equal(random_bytes(b, 32), AVOW_OK);
  assert_memory_not_equal(a, b, 32);
  assert_memory_not_equal(a + 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
  assert_int_equal(a[32], 0x5a);
  assert_int_equal(random_bytes(a, 0), AVOW_OK);
}

/* Goal: a difference in any one bit is seen, and none where there is none. */
static void test_secret(void **state) {
  (void)state;
  uint8_t a[32], b[32];
  memset(a, 0x77, sizeof a);
  memcpy(b, a, sizeof b);
  assert_true(secret_equal(a, b, sizeof a));
  assert_true(secret_equal(a, b, 0));
  for (size_t bit = 0; bit < 8 * sizeof b; bit++) {
    b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_false(secret_equal(a, b, sizeof a));
    b[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  secret_wipe(a, sizeof a - 1);
  for (size_t i = 0; i < sizeof a - 1; i++)
    assert_int_equal(a[i], 0);
  assert_int_equal(a[31], 0x77);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sha_vectors),
      cmocka_unit_test(test_sha_long),
      cmocka_unit_test(test_sha_together),
      cmocka_unit_test(test_hmac_vectors),
      cmocka_unit_test(test_cbc_vectors),
      cmocka_unit_test(test_cbc_lengths),
      cmocka_unit_test(test_cbc_padding),
      cmocka_unit_test(test_ed25519_vectors),
      cmocka_unit_test(test_ed25519_flipped),
      cmocka_unit_test(test_ed25519_malleable),
      cmocka_unit_test(test_ed25519_weak),
      cmocka_unit_test(test_drbg_known),
      cmocka_unit_test(test_drbg_deterministic),
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_secret),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
