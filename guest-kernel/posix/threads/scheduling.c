/* SPDX-License-Identifier: MIT */
/* Scheduling: one processor, one priority. */
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

#include "posix/process/credentials.h"
#include "posix/process/process.h"
#include "posix/time/deadline.h"
#include "thread.h"

#define NICE_LEAST (-20)
#define NICE_MOST 19

long uk_sys_sched_yield(void) {
    uk_yield();
    return 0;
}

/* ---- affinity: the one processor */

long uk_sys_sched_getaffinity(int tid, size_t size, unsigned char *set) {
    if (size < sizeof(long) || size % sizeof(long) != 0)
        return -EINVAL;
    if (tid != 0 && !uk_thread_find(tid))
        return -ESRCH;
    memset(set, 0, sizeof(long));
    set[0] = 1;
    return sizeof(long);
}

long uk_sys_sched_setaffinity(int tid, size_t size, const unsigned char *set) {
    if (tid != 0 && !uk_thread_find(tid))
        return -ESRCH;
    return size > 0 && (set[0] & 1) ? 0 : -EINVAL;
}

/* ---- policies: they are remembered, and all are the same */

static bool is_real_time(int policy) {
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool is_fair(int policy) {
    return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

/* A thread by its number, 0 for the caller. */
static int find(int tid, struct uk_thread **thread) {
    if (tid < 0)
        return -EINVAL;
    *thread = tid ? uk_thread_find(tid) : uk_current;
    return *thread ? 0 : -ESRCH;
}

/* Linux: SCHED_RESET_ON_FORK may be set together with a policy. */
static long check_policy(int policy, int priority) {
    policy &= ~SCHED_RESET_ON_FORK;
    if (is_fair(policy))
        return priority == 0 ? 0 : -EINVAL;
    if (!is_real_time(policy) || priority < 1 || priority > 99)
        return -EINVAL;
    return -EPERM;
}

long uk_sys_sched_setscheduler(int tid, int policy, const struct sched_param *param) {
    struct uk_thread *thread;
    if (!param || policy < 0)
        return -EINVAL;
    long error = find(tid, &thread);
    if (error == 0)
        error = check_policy(policy, param->sched_priority);
    if (error == 0)
        thread->policy = policy;
    return error;
}

long uk_sys_sched_getscheduler(int tid) {
    struct uk_thread *thread;
    int error = find(tid, &thread);
    return error ? error : thread->policy;
}

long uk_sys_sched_setparam(int tid, const struct sched_param *param) {
    struct uk_thread *thread;
    if (!param)
        return -EINVAL;
    int error = find(tid, &thread);
    return error ? error : check_policy(thread->policy, param->sched_priority);
}

long uk_sys_sched_getparam(int tid, struct sched_param *param) {
    struct uk_thread *thread;
    if (!param)
        return -EINVAL;
    int error = find(tid, &thread);
    if (error == 0)
        param->sched_priority = 0;
    return error;
}

long uk_sys_sched_get_priority_max(int policy) {
    if (is_real_time(policy))
        return 99;
    return is_fair(policy) ? 0 : -EINVAL;
}

long uk_sys_sched_get_priority_min(int policy) {
    if (is_real_time(policy))
        return 1;
    return is_fair(policy) ? 0 : -EINVAL;
}

long uk_sys_sched_rr_get_interval(int tid, struct timespec *interval) {
    struct uk_thread *thread;
    int error = find(tid, &thread);
    if (error == 0)
        *interval = uk_timespec(UK_SLICE);
    return error;
}

/* ---- niceness: each thread has its own, as in Linux, and there is nobody to be nice to */

/* Whether `who` stands for all the threads there are: by their group, or by their user. */
static int check_all(int which, int who) {
    bool are = which == PRIO_PGRP ? uk_is_self(who) : who == 0 || (uint32_t)who == uk_user_ids.real;
    return are ? 0 : -ESRCH;
}

static int find_nice(int which, int who, struct uk_thread **thread) {
    if (which != PRIO_PROCESS && which != PRIO_PGRP && which != PRIO_USER)
        return -EINVAL;
    *thread = NULL;
    if (which != PRIO_PROCESS)
        return check_all(which, who);
    *thread = who ? uk_thread_find(who) : uk_current;
    return *thread ? 0 : -ESRCH;
}

static int least_nice(void) {
    int nice = NICE_MOST;
    for (const struct uk_thread *thread = uk_threads; thread; thread = thread->all_next)
        nice = thread->nice < nice ? thread->nice : nice;
    return nice;
}

long uk_sys_getpriority(int which, int who) {
    struct uk_thread *thread;
    int error = find_nice(which, who, &thread);
    return error ? error : 20 - (thread ? thread->nice : least_nice()); /* as the kernel gives it: getpriority(2) */
}

long uk_sys_setpriority(int which, int who, int nice) {
    struct uk_thread *one;
    int error = find_nice(which, who, &one);
    if (error)
        return error;
    nice = nice < NICE_LEAST ? NICE_LEAST : nice > NICE_MOST ? NICE_MOST : nice;
    for (struct uk_thread *thread = uk_threads; thread; thread = thread->all_next)
        if (!one || thread == one)
            thread->nice = nice;
    return 0;
}

long uk_sys_getcpu(unsigned *cpu, unsigned *node) {
    if (cpu)
        *cpu = 0;
    if (node)
        *node = 0;
    return 0;
}
