/* SPDX-License-Identifier: MIT */
/* The ChaCha20 block function. RFC 8439, section 2.3. */
#ifndef UK_CHACHA20_H
#define UK_CHACHA20_H

#include <stdint.h>

#define UK_CHACHA20_KEY_SIZE 32u
#define UK_CHACHA20_BLOCK_SIZE 64u

/* `input` is what follows the key in the state: the block counter and the nonce. */
void uk_chacha20_block(const uint8_t key[UK_CHACHA20_KEY_SIZE], const uint32_t input[4],
                       uint8_t block[UK_CHACHA20_BLOCK_SIZE]);

#endif
