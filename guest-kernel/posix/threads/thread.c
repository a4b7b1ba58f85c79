/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include <errno.h>
#include <sched.h>

#include "core/timer.h"
#include "core/wait.h"

/* A program that never blocks still gets its completions and timers, this often. */
#define POLL_INTERVAL UK_MILLISECOND

/* switch.S, and what it calls */
void uk_switch(void **save, void *load);
void uk_thread_entry(void);
void uk_thread_bury(void);

/* What uk_switch() takes from a stack, from its pointer upwards. */
struct switch_frame {
    uint32_t mxcsr;
    uint16_t x87_control, pad;
    uint64_t fs_base;
    uint64_t r15, r14, r13, r12, rbx, rbp;
    void (*return_address)(void);
};

static struct uk_thread main_thread = {.tid = 1};
static struct uk_thread_list ready;
static int last_tid = 1;
static struct uk_thread *dead; /* to be freed by the next thread that runs */

static const struct uk_thread_hooks *hooks;

struct uk_thread *uk_current = &main_thread;
struct uk_thread *uk_threads = &main_thread;

/* ---- lists */

static void append(struct uk_thread_list *list, struct uk_thread *thread) {
    thread->list = list;
    thread->next = NULL;
    thread->prev = list->last;
    if (list->last)
        list->last->next = thread;
    else
        list->first = thread;
    list->last = thread;
}

static void unlink_thread(struct uk_thread *thread) {
    struct uk_thread_list *list = thread->list;
    if (!list)
        return;
    if (thread->prev)
        thread->prev->next = thread->next;
    else
        list->first = thread->next;
    if (thread->next)
        thread->next->prev = thread->prev;
    else
        list->last = thread->prev;
    thread->list = NULL;
}

/* ---- the end of a thread */

void uk_thread_bury(void) {
    struct uk_thread *thread = dead;
    if (!thread)
        return;
    dead = NULL;
    if (thread->unmap)
        hooks->unmap(thread->unmap, thread->unmap_size);
    uk_free(thread);
}

static void forget(struct uk_thread *thread) {
    struct uk_thread **at = &uk_threads;
    while (*at != thread)
        at = &(*at)->all_next;
    *at = thread->all_next;
}

/* ---- switching */

static uint64_t slice_start; /* in the program's processor time */

uint64_t uk_processor_time(void) {
    return uk_clock_monotonic() - uk_stats().wait_ns;
}

uint64_t uk_thread_processor_time(const struct uk_thread *thread) {
    return thread->processor_time + (thread == uk_current ? uk_processor_time() - slice_start : 0);
}

static bool all_wait_for_threads(void) {
    for (const struct uk_thread *thread = uk_threads; thread; thread = thread->all_next)
        if (!thread->dead && (thread->waits_for != UK_WAITS_FOR_THREAD || thread->timer.armed))
            return false;
    return true;
}

/* Nothing is ready. Timers that are no thread's (an alarm, say) may still make something so. */
static void idle(void) {
    if (all_wait_for_threads() && uk_timers_next() == UKVM_DEADLINE_NONE && !hooks->signal_may_come())
        uk_panic("deadlock: every thread waits for another one");
    hooks->before_sleep();
    uk_wait(UKVM_DEADLINE_NONE);
}

/* Takes the next thread to run, which then is the current one. */
static struct uk_thread *take_next(void) {
    struct uk_thread *next;
    while (!(next = ready.first))
        idle();
    unlink_thread(next);
    uint64_t now = uk_processor_time();
    uk_current->processor_time += now - slice_start;
    slice_start = now;
    uk_current = next;
    return next;
}

/* Runs another thread until somebody has made this one ready again and it is its turn. */
static void switch_away(void) {
    struct uk_thread *self = uk_current, *next = take_next();
    if (next == self)
        return;
    uk_switch(&self->stack_pointer, next->stack_pointer);
    uk_thread_bury();
}

static void timed_out(struct uk_timer *timer) {
    uk_unblock(uk_container_of(timer, struct uk_thread, timer), -ETIMEDOUT);
}

int uk_block(struct uk_thread_list *list, uint64_t deadline, enum uk_waits_for waits_for) {
    struct uk_thread *self = uk_current;
    if (hooks->signal_pending())
        return -UK_ERESTART;
    if (deadline != UKVM_DEADLINE_NONE)
        uk_timer_start(&self->timer, deadline);
    self->blocked = true;
    self->waits_for = waits_for;
    if (list)
        append(list, self);
    switch_away();
    return self->wake_result;
}

void uk_unblock(struct uk_thread *thread, int result) {
    if (!thread->blocked)
        return;
    thread->blocked = false;
    thread->waits_for = UK_WAITS_FOR_EVENT;
    thread->wake_result = result;
    uk_timer_stop(&thread->timer);
    unlink_thread(thread);
    append(&ready, thread);
}

unsigned uk_unblock_first(struct uk_thread_list *list) {
    if (!list->first)
        return 0;
    uk_unblock(list->first, 0);
    return 1;
}

unsigned uk_unblock_all(struct uk_thread_list *list) {
    unsigned count = 0;
    while (uk_unblock_first(list))
        count++;
    return count;
}

void uk_thread_move(struct uk_thread *thread, struct uk_thread_list *list) {
    unlink_thread(thread);
    append(list, thread);
}

void uk_poll_sometimes(void) {
    if (uk_clock_monotonic() - uk_last_exit() > POLL_INTERVAL)
        uk_poll();
    else
        uk_dispatch();
}

void uk_yield(void) {
    uk_poll_sometimes();
    append(&ready, uk_current);
    switch_away();
}

/* ---- waiting for one I/O operation: other threads run meanwhile */

static void awaited(struct uk_io *io, int32_t result) {
    (void)result;
    io->done = NULL;
    uk_unblock(io->waiter, 0);
}

/*
 * A thread that is blocked, ready or dead is not running: then this is a callback, or the idle loop on its stack, and
 * there is nobody to switch to.
 */
static bool may_block(void) {
    return !uk_current->blocked && !uk_current->list && !uk_current->dead;
}

void uk_take_turns(void) {
    if (may_block() && uk_processor_time() - slice_start > UK_SLICE)
        uk_yield();
}

/* A signal may end it early and is left for later: who waits for a disk must not let go of the buffer. */
static void sleep_deaf(struct uk_thread_list *list) {
    struct uk_thread *self = uk_current;
    self->blocked = true;
    self->waits_for = UK_WAITS_FOR_EVENT;
    if (list)
        append(list, self);
    switch_away();
}

static void await(struct uk_io *io) {
    struct uk_thread *self = uk_current;
    if (!io->in_flight || !may_block())
        return;
    io->waiter = self;
    io->done = awaited;
    while (io->done)
        sleep_deaf(NULL);
}

void uk_lock(struct uk_lock *lock) {
    while (lock->held)
        sleep_deaf(&lock->waiting);
    lock->held = true;
}

void uk_unlock(struct uk_lock *lock) {
    lock->held = false;
    uk_unblock_first(&lock->waiting);
}

/* ---- threads begin and end */

void uk_threads_init(const struct uk_thread_hooks *above) {
    hooks = above;
    main_thread.timer.fire = timed_out;
    uk_await_hook = await;
}

struct uk_thread *uk_thread_find(int tid) {
    struct uk_thread *thread = uk_threads;
    while (thread && (thread->tid != tid || thread->dead))
        thread = thread->all_next;
    return thread;
}

int uk_thread_create(int (*function)(void *), void *stack, void *argument, uintptr_t tls, int *parent_tid,
                     int *clear_tid) {
    struct uk_thread *thread = uk_malloc(sizeof *thread);
    if (!thread)
        return -ENOMEM;
    *thread = (struct uk_thread){
        .all_next = uk_threads,
        .tid = ++last_tid,
        .clear_tid = clear_tid,
        .signals_blocked = uk_current->signals_blocked,
        .policy = uk_current->policy & SCHED_RESET_ON_FORK ? SCHED_OTHER : uk_current->policy,
        .nice = uk_current->policy & SCHED_RESET_ON_FORK && uk_current->nice < 0 ? 0 : uk_current->nice,
    };
    thread->timer.fire = timed_out;
    memcpy(thread->name, uk_current->name, sizeof thread->name);
    uk_threads = thread;
    /* At the call in uk_thread_entry the stack is aligned to 16 bytes, as the System V ABI wants it. */
    struct switch_frame *frame = (struct switch_frame *)((uintptr_t)stack & ~(uintptr_t)15) - 1;
    *frame = (struct switch_frame){
        .mxcsr = __builtin_ia32_stmxcsr(),
        .fs_base = tls,
        .rbx = (uintptr_t)function,
        .r12 = (uintptr_t)argument,
        .return_address = uk_thread_entry,
    };
    __asm__("fnstcw %0" : "=m"(frame->x87_control));
    thread->stack_pointer = frame;
    if (parent_tid)
        *parent_tid = thread->tid;
    append(&ready, thread);
    return thread->tid;
}

_Noreturn void uk_thread_exit(void) {
    struct uk_thread *self = uk_current;
    hooks->ended(self);
    if (self == &main_thread) { /* its structure is static and its stack is not mapped memory */
        self->dead = true;
        for (;;)
            switch_away();
    }
    forget(self);
    self->dead = true;
    struct uk_thread *next = take_next();
    dead = self;
    uk_switch(&self->stack_pointer, next->stack_pointer);
    __builtin_unreachable();
}
