/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/posix/process/random.c guest-kernel/posix/process/chacha20.c */
#include <errno.h>

#include "posix/process/chacha20.h"
#include "posix/process/random.h"
#include "tap.h"
#include "ukvm.h"

static struct ukvm_boot boot;

const struct ukvm_boot *uk_boot(void) {
    return &boot;
}

/* RFC 8439, section 2.3.2 */
static void test_chacha20(void) {
    static const uint8_t want[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
        0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
        0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
        0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
    };
    const uint32_t input[4] = {1, 0x09000000, 0x4a000000, 0};
    uint8_t key[32], block[64];
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    uk_chacha20_block(key, input, block);
    ok(memcmp(block, want, sizeof block) == 0, "ChaCha20: the vector of RFC 8439");
}

static unsigned bits_set(const uint8_t *bytes, size_t size) {
    unsigned count = 0;
    for (size_t i = 0; i < size; i++)
        count += (unsigned)__builtin_popcount(bytes[i]);
    return count;
}

static void test_generator(void) {
    static uint8_t a[100000], b[100000];
    uint8_t one[64], two[64];
    uk_random_bytes(one, sizeof one);
    uk_random_bytes(two, sizeof two);
    ok(memcmp(one, two, sizeof one) != 0, "random: two calls differ");

    memset(a, 0, sizeof a);
    uk_random_bytes(a + 1, sizeof a - 2);
    ok(a[0] == 0 && a[sizeof a - 1] == 0, "random: nothing is written around the buffer");
    unsigned set = bits_set(a, sizeof a);
    ok(set > 397000 && set < 403000, "random: half of the bits are set (%u of 800000)", set);
    uk_random_bytes(b, sizeof b);
    ok(memcmp(a + 1, b, sizeof b - 2) != 0, "random: a large request moves the state on");
    for (size_t size = 0; size < 1200; size += 7) /* around the refills */
        uk_random_bytes(b, size);
    ok(true, "random: any size");
}

/* What a snapshot restored twice would do: the same state goes on with another boot page. */
static void test_generation(void) {
    uint8_t first[32], again[32];
    boot.generation++;
    uk_random_bytes(first, sizeof first);
    boot.generation++;
    memset(boot.entropy, 1, sizeof boot.entropy);
    uk_random_bytes(again, sizeof again);
    ok(memcmp(first, again, sizeof first) != 0, "random: a new generation brings a new seed");
}

long uk_sys_getrandom(void *buffer, size_t size, unsigned flags);

static void test_getrandom(void) {
    uint8_t buffer[300] = {0};
    is_u64((uint64_t)uk_sys_getrandom(buffer, sizeof buffer, 0), sizeof buffer, "getrandom: all that was asked for");
    ok(bits_set(buffer, sizeof buffer) > 900, "getrandom: fills the buffer");
    ok(uk_sys_getrandom(buffer, 1, 0x80) == -EINVAL, "getrandom: an unknown flag is EINVAL");
}

int main(void) {
    for (unsigned i = 0; i < sizeof boot.entropy; i++)
        boot.entropy[i] = (uint8_t)(i * 7);
    test_chacha20();
    test_generator();
    test_generation();
    test_getrandom();
    return done_testing();
}
