/* SPDX-License-Identifier: MIT */
/* Being told to end, by the test outside. ABI.md, SIG. */
#include "guest.h"

#define TEXT UINT64_C(0x7465787400000000)
#define FIRST UINT64_C(0x5349474e414c0001) /* the user_data of the first SIGNAL */

static uint64_t asked;           /* SIGNALs so far */
static unsigned told, completed; /* completions of texts; of anything else */
static struct ukvm_cqe last;     /* of these */

static struct ukvm_sqe signal_sqe(void) {
    return (struct ukvm_sqe){.op = UKVM_OP_SIGNAL, .user_data = FIRST + asked++};
}

static void ask(void) {
    push(signal_sqe());
    kick();
}

static void look(void) {
    struct ukvm_cqe cqe;
    while (take(&cqe)) {
        if (cqe.user_data == TEXT) {
            told++;
            continue;
        }
        completed++;
        last = cqe;
    }
}

static void sleep_until(uint64_t deadline) {
    wait_until(deadline);
    look();
}

/* Like say() and flush(), which do not expect that something else completes meanwhile. */
static void tell_to(uint16_t stream, const char *text) {
    unsigned before = told;
    uint32_t size = (uint32_t)strlen(text);
    memcpy(arena(ARENA_FREE), text, size);
    push((struct ukvm_sqe){
        .op = UKVM_OP_CONSOLE_WRITE, .device = stream, .arena = ARENA_FREE, .length = size, .user_data = TEXT});
    while (told == before)
        sleep_until(UKVM_DEADLINE_NONE);
}

static void tell(const char *text) {
    tell_to(UKVM_CONSOLE_OUT, text);
}

/* What the last completion was. */
static void tell_signal(void) {
    bool own = last.user_data == FIRST + asked - 1 && last.reserved == 0;
    tell(!own                              ? "stranger\n"
         : last.result == UKVM_SIGNAL_TERM ? "TERM\n"
         : last.result == UKVM_SIGNAL_INT  ? "INT\n"
                                           : "neither\n");
}

static void sleep_until_told(void) {
    for (unsigned before = completed; completed == before;)
        sleep_until(UKVM_DEADLINE_NONE);
    tell_signal();
}

static _Noreturn void leave(uint32_t status) {
    for (;;)
        hypercall(UKVM_PORT_EXIT, status);
}

static _Noreturn void sleep_for_ever(void) {
    for (;;)
        sleep_until(UKVM_DEADLINE_NONE);
}

/* ---- SIG-01 ---- */

static void nothing_comes(void) {
    const struct bad bad[] = {
        {"a device", {.op = UKVM_OP_SIGNAL, .device = UKVM_SIGNAL_TERM}},
        {"a buffer", {.op = UKVM_OP_SIGNAL, .arena = ARENA_FREE}},
        {"a length", {.op = UKVM_OP_SIGNAL, .length = 1}},
        {"an offset", {.op = UKVM_OP_SIGNAL, .offset = 1}},
        {"a quiet one", {.op = UKVM_OP_SIGNAL, .flags = UKVM_SQE_QUIET}},
    };
    refused(bad, COUNT(bad));
    ask();
    sleep_until(now() + 30 * MILLISECOND);
    is(completed, 0, "SIGNAL does not complete by itself");
    is(rings()->sq_head, COUNT(bad) + 1, "but it was taken");
}

static void sleeps(void) {
    ask();
    tell("ready\n");
    sleep_until_told();
    leave(7);
}

/* For long enough that the signal comes meanwhile. */
static void computes(void) {
    bool early = false;
    ask();
    tell("ready\n");
    for (uint64_t deadline = now() + SECOND; now() < deadline;)
        early = early || ready() > 0;
    kick();
    look();
    if (early)
        tell("early\n");
    if (completed > 0)
        tell_signal();
    leave(7);
}

static void asks_again(void) {
    ask();
    tell("ready\n");
    for (unsigned i = 1; i <= 3; i++) {
        sleep_until_told();
        ask();
        for (uint64_t deadline = now() + 50 * MILLISECOND; now() < deadline;)
            sleep_until(deadline);
        tell(completed == i ? "ready\n" : "twice\n");
    }
    leave(7);
}

/* ---- SIG-02 ---- */

static void asks_once(void) {
    ask();
    tell("ready\n");
    sleep_until_told();
    tell("ready\n");
    sleep_for_ever();
}

static void never_looks(void) {
    ask();
    tell("ready\n");
    for (;;)
        __asm__ volatile("pause");
}

static void is_refused(void) {
    push((struct ukvm_sqe){.op = UKVM_OP_SIGNAL, .device = 1});
    kick();
    look();
    tell("ready\n");
    sleep_for_ever();
}

/* ---- SIG-03 ---- */

static void asks_twice(void) {
    ask();
    ask();
    look();
    if (completed != 1 || last.user_data != FIRST + 1 || last.result != -UKVM_EINVAL)
        tell("not refused\n");
    asked = 1;
    tell("ready\n");
    sleep_until_told();
    leave(7);
}

/* It takes one of the places for completions: RING-04 and RING-02 count it. */
static void takes_room(void) {
    unsigned pushed = 0;
    ask();
    while (pushed < boot->cq_entries) {
        for (unsigned i = 0; i < boot->sq_entries && pushed < boot->cq_entries; i++, pushed++)
            push((struct ukvm_sqe){.op = UINT8_MAX});
        kick();
    }
    is(ready(), boot->cq_entries - 1, "it counts as in flight: there is room for one completion less");
    is(rings()->sq_head, boot->cq_entries, "what has no room is not taken");
    kick();
    look();
    kick();
    is(ready(), 1, "and is taken later");
}

/* ---- SIG-04 ---- */

static void exits(void) {
    ask();
    leave(7);
}

static void exits_at_once(void) {
    push(signal_sqe());
    leave(7);
}

/* Its standard output is one that nobody reads. */
static void exits_stuck(void) {
    ask();
    tell_to(UKVM_CONSOLE_ERR, "ready\n");
    *arena(ARENA_FREE) = '\n';
    push((struct ukvm_sqe){
        .op = UKVM_OP_CONSOLE_WRITE, .device = UKVM_CONSOLE_OUT, .arena = ARENA_FREE, .length = 1, .user_data = TEXT});
    leave(9);
}

const struct check checks[] = {
    {"UKVM-SIG-01", nothing_comes},
    {"UKVM-SIG-01 sleeps", sleeps},
    {"UKVM-SIG-01 computes", computes},
    {"UKVM-SIG-01 again", asks_again},
    {"UKVM-SIG-02 once", asks_once},
    {"UKVM-SIG-02 computes", never_looks},
    {"UKVM-SIG-02 refused", is_refused},
    {"UKVM-SIG-03", takes_room},
    {"UKVM-SIG-03 twice", asks_twice},
    {"UKVM-SIG-04", exits},
    {"UKVM-SIG-04 ring", exits_at_once},
    {"UKVM-SIG-04 stuck", exits_stuck},
    {NULL, NULL},
};
