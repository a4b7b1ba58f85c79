/* SPDX-License-Identifier: MIT */
/*
 * The two rings as the guest uses them. ABI.md, RING. Nothing here enters the monitor.
 *
 * An operation goes from its submitter to the submission ring, by way of the `waiting` list while that is full, and
 * comes back through the completion ring to the `ready` list, where it waits for its callback; without a callback it is
 * over as soon as it is taken from the ring.
 */
#ifndef UK_RING_H
#define UK_RING_H

#include "ukvm.h"

struct uk_io_list {
    struct uk_io *first;
    struct uk_io *last; /* meaningful while `first` is not NULL */
};

struct uk_ring {
    struct ukvm_rings *shared;
    struct ukvm_sqe *sq;
    const struct ukvm_cqe *cq;
    uint32_t sq_entries, cq_entries;
    uint32_t sq_tail; /* what we last stored in `shared` */
    uint32_t cq_head;
    size_t in_flight; /* submitted, and not yet taken from the completion ring */
    struct uk_io_list waiting;
    struct uk_io_list ready;
};

/* Indices run freely modulo 2^32; sizes are powers of two. RING-01. */
static inline uint32_t uk_ring_slot(uint32_t index, uint32_t entries) {
    return index & (entries - 1);
}

/* Entries between the reader's index and the writer's. */
static inline uint32_t uk_ring_used(uint32_t tail, uint32_t head) {
    return tail - head;
}

void uk_ring_init(struct uk_ring *ring, const struct ukvm_boot *boot);

/* Puts `io` in the submission ring, or behind what waits for room there. */
void uk_ring_submit(struct uk_ring *ring, struct uk_io *io);

/*
 * Writes the submission of `io` again, in its place in the ring. False if it is not there: the monitor has taken it, or
 * it waits for room and goes there as it is then.
 */
bool uk_ring_amend(struct uk_ring *ring, const struct uk_io *io);

/* Moves what waits into the submission ring, as far as there is room. Returns how many were moved. */
size_t uk_ring_refill(struct uk_ring *ring);

/* Empties the completion ring. Returns how many completions there were. */
unsigned uk_ring_reap(struct uk_ring *ring);

/* Takes the oldest operation whose callback is due, NULL if there is none. */
struct uk_io *uk_ring_take_ready(struct uk_ring *ring);

#endif
