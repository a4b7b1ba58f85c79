/* SPDX-License-Identifier: MIT */
/* Hypercalls, rings and console, without any device. ABI.md, CALL, RING, CON. */
#include "guest.h"

#define OUT UKVM_CONSOLE_OUT
#define ERR UKVM_CONSOLE_ERR
#define CONSOLE(stream, at, size, ...) \
    { .op = UKVM_OP_CONSOLE_WRITE, .device = (stream), .arena = (at), .length = (size), __VA_ARGS__ }

/* Breaks a rule, so it completes with -UKVM_EINVAL and does nothing else. */
static struct ukvm_sqe nothing(uint64_t user_data) {
    return (struct ukvm_sqe){.op = UINT8_MAX, .user_data = user_data};
}

/* Takes all completions that are there; counts those of submissions `first` to `first + COUNT(seen)`. */
static uint8_t seen[4096];
static unsigned strangers;

static uint32_t take_all(uint64_t first) {
    struct ukvm_cqe cqe;
    uint32_t taken = 0;
    for (; take(&cqe); taken++) {
        if (cqe.user_data - first < COUNT(seen) && cqe.result == -UKVM_EINVAL && cqe.reserved == 0)
            seen[cqe.user_data - first]++;
        else
            strangers++;
    }
    return taken;
}

/* ---- CALL ---- */

/* The shortest of a few, for the host has other things to do. The deadline is so far ahead; 0 has passed. */
static uint64_t shortest(uint16_t port, uint64_t ahead) {
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t began = now();
        rings()->deadline = ahead ? began + ahead : 0;
        hypercall(port, 0);
        uint64_t took = now() - began;
        best = took < best ? took : best;
    }
    return best;
}

static void kicks(void) {
    ok(registers_survive(UKVM_PORT_KICK), "KICK changes no register");
    ok(shortest(UKVM_PORT_KICK, SECOND / 2) < SECOND / 10, "KICK does not sleep");
    push(nothing(1));
    kick();
    is(rings()->sq_head, 1, "KICK takes the submission");
    is(ready(), 1, "and writes the completion that is ready");
}

/* The text arrives although the guest never enters the monitor again. */
static void kick_starts(void) {
    memcpy(arena(ARENA_FREE), "started\n", 8);
    push((struct ukvm_sqe)CONSOLE(OUT, ARENA_FREE, 8));
    kick();
    for (;;)
        __asm__ volatile("pause");
}

static void waits(void) {
    static const uint64_t sleeps[] = {0, MILLISECOND / 2, 3 * MILLISECOND, 50 * MILLISECOND};
    bool early = false, late = false;
    ok(registers_survive(UKVM_PORT_WAIT), "WAIT changes no register");
    for (unsigned i = 0; i < COUNT(sleeps); i++) {
        uint64_t began = now();
        wait_until(began + sleeps[i]);
        uint64_t took = now() - began;
        note("slept", took);
        early = early || took < sleeps[i];
        late = late || took > sleeps[i] + SECOND;
    }
    ok(!early, "WAIT sleeps until the deadline");
    ok(!late, "and no longer");
    ok(shortest(UKVM_PORT_WAIT, 1) < SECOND / 10, "it returns at once if the deadline has passed");
    ok(shortest(UKVM_PORT_WAIT, 0) < SECOND / 10, "a deadline of 0 has passed");
    push(nothing(1));
    wait_until(UKVM_DEADLINE_NONE);
    is(ready(), 1, "WAIT takes submissions, and a completion ends it");
    uint64_t began = now();
    wait_until(began + 2 * SECOND);
    ok(now() - began < SECOND, "it does not sleep while a completion is there");
    is(ready(), 1, "which it leaves alone");
}

static void only_during(void) {
    push(nothing(1));
    spin_until(now() + 30 * MILLISECOND);
    is(rings()->sq_head, 0, "nothing is taken without a hypercall");
    is(ready(), 0, "and nothing completes");
    memset(arena(ARENA_FREE), 0x55, ARENA_FREE);
    kick();
    spin_until(now() + 10 * MILLISECOND);
    ok(all_bytes(arena(ARENA_FREE), 0x55, ARENA_FREE), "the arena is as the guest left it");
    is(ready(), 1, "the hypercall takes it");
}

/* Leaves two writes in the ring, to both streams, and ends with the second argument as the value of EAX. */
static void exit_with_work(void) {
    memcpy(arena(ARENA_FREE), "out\nerr\n", 8);
    push((struct ukvm_sqe)CONSOLE(OUT, ARENA_FREE, 4));
    push((struct ukvm_sqe)CONSOLE(ERR, ARENA_FREE + 4, 4));
    hypercall(UKVM_PORT_EXIT, (uint32_t)number_argument(2));
}

/* ---- RING ---- */

static void indices(void) {
    struct ukvm_rings *r = rings();
    ok(r->sq_tail == 0 && r->cq_head == 0 && r->deadline == 0 && r->sq_head == 0 && r->cq_tail == 0,
       "all indices start at 0");
    r->sq_head = 0xdeadbeef;
    r->cq_tail = 0x12345678;
    for (unsigned i = 0; i < 3; i++)
        push(nothing(i));
    kick();
    is(r->sq_head, 3, "a wrong sq_head has no influence");
    is(r->cq_tail, 3, "nor a wrong cq_tail");
    is(take_all(0), 3, "three completions");
    ok(strangers == 0 && seen[0] == 1 && seen[1] == 1 && seen[2] == 1, "in the slots where they belong");
    bool right = true;
    for (unsigned i = 0; i < 40; i++) {
        memset(seen, 0, sizeof seen);
        for (unsigned j = 0; j < boot->sq_entries / 2 + 1; j++)
            push(nothing(j));
        kick();
        right = right && await(boot->sq_entries / 2 + 1) && take_all(0) == boot->sq_entries / 2 + 1 &&
                all_bytes(seen, 1, boot->sq_entries / 2 + 1);
    }
    ok(right && strangers == 0, "they run on around both rings");
}

/* What the rules allow at their edges; what they do not is in end.c. */
static void edges(void) {
    for (unsigned i = 0; i < boot->sq_entries; i++)
        push(nothing(i));
    kick();
    ok(await(boot->sq_entries), "sq_tail may be ahead by sq_entries");
    take_all(0);
    for (unsigned i = 0; i < boot->cq_entries; i += boot->sq_entries) {
        for (unsigned j = 0; j < boot->sq_entries; j++)
            push(nothing(j));
        kick();
    }
    is(ready(), boot->cq_entries, "cq_head may be behind by cq_entries");
    kick();
    is(take_all(0), boot->cq_entries, "and the guest goes on");
    ok(strangers == 0, "with nothing else in the ring");
}

static void room(void) {
    unsigned pushed = 0, total = 3 * boot->cq_entries;
    memset(seen, 0, sizeof seen);
    while (pushed < total && pushed - rings()->sq_head < boot->sq_entries) {
        push(nothing(pushed++));
        if (pushed % boot->sq_entries == 0)
            kick();
    }
    kick();
    is(ready(), boot->cq_entries, "completions that nobody takes fill the ring, and no more");
    is(rings()->sq_head, boot->cq_entries, "the next submissions stay where they are");
    uint32_t taken = take_all(0);
    for (unsigned i = 0; i < 100 && taken < total; i++) {
        while (pushed < total && pushed - rings()->sq_head < boot->sq_entries)
            push(nothing(pushed++));
        kick();
        taken += take_all(0);
    }
    is(taken, total, "nothing is lost");
    ok(all_bytes(seen, 1, total) && strangers == 0, "nothing comes twice");
}

static void once(void) {
    static const uint64_t names[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, 0x0123456789abcdef, 0, 0x80000000, 42};
    unsigned found[COUNT(names)] = {0}, others = 0;
    struct ukvm_cqe cqe;
    for (unsigned i = 0; i < COUNT(names); i++)
        push((struct ukvm_sqe){.op = UKVM_OP_CONSOLE_WRITE,
                               .device = i % 2 ? UKVM_CONSOLE_OUT : 77, /* half of them fail */
                               .arena = ARENA_FREE,
                               .length = 1,
                               .user_data = names[i]});
    *arena(ARENA_FREE) = '\n';
    ok(await(COUNT(names)), "each submission completes");
    while (take(&cqe)) {
        bool known = false;
        for (unsigned i = 0; i < COUNT(names) && !known; i++) {
            known = !found[i] && names[i] == cqe.user_data && cqe.result == (i % 2 ? 1 : -UKVM_EINVAL);
            found[i] += known;
        }
        others += !known;
    }
    ok(others == 0, "each completion has its submission's user_data");
    wait_until(now() + 20 * MILLISECOND);
    is(ready(), 0, "none comes twice");
}

static void rules(void) {
    const struct bad bad[] = {
        {"all zero", {0}},
        {"operation 200", {.op = 200, .device = 1, .arena = ARENA_FREE, .length = 4}},
        {"operation 255", {.op = 255, .device = 1, .arena = ARENA_FREE, .length = 4}},
        {"stream 0", CONSOLE(0, ARENA_FREE, 4)},
        {"stream 3", CONSOLE(3, ARENA_FREE, 4)},
        {"stream 65535", CONSOLE(65535, ARENA_FREE, 4)},
        {"a console write with an offset", CONSOLE(OUT, ARENA_FREE, 4, .offset = 1)},
        {"one with a high offset", CONSOLE(OUT, ARENA_FREE, 4, .offset = UINT64_C(1) << 63)},
        {"one that is quiet", CONSOLE(OUT, ARENA_FREE, 4, .flags = UKVM_SQE_QUIET)},
        {"flag 2", CONSOLE(OUT, ARENA_FREE, 4, .flags = 2)},
        {"flag 128", CONSOLE(OUT, ARENA_FREE, 4, .flags = 128)},
        {"a read from a device that is not there",
         {.op = UKVM_OP_BLK_READ, .device = 0, .arena = ARENA_FREE, .length = 512}},
        {"a write to device 15", {.op = UKVM_OP_BLK_WRITE, .device = 15, .arena = ARENA_FREE, .length = 512}},
        {"a flush of device 16", {.op = UKVM_OP_BLK_FLUSH, .device = 16}},
        {"a discard on device 65535", {.op = UKVM_OP_BLK_DISCARD, .device = 65535, .length = 512}},
        {"a frame to device 0", {.op = UKVM_OP_NET_SEND, .device = 0, .arena = ARENA_FREE, .length = 64}},
        {"a frame from device 255", {.op = UKVM_OP_NET_RECV, .device = 255, .arena = ARENA_FREE, .length = 2048}},
        {"memory of a device", {.op = UKVM_OP_MEM_RETURN, .device = 1, .length = 4096}},
        {"memory in the arena", {.op = UKVM_OP_MEM_RETURN, .arena = ARENA_FREE, .length = 4096}},
    };
    memcpy(arena(ARENA_FREE), "BAD\n", 4); /* the test outside looks for it */
    refused(bad, COUNT(bad));
    is(perform((struct ukvm_sqe)CONSOLE(ERR, ARENA_FREE, 4)), 4, "a good one still works");
}

static void buffers(void) {
    uint64_t size = boot->arena_size;
    const struct bad bad[] = {
        {"a length of 0", CONSOLE(OUT, ARENA_FREE, 0)},
        {"one byte behind the arena", CONSOLE(OUT, size, 1)},
        {"over its end by one byte", CONSOLE(OUT, size - 1, 2)},
        {"over its end by a page", CONSOLE(OUT, size - 4096, 4097)},
        {"longer than the arena", CONSOLE(OUT, 0, (uint32_t)size + 1)},
        {"the longest length", CONSOLE(OUT, 0, UINT32_MAX)},
        {"far away", CONSOLE(OUT, UINT64_C(1) << 40, 1)},
        {"the last offset", CONSOLE(OUT, UINT64_MAX, 1)},
        {"an offset that wraps to the arena's start", CONSOLE(OUT, UINT64_MAX, 2)},
        {"an offset below the arena", CONSOLE(OUT, -(uint64_t)4096, 1)},
        {"an address in place of an offset", CONSOLE(OUT, boot->arena_addr, 1)},
    };
    refused(bad, COUNT(bad));
    *arena(size - 1) = '\n';
    is(perform((struct ukvm_sqe)CONSOLE(OUT, size - 1, 1)), 1, "the arena's last byte");
    memcpy(arena(size - 4), "end\n", 4);
    is(perform((struct ukvm_sqe)CONSOLE(OUT, size - 4, 4)), 4, "a buffer that ends with the arena");
}

static void bounded(void) {
    for (unsigned i = 0; i < boot->sq_entries; i++)
        push(nothing(i));
    kick();
    ok(rings()->sq_head <= boot->sq_entries, "a hypercall takes no more than sq_entries");
    ok(ready() <= boot->cq_entries, "and writes no more than cq_entries");
    for (unsigned i = 0; i < 4 && ready() < boot->sq_entries; i++)
        kick();
    is(ready(), boot->sq_entries, "what was submitted completes");
    kick();
    wait_until(0);
    is(ready(), boot->sq_entries, "and no more than that");
}

/* ---- CON ---- */

/* Bytes of every value to standard output, a line to standard error. */
static void streams(void) {
    for (unsigned i = 0; i < 256; i++)
        *arena(ARENA_FREE + i) = (uint8_t)i;
    memcpy(arena(ARENA_FREE + 256), "error\n", 6);
    int32_t out = perform((struct ukvm_sqe)CONSOLE(OUT, ARENA_FREE, 256));
    int32_t err = perform((struct ukvm_sqe)CONSOLE(ERR, ARENA_FREE + 256, 6));
    hypercall(UKVM_PORT_EXIT, out == 256 && err == 6 ? 0 : 1);
}

/* What a stream that cannot be written gives; told by the exit status, as text cannot. */
static void broken_stream(void) {
    int32_t first = perform((struct ukvm_sqe)CONSOLE(OUT, ARENA_FREE, 4)),
            second = perform((struct ukvm_sqe)CONSOLE(OUT, ARENA_FREE, 4));
    bool known = first < 0 && first >= -UKVM_EPIPE && second < 0 && second >= -UKVM_EPIPE;
    hypercall(UKVM_PORT_EXIT, known ? (uint32_t)-first + 40 : 1);
}

static unsigned put_number(uint8_t *at, unsigned number) {
    for (unsigned i = 0; i < 5; i++, number /= 10)
        at[4 - i] = (uint8_t)('0' + number % 10);
    return 5;
}

/* Lines 00000 to 01999 to both streams, in batches, each with as many more letters as its number modulo 97 says. */
static void lines(void) {
    enum { LINES = 2000, BATCH = 32, ROOM = 128 };
    bool whole = true;
    struct ukvm_cqe cqe;
    for (unsigned first = 0; first < LINES; first += BATCH) {
        unsigned batch = LINES - first < BATCH ? LINES - first : BATCH;
        for (unsigned i = 0; i < batch; i++) {
            uint64_t at = ARENA_FREE + i * ROOM;
            unsigned size = put_number(arena(at), first + i), more = (first + i) % 97;
            memset(arena(at + size), 'x', more);
            *arena(at + size + more) = '\n';
            push((struct ukvm_sqe)CONSOLE(OUT, at, size + more + 1, .user_data = size + more + 1));
            push((struct ukvm_sqe)CONSOLE(ERR, at, size + more + 1, .user_data = size + more + 1));
        }
        whole = await(2 * batch) && whole;
        while (take(&cqe))
            whole = whole && cqe.result == (int32_t)cqe.user_data;
    }
    hypercall(UKVM_PORT_EXIT, whole ? 0 : 1);
}

const struct check checks[] = {
    {"UKVM-CALL-01", kicks},       {"UKVM-CALL-01 starts", kick_starts},
    {"UKVM-CALL-02", waits},       {"UKVM-CALL-03", exit_with_work},
    {"UKVM-CALL-04", only_during}, {"UKVM-RING-01", indices},
    {"UKVM-RING-02", edges},       {"UKVM-RING-04", room},
    {"UKVM-RING-05", once},        {"UKVM-RING-06", rules},
    {"UKVM-RING-08", buffers},     {"UKVM-RING-09", bounded},
    {"UKVM-CON-01", streams},      {"UKVM-CON-01 broken", broken_stream},
    {"UKVM-CON-02", lines},        {NULL, NULL},
};
