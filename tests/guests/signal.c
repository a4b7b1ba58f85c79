/* SPDX-License-Identifier: MIT */
/*
 * Being told to end: SIG-01 to SIG-04.
 *
 *     build/ukvm run build/tests/guests/signal.elf [MODE]
 *
 * Without a mode, prints TAP and exits with a SIGNAL in flight. Else it says "ready", and what came:
 *
 *   wait     sleeps until a signal comes, and exits with status 7
 *   thrice   the same three times, asking again each time
 *   once     asks once and then sleeps for ever
 *   busy     computes for a second without a hypercall, then looks, and exits with status 7
 *   lost     computes for ever
 *   exit     asks and exits at once with status 9, and without "ready"
 *   late     the same after computing for two seconds without a hypercall
 */
#include "ukvm.h"

static struct uk_io signal_io;
static unsigned tests, failed;

static void ok(bool passed, const char *name) {
    failed += !passed;
    uk_printf("%s %u - %s\n", passed ? "ok" : "not ok", ++tests, name);
}

static void ask(void) {
    signal_io = (struct uk_io){.sqe = {.op = UKVM_OP_SIGNAL}};
    uk_submit(&signal_io);
}

/* Says so after the monitor has taken what was asked. */
static void say_ready(void) {
    uk_kick();
    uk_printf("ready\n");
    uk_console_flush();
}

static void say_what_came(void) {
    uk_printf("signal %d\n", uk_await(&signal_io));
    uk_console_flush();
}

static int32_t try_sqe(struct ukvm_sqe sqe) {
    struct uk_io io = {.sqe = sqe};
    uk_submit(&io);
    return uk_await(&io);
}

static int check(void) {
    ok(uk_boot()->features & UKVM_FEATURE_SIGNAL, "the feature is offered");
    ok(try_sqe((struct ukvm_sqe){.op = UKVM_OP_SIGNAL, .device = 15}) == -UKVM_EINVAL, "it names no field");
    ask();
    uk_wait(uk_clock_monotonic() + 20 * UK_MILLISECOND);
    ok(signal_io.in_flight, "it does not complete by itself");
    ok(try_sqe((struct ukvm_sqe){.op = UKVM_OP_SIGNAL}) == -UKVM_EINVAL, "there is one at most");
    ok(signal_io.in_flight, "and it is still the first");
    uk_printf("1..%u\n", tests);
    return failed > 0;
}

static int wait_once(void) {
    ask();
    say_ready();
    say_what_came();
    return 7;
}

static int thrice(void) {
    ask();
    say_ready();
    for (unsigned i = 0; i < 3; i++) {
        int32_t number = uk_await(&signal_io);
        ask();
        uk_kick(); /* before it is said: the next signal may come at once */
        uk_printf("signal %d\n", number);
        uk_console_flush();
    }
    return 7;
}

static int once(void) {
    ask();
    say_ready();
    say_what_came();
    while (!signal_io.in_flight) /* it never is again */
        uk_wait(UKVM_DEADLINE_NONE);
    return 1;
}

static void compute(uint64_t time) {
    uint64_t end = uk_clock_monotonic() + time;
    while (uk_clock_monotonic() < end)
        __asm__ volatile("pause");
}

static int busy(void) {
    ask();
    say_ready();
    compute(UK_SECOND);
    uk_kick();
    say_what_came();
    return 7;
}

static int lost(void) {
    ask();
    say_ready();
    while (signal_io.in_flight) /* as far as it knows */
        __asm__ volatile("pause");
    return 1;
}

static int ask_and_exit(void) {
    ask();
    uk_printf("bye\n");
    return 9;
}

static int compute_and_exit(void) {
    ask();
    uk_printf("bye\n");
    uk_kick();
    compute(2 * UK_SECOND);
    return 9;
}

static const struct {
    const char *name;
    int (*run)(void);
} modes[] = {{"wait", wait_once},    {"thrice", thrice},        {"once", once}, {"busy", busy}, {"lost", lost},
             {"exit", ask_and_exit}, {"late", compute_and_exit}};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run();
    return argc == 1 ? check() : 2;
}
