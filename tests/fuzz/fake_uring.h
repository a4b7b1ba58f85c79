/* SPDX-License-Identifier: MIT */
/*
 * An io_uring without a kernel, in the place of monitor/io/uring.c: what it is asked to do is checked, and what comes
 * of it is drawn from an input. Nothing is read or written.
 */
#ifndef FAKE_URING_H
#define FAKE_URING_H

#include "fuzz.h"
#include "io/io.h"

/* What may be asked for. `decisions` is read from its end; where it has ended, everything succeeds and nobody sends. */
struct fake_uring {
    const struct io *io;
    struct input *decisions;
    unsigned uses; /* enum policy_use, together */

    struct io_uring_sqe prepared[RING_CQ_ENTRIES];
    unsigned prepared_count;
    struct io_uring_sqe flying[RING_CQ_ENTRIES + SIGNALS_TAGS + 1];
    unsigned flying_count;
    unsigned rounds; /* of the hypercall that is being worked off */

    unsigned head, tail;
    struct io_uring_cqe completions[2 * RING_CQ_ENTRIES];
    uint64_t now;
};

extern struct fake_uring fake;

/* The guest's other hand: called while the monitor is in the middle of a turn. */
void fake_uring_meanwhile(void);

/* Requests that the kernel has, on files of this kind; 0 for the console. */
unsigned fake_uring_count(unsigned kind);

#endif
