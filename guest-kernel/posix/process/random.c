/* SPDX-License-Identifier: MIT */
/*
 * A generator with fast key erasure (D. J. Bernstein, 2017): each refill makes the next key first, so that a state that
 * is read later tells nothing of the bytes handed out before; those are wiped as they leave.
 *
 * The seed is the boot page's. A guest restored from a snapshot finds fresh entropy there and a new generation number
 * (BOOT-06): two guests restored from one snapshot must not go on with the same bytes.
 */
#include "random.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>

#include "chacha20.h"
#include "posix/syscall.h"
#include "ukvm.h"

#define GRND_INSECURE_FLAG 4u /* Linux: GRND_INSECURE, which musl does not name */

static struct {
    bool seeded;
    uint64_t generation;
    uint8_t key[UK_CHACHA20_KEY_SIZE];
    uint8_t ready[8 * UK_CHACHA20_BLOCK_SIZE]; /* the last `left` of them are unused */
    size_t left;
} state;

_Static_assert(UKVM_ENTROPY_SIZE == 2 * UK_CHACHA20_KEY_SIZE, "seed() takes two halves, each enough for a key");

static void seed(const struct ukvm_boot *boot) {
    const uint32_t input[4] = {(uint32_t)boot->generation, (uint32_t)(boot->generation >> 32)};
    uint8_t block[UK_CHACHA20_BLOCK_SIZE];
    for (size_t i = 0; i < sizeof state.key; i++)
        state.key[i] ^= boot->entropy[i];
    uk_chacha20_block(state.key, input, block);
    for (size_t i = 0; i < sizeof state.key; i++)
        state.key[i] = block[i] ^ boot->entropy[sizeof state.key + i];
    explicit_bzero(block, sizeof block);
    explicit_bzero(state.ready, sizeof state.ready);
    state.left = 0;
    state.generation = boot->generation;
    state.seeded = true;
}

static void refill(void) {
    for (uint32_t i = 0; i < sizeof state.ready / UK_CHACHA20_BLOCK_SIZE; i++)
        uk_chacha20_block(state.key, (const uint32_t[4]){i}, state.ready + i * UK_CHACHA20_BLOCK_SIZE);
    memcpy(state.key, state.ready, sizeof state.key);
    explicit_bzero(state.ready, sizeof state.key);
    state.left = sizeof state.ready - sizeof state.key;
}

void uk_random_bytes(void *to, size_t size) {
    const struct ukvm_boot *boot = uk_boot();
    uint8_t *at = to;
    if (!state.seeded || *(const volatile uint64_t *)&boot->generation != state.generation)
        seed(boot);
    while (size > 0) {
        if (state.left == 0)
            refill();
        size_t n = size < state.left ? size : state.left;
        uint8_t *from = state.ready + sizeof state.ready - state.left;
        memcpy(at, from, n);
        explicit_bzero(from, n);
        state.left -= n;
        at += n;
        size -= n;
    }
}

long uk_sys_getrandom(void *buffer, size_t size, unsigned flags);

long uk_sys_getrandom(void *buffer, size_t size, unsigned flags) {
    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE_FLAG))
        return -EINVAL;
    size = size < SSIZE_MAX ? size : SSIZE_MAX;
    uk_random_bytes(buffer, size);
    return (long)size;
}
