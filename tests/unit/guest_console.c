/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/console.c */
#include "core/console.h"
#include "core/wait.h"
#include "tap.h"

#define ARENA_SIZE 32768
#define BUFFERS 4
#define BUFFER 4096

static struct ukvm_boot boot = {.arena_size = ARENA_SIZE};
static char arena[ARENA_SIZE], printed[1 << 20];
static struct uk_io *pending[BUFFERS + 1];
static unsigned pendings, overlaps, kicks, awaits, ring_room = BUFFERS;
static size_t printed_length;
static uint64_t now, last_exit;
static int32_t fault;

/* ---- what console.c uses; the monitor prints at a kick or when somebody waits */

const struct ukvm_boot *uk_boot(void) {
    return &boot;
}

void uk_panic(const char *format, ...) {
    (void)format;
    printf("Bail out! panic\n");
    exit(1);
}

void *uk_arena_alloc(size_t size, size_t align) {
    (void)align;
    return size <= ARENA_SIZE ? arena : NULL;
}

uint64_t uk_arena_offset(const void *buffer) {
    return (uint64_t)((const char *)buffer - arena);
}

uint64_t uk_clock_monotonic(void) {
    return now;
}

uint64_t uk_last_exit(void) {
    return last_exit;
}

void uk_submit(struct uk_io *io) {
    overlaps += io->in_flight || pendings == BUFFERS;
    io->in_flight = true;
    pending[pendings++] = io;
}

/* A ring with room for `ring_room`. */
bool uk_amend(const struct uk_io *io) {
    unsigned at = 0;
    while (at < pendings && pending[at] != io)
        at++;
    return at < ring_room && at < pendings;
}

/* Each write as "STREAM:text". */
static void serve(void) {
    for (unsigned i = 0; i < pendings; i++) {
        const struct ukvm_sqe *sqe = &pending[i]->sqe;
        printed_length +=
            (size_t)sprintf(printed + printed_length, "%u:%.*s", sqe->device, (int)sqe->length, arena + sqe->arena);
        pending[i]->in_flight = false;
        pending[i]->result = fault ? fault : (int32_t)sqe->length;
    }
    pendings = 0;
    last_exit = now;
}

void uk_kick(void) {
    uk_console_seal();
    kicks++;
    serve();
}

int32_t uk_await(struct uk_io *io) {
    if (io->in_flight) {
        awaits++;
        serve();
    }
    return io->result;
}

/* ---- the test */

static void write_out(const char *text) {
    uk_console_write(UKVM_CONSOLE_OUT, text, strlen(text));
}

static void write_err(const char *text) {
    uk_console_write(UKVM_CONSOLE_ERR, text, strlen(text));
}

static void reset(void) {
    uk_console_flush();
    printed_length = 0;
    printed[0] = '\0';
    kicks = awaits = 0;
}

static void gathering(void) {
    reset();
    write_out("one\n");
    write_out("two\n");
    is_str(printed, "", "lines are gathered");
    is_u64(kicks, 0, "without an exit");
    is_u64(pendings, 1, "and are in the ring by then, where a crash does not reach them");
    is_u64(pending[0]->sqe.length, 8, "in one submission, which has grown");
    now += 11 * UK_MILLISECOND;
    write_out("three");
    is_str(printed, "", "half a line too, however long ago the last exit was");
    write_out("\n");
    is_str(printed, "1:one\ntwo\nthree\n", "a whole line then takes all with it");
    write_out("four\n");
    is_str(printed, "1:one\ntwo\nthree\n", "the next line can wait again");
    uk_console_flush();
    is_str(printed, "1:one\ntwo\nthree\n1:four\n", "a flush does not");
}

static void two_streams(void) {
    reset();
    write_out("before\n");
    write_err("problem\n");
    is_str(printed, "1:before\n2:problem\n", "an error message goes out at once, behind what came before it");
    is_u64(kicks, 1, "in one exit");
    write_out("after\n");
    write_err("half");
    is_str(printed, "1:before\n2:problem\n1:after\n2:half", "half a line of it too");
}

static void a_lot(void) {
    reset();
    static char want[50 * 1024], got[50 * 1024];
    for (size_t i = 0; i < sizeof want - 1; i++)
        want[i] = (char)('a' + i % 26);
    write_out(want);
    uk_console_flush();
    char *to = got;
    for (const char *from = printed; *from; from++)
        if (*from != '1' && *from != ':')
            *to++ = *from;
    is_str(got, want, "more than all buffers together comes out whole and in order");
    is_u64(overlaps, 0, "no buffer is written while it is in flight");
    ok(awaits <= sizeof want / (BUFFERS * BUFFER) + 2, "with a wait for each round of the buffers (%u)", awaits);
}

static void full_ring(void) {
    reset();
    ring_room = 0;
    write_out("now");
    is_str(printed, "1:now", "text that the ring has no room for goes out at once");
    ring_room = BUFFERS;
}

/* What a kernel with threads writes through: never waits. */
static void without_waiting(void) {
    static char text[BUFFERS * BUFFER + 100];
    memset(text, 'x', sizeof text);
    reset();
    is_u64(uk_console_room(UKVM_CONSOLE_OUT), BUFFERS * BUFFER, "there is room for all buffers");
    is_u64(uk_console_put(UKVM_CONSOLE_OUT, text, 10), 10, "what fits is taken");
    is_u64(uk_console_room(UKVM_CONSOLE_OUT), BUFFERS * BUFFER - 10, "and takes its room");
    is_u64(uk_console_room(UKVM_CONSOLE_ERR), (BUFFERS - 1) * BUFFER, "a whole buffer of it from the other stream");
    is_u64(uk_console_put(UKVM_CONSOLE_OUT, text, sizeof text), BUFFERS * BUFFER - 10,
           "no more than there is room for");
    is_u64(uk_console_put(UKVM_CONSOLE_OUT, text, 1), 0, "then nothing");
    is_u64(awaits + kicks, 0, "without an exit");
    serve();
    uk_console_look();
    is_u64(uk_console_room(UKVM_CONSOLE_OUT), BUFFERS * BUFFER, "what has completed makes room");
    uk_console_seal();
}

static void losses(void) {
    reset();
    uk_console_put(UKVM_CONSOLE_OUT, "12345", 5);
    fault = 3; /* a write that came short */
    is_u64(uk_console_settle(UKVM_CONSOLE_OUT), 2, "what did not go out is counted");
    fault = 0;
    ok(uk_console_error(UKVM_CONSOLE_OUT) == -UKVM_EPIPE, "and means that nobody reads a pipe any more");
    ok(uk_console_error(UKVM_CONSOLE_OUT) == 0, "told once");
    ok(uk_console_error(UKVM_CONSOLE_ERR) == 0, "and not of the other stream");
    uk_console_put(UKVM_CONSOLE_OUT, "12345", 5);
    is_u64(uk_console_settle(UKVM_CONSOLE_OUT), 0, "nothing is lost of the next one");
}

static void errors(void) {
    reset();
    fault = -UKVM_EIO;
    write_err("x");
    fault = 0;
    write_err("y");
    ok(uk_console_flush() == -UKVM_EIO, "an error is kept for the next flush");
    ok(uk_console_flush() == 0, "and told once");
}

int main(void) {
    uk_console_init();
    gathering();
    two_streams();
    a_lot();
    full_ring();
    errors();
    without_waiting();
    losses();
    return done_testing();
}
