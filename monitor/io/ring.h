/* SPDX-License-Identifier: MIT */
/*
 * The monitor's end of the two rings. Cursors are private; what the guest writes is read once, checked and copied.
 * Pure logic over memory that a hostile guest may change at any time. ABI.md, RING-01 to RING-04.
 */
#ifndef UKVM_RING_H
#define UKVM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ukvm_abi.h"

#define RING_SQ_ENTRIES 256u
#define RING_CQ_ENTRIES 512u

/* How the rings, and what an exception leaves, lie in their pages. The guest is told the addresses, never this. */
struct ring_memory {
    struct ukvm_rings index;
    struct ukvm_sqe sq[RING_SQ_ENTRIES];
    struct ukvm_cqe cq[RING_CQ_ENTRIES];
    struct ukvm_fault fault; /* no ring: see deliver.h */
};
_Static_assert(offsetof(struct ring_memory, fault) % 16 == 0, "FAULT-04");

struct ring {
    struct ring_memory *shared; /* the guest may write all of it */
    uint32_t sq_head;           /* submissions taken */
    uint32_t cq_tail;           /* completions written */
    uint32_t in_flight;         /* taken, not completed */
    uint32_t quiet_in_flight;   /* those of them with UKVM_SQE_QUIET */
    uint32_t loud_tail;         /* one past the last completion that ends a sleep */
    bool held_up;               /* submissions wait in the ring until the guest takes completions (RING-04) */
};

enum ring_result {
    RING_OK = 0,
    RING_SQ_AHEAD = -1, /* RING-02: sq_tail is not within sq_entries of sq_head */
    RING_CQ_AHEAD = -2, /* RING-02: cq_head is ahead of cq_tail, or too far behind */
};

/*
 * How many submissions may be taken now: those that the guest has written, as far as there is room for their
 * completions (RING-04).
 */
enum ring_result ring_available(struct ring *ring, uint32_t *count);

/* Copies the next submission; ring_available() has said that there is one. */
void ring_take(struct ring *ring, struct ukvm_sqe *copy);

/* Makes the slots of the submissions taken so far writable again for the guest. */
void ring_release(const struct ring *ring);

/* Writes the completion of the submission `sqe`, taken before. There is always room for it. */
void ring_complete(struct ring *ring, const struct ukvm_sqe *sqe, int32_t result);

/*
 * Whether the guest has completions that it has not taken and that end a sleep (CALL-02, RING-10). What a hostile guest
 * makes of it only spoils its own sleep.
 */
bool ring_wakes(const struct ring *ring);

#endif
