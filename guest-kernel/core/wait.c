/* SPDX-License-Identifier: MIT */
/*
 * The only place that enters the monitor while the guest runs. An exit costs 1 to 30 us, so a turn of an event loop
 * makes exactly one: submissions pile up in the ring during the turn, and the WAIT at its end both starts them and
 * sleeps.
 */
#include "wait.h"
#include "console.h"
#include "hypercall.h"
#include "ring.h"
#include "timer.h"

static struct uk_ring ring;
static struct uk_stats stats;
static uint64_t last_exit;

void (*uk_await_hook)(struct uk_io *io);
void (*uk_exit_hook)(void);

void uk_wait_init(const struct ukvm_boot *boot) {
    uk_ring_init(&ring, boot);
}

void uk_submit(struct uk_io *io) {
    stats.submissions++;
    uk_ring_submit(&ring, io);
}

bool uk_amend(const struct uk_io *io) {
    return uk_ring_amend(&ring, io);
}

size_t uk_in_flight(void) {
    return ring.in_flight;
}

uint64_t uk_last_exit(void) {
    return last_exit;
}

struct uk_stats uk_stats(void) {
    return stats;
}

static void kick(void) {
    stats.kicks++;
    uk_hypercall(UKVM_PORT_KICK, 0);
    last_exit = uk_clock_monotonic();
}

static void run_exit_hook(void) {
    if (uk_exit_hook)
        uk_exit_hook();
}

/*
 * Submissions that do not fit the ring must not sleep with us: the completion that would let them in may never come,
 * for instance when the ring is full of receives. So the monitor empties the ring, by KICK, until the rest fits or it
 * has cq_entries in flight and takes no more.
 */
static void hand_over(void) {
    run_exit_hook();
    uk_console_seal();
    uk_ring_refill(&ring);
    while (ring.waiting.first) {
        kick();
        if (uk_ring_refill(&ring) == 0)
            return;
    }
}

static void enter_wait(uint64_t deadline) {
    hand_over();
    /* No check for completions that hand_over() brought: WAIT does not sleep over them. CALL-02. */
    ring.shared->deadline = deadline;
    stats.waits++;
    uint64_t before = uk_clock_monotonic();
    uk_hypercall(UKVM_PORT_WAIT, 0);
    last_exit = uk_clock_monotonic();
    stats.wait_ns += last_exit - before;
}

static unsigned reap(void) {
    unsigned taken = uk_ring_reap(&ring);
    stats.completions += taken;
    return taken;
}

/* The clock is read only if there is a timer. */
static unsigned run_timers(void) {
    return uk_timers_next() == UKVM_DEADLINE_NONE ? 0 : uk_timers_run(uk_clock_monotonic());
}

/*
 * Everything that is ready now. The count is of what was taken from the ring and of callbacks for what a blocking call
 * took from it before: a caller must not sleep when either was there.
 */
static unsigned dispatch(void) {
    bool left_over = ring.ready.first;
    unsigned taken = reap();
    struct uk_io *io;
    while ((io = uk_ring_take_ready(&ring)))
        io->done(io, io->result);
    uk_console_look();
    return taken + left_over + run_timers();
}

void uk_reap(void) {
    reap();
}

unsigned uk_dispatch(void) {
    return dispatch();
}

void uk_kick(void) {
    hand_over();
    kick();
}

/* The hook may start a timer that is due: then there is no need to leave. */
static unsigned dispatch_all(void) {
    unsigned taken = dispatch();
    if (taken)
        return taken;
    run_exit_hook();
    return uk_exit_hook ? run_timers() : 0;
}

unsigned uk_poll(void) {
    unsigned taken = dispatch_all();
    if (taken || ring.in_flight == 0)
        return taken;
    uk_kick();
    return dispatch();
}

unsigned uk_wait(uint64_t deadline) {
    unsigned taken = dispatch_all();
    if (taken)
        return taken;
    uint64_t timer = uk_timers_next();
    enter_wait(timer < deadline ? timer : deadline);
    return dispatch();
}

int32_t uk_await(struct uk_io *io) {
    if (io->done || (io->sqe.flags & UKVM_SQE_QUIET))
        uk_panic("uk_await(%p): it has a callback, or its completion wakes nobody", (void *)io);
    reap();
    if (uk_await_hook)
        uk_await_hook(io);
    while (io->in_flight) {
        enter_wait(UKVM_DEADLINE_NONE);
        reap();
    }
    return io->result;
}
