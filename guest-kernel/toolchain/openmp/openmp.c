/* SPDX-License-Identifier: MIT */
/*
 * What gcc makes of OpenMP's directives, for ukvm-cc -fopenmp: every team has one thread, as there is one processor.
 * Debian's libgomp.a makes system calls by instruction, which ends a guest (ENTRY-03).
 *
 * With one thread, a loop is one chunk whatever its schedule, a barrier is passed, and a task is done when it is made,
 * which heeds all dependencies: it was made after what it depends on. The names and arguments are libgomp's (gcc:
 * libgomp/libgomp_g.h); gcc alone calls them. What only several threads or devices would need is missing, and does not
 * link: reductions of tasks, detached tasks, OpenACC.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "toolchain/openmp/openmp.h"

typedef unsigned long long ull;
typedef void body(void *data);
#define UNUSED __attribute__((unused))

/* ---- teams ---- */

static void run_team(body *run, void *data, unsigned sections) {
    struct uk_openmp outer = uk_openmp;
    uk_openmp = (struct uk_openmp){.level = outer.level + 1, .sections = sections, .next_section = 1};
    run(data);
    uk_openmp = outer;
}

void GOMP_parallel(body *run, void *data, unsigned threads, unsigned flags) {
    (void)threads, (void)flags;
    run_team(run, data, 0);
}

void GOMP_parallel_sections(body *run, void *data, unsigned threads, unsigned count, unsigned flags) {
    (void)threads, (void)flags;
    run_team(run, data, count);
}

void GOMP_teams_reg(body *run, void *data, unsigned teams, unsigned limit, unsigned flags) {
    (void)teams, (void)limit, (void)flags;
    run(data);
}

bool GOMP_teams4(unsigned low, unsigned high, unsigned limit, bool first) {
    (void)low, (void)high, (void)limit;
    return first;
}

/* There is no device but the processor: the function runs here, on the program's own variables. */
void GOMP_target_ext(int device, body *run, size_t count, void **addresses, size_t *sizes, unsigned short *kinds,
                     unsigned flags, void **depend, void **arguments) {
    (void)device, (void)count, (void)sizes, (void)kinds, (void)flags, (void)depend, (void)arguments;
    run(addresses);
}

/* ---- sections: numbered from 1, and 0 is the end ---- */

unsigned GOMP_sections_next(void) {
    return uk_openmp.next_section <= uk_openmp.sections ? uk_openmp.next_section++ : 0;
}

unsigned GOMP_sections_start(unsigned count) {
    uk_openmp.sections = count;
    uk_openmp.next_section = 1;
    return GOMP_sections_next();
}

/* ---- what all threads of a team wait for, or one does for all ---- */

#define NOTHING(name) \
    void name(void) {}
NOTHING(GOMP_barrier)
NOTHING(GOMP_ordered_start)
NOTHING(GOMP_ordered_end)
NOTHING(GOMP_loop_end)
NOTHING(GOMP_loop_end_nowait)
NOTHING(GOMP_sections_end)
NOTHING(GOMP_sections_end_nowait)
NOTHING(GOMP_taskwait)
NOTHING(GOMP_taskyield)
NOTHING(GOMP_taskgroup_start)
NOTHING(GOMP_taskgroup_end)

void GOMP_taskwait_depend(void **depend) {
    (void)depend;
}

/* Cancellation is off, as it is by default. */
#define NEVER(name, ...)     \
    bool name(__VA_ARGS__) { \
        return false;        \
    }
NEVER(GOMP_barrier_cancel, void)
NEVER(GOMP_loop_end_cancel, void)
NEVER(GOMP_sections_end_cancel, void)
NEVER(GOMP_cancel, int which __attribute__((unused)), bool really __attribute__((unused)))
NEVER(GOMP_cancellation_point, int which __attribute__((unused)))

bool GOMP_single_start(void) {
    return true;
}

void *GOMP_single_copy_start(void) {
    return NULL;
}

void GOMP_single_copy_end(void *data) {
    (void)data;
}

/* Threads that the program has made itself keep out of each other's way. */
static int critical, atomic;

void GOMP_critical_start(void) {
    uk_openmp_lock(&critical);
}

void GOMP_critical_end(void) {
    uk_openmp_unlock(&critical);
}

void GOMP_critical_name_start(void **name) {
    uk_openmp_lock((int *)name);
}

void GOMP_critical_name_end(void **name) {
    uk_openmp_unlock((int *)name);
}

void GOMP_atomic_start(void) {
    uk_openmp_lock(&atomic);
}

void GOMP_atomic_end(void) {
    uk_openmp_unlock(&atomic);
}

/* ---- loops: the first chunk is all of it ---- */

static bool whole(long start, long end, long step, long *from, long *to) {
    *from = start;
    *to = end;
    return step > 0 ? start < end : start > end;
}

static bool whole_ull(bool up, ull start, ull end, ull *from, ull *to) {
    *from = start;
    *to = end;
    return up ? start < end : start > end;
}

static bool rest(long *from, long *to) {
    struct uk_openmp_loop loop = uk_openmp.loop;
    uk_openmp.loop = (struct uk_openmp_loop){0};
    return loop.step && whole(loop.start, loop.end, loop.step, from, to);
}

#define LOOP_NEXT(kind)                                  \
    bool GOMP_loop_##kind##_next(long *from, long *to) { \
        return rest(from, to);                           \
    }                                                    \
    NEVER(GOMP_loop_ull_##kind##_next, ull *from UNUSED, ull *to UNUSED)

/* With the size of a chunk, or without. */
#define LOOP(kind)                                                                                               \
    bool GOMP_loop_##kind##_start(long start, long end, long step, long chunk UNUSED, long *from, long *to) {    \
        return whole(start, end, step, from, to);                                                                \
    }                                                                                                            \
    bool GOMP_loop_ull_##kind##_start(bool up, ull start, ull end, ull step UNUSED, ull chunk UNUSED, ull *from, \
                                      ull *to) {                                                                 \
        return whole_ull(up, start, end, from, to);                                                              \
    }                                                                                                            \
    LOOP_NEXT(kind)
#define LOOP_RUNTIME(kind)                                                                                \
    bool GOMP_loop_##kind##_start(long start, long end, long step, long *from, long *to) {                \
        return whole(start, end, step, from, to);                                                         \
    }                                                                                                     \
    bool GOMP_loop_ull_##kind##_start(bool up, ull start, ull end, ull step UNUSED, ull *from, ull *to) { \
        return whole_ull(up, start, end, from, to);                                                       \
    }                                                                                                     \
    LOOP_NEXT(kind)

LOOP(static)
LOOP(dynamic)
LOOP(guided)
LOOP(nonmonotonic_dynamic)
LOOP(nonmonotonic_guided)
LOOP(ordered_static)
LOOP(ordered_dynamic)
LOOP(ordered_guided)
LOOP_RUNTIME(runtime)
LOOP_RUNTIME(nonmonotonic_runtime)
LOOP_RUNTIME(maybe_nonmonotonic_runtime)
LOOP_RUNTIME(ordered_runtime)

/* A region that is one loop asks for its chunks by ..._next() alone. */
static void run_loop(body *run, void *data, long start, long end, long step) {
    struct uk_openmp outer = uk_openmp;
    uk_openmp = (struct uk_openmp){.level = outer.level + 1, .loop = {start, end, step}};
    run(data);
    uk_openmp = outer;
}

#define PARALLEL_LOOP(kind)                                                                                         \
    void GOMP_parallel_loop_##kind(body *run, void *data, unsigned threads UNUSED, long start, long end, long step, \
                                   long chunk UNUSED, unsigned flags UNUSED) {                                      \
        run_loop(run, data, start, end, step);                                                                      \
    }
#define PARALLEL_LOOP_RUNTIME(kind)                                                                                 \
    void GOMP_parallel_loop_##kind(body *run, void *data, unsigned threads UNUSED, long start, long end, long step, \
                                   unsigned flags UNUSED) {                                                         \
        run_loop(run, data, start, end, step);                                                                      \
    }

PARALLEL_LOOP(static)
PARALLEL_LOOP(dynamic)
PARALLEL_LOOP(guided)
PARALLEL_LOOP(nonmonotonic_dynamic)
PARALLEL_LOOP(nonmonotonic_guided)
PARALLEL_LOOP_RUNTIME(runtime)
PARALLEL_LOOP_RUNTIME(nonmonotonic_runtime)
PARALLEL_LOOP_RUNTIME(maybe_nonmonotonic_runtime)

/* ---- loops whose iterations wait for earlier ones, which one thread has always done ---- */

#define DOACROSS(kind)                                                                                         \
    bool GOMP_loop_doacross_##kind##_start(unsigned depth UNUSED, long *counts, long chunk UNUSED, long *from, \
                                           long *to) {                                                         \
        return whole(0, counts[0], 1, from, to);                                                               \
    }
DOACROSS(static)
DOACROSS(dynamic)
DOACROSS(guided)

void GOMP_doacross_post(long *counts UNUSED) {}

void GOMP_doacross_wait(long first UNUSED, ...) {}

/* ---- tasks ---- */

/* What a task gets of its own: a copy, made by gcc's function where there is one. NULL is the data itself. */
static void *copy_data(void *data, void (*copy)(void *, void *), long size, long alignment) {
    if (!copy)
        return NULL;
    size_t step = alignment > (long)sizeof(void *) ? (size_t)alignment : sizeof(void *);
    void *own = aligned_alloc(step, ((size_t)size + step - 1) & -step);
    if (!own)
        abort();
    copy(own, data);
    return own;
}

void GOMP_task(body *run, void *data, void (*copy)(void *, void *), long size, long alignment, bool wanted UNUSED,
               unsigned flags, void **depend UNUSED, int priority UNUSED, void *detach UNUSED) {
    const unsigned detached = 1 << 13;
    if (flags & detached)
        abort(); /* nothing can wait for its event */
    void *own = copy_data(data, copy, size, alignment);
    run(own ? own : data);
    free(own);
}

/* The first two words of what a task gets are where it begins and ends: one does all of them. */
void GOMP_taskloop(body *run, void *data, void (*copy)(void *, void *), long size, long alignment, unsigned flags,
                   unsigned long tasks UNUSED, int priority UNUSED, long start, long end, long step UNUSED) {
    const unsigned up = 1 << 8;
    const long bounds[] = {start, end};
    if (flags & up ? start >= end : start <= end)
        return;
    void *own = copy_data(data, copy, size, alignment);
    memcpy(own ? own : data, bounds, sizeof bounds);
    run(own ? own : data);
    free(own);
}
