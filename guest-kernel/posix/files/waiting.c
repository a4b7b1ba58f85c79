/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include <errno.h>

#include "posix/signals/signal.h"
#include "posix/time/deadline.h"

/* ---- time-outs */

int uk_timeout_deadline(const struct timespec *timeout, uint64_t *deadline) {
    *deadline = UKVM_DEADLINE_NONE;
    if (!timeout)
        return 0;
    if (timeout->tv_sec == 0 && timeout->tv_nsec == 0) {
        *deadline = 0;
        return 0;
    }
    return uk_deadline_after(timeout, deadline);
}

struct timespec uk_timeout_left(uint64_t deadline) {
    uint64_t now = uk_clock_monotonic();
    return uk_timespec(deadline > now ? deadline - now : 0);
}

/* ---- masks: that of the call while it blocks; a signal that ends it is taken with that mask, too */

int uk_check_mask(const uint64_t *mask, size_t size) {
    return mask && size != sizeof *mask ? -EINVAL : 0;
}

uint64_t uk_mask_begin(const uint64_t *mask) {
    uint64_t before = uk_current->signals_blocked;
    if (mask) {
        uk_current->signals_blocked = *mask;
        uk_signals_attention = true;
    }
    return before;
}

void uk_mask_end(const uint64_t *mask, uint64_t before, long result) {
    if (!mask)
        return;
    if (result == -EINTR)
        uk_signals_deliver(&result);
    uk_current->signals_blocked = before;
    uk_signals_attention = true; /* one that came meanwhile may not be blocked now */
}
