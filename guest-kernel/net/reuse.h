/* SPDX-License-Identifier: MIT */
/* SO_REUSEADDR and SO_REUSEPORT: sockets with the same address, and which of them gets what arrives. */
#ifndef UK_NET_REUSE_H
#define UK_NET_REUSE_H

#include "socket.h"

/* Whether addresses of two sockets on one port are the same, or one of them is "any". */
bool uk_reuse_overlaps(const ip_addr_t *a, const ip_addr_t *b);

/* Whether a socket may be bound to the address of another one. */
bool uk_reuse_allowed(const struct uk_socket *socket, const struct uk_socket *other);

/*
 * Of the sockets that share an address, the one with the greatest weight gets what comes from a peer: always the same
 * as long as no socket comes or goes, and then few peers change theirs.
 */
uint64_t uk_reuse_weight(const struct uk_socket *socket, const ip_addr_t *peer, uint16_t peer_port);

#endif
