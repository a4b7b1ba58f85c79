/* SPDX-License-Identifier: MIT */
#include "chacha20.h"

#include <string.h>

static inline uint32_t rotate(uint32_t word, unsigned bits) {
    return word << bits | word >> (32 - bits);
}

static inline void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
    *a += *b, *d = rotate(*d ^ *a, 16);
    *c += *d, *b = rotate(*b ^ *c, 12);
    *a += *b, *d = rotate(*d ^ *a, 8);
    *c += *d, *b = rotate(*b ^ *c, 7);
}

static void double_round(uint32_t x[16]) {
    for (unsigned i = 0; i < 4; i++)
        quarter_round(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
    for (unsigned i = 0; i < 4; i++)
        quarter_round(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4], &x[12 + (i + 3) % 4]);
}

void uk_chacha20_block(const uint8_t key[UK_CHACHA20_KEY_SIZE], const uint32_t input[4],
                       uint8_t block[UK_CHACHA20_BLOCK_SIZE]) {
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, x[16];
    memcpy(start + 4, key, UK_CHACHA20_KEY_SIZE); /* words are little-endian, as x86 is */
    memcpy(start + 12, input, 4 * sizeof *input);
    memcpy(x, start, sizeof x);
    for (unsigned i = 0; i < 10; i++)
        double_round(x);
    for (unsigned i = 0; i < 16; i++)
        x[i] += start[i];
    memcpy(block, x, sizeof x);
}
