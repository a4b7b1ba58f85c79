/* SPDX-License-Identifier: MIT */
/* OpenMP's functions for programs, <omp.h>: what there is to say with one processor and teams of one thread. */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <time.h>

#include "toolchain/openmp/openmp.h"

_Thread_local struct uk_openmp uk_openmp;

bool uk_openmp_try_lock(int *lock) {
    int free = 0;
    return __atomic_compare_exchange_n(lock, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void uk_openmp_lock(int *lock) {
    while (!uk_openmp_try_lock(lock))
        sched_yield();
}

void uk_openmp_unlock(int *lock) {
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/* ---- threads ---- */

int omp_get_num_procs(void) {
    return 1;
}

int omp_get_max_threads(void) {
    return 1;
}

int omp_get_num_threads(void) {
    return 1;
}

int omp_get_thread_num(void) {
    return 0;
}

int omp_get_thread_limit(void) {
    return 1;
}

/* A program may ask for more; OpenMP 5.2, 10.1.1 lets a team be smaller. */
void omp_set_num_threads(int count) {
    (void)count;
}

/* No team has more than one thread, which is what "active" means. */
int omp_in_parallel(void) {
    return 0;
}

int omp_get_active_level(void) {
    return 0;
}

int omp_get_level(void) {
    return uk_openmp.level;
}

int omp_get_ancestor_thread_num(int level) {
    return level >= 0 && level <= uk_openmp.level ? 0 : -1;
}

int omp_get_team_size(int level) {
    return level >= 0 && level <= uk_openmp.level ? 1 : -1;
}

int omp_get_num_teams(void) {
    return 1;
}

int omp_get_team_num(void) {
    return 0;
}

int omp_in_final(void) {
    return 0;
}

int omp_get_cancellation(void) {
    return 0;
}

int omp_get_num_devices(void) {
    return 0;
}

int omp_get_initial_device(void) {
    return 0;
}

int omp_is_initial_device(void) {
    return 1;
}

/* ---- settings, which a program reads back ---- */

static int dynamic, nested, levels = 1, schedule_kind = 2 /* dynamic */, schedule_chunk = 1;

void omp_set_dynamic(int on) {
    dynamic = on != 0;
}

int omp_get_dynamic(void) {
    return dynamic;
}

void omp_set_nested(int on) {
    nested = on != 0;
}

int omp_get_nested(void) {
    return nested;
}

void omp_set_max_active_levels(int count) {
    if (count >= 0)
        levels = count;
}

int omp_get_max_active_levels(void) {
    return levels;
}

void omp_set_schedule(int kind, int chunk) {
    schedule_kind = kind;
    schedule_chunk = chunk;
}

void omp_get_schedule(int *kind, int *chunk) {
    *kind = schedule_kind;
    *chunk = schedule_chunk;
}

/* ---- time ---- */

double omp_get_wtime(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double omp_get_wtick(void) {
    return 1e-9;
}

/* ---- locks: omp_lock_t is one int, omp_nest_lock_t two of them and a pointer ---- */

void omp_init_lock(int *lock) {
    *lock = 0;
}

void omp_destroy_lock(int *lock) {
    (void)lock;
}

void omp_set_lock(int *lock) {
    uk_openmp_lock(lock);
}

void omp_unset_lock(int *lock) {
    uk_openmp_unlock(lock);
}

int omp_test_lock(int *lock) {
    return uk_openmp_try_lock(lock);
}

struct nest_lock {
    int lock, count;
    pthread_t owner; /* while it is held */
};

void omp_init_nest_lock(struct nest_lock *nest) {
    *nest = (struct nest_lock){0};
}

void omp_destroy_nest_lock(struct nest_lock *nest) {
    (void)nest;
}

int omp_test_nest_lock(struct nest_lock *nest) {
    if (nest->count == 0 || !pthread_equal(nest->owner, pthread_self())) {
        if (!uk_openmp_try_lock(&nest->lock))
            return 0;
        nest->owner = pthread_self();
    }
    return ++nest->count;
}

void omp_set_nest_lock(struct nest_lock *nest) {
    while (!omp_test_nest_lock(nest))
        sched_yield();
}

void omp_unset_nest_lock(struct nest_lock *nest) {
    if (--nest->count > 0)
        return;
    uk_openmp_unlock(&nest->lock);
}
