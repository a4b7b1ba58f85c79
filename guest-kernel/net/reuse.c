/* SPDX-License-Identifier: MIT */
#include "reuse.h"

#include "posix/process/random.h"

static bool is_same_family(const ip_addr_t *a, const ip_addr_t *b) {
    return IP_GET_TYPE(a) == IP_GET_TYPE(b) || IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b);
}

bool uk_reuse_overlaps(const ip_addr_t *a, const ip_addr_t *b) {
    if (!is_same_family(a, b))
        return false;
    return ip_addr_isany(a) || ip_addr_isany(b) || ip_addr_cmp(a, b);
}

/* Linux: inet_csk_bind_conflict(), inet_rcv_saddr_equal(). All sockets of a guest have one owner. */
bool uk_reuse_allowed(const struct uk_socket *socket, const struct uk_socket *other) {
    if (socket->reuse_port && other->reuse_port)
        return true;
    return socket->reuse_address && other->reuse_address && !other->listens;
}

/* A multiplication and a shift that every bit of the input passes through. Steele et al. 2014, SplitMix. */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t fold(const ip_addr_t *address) {
    const u32_t *words = ip_2_ip6(address)->addr;
    if (IP_IS_V4(address))
        return ip_2_ip4(address)->addr;
    return mix((uint64_t)words[0] << 32 | words[1]) ^ ((uint64_t)words[2] << 32 | words[3]);
}

/* With a secret, so that nobody can choose the socket. */
uint64_t uk_reuse_weight(const struct uk_socket *socket, const ip_addr_t *peer, uint16_t peer_port) {
    static uint64_t secret;
    if (!secret)
        uk_random_bytes(&secret, sizeof secret);
    return mix(mix(mix(secret ^ fold(peer)) + peer_port) + socket->number);
}
