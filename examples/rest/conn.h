/* SPDX-License-Identifier: MIT */
/*
 * The connections. One that waits for its client owns a descriptor and a slot, and no memory besides: requests are read
 * into one buffer and answered from another that all connections share, and only what is left over, a request not all
 * there or an answer not all sent, moves to a buffer of the connection's own.
 */
#ifndef REST_CONN_H
#define REST_CONN_H

#include <stdbool.h>
#include <stdint.h>

#define CONN_MAX 512

struct conn;

/* Takes over the descriptor; closes it when there are CONN_MAX already. */
void conn_open(int epoll, int fd, int64_t now_ms);
void conn_ready(struct conn *c, int64_t now_ms);
void conn_expire(int64_t now_ms); /* those whose client took too long */
unsigned conn_count(void);

#endif
