/* SPDX-License-Identifier: MIT */
/* The console: writes that fail, what the streams are, and reading. */
#include "guest.h"

#define READ(...) \
    { .op = UKVM_OP_CONSOLE_READ, .device = UKVM_CONSOLE_IN, __VA_ARGS__ }
#define POLL \
    { .op = UKVM_OP_CONSOLE_POLL, .device = UKVM_CONSOLE_IN }
#define WRITE(...) \
    { .op = UKVM_OP_CONSOLE_WRITE, .device = UKVM_CONSOLE_OUT, __VA_ARGS__ }

/* ---- writes that fail: told by the exit status, as text cannot ---- */

/* Standard output has room for a multiple of a page, little enough: one write comes short, and the next one fails. */
static void short_write(void) {
    const uint32_t size = UKVM_PAGE_SIZE - 96;
    int32_t n, next;
    do
        n = perform((struct ukvm_sqe)WRITE(.arena = ARENA_FREE, .length = size));
    while (n == (int32_t)size);
    next = perform((struct ukvm_sqe)WRITE(.arena = ARENA_FREE, .length = size));
    hypercall(UKVM_PORT_EXIT, n > 0 && next == -UKVM_ENOSPC ? 43 : 1);
}

/* One write to each of the two streams, of which standard output is broken, and a second one behind it. */
static void failed_write(void) {
    struct ukvm_cqe cqe;
    unsigned failed = 0, written = 0;
    *arena(ARENA_FREE) = 'e';
    push((struct ukvm_sqe)WRITE(.arena = ARENA_FREE, .length = 1));
    push((struct ukvm_sqe){
        .op = UKVM_OP_CONSOLE_WRITE, .device = UKVM_CONSOLE_ERR, .arena = ARENA_FREE, .length = 1, .user_data = 1});
    push((struct ukvm_sqe)WRITE(.arena = ARENA_FREE, .length = 1));
    await(3);
    while (take(&cqe)) {
        failed += cqe.user_data == 0 && cqe.result == -(int32_t)number_argument(2);
        written += cqe.user_data == 1 && cqe.result == 1;
    }
    hypercall(UKVM_PORT_EXIT, failed == 2 && written == 1 ? 43 : 1);
}

/* Pieces of a page, all at once; a gap would show in what has come out. */
static void no_gap(void) {
    for (uint32_t i = 0; i < 3; i++) {
        memset(arena(ARENA_FREE + i * 2048), 'a' + (int)i, 2048);
        push((struct ukvm_sqe)WRITE(.arena = ARENA_FREE + i * 2048, .length = i == 1 ? 2048 : 1024));
    }
    await(3);
    hypercall(UKVM_PORT_EXIT, 43);
}

/* A write that only EXIT takes. */
static void write_at_exit(void) {
    memcpy(arena(ARENA_FREE), "last\n", 5);
    push((struct ukvm_sqe)WRITE(.arena = ARENA_FREE, .length = 5));
    hypercall(UKVM_PORT_EXIT, (uint32_t)number_argument(2));
}

/* ---- what there is ---- */

static void kinds(void) {
    for (unsigned i = 0; i < UKVM_STREAMS; i++)
        note("kind", boot->streams[i]);
    ok(all_bytes(boot->reserved, 0, sizeof boot->reserved), "reserved bytes are 0");
}

/* ---- reading ---- */

/* All there is, in pieces of at most the third argument, to standard output. */
static void copy(void) {
    uint32_t most = (uint32_t)number_argument(2);
    int32_t n, last = 0;
    while ((n = perform((struct ukvm_sqe)READ(.arena = ARENA_FREE, .length = most))) > 0) {
        if ((uint32_t)n > most)
            hypercall(UKVM_PORT_EXIT, 1);
        perform((struct ukvm_sqe)WRITE(.arena = ARENA_FREE, .length = (uint32_t)n));
        last = n;
    }
    hypercall(UKVM_PORT_EXIT, n == 0 ? (last ? 43 : 42) : 1);
}

/* Four bytes and no more. */
static void some(void) {
    int32_t n = perform((struct ukvm_sqe)READ(.arena = ARENA_FREE, .length = 4));
    perform((struct ukvm_sqe)WRITE(.arena = ARENA_FREE, .length = 4));
    hypercall(UKVM_PORT_EXIT, n == 4 ? 43 : 1);
}

static void reading_rules(void) {
    static const struct bad bad[] = {
        {"a read of standard output", {.op = UKVM_OP_CONSOLE_READ, .device = UKVM_CONSOLE_OUT, .length = 1}},
        {"a read of a fourth stream", {.op = UKVM_OP_CONSOLE_READ, .device = 3, .length = 1}},
        {"a read with an offset", READ(.length = 1, .offset = 1)},
        {"a read with flags", READ(.length = 1, .flags = UKVM_SQE_QUIET)},
        {"a read of nothing", READ(.length = 0)},
        {"a read to beyond the arena", READ(.length = 1, .arena = UINT64_C(1) << 40)},
    };
    refused(bad, COUNT(bad));
}

static void polling_rules(void) {
    static const struct bad bad[] = {
        {"a poll of standard output", {.op = UKVM_OP_CONSOLE_POLL, .device = UKVM_CONSOLE_OUT}},
        {"a poll with a length", {.op = UKVM_OP_CONSOLE_POLL, .device = UKVM_CONSOLE_IN, .length = 1}},
        {"a poll with a buffer", {.op = UKVM_OP_CONSOLE_POLL, .device = UKVM_CONSOLE_IN, .arena = 1}},
        {"a poll with an offset", {.op = UKVM_OP_CONSOLE_POLL, .device = UKVM_CONSOLE_IN, .offset = 1}},
    };
    refused(bad, COUNT(bad));
}

/* Nobody writes to standard input, or it is not there. */
static void absent(void) {
    is(perform((struct ukvm_sqe)READ(.arena = ARENA_FREE, .length = 1)), -UKVM_EINVAL, "a read of no stream");
}

static void absent_poll(void) {
    is(perform((struct ukvm_sqe)POLL), -UKVM_EINVAL, "a poll of no stream");
}

static void one_at_a_time(struct ukvm_sqe sqe) {
    struct ukvm_cqe cqe = {.result = LOST};
    sqe.user_data = 1;
    push(sqe);
    sqe.user_data = 2;
    push(sqe);
    await(1);
    take(&cqe);
    ok(cqe.user_data == 2 && cqe.result == -UKVM_EINVAL, "the second at a time is refused");
    wait_until(now() + 50 * MILLISECOND);
    ok(ready() == 0, "the first waits");
}

static void one_read(void) {
    one_at_a_time((struct ukvm_sqe)READ(.arena = ARENA_FREE, .length = 1));
}

static void one_poll(void) {
    one_at_a_time((struct ukvm_sqe)POLL);
}

/* Waits until there is something, says so, and reads it. */
static void poll_and_read(void) {
    struct ukvm_cqe cqe = {.result = LOST};
    push((struct ukvm_sqe)POLL);
    say("waiting");
    memcpy(arena(0), "waiting\n", 8);
    push((struct ukvm_sqe)WRITE(.arena = 0, .length = 8, .user_data = 1));
    do {
        wait_until(UKVM_DEADLINE_NONE);
        take(&cqe);
    } while (cqe.user_data == 1);
    int32_t events = cqe.result, n = perform((struct ukvm_sqe)READ(.arena = ARENA_FREE, .length = 64));
    if (n > 0)
        perform((struct ukvm_sqe)WRITE(.arena = ARENA_FREE, .length = (uint32_t)n));
    hypercall(UKVM_PORT_EXIT, (uint32_t)(40 + events));
}

/* Ends with both in flight: the third argument says how. */
static void end_while_reading(void) {
    push((struct ukvm_sqe)POLL);
    push((struct ukvm_sqe)READ(.arena = ARENA_FREE, .length = 4));
    kick();
    if (argument(2))
        __asm__ volatile("ud2");
    hypercall(UKVM_PORT_EXIT, 43);
}

const struct check checks[] = {
    {"UKVM-CON-03", short_write},
    {"UKVM-CON-04", failed_write},
    {"UKVM-CON-04 gap", no_gap},
    {"UKVM-CALL-06", write_at_exit},
    {"UKVM-CON-05", kinds},
    {"UKVM-CON-06", reading_rules},
    {"UKVM-CON-06 copy", copy},
    {"UKVM-CON-06 some", some},
    {"UKVM-CON-06 absent", absent},
    {"UKVM-CON-06 one", one_read},
    {"UKVM-CON-07", polling_rules},
    {"UKVM-CON-07 absent", absent_poll},
    {"UKVM-CON-07 one", one_poll},
    {"UKVM-CON-07 waits", poll_and_read},
    {"UKVM-CON-08", end_while_reading},
    {NULL, NULL},
};
