/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/timer.c */
#include "core/timer.h"
#include "tap.h"

static struct uk_timer a, b, c;
static char fired[16];

static void fire(struct uk_timer *timer) {
    size_t n = strlen(fired);
    fired[n] = timer == &a ? 'a' : timer == &b ? 'b' : 'c';
    fired[n + 1] = '\0';
}

static void fire_again(struct uk_timer *timer) {
    fire(timer);
    uk_timer_start(timer, timer->due + 10);
}

static void stop_b(struct uk_timer *timer) {
    fire(timer);
    uk_timer_stop(&b);
}

static void reset(void) {
    uk_timer_stop(&a);
    uk_timer_stop(&b);
    uk_timer_stop(&c);
    a.fire = b.fire = c.fire = fire;
    fired[0] = '\0';
}

int main(void) {
    reset();
    is_u64(uk_timers_next(), UKVM_DEADLINE_NONE, "no timer, no deadline");
    uk_timer_start(&b, 20);
    uk_timer_start(&c, 30);
    uk_timer_start(&a, 10);
    is_u64(uk_timers_next(), 10, "the earliest is the deadline");
    is_u64(uk_timers_run(9), 0, "nothing is due before");
    is_u64(uk_timers_run(20), 2, "a timer is due at its very time");
    is_str(fired, "ab", "in order of time");
    ok(!a.armed && !b.armed && c.armed, "each fires once");

    reset();
    uk_timer_start(&a, 10);
    uk_timer_start(&b, 10);
    uk_timer_start(&c, 10);
    uk_timers_run(10);
    is_str(fired, "abc", "timers of one time fire in the order of their start");

    reset();
    uk_timer_start(&a, 10);
    uk_timer_start(&b, 20);
    uk_timer_start(&a, 30);
    uk_timers_run(100);
    is_str(fired, "ba", "starting a running timer moves it");

    reset();
    uk_timer_start(&a, 10);
    uk_timer_stop(&a);
    uk_timer_stop(&a);
    is_u64(uk_timers_run(100), 0, "a stopped timer does not fire, and may be stopped twice");

    reset();
    a.fire = fire_again;
    uk_timer_start(&a, 10);
    is_u64(uk_timers_run(35), 3, "a timer may start itself again");
    is_u64(uk_timers_next(), 40, "and is then due later");

    reset();
    a.fire = stop_b;
    uk_timer_start(&a, 10);
    uk_timer_start(&b, 10);
    uk_timers_run(10);
    is_str(fired, "a", "a timer may stop one that is due with it");

    reset();
    a.on_wall = c.on_wall = true;
    uk_timer_start(&a, 100);
    uk_timer_start(&b, 110);
    uk_timer_start(&c, 100);
    uk_timers_shift(-50);
    is_u64(uk_timers_next(), 110, "the clock is set back: what is on it is due later");
    uk_timers_shift(60);
    is_u64(uk_timers_run(95), 2, "forward: earlier");
    is_str(fired, "ac", "in the same order");
    ok(b.armed && b.due == 110, "what is not on it stays");
    uk_timer_start(&a, 100);
    uk_timer_start(&c, UINT64_MAX - 10);
    uk_timers_shift(INT64_MIN);
    ok(c.due == UKVM_DEADLINE_NONE, "as late as can be");
    uk_timers_shift(INT64_MAX);
    ok(a.due == 101 && c.due == UKVM_DEADLINE_NONE - INT64_MAX, "and back");
    uk_timers_shift(INT64_MAX);
    is_u64(a.due, 0, "as early as can be");
    return done_testing();
}
