/* SPDX-License-Identifier: MIT */
/* The answer to a frame, made in place. Pure: no device, no memory but the frame. */
#ifndef ECHO_H
#define ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct echo_host {
    uint8_t mac[6];
    uint8_t ip[4];
    bool any_port; /* answer UDP on every port, not on ECHO_PORT alone */
};

#define ECHO_PORT 7

enum echo_kind { ECHO_NONE, ECHO_ARP, ECHO_ICMP, ECHO_UDP };

/*
 * Turns the `*length` bytes at `frame` into the answer and sets `*length` to its length, which is never more.
 * ECHO_NONE: there is no answer, and the frame is as it was.
 *
 * Answered are ARP requests for the host's address, and ICMP echo requests and UDP datagrams sent to it. Not answered
 * is what is malformed, fragmented or has IP options, or comes from what cannot be one other host's address.
 */
enum echo_kind echo_reply(const struct echo_host *host, uint8_t *frame, size_t *length);

#endif
