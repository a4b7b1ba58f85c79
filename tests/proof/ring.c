/* SPDX-License-Identifier: MIT */
/*
 * ring.c with rings of 2 and 4 entries in the place of 256 and 512: every state that a guest can bring it to, whatever
 * it writes to its indices, and in each of them every step. Nothing in ring.c depends on the sizes but that they are
 * powers of two, and on the indices but by their differences modulo 2^32; the cursors start where those wrap.
 */
#include "io/ring.h"
#undef RING_SQ_ENTRIES
#undef RING_CQ_ENTRIES
#define RING_SQ_ENTRIES 2u
#define RING_CQ_ENTRIES 4u
#include "../../monitor/io/ring.c" /* NOLINT: its text, with other sizes */

#include "tap.h"

#define HISTORY (1u << RING_CQ_ENTRIES)

/* All that decides what the monitor does next; the cursors themselves go round. */
struct state {
    uint32_t unread;    /* completions that the guest has not taken, by what the monitor knows */
    uint32_t in_flight; /* taken, not completed */
    uint32_t quiet;     /* those of them with UKVM_SQE_QUIET */
    uint32_t since;     /* completions since the last that ends a sleep; more than cq_entries are as many as one more */
    uint32_t loud;      /* of the last cq_entries completions, the newest in bit 0: whether it ends a sleep */
    bool held_up;
    bool lied; /* cq_head has gone back, over completions that were taken or never were: the guest's sleep is its own
                  matter then */
};

#define STATES (5u * 5u * 5u * 6u * HISTORY * 4u)

static struct ring_memory memory;
static struct ring ring;
static bool seen[STATES];
static struct state queue[STATES];
static unsigned queued, wrong, steps;

static void expect(bool condition) {
    wrong += !condition;
}

static void add(struct state s) {
    unsigned index =
        ((((s.unread * 5 + s.in_flight) * 5 + s.quiet) * 6 + s.since) * HISTORY + s.loud) * 4 + s.held_up * 2u + s.lied;
    expect(s.unread + s.in_flight <= RING_CQ_ENTRIES && s.quiet <= s.in_flight);
    if (index < STATES && !seen[index]) {
        seen[index] = true;
        queue[queued++] = s;
    }
}

static void enter(struct state s, uint32_t start) {
    ring = (struct ring){
        .shared = &memory,
        .sq_head = start,
        .cq_tail = start,
        .in_flight = s.in_flight,
        .quiet_in_flight = s.quiet,
        .loud_tail = start - s.since,
        .held_up = s.held_up,
    };
    memory.index = (struct ukvm_rings){.sq_tail = start, .cq_head = start - s.unread};
}

/* CALL-02 and RING-10, from what the guest has not taken. */
static void check_wakes(struct state s) {
    bool loud = s.loud & ((1u << s.unread) - 1);
    expect(s.lied || ring_wakes(&ring) == (loud || (s.unread > 0 && (s.held_up || s.in_flight == s.quiet))));
}

/* RING-03: each one once, in order, as it was in its slot. */
static void take(struct state s, uint32_t count, uint32_t quiet) {
    struct ukvm_sqe copy;
    for (uint32_t i = 0; i < RING_SQ_ENTRIES; i++)
        memory.sq[(ring.sq_head + i) % RING_SQ_ENTRIES] =
            (struct ukvm_sqe){.flags = i < quiet ? UKVM_SQE_QUIET : 0, .user_data = i};
    uint32_t head = ring.sq_head;
    for (uint32_t i = 0; i < count; i++) {
        ring_take(&ring, &copy);
        expect(copy.user_data == i);
    }
    ring_release(&ring);
    expect(ring.sq_head == head + count && memory.index.sq_head == ring.sq_head);
    s.in_flight += count;
    s.quiet += quiet;
    expect(ring.in_flight == s.in_flight && ring.quiet_in_flight == s.quiet);
    check_wakes(s);
    add(s);
}

/* The guest has put its indices `written` ahead and `unread` behind, and enters the monitor: RING-02 and RING-04. */
static void turn(struct state s, uint32_t start, uint32_t written, uint32_t unread) {
    uint32_t count = 0, room = RING_CQ_ENTRIES - s.in_flight - unread;
    enter(s, start);
    memory.index.sq_tail = start + written;
    memory.index.cq_head = start - unread;
    enum ring_result result = ring_available(&ring, &count);
    steps++;
    if (written > RING_SQ_ENTRIES || unread > RING_CQ_ENTRIES - s.in_flight) {
        expect(result == (written > RING_SQ_ENTRIES ? RING_SQ_AHEAD : RING_CQ_AHEAD));
        return;
    }
    expect(result == RING_OK && count == (written < room ? written : room) && ring.held_up == (written > room));
    s.lied = s.lied || unread > s.unread;
    s.unread = unread;
    s.held_up = written > room;
    for (uint32_t quiet = 0; quiet <= count && result == RING_OK; quiet++) {
        enter(s, start);
        take(s, count, quiet);
    }
}

/* Something in flight completes: RING-05. Its slot is one whose completion the guest has taken. */
static void complete(struct state s, uint32_t start, uint8_t flags, int32_t result) {
    struct ukvm_cqe before[RING_CQ_ENTRIES];
    const struct ukvm_sqe sqe = {.flags = flags, .user_data = 77};
    bool loud = flags == 0 || result < 0;
    enter(s, start);
    memset(memory.cq, 0x55, sizeof before);
    memcpy(before, memory.cq, sizeof before);
    expect(s.unread < RING_CQ_ENTRIES);
    ring_complete(&ring, &sqe, result);
    steps++;
    const struct ukvm_cqe *slot = &memory.cq[start % RING_CQ_ENTRIES];
    expect(slot->user_data == 77 && slot->result == result && slot->reserved == 0);
    before[start % RING_CQ_ENTRIES] = *slot;
    expect(memcmp(before, memory.cq, sizeof before) == 0);
    expect(memory.index.cq_tail == start + 1 && ring.cq_tail == start + 1);
    s.unread++;
    s.in_flight--;
    s.quiet -= flags;
    s.loud = (s.loud << 1 | loud) % HISTORY;
    s.since = loud ? 0 : s.since < RING_CQ_ENTRIES + 1 ? s.since + 1 : s.since;
    check_wakes(s);
    add(s);
}

static void explore(struct state s, uint32_t start) {
    /* Every distance near the limits, from either side, and those far away. */
    static const uint32_t distances[] = {0, 1, 2, 3, 4, 5, 6, UINT32_MAX, UINT32_MAX - 1, 1u << 31, (1u << 31) - 1};
    const unsigned count = sizeof distances / sizeof *distances;
    for (unsigned i = 0; i < count * count; i++)
        turn(s, start, distances[i % count], distances[i / count]);
    if (s.quiet > 0) {
        complete(s, start, UKVM_SQE_QUIET, 60);
        complete(s, start, UKVM_SQE_QUIET, -UKVM_EDOWN);
    }
    if (s.in_flight > s.quiet) {
        complete(s, start, 0, 60);
        complete(s, start, 0, -UKVM_EIO);
    }
}

int main(void) {
    static const uint32_t starts[] = {0, 3, UINT32_MAX - 1, UINT32_MAX, 1u << 31};
    add((struct state){0});
    for (unsigned i = 0; i < queued; i++)
        for (unsigned j = 0; j < sizeof starts / sizeof *starts; j++)
            explore(queue[i], starts[j]);
    is_u64(wrong, 0, "%u states and %u steps: RING-01 to RING-05 and RING-10 hold in each", queued, steps);
    ok(queued > 500 && queued < STATES, "which are neither few nor all that could be written down");
    return done_testing();
}
