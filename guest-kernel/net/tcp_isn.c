/* SPDX-License-Identifier: MIT */
#include "hooks.h"
#include "posix/process/random.h"
#include "stack.h"

/* SipHash-2-4, of as many words as are given. https://www.aumasson.jp/siphash/siphash.pdf */
static uint64_t rotate(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

static void rounds(uint64_t v[4], int count) {
    while (count-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t siphash(const uint64_t key[2], const uint64_t *words, size_t count) {
    uint64_t v[4] = {
        key[0] ^ UINT64_C(0x736f6d6570736575),
        key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261),
        key[1] ^ UINT64_C(0x7465646279746573),
    };
    for (size_t i = 0; i < count; i++) {
        v[3] ^= words[i];
        rounds(v, 2);
        v[0] ^= words[i];
    }
    uint64_t last = (uint64_t)count * sizeof *words << 56;
    v[3] ^= last;
    rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void put_address(uint64_t words[2], const ip_addr_t *ip) {
    if (IP_IS_V6(ip))
        memcpy(words, ip_2_ip6(ip)->addr, 16);
    else
        words[0] = ip_2_ip4(ip)->addr;
}

/* RFC 6528, 3: a clock of 4 us plus a keyed hash of the connection's addresses. */
uint32_t uk_net_tcp_isn(const ip_addr_t *local_ip, uint16_t local_port, const ip_addr_t *remote_ip,
                        uint16_t remote_port) {
    static uint64_t key[2];
    uint64_t words[5] = {0};
    if (!key[0])
        uk_random_bytes(key, sizeof key);
    put_address(words, local_ip);
    put_address(words + 2, remote_ip);
    words[4] = (uint64_t)local_port << 16 | remote_port;
    return (uint32_t)(siphash(key, words, 5) + uk_clock_monotonic() / (4 * UK_MICROSECOND));
}
