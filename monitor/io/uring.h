/* SPDX-License-Identifier: MIT */
/* The monitor's io_uring: made once, with the files and the arena registered. */
#ifndef UKVM_URING_H
#define UKVM_URING_H

#include <liburing.h>
#include <stdbool.h>

#include "base/region.h"
#include "device.h"
#include "signals.h"

#define URING_FOREVER UINT64_MAX

/* The registered buffers: the I/O arena, and struct io_page. */
enum uring_buffer { URING_ARENA, URING_PAGE, URING_BUFFERS };

/* `uses`: enum policy_use, together; the ring does what their rows of policy_opcodes say, and nothing else. */
int uring_open(struct io_uring *uring, struct devices *devices, const struct signals *signals,
               const struct iovec buffers[URING_BUFFERS], unsigned uses, struct error *err);

/* A free submission entry. There is one, as the ring has an entry for whatever can be prepared at once; never NULL. */
struct io_uring_sqe *uring_sqe(struct io_uring *uring);

/* Whether there are entries that uring_submit() has not handed over yet. */
bool uring_pending(const struct io_uring *uring);

/* Hands over what is prepared if it is `count` entries or more. What the kernel does not take now stays prepared. */
void uring_submit_early(struct io_uring *uring, unsigned count);

/* Sleeps until there is a completion or the time is over, and hands over nothing. */
void uring_pause(struct io_uring *uring, uint64_t ns);

/* Hands over what is prepared and, unless `timeout_ns` is 0, sleeps until there is a completion or the time is over. */
int uring_submit(struct io_uring *uring, uint64_t timeout_ns);

#endif
