/* SPDX-License-Identifier: MIT */
/* Time-outs and signal masks of calls that wait: ppoll(), pselect(), epoll_pwait(). */
#ifndef UK_WAITING_H
#define UK_WAITING_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* The deadline of a time-out: 0 for not waiting at all, UKVM_DEADLINE_NONE for NULL. -EINVAL. */
int uk_timeout_deadline(const struct timespec *timeout, uint64_t *deadline);

/* What is left until a deadline, for calls that say so. */
struct timespec uk_timeout_left(uint64_t deadline);

/* A signal mask, if there is one, has the size that the kernel's has. -EINVAL. */
int uk_check_mask(const uint64_t *mask, size_t size);

/*
 * Between the two, a call blocks with its own mask, or, if that is NULL, with that of the thread. `result` is the
 * call's: with -EINTR the signal is taken before the mask of the thread, which uk_mask_begin() gives, is back.
 */
uint64_t uk_mask_begin(const uint64_t *mask);
void uk_mask_end(const uint64_t *mask, uint64_t before, long result);

#endif
