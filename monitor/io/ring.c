/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include <string.h>

_Static_assert((RING_SQ_ENTRIES & (RING_SQ_ENTRIES - 1)) == 0, "a power of two");
_Static_assert((RING_CQ_ENTRIES & (RING_CQ_ENTRIES - 1)) == 0, "a power of two");

enum ring_result ring_available(struct ring *ring, uint32_t *count) {
    uint32_t tail = __atomic_load_n(&ring->shared->index.sq_tail, __ATOMIC_ACQUIRE);
    uint32_t head = __atomic_load_n(&ring->shared->index.cq_head, __ATOMIC_ACQUIRE);
    uint32_t written = tail - ring->sq_head;
    uint32_t unread = ring->cq_tail - head;
    if (written > RING_SQ_ENTRIES)
        return RING_SQ_AHEAD;
    if (unread > RING_CQ_ENTRIES - ring->in_flight)
        return RING_CQ_AHEAD;
    uint32_t room = RING_CQ_ENTRIES - ring->in_flight - unread;
    ring->held_up = written > room;
    *count = written < room ? written : room;
    return RING_OK;
}

static bool is_quiet(const struct ukvm_sqe *sqe) {
    return sqe->flags & UKVM_SQE_QUIET;
}

void ring_take(struct ring *ring, struct ukvm_sqe *copy) {
    const volatile struct ukvm_sqe *slot = &ring->shared->sq[ring->sq_head % RING_SQ_ENTRIES];
    /* volatile: exactly one read of each field, whatever the compiler would like to do later */
    copy->op = slot->op;
    copy->flags = slot->flags;
    copy->device = slot->device;
    copy->length = slot->length;
    copy->arena = slot->arena;
    copy->offset = slot->offset;
    copy->user_data = slot->user_data;
    ring->sq_head++;
    ring->in_flight++;
    ring->quiet_in_flight += is_quiet(copy);
}

void ring_release(const struct ring *ring) {
    __atomic_store_n(&ring->shared->index.sq_head, ring->sq_head, __ATOMIC_RELEASE);
}

void ring_complete(struct ring *ring, const struct ukvm_sqe *sqe, int32_t result) {
    ring->shared->cq[ring->cq_tail % RING_CQ_ENTRIES] =
        (struct ukvm_cqe){.user_data = sqe->user_data, .result = result};
    ring->cq_tail++;
    ring->in_flight--;
    ring->quiet_in_flight -= is_quiet(sqe);
    if (!is_quiet(sqe) || result < 0)
        ring->loud_tail = ring->cq_tail;
    __atomic_store_n(&ring->shared->index.cq_tail, ring->cq_tail, __ATOMIC_RELEASE);
}

bool ring_wakes(const struct ring *ring) {
    uint32_t unread = ring->cq_tail - __atomic_load_n(&ring->shared->index.cq_head, __ATOMIC_RELAXED);
    uint32_t quiet_since = ring->cq_tail - ring->loud_tail;
    return unread > quiet_since || (unread > 0 && (ring->held_up || ring->in_flight == ring->quiet_in_flight));
}
