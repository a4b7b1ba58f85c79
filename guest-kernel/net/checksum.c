/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

uint16_t uk_net_checksum(const void *data, int length); /* lwip/arch/cc.h */

static uint64_t load(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static uint64_t add(uint64_t sum, uint64_t word) {
    uint64_t total;
    return __builtin_add_overflow(sum, word, &total) ? total + 1 : total;
}

/*
 * The ones' complement sum of RFC 1071, in words of 64 bits: the sum does not depend on their size, as long as every
 * carry is added again (section 2, B). Two sums, so that one addition need not wait for the carry of the other.
 */
uint16_t uk_net_checksum(const void *data, int length) {
    const uint8_t *at = data;
    size_t left = (size_t)length;
    uint64_t even = 0, odd = 0;
    for (; left >= 16; left -= 16, at += 16) {
        even = add(even, load(at));
        odd = add(odd, load(at + 8));
    }
    uint64_t sum = add(even, odd);
    if (left >= 8) {
        sum = add(sum, load(at));
        left -= 8;
        at += 8;
    }
    uint64_t tail = 0;
    memcpy(&tail, at, left);
    sum = add(sum, tail);
    sum = (sum >> 32) + (sum & UINT32_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    return (uint16_t)sum;
}
