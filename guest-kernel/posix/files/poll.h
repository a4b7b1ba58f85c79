/* SPDX-License-Identifier: MIT */
#ifndef UK_POLL_H
#define UK_POLL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Until some of `count` descriptors are ready: their number, 0 after the deadline, -EINTR, -ENOMEM. Deadline and mask
 * are as in waiting.h.
 */
long uk_poll_masked(struct pollfd *fds, size_t count, uint64_t deadline, const uint64_t *mask);

#endif
