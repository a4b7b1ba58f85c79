/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

uint16_t uk_net_checksum(const void *data, int length); /* lwip/arch/cc.h */

/* SSE2, which every x86-64 has. */
typedef uint64_t pair __attribute__((vector_size(16)));

static uint64_t load(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static pair load_pair(const uint8_t *at) {
    pair words;
    memcpy(&words, at, sizeof words);
    return words;
}

/* The sum of the two halves of each word, which has room for the carries of more data than there is. */
static pair halves(pair words) {
    return (words & UINT32_MAX) + (words >> 32);
}

/*
 * The ones' complement sum of RFC 1071, in words of 32 bits: the sum does not depend on their size, as long as every
 * carry is added again (section 2, B).
 */
uint16_t uk_net_checksum(const void *data, int length) {
    const uint8_t *at = data;
    size_t left = (size_t)length;
    pair a = {0}, b = {0};
    for (; left >= 32; left -= 32, at += 32) {
        a += halves(load_pair(at));
        b += halves(load_pair(at + 16));
    }
    if (left >= 16) {
        a += halves(load_pair(at));
        left -= 16;
        at += 16;
    }
    uint64_t tail = 0;
    if (left >= 8) {
        tail = load(at);
        left -= 8;
        at += 8;
    }
    a += b;
    uint64_t sum = a[0] + a[1] + (tail >> 32) + (tail & UINT32_MAX);
    tail = 0;
    memcpy(&tail, at, left);
    sum += (tail >> 32) + (tail & UINT32_MAX);
    sum = (sum >> 32) + (sum & UINT32_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    sum = (sum >> 16) + (sum & UINT16_MAX);
    return (uint16_t)sum;
}
