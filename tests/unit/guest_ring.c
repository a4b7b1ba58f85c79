/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/ring.c */
#include "core/ring.h"

#include "tap.h"

#define SQ 8
#define CQ 16
#define IOS 64

static struct ukvm_rings shared;
static struct ukvm_sqe sq[SQ];
static struct ukvm_cqe cq[CQ];
static struct uk_ring ring;
static struct uk_io ios[IOS];
static unsigned called, panics;

/* The monitor's private cursors. */
static uint32_t sq_head, cq_tail;

void uk_panic(const char *format, ...) {
    (void)format;
    printf("Bail out! panic\n");
    exit(1);
}

static void done(struct uk_io *io, int32_t result) {
    (void)io;
    (void)result;
    called++;
}

/* Indices start at `index`, so that they can wrap during the test. */
static void init(uint32_t index) {
    struct ukvm_boot boot = {
        .rings_addr = (uintptr_t)&shared,
        .sq_addr = (uintptr_t)sq,
        .cq_addr = (uintptr_t)cq,
        .sq_entries = SQ,
        .cq_entries = CQ,
    };
    uk_ring_init(&ring, &boot);
    ring.sq_tail = ring.cq_head = sq_head = cq_tail = index;
    shared = (struct ukvm_rings){.sq_tail = index, .cq_head = index, .sq_head = index, .cq_tail = index};
    memset(ios, 0, sizeof ios);
    called = panics = 0;
}

/* Takes submissions and completes each at once, as far as the completion ring has room; returns how many. */
static unsigned serve(unsigned max) {
    unsigned served = 0;
    while (served < max && sq_head != shared.sq_tail && cq_tail - shared.cq_head < CQ) {
        const struct ukvm_sqe *sqe = &sq[sq_head++ % SQ];
        cq[cq_tail++ % CQ] = (struct ukvm_cqe){.user_data = sqe->user_data, .result = (int32_t)sqe->length};
        served++;
    }
    shared.sq_head = sq_head;
    shared.cq_tail = cq_tail;
    return served;
}

static void submit(unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; i++) {
        ios[i].done = done;
        ios[i].sqe.length = i;
        uk_ring_submit(&ring, &ios[i]);
    }
}

static void arithmetic(void) {
    is_u64(uk_ring_slot(0xffffffffu, 8), 7, "the last index lies in the last slot");
    is_u64(uk_ring_slot(0, 8), 0, "and the one after it in the first");
    is_u64(uk_ring_used(3, 0xfffffffeu), 5, "entries are counted across the wrap");
}

static void one(void) {
    init(0);
    submit(5, 1);
    is_u64(shared.sq_tail, 1, "a submission is published");
    is_u64(sq[0].length, 5, "with its contents");
    is_u64(sq[0].user_data, (uintptr_t)&ios[5], "and its address as user_data");
    ok(ios[5].in_flight && ring.in_flight == 1, "it is in flight");
    is_u64(uk_ring_reap(&ring), 0, "nothing has completed");
    serve(1);
    is_u64(uk_ring_reap(&ring), 1, "one completion");
    is_u64(shared.cq_head, 1, "its slot is given back");
    ok(!ios[5].in_flight && ios[5].result == 5, "with the result");
    ok(uk_ring_take_ready(&ring) == &ios[5], "its callback is due");
    ok(!uk_ring_take_ready(&ring), "once");
}

static void without_callback(void) {
    init(0);
    uk_ring_submit(&ring, &ios[0]);
    serve(1);
    is_u64(uk_ring_reap(&ring), 1, "an operation without a callback completes");
    ok(!uk_ring_take_ready(&ring), "and calls nobody back");
    uk_ring_submit(&ring, &ios[0]);
    ok(ios[0].in_flight, "it can be used again");
}

/* More submissions than the ring has room for, all in order. */
static void overflow(uint32_t index) {
    init(index);
    submit(0, IOS);
    is_u64((uint32_t)(shared.sq_tail - index), SQ, "index %u: the ring is filled and not overrun", index);
    unsigned next = 0, misplaced = 0, turns = 0, taken = 0;
    while (taken < IOS && turns++ < 1000) {
        serve(SQ);
        uk_ring_refill(&ring);
        misplaced += shared.sq_tail - sq_head > SQ;
        uk_ring_reap(&ring);
        for (struct uk_io *io; (io = uk_ring_take_ready(&ring)); taken++)
            misplaced += io != &ios[next++];
    }
    is_u64(taken, IOS, "index %u: all complete", index);
    is_u64(misplaced, 0, "index %u: in order, and the ring is never overrun", index);
    is_u64(ring.in_flight, 0, "index %u: none is left", index);
}

static void amending(uint32_t index) {
    init(index);
    submit(0, SQ + 1);
    ios[2].sqe = (struct ukvm_sqe){.length = 100};
    ok(uk_ring_amend(&ring, &ios[2]), "index %u: what is in the ring can be changed", index);
    is_u64(sq[(index + 2) % SQ].length, 100, "index %u: it is", index);
    is_u64(sq[(index + 2) % SQ].user_data, (uintptr_t)&ios[2], "index %u: and still known", index);
    ios[SQ].sqe.length = 101;
    ok(!uk_ring_amend(&ring, &ios[SQ]), "index %u: what waits for room is not there", index);
    serve(3);
    ok(!uk_ring_amend(&ring, &ios[2]), "index %u: nor is what the monitor has taken", index);
    uk_ring_refill(&ring);
    is_u64(sq[index % SQ].length, 101, "index %u: what waited goes there as it is then", index);
    ok(uk_ring_amend(&ring, &ios[SQ]) && uk_ring_amend(&ring, &ios[3]), "index %u: the newest and the oldest", index);
}

static void order_behind_waiting(void) {
    init(0);
    submit(0, SQ + 1);
    serve(4);
    submit(SQ + 1, 1);
    is_u64(shared.sq_tail, SQ, "a submission does not overtake one that waits, though there is room");
    is_u64(uk_ring_refill(&ring), 2, "both follow");
    is_u64(sq[0].length, SQ, "the earlier first");
    is_u64(sq[1].length, SQ + 1, "the later second");
    is_u64(uk_ring_refill(&ring), 0, "then nothing waits");
}

/* A monitor that stops at CQ completions not yet taken. */
static void completion_ring_full(void) {
    init(0xfffffff0u);
    unsigned served = 0, reaped = 0;
    submit(0, CQ + SQ);
    for (unsigned turn = 0; turn < 4; turn++) {
        served += serve(IOS);
        uk_ring_refill(&ring);
    }
    is_u64(served, CQ, "the monitor stops when the completion ring is full");
    reaped += uk_ring_reap(&ring);
    is_u64(reaped, CQ, "a full completion ring is emptied");
    served += serve(IOS);
    reaped += uk_ring_reap(&ring);
    is_u64(reaped, CQ + SQ, "then the rest comes");
}

int main(void) {
    arithmetic();
    one();
    without_callback();
    overflow(0);
    overflow(0xffffffe0u);
    amending(0);
    amending(0xfffffffeu);
    order_behind_waiting();
    completion_ring_full();
    return done_testing();
}
