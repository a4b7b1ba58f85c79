/* SPDX-License-Identifier: MIT */
/* links: monitor/io/ring.c */
#include "io/ring.h" /* the guest kernel has one of this name too */

#include "tap.h"

static struct ring_memory memory;

/* Rings that have been used for so long that their cursors stand where the arguments say. */
static struct ring ring_at(uint32_t sq_head, uint32_t cq_tail) {
    memset(&memory, 0, sizeof memory);
    memory.index.sq_tail = memory.index.sq_head = sq_head;
    memory.index.cq_head = memory.index.cq_tail = cq_tail;
    return (struct ring){.shared = &memory, .sq_head = sq_head, .cq_tail = cq_tail, .loud_tail = cq_tail};
}

static int available(struct ring *ring) {
    uint32_t count = 12345;
    enum ring_result result = ring_available(ring, &count);
    return result == RING_OK ? (int)count : (int)result;
}

/* The guest's end: writes a submission whose every field is made of `n`. */
static void guest_submit(uint32_t n) {
    memory.sq[memory.index.sq_tail % RING_SQ_ENTRIES] = (struct ukvm_sqe){
        .op = (uint8_t)n,
        .flags = (uint8_t)(n >> 3),
        .device = (uint16_t)~n,
        .length = n * 3,
        .arena = UINT64_C(0x100000001) * n,
        .offset = ~(uint64_t)n,
        .user_data = n,
    };
    memory.index.sq_tail++;
}

static void test_indices(uint32_t sq, uint32_t cq, const char *where) {
    struct ring ring = ring_at(sq, cq);
    unsigned wrong = 0;
    ok(available(&ring) == 0, "%s: nothing was submitted", where);
    for (uint32_t ahead = 0; ahead <= RING_SQ_ENTRIES; ahead++) {
        memory.index.sq_tail = sq + ahead;
        wrong += available(&ring) != (int)ahead;
    }
    is_u64(wrong, 0, "%s: sq_tail ahead by 0 to 256", where);

    static const uint32_t too_far[] = {RING_SQ_ENTRIES + 1, RING_CQ_ENTRIES, UINT32_C(1) << 31, UINT32_MAX};
    for (unsigned i = 0; i < sizeof too_far / sizeof *too_far; i++) {
        memory.index.sq_tail = sq + too_far[i];
        ok(available(&ring) == RING_SQ_AHEAD, "%s: sq_tail ahead by %u ends the guest", where, too_far[i]);
    }
    memory.index.sq_tail = sq;

    wrong = 0;
    for (uint32_t behind = 0; behind <= RING_CQ_ENTRIES; behind++) {
        memory.index.cq_head = cq - behind;
        wrong += available(&ring) != 0;
    }
    is_u64(wrong, 0, "%s: cq_head behind by 0 to 512", where);
    static const uint32_t too_late[] = {RING_CQ_ENTRIES + 1, UINT32_C(1) << 31, UINT32_MAX};
    for (unsigned i = 0; i < sizeof too_late / sizeof *too_late; i++) {
        memory.index.cq_head = cq - too_late[i];
        ok(available(&ring) == RING_CQ_AHEAD, "%s: cq_head behind by %u ends the guest", where, too_late[i]);
    }
    memory.index.cq_head = cq + 1;
    ok(available(&ring) == RING_CQ_AHEAD, "%s: cq_head ahead by 1 ends the guest", where);
}

/* RING-04: every state of completions not taken, submissions in flight and submissions in the ring. */
static void test_backpressure(uint32_t sq, uint32_t cq) {
    struct ring ring = ring_at(sq, cq);
    unsigned wrong = 0;
    for (uint32_t in_flight = 0; in_flight <= RING_CQ_ENTRIES; in_flight++)
        for (uint32_t unread = 0; unread <= RING_CQ_ENTRIES + 1; unread++) {
            uint32_t written = (in_flight * 7 + unread * 3) % (RING_SQ_ENTRIES + 1);
            ring.in_flight = in_flight;
            memory.index.cq_head = cq - unread;
            memory.index.sq_tail = sq + written;
            int want = RING_CQ_AHEAD; /* more than there was ever room for: cq_head went backwards */
            if (in_flight + unread <= RING_CQ_ENTRIES) {
                uint32_t room = RING_CQ_ENTRIES - in_flight - unread;
                want = (int)(written < room ? written : room);
            }
            wrong += available(&ring) != want;
        }
    is_u64(wrong, 0, "at 0x%x: no more are taken than there is room for their completions", sq);
    ring.in_flight = RING_CQ_ENTRIES;
    memory.index.sq_tail = sq + 5;
    memory.index.cq_head = cq;
    ok(available(&ring) == 0, "at 0x%x: with all in flight, submissions wait and are no error", sq);
    memory.index.cq_head = cq - 1;
    ok(available(&ring) == RING_CQ_AHEAD, "at 0x%x: a cq_head that goes back then ends the guest", sq);
    ring.in_flight = 100;
    memory.index.cq_head = cq + 1;
    ok(available(&ring) == RING_CQ_AHEAD, "at 0x%x: cq_head ahead ends the guest with submissions in flight too", sq);
}

/* Through both rings many times over, across 2^32, with completions out of order. */
static void test_traffic(void) {
    static struct ukvm_sqe in_flight[RING_CQ_ENTRIES];
    struct ring ring = ring_at(UINT32_MAX - 700, UINT32_MAX - 1500);
    uint32_t submitted = 0, taken = 0, completed = 0, read = 0, seed = 1;
    unsigned wrong = 0;
    while (read < 20000) {
        seed = seed * 1664525 + 1013904223;
        for (uint32_t n = seed >> 24; n > 0 && memory.index.sq_tail - memory.index.sq_head < RING_SQ_ENTRIES; n--)
            guest_submit(submitted++);
        int count = available(&ring);
        wrong += count < 0;
        for (int i = 0; i < count; i++) {
            uint32_t n = taken++;
            struct ukvm_sqe copy;
            ring_take(&ring, &copy);
            in_flight[n % RING_CQ_ENTRIES] = copy;
            wrong += copy.op != (uint8_t)n || copy.flags != (uint8_t)(n >> 3) || copy.device != (uint16_t)~n ||
                     copy.length != n * 3 || copy.arena != UINT64_C(0x100000001) * n || copy.offset != ~(uint64_t)n ||
                     copy.user_data != n;
        }
        ring_release(&ring);
        wrong += memory.index.sq_head != ring.sq_head || ring.in_flight != taken - completed;
        wrong += taken - read > RING_CQ_ENTRIES;
        for (uint32_t n = seed >> 8 & 0xff; n > 0 && ring.in_flight > 0; n--, completed++)
            ring_complete(&ring, &in_flight[completed % RING_CQ_ENTRIES], (int32_t)~completed);
        for (uint32_t n = seed >> 16 & 0xff; n > 0 && memory.index.cq_head != memory.index.cq_tail; n--, read++) {
            const struct ukvm_cqe *cqe = &memory.cq[memory.index.cq_head++ % RING_CQ_ENTRIES];
            wrong += cqe->user_data != read || cqe->result != (int32_t)~read || cqe->reserved != 0;
        }
    }
    is_u64(wrong, 0, "%u submissions go through, in order, whole, and wrap around", read);
    ok(ring.sq_head < UINT32_MAX - 700 && ring.cq_tail < UINT32_MAX - 1500, "both cursors did");
}

/* RING-01 and RING-03. */
static void test_hostile(void) {
    struct ring ring = ring_at(10, 20);
    struct ukvm_sqe copy;
    guest_submit(1);
    guest_submit(2);
    memory.index.sq_head = 77; /* the guest may write the monitor's indices, for all the good it does */
    memory.index.cq_tail = 99;
    ok(available(&ring) == 2, "what the guest writes to the monitor's indices is not used");
    ring_take(&ring, &copy);
    is_u64(copy.user_data, 1, "the first submission is at the monitor's own cursor");
    memory.sq[10 % RING_SQ_ENTRIES].user_data = 666;
    is_u64(copy.user_data, 1, "the copy stays as it was");
    is_u64(memory.index.sq_head, 77, "sq_head is published by ring_release() only");
    ring_release(&ring);
    is_u64(memory.index.sq_head, 11, "and is then the monitor's own");
    copy.user_data = 5; /* the monitor hands in its own copy */
    ring_complete(&ring, &copy, -UKVM_EIO);
    is_u64(memory.index.cq_tail, 21, "cq_tail is the monitor's own");
    is_u64(ring.in_flight, 0, "a completion ends a submission");
    ok(memory.cq[20].user_data == 5 && memory.cq[20].result == -UKVM_EIO, "the completion is in its slot");
    ok(ring_wakes(&ring), "there is a completion to take");
    memory.index.cq_head = 21;
    ok(!ring_wakes(&ring), "until the guest has taken it");
}

/* CALL-02 and RING-10, against a list of what is in flight and of what the guest has not taken. */
static void test_quiet(void) {
    struct ring ring = ring_at(UINT32_MAX - 300, UINT32_MAX - 500);
    struct ukvm_sqe pending[RING_CQ_ENTRIES];
    bool loud[RING_CQ_ENTRIES]; /* completions that end a sleep, by slot */
    unsigned count = 0, wrong = 0, slept = 0, seed = 7;
    for (unsigned step = 0; step < 50000; step++) {
        seed = seed * 1664525 + 1013904223;
        unsigned what = seed >> 28, n = seed >> 16;
        if (what < 4 && memory.index.sq_tail == ring.sq_head && available(&ring) == 0 &&
            count + (memory.index.cq_tail - memory.index.cq_head) < RING_CQ_ENTRIES) {
            memory.sq[memory.index.sq_tail++ % RING_SQ_ENTRIES] =
                (struct ukvm_sqe){.flags = n % 4 ? UKVM_SQE_QUIET : 0, .user_data = n};
            ring_take(&ring, &pending[count++]);
            ring_release(&ring);
        } else if (what < 8 && count > 0) {
            unsigned i = n % count;
            int32_t result = n % 16 == 0 ? -UKVM_EDOWN : 60;
            loud[ring.cq_tail % RING_CQ_ENTRIES] = !(pending[i].flags & UKVM_SQE_QUIET) || result < 0;
            ring_complete(&ring, &pending[i], result);
            pending[i] = pending[--count];
        } else if (memory.index.cq_head != memory.index.cq_tail) {
            memory.index.cq_head++;
        }
        bool wakes = false, loud_in_flight = false;
        for (uint32_t at = memory.index.cq_head; at != ring.cq_tail; at++)
            wakes = wakes || loud[at % RING_CQ_ENTRIES];
        for (unsigned i = 0; i < count; i++)
            loud_in_flight = loud_in_flight || !(pending[i].flags & UKVM_SQE_QUIET);
        wakes = wakes || (!loud_in_flight && memory.index.cq_head != ring.cq_tail);
        wrong += ring_wakes(&ring) != wakes;
        slept += !wakes && memory.index.cq_head != ring.cq_tail;
    }
    is_u64(wrong, 0, "a quiet success ends no sleep while a loud submission is in flight; anything else does");
    ok(slept > 1000, "with quiet completions unread often enough");

    /* Quiet completions fill the completion ring: what waits for room would wait for ever if they ended no sleep. */
    ring = ring_at(0, 0);
    struct ukvm_sqe quiet = {.flags = UKVM_SQE_QUIET};
    for (unsigned i = 0; i < RING_CQ_ENTRIES; i++) {
        memory.sq[memory.index.sq_tail++ % RING_SQ_ENTRIES] = i ? quiet : (struct ukvm_sqe){0};
        ring_take(&ring, &pending[i]);
        if (i)
            ring_complete(&ring, &pending[i], 60);
    }
    ok(available(&ring) == 0 && !ring_wakes(&ring), "quiet completions alone do not end the sleep");
    memory.index.sq_tail++;
    ok(available(&ring) == 0 && ring_wakes(&ring), "they do when a submission waits for room");
    memory.index.cq_head = 1;
    ok(available(&ring) == 1 && !ring_wakes(&ring), "until there is room");

    ring = ring_at(0, 0);
    memory.index.cq_head = 1;
    ok(ring_wakes(&ring), "a cq_head that is ahead makes no sleep for ever");
}

int main(void) {
    static const struct {
        uint32_t sq, cq;
        const char *name;
    } places[] = {
        {0, 0, "at the start"},
        {RING_SQ_ENTRIES - 1, RING_CQ_ENTRIES - 1, "at the rings' ends"},
        {UINT32_MAX - 100, UINT32_MAX - 200, "before 2^32"},
        {UINT32_MAX, UINT32_MAX, "at 2^32 - 1"},
        {UINT32_C(1) << 31, (UINT32_C(1) << 31) - 1, "at 2^31"},
    };
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        test_indices(places[i].sq, places[i].cq, places[i].name);
        test_backpressure(places[i].sq, places[i].cq);
    }
    test_traffic();
    test_hostile();
    test_quiet();
    return done_testing();
}
