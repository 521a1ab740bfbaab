// SPDX-License-Identifier: Apache-2.0
#include "chance.h"

#include <string.h>

static uint64_t rotate(uint64_t x, unsigned by) {
  return x << by | x >> (64 - by);
}

void chance_init(struct chance *chance, uint64_t seed) {
  for (unsigned i = 0; i < 4; i++) {
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    chance->state[i] = z ^ z >> 31;
  }
}

uint64_t chance_next(struct chance *chance) {
  uint64_t *s = chance->state;
  uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

uint64_t chance_between(struct chance *chance, uint64_t least, uint64_t most) {
  return least + chance_next(chance) % (most - least + 1);
}

uint64_t chance_wide(struct chance *chance, uint64_t least, uint64_t most) {
  unsigned bits = 0;
  while (most / least >> (bits + 1) != 0)
    bits++;
  uint64_t value = least << chance_between(chance, 0, bits);
  value += chance_next(chance) % value;
  return value < most ? value : most;
}

bool chance_of(struct chance *chance, unsigned per_million) {
  return per_million > 0 && chance_next(chance) % 1000000 < per_million;
}

void chance_bytes(struct chance *chance, uint8_t *bytes, uint64_t size) {
  while (size > 0) {
    uint64_t word = chance_next(chance), part = size < sizeof word ? size : sizeof word;
    memcpy(bytes, &word, part);
    bytes += part;
    size -= part;
  }
}
