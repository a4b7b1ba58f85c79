/* SPDX-License-Identifier: MIT */
/* What the two halves of the OpenMP library share. */
#ifndef UK_OPENMP_H
#define UK_OPENMP_H

#include <stdbool.h>

/* A loop that nobody has asked for yet, or step 0. */
struct uk_openmp_loop {
    long start, end, step;
};

/* Of each thread of the program: how deep it is in parallel regions, and what the region it is in has still to hand
 * out. */
struct uk_openmp {
    int level;
    struct uk_openmp_loop loop;
    unsigned sections, next_section;
};
extern _Thread_local struct uk_openmp uk_openmp __attribute__((visibility("hidden")));

/* A lock that is 0 when it is free. Threads are cooperative, so that whoever waits lets its holder go on. */
void uk_openmp_lock(int *lock) __attribute__((visibility("hidden")));
bool uk_openmp_try_lock(int *lock) __attribute__((visibility("hidden")));
void uk_openmp_unlock(int *lock) __attribute__((visibility("hidden")));

#endif
