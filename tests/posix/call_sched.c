/* SPDX-License-Identifier: MIT */
/* Scheduling, as a program can ask about it and change it: policies, priorities, affinities. */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include "calls.h"

#define NOBODY 99999999 /* above any pid_max */
#define UNKNOWN 77      /* as a policy */

static void policies(void) {
    struct sched_param param = {.sched_priority = 9};
    gives(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER, "the policy at the start");
    gives(syscall(SYS_sched_getscheduler, getpid()), SCHED_OTHER, "by number");
    fails(syscall(SYS_sched_getscheduler, -1), EINVAL, "sched_getscheduler: a negative number");
    fails(syscall(SYS_sched_getscheduler, NOBODY), ESRCH, "sched_getscheduler: nobody");
    ok(syscall(SYS_sched_getparam, 0, &param) == 0 && param.sched_priority == 0, "the priority at the start");
    fails(syscall(SYS_sched_getparam, -1, &param), EINVAL, "sched_getparam: a negative number");
    fails(syscall(SYS_sched_getparam, NOBODY, &param), ESRCH, "sched_getparam: nobody");
    fails(syscall(SYS_sched_getparam, 0, NULL), EINVAL, "sched_getparam: to nowhere");
    gives(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &param), 0, "another policy");
    gives(syscall(SYS_sched_getscheduler, 0), SCHED_BATCH, "is remembered");
    gives(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER | SCHED_RESET_ON_FORK, &param), 0, "SCHED_RESET_ON_FORK");
    gives(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER | SCHED_RESET_ON_FORK, "is remembered, too");
    gives(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER | SCHED_RESET_ON_FORK, &param), 0, "and may be set again");
    fails(syscall(SYS_sched_setscheduler, 0, UNKNOWN, &param), EINVAL, "sched_setscheduler: an unknown policy");
    fails(syscall(SYS_sched_setscheduler, 0, -1, &param), EINVAL, "a negative policy");
    fails(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL, "without a priority");
    fails(syscall(SYS_sched_setscheduler, -1, SCHED_OTHER, &param), EINVAL, "of a negative number");
    fails(syscall(SYS_sched_setscheduler, NOBODY, SCHED_OTHER, &param), ESRCH, "of nobody");
    param.sched_priority = 1;
    fails(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param), EINVAL, "a priority that SCHED_OTHER has not");
    fails(syscall(SYS_sched_setparam, 0, &param), EINVAL, "sched_setparam: nor with this call");
    param.sched_priority = 100;
    fails(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param), EINVAL, "a priority that SCHED_FIFO has not");
    param.sched_priority = 0;
    fails(syscall(SYS_sched_setscheduler, 0, SCHED_RR, &param), EINVAL, "nor SCHED_RR none");
    gives(syscall(SYS_sched_setparam, 0, &param), 0, "sched_setparam: what it is");
    fails(syscall(SYS_sched_setparam, 0, NULL), EINVAL, "sched_setparam: nothing");
    fails(syscall(SYS_sched_setparam, -1, &param), EINVAL, "sched_setparam of a negative number");
    fails(syscall(SYS_sched_setparam, NOBODY, &param), ESRCH, "sched_setparam of nobody");
}

static void priorities(void) {
    const int policy[] = {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, SCHED_RR};
    const int least[] = {0, 0, 0, 1, 1}, most[] = {0, 0, 0, 99, 99};
    struct timespec interval = {-1, -1};
    for (int i = 0; i < 5; i++)
        ok(syscall(SYS_sched_get_priority_min, policy[i]) == least[i] &&
               syscall(SYS_sched_get_priority_max, policy[i]) == most[i],
           "the priorities of policy %d", policy[i]);
    fails(syscall(SYS_sched_get_priority_min, UNKNOWN), EINVAL, "the least of an unknown policy");
    fails(syscall(SYS_sched_get_priority_max, UNKNOWN), EINVAL, "the most of an unknown policy");
    fails(syscall(SYS_sched_get_priority_max, -1), EINVAL, "of a negative one");
    ok(syscall(SYS_sched_rr_get_interval, 0, &interval) == 0 && interval.tv_sec == 0 && interval.tv_nsec >= 0 &&
           interval.tv_nsec < 1000000000,
       "sched_rr_get_interval: a slice of time");
    fails(syscall(SYS_sched_rr_get_interval, -1, &interval), EINVAL, "of a negative number");
    fails(syscall(SYS_sched_rr_get_interval, NOBODY, &interval), ESRCH, "of nobody");
    gives(syscall(SYS_sched_yield), 0, "sched_yield");
}

static void *has_its_own(void *argument) {
    (void)argument;
    gives(getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid)), 7, "a thread begins with the niceness of its maker");
    gives(setpriority(PRIO_PROCESS, 0, 9), 0, "and may get one of its own");
    gives(getpriority(PRIO_PROCESS, 0), 9, "which it has");
    return NULL;
}

static void niceness(void) {
    pthread_t thread;
    gives(syscall(SYS_setpriority, PRIO_PROCESS, 0, 5), 0, "setpriority");
    gives(syscall(SYS_getpriority, PRIO_PROCESS, 0), 15, "getpriority gives 20 less the niceness");
    gives(getpriority(PRIO_PROCESS, getpid()), 5, "which the C library puts right");
    gives(syscall(SYS_setpriority, PRIO_PROCESS, getpid(), 7), 0, "by number");
    pthread_create(&thread, NULL, has_its_own, NULL);
    pthread_join(thread, NULL);
    gives(getpriority(PRIO_PROCESS, 0), 7, "that of the maker stays");
    gives(syscall(SYS_setpriority, PRIO_PROCESS, 0, 1000), 0, "more than there is");
    gives(getpriority(PRIO_PROCESS, 0), 19, "is the most");
    ok(getpriority(PRIO_PGRP, 0) <= 19 && getpriority(PRIO_USER, 0) <= 19, "of a group and of a user");
    fails(syscall(SYS_getpriority, 3, 0), EINVAL, "getpriority of something else");
    fails(syscall(SYS_setpriority, 3, 0, 0), EINVAL, "setpriority of something else");
    fails(syscall(SYS_getpriority, -1, 0), EINVAL, "of nothing");
    fails(syscall(SYS_getpriority, PRIO_PROCESS, NOBODY), ESRCH, "getpriority of nobody");
    fails(syscall(SYS_setpriority, PRIO_PROCESS, NOBODY, 1), ESRCH, "setpriority of nobody");
    fails(syscall(SYS_getpriority, PRIO_PGRP, NOBODY), ESRCH, "of a group without members");
    fails(syscall(SYS_getpriority, PRIO_USER, NOBODY), ESRCH, "of a user without processes");
}

static void affinity(void) {
    unsigned long set[128] = {0}, none[128] = {0}, far[128] = {0};
    long size = syscall(SYS_sched_getaffinity, 0, sizeof set, set);
    bool any = false;
    for (size_t i = 0; i < 128; i++)
        any |= set[i] != 0;
    ok(size > 0 && size % 8 == 0 && any, "sched_getaffinity gives a processor, and how many bytes");
    gives(syscall(SYS_sched_getaffinity, getpid(), sizeof set, set), size, "by number");
    fails(syscall(SYS_sched_getaffinity, 0, 1, set), EINVAL, "into too few bytes");
    fails(syscall(SYS_sched_getaffinity, 0, 12, set), EINVAL, "into bytes that make no words");
    fails(syscall(SYS_sched_getaffinity, NOBODY, sizeof set, set), ESRCH, "of nobody");
    gives(syscall(SYS_sched_setaffinity, 0, sizeof set, set), 0, "sched_setaffinity: what it is");
    gives(syscall(SYS_sched_setaffinity, getpid(), (size_t)size, set), 0, "in just so many bytes");
    fails(syscall(SYS_sched_setaffinity, 0, sizeof none, none), EINVAL, "to no processor");
    far[127] = 1;
    fails(syscall(SYS_sched_setaffinity, 0, sizeof far, far), EINVAL, "to one that there is not");
    fails(syscall(SYS_sched_setaffinity, 0, 0, set), EINVAL, "in no bytes");
    fails(syscall(SYS_sched_setaffinity, NOBODY, sizeof set, set), ESRCH, "of nobody");
}

int main(void) {
    policies();
    priorities();
    niceness();
    affinity();
    return done_testing();
}
