/* SPDX-License-Identifier: MIT */
#include "ring.h"

static void append(struct uk_io_list *list, struct uk_io *io) {
    io->next = NULL;
    if (list->first)
        list->last->next = io;
    else
        list->first = io;
    list->last = io;
}

static struct uk_io *take_first(struct uk_io_list *list) {
    struct uk_io *io = list->first;
    if (io)
        list->first = io->next;
    return io;
}

void uk_ring_init(struct uk_ring *ring, const struct ukvm_boot *boot) {
    *ring = (struct uk_ring){
        .shared = (struct ukvm_rings *)boot->rings_addr,
        .sq = (struct ukvm_sqe *)boot->sq_addr,
        .cq = (const struct ukvm_cqe *)boot->cq_addr,
        .sq_entries = boot->sq_entries,
        .cq_entries = boot->cq_entries,
    };
}

/* Acquire: the slots that the monitor has copied are ours to write only after we have seen its index. */
static bool has_room(const struct uk_ring *ring) {
    uint32_t head = __atomic_load_n(&ring->shared->sq_head, __ATOMIC_ACQUIRE);
    return uk_ring_used(ring->sq_tail, head) < ring->sq_entries;
}

static void put(struct uk_ring *ring, const struct uk_io *io) {
    ring->sq[uk_ring_slot(ring->sq_tail, ring->sq_entries)] = io->sqe;
    __atomic_store_n(&ring->shared->sq_tail, ++ring->sq_tail, __ATOMIC_RELEASE);
}

void uk_ring_submit(struct uk_ring *ring, struct uk_io *io) {
    if (io->in_flight)
        uk_panic("operation %p submitted while in flight", (void *)io);
    io->in_flight = true;
    io->sqe.user_data = (uintptr_t)io;
    ring->in_flight++;
    if (!ring->waiting.first && has_room(ring))
        put(ring, io);
    else
        append(&ring->waiting, io);
}

bool uk_ring_amend(struct uk_ring *ring, const struct uk_io *io) {
    uint32_t head = __atomic_load_n(&ring->shared->sq_head, __ATOMIC_ACQUIRE);
    for (uint32_t at = ring->sq_tail; at != head; at--) {
        struct ukvm_sqe *slot = &ring->sq[uk_ring_slot(at - 1, ring->sq_entries)];
        if (slot->user_data != (uintptr_t)io)
            continue;
        *slot = io->sqe;
        slot->user_data = (uintptr_t)io;
        /* The next instruction may be the program's last. */
        __atomic_signal_fence(__ATOMIC_RELEASE);
        return true;
    }
    return false;
}

size_t uk_ring_refill(struct uk_ring *ring) {
    size_t moved = 0;
    while (ring->waiting.first && has_room(ring)) {
        put(ring, take_first(&ring->waiting));
        moved++;
    }
    return moved;
}

static void complete(struct uk_ring *ring, const struct ukvm_cqe *cqe) {
    struct uk_io *io = (struct uk_io *)cqe->user_data;
    ring->in_flight--;
    io->result = cqe->result;
    io->in_flight = false;
    if (io->done)
        append(&ring->ready, io);
}

unsigned uk_ring_reap(struct uk_ring *ring) {
    uint32_t tail = __atomic_load_n(&ring->shared->cq_tail, __ATOMIC_ACQUIRE);
    unsigned taken = uk_ring_used(tail, ring->cq_head);
    while (ring->cq_head != tail)
        complete(ring, &ring->cq[uk_ring_slot(ring->cq_head++, ring->cq_entries)]);
    if (taken)
        __atomic_store_n(&ring->shared->cq_head, tail, __ATOMIC_RELEASE);
    return taken;
}

struct uk_io *uk_ring_take_ready(struct uk_ring *ring) {
    return take_first(&ring->ready);
}
