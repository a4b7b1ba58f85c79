/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/net/checksum.c */
/* The Internet checksum, against the definition of RFC 1071, at every length and alignment that matters. */
#include <stdint.h>

#include "tap.h"

uint16_t uk_net_checksum(const void *data, int length);

/* The sum of 16-bit words in the machine's order, with the carry brought around. */
static uint16_t reference(const uint8_t *data, int length) {
    uint64_t sum = 0;
    for (int i = 0; i < length; i++)
        sum += (uint64_t)data[i] << (i % 2 * 8);
    while (sum >> 16)
        sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)sum;
}

/* In ones' complement there are two zeros. */
static bool same(uint16_t a, uint16_t b) {
    return a == b || (a % 0xffff == 0 && b % 0xffff == 0);
}

static unsigned wrong(const uint8_t *data, int most, int alignments) {
    unsigned count = 0;
    for (int align = 0; align < alignments; align++)
        for (int length = 0; length <= most; length++)
            count += !same(uk_net_checksum(data + align, length), reference(data + align, length));
    return count;
}

int main(void) {
    static uint8_t data[66000];
    uint32_t state = 1;
    ok(uk_net_checksum(data, 1000) == 0, "zeros");
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
    is_u64(wrong(data, 1600, 8), 0, "random data");
    ok(same(uk_net_checksum(data, 65535), reference(data, 65535)), "the longest packet");
    memset(data, 0xff, sizeof data);
    is_u64(wrong(data, 200, 8), 0, "all ones");
    ok(same(uk_net_checksum(data, 65535), reference(data, 65535)), "the longest packet of ones");
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    ok(uk_net_checksum(example, 8) == 0xf2dd, "the example of RFC 1071, in this machine's byte order");
    return done_testing();
}
