/* SPDX-License-Identifier: MIT */
/* Scheduling: one processor, one priority. */
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

#include "posix/process/process.h"
#include "posix/time/deadline.h"
#include "thread.h"

long uk_sys_sched_yield(void) {
    uk_yield();
    return 0;
}

long uk_sys_sched_getaffinity(int tid, size_t size, unsigned char *set) {
    if (tid != 0 && !uk_thread_find(tid))
        return -ESRCH;
    if (size < sizeof(long))
        return -EINVAL;
    memset(set, 0, sizeof(long));
    set[0] = 1;
    return sizeof(long);
}

long uk_sys_sched_setaffinity(int tid, size_t size, const unsigned char *set) {
    if (tid != 0 && !uk_thread_find(tid))
        return -ESRCH;
    return size > 0 && (set[0] & 1) ? 0 : -EINVAL;
}

static bool is_real_time(int policy) {
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool is_fair(int policy) {
    return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

static int check_tid(int tid) {
    if (tid < 0)
        return -EINVAL;
    return tid == 0 || uk_thread_find(tid) ? 0 : -ESRCH;
}

long uk_sys_sched_setscheduler(int tid, int policy) {
    int error = check_tid(tid);
    if (error)
        return error;
    if (is_fair(policy))
        return 0;
    return is_real_time(policy) ? -EPERM : -EINVAL;
}

long uk_sys_sched_getscheduler(int tid) {
    return check_tid(tid);
}

long uk_sys_sched_getparam(int tid, struct sched_param *param) {
    int error = check_tid(tid);
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
    int error = check_tid(tid);
    if (error == 0)
        *interval = uk_timespec(UK_SLICE);
    return error;
}

/* Of the process: what it asks for is remembered, and there is nobody to be nice to. */
static int nice_value;

static int check_who(int which, int who) {
    if (which != PRIO_PROCESS && which != PRIO_PGRP && which != PRIO_USER)
        return -EINVAL;
    return uk_is_self(who) || (which == PRIO_PROCESS && uk_thread_find(who)) ? 0 : -ESRCH;
}

long uk_sys_getpriority(int which, int who) {
    int error = check_who(which, who);
    return error ? error : 20 - nice_value; /* as the kernel gives it: getpriority(2) */
}

long uk_sys_setpriority(int which, int who, int nice) {
    int error = check_who(which, who);
    if (error == 0)
        nice_value = nice < -20 ? -20 : nice > 19 ? 19 : nice;
    return error;
}

long uk_sys_getcpu(unsigned *cpu, unsigned *node) {
    if (cpu)
        *cpu = 0;
    if (node)
        *node = 0;
    return 0;
}
