/* SPDX-License-Identifier: MIT */
/* The one process, and its limits. */
#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "credentials.h"
#include "posix/files/file.h"
#include "posix/memory/memory.h"
#include "posix/signals/stop.h"
#include "posix/time/deadline.h"
#include "process.h"

_Noreturn void uk_sys_exit(void) {
    uk_thread_exit();
}

static void (*end_hook)(void);

void uk_at_process_end(void (*hook)(void)) {
    end_hook = hook;
    uk_stop_ask();
}

_Noreturn void uk_process_end(int status) {
    if (end_hook)
        end_hook();
    uk_exit(status);
}

_Noreturn void uk_sys_exit_group(int status) {
    uk_process_end(status);
}

long uk_sys_getpid(void) {
    return 1;
}

long uk_sys_getppid(void) {
    return 0;
}

long uk_sys_gettid(void) {
    return uk_current->tid;
}

long uk_sys_set_tid_address(int *address) {
    uk_current->clear_tid = address;
    return uk_current->tid;
}

/* What always holds, and what is accepted without effect. */
long uk_sys_zero(void) {
    return 0;
}

static bool is_self(pid_t pid) {
    return pid == 0 || pid == 1;
}

long uk_sys_getpgid(pid_t pid) {
    return is_self(pid) ? 1 : -ESRCH;
}

long uk_sys_setpgid(pid_t pid) {
    return is_self(pid) ? 0 : -ESRCH;
}

long uk_sys_wait4(void) {
    return -ECHILD;
}

long uk_sys_uname(struct utsname *name) {
    *name = (struct utsname){
        .sysname = "Linux", /* the system call interface, which is what programs decide by */
        .nodename = "ukvm",
        .release = "6.1.0-ukvm",
        .version = "#1 ukvm",
        .machine = "x86_64",
    };
    return 0;
}

long uk_sys_sysinfo(struct sysinfo *info) {
    *info = (struct sysinfo){
        .uptime = uk_uptime() / UK_SECOND,
        .totalram = uk_pages_total(),
        .freeram = uk_pages_available(),
        .procs = 1,
        .mem_unit = UKVM_PAGE_SIZE,
    };
    return 0;
}

/* ---- limits: what the kernel really has; setting one lower is remembered, and only that of descriptors is kept to */

static struct rlimit limits[RLIMIT_NLIMITS];
static bool limits_known;

static void learn_limits(void) {
    for (unsigned i = 0; i < RLIMIT_NLIMITS; i++)
        limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    limits[RLIMIT_NOFILE] = (struct rlimit){UK_FD_MAX, UK_FD_MAX};
    limits[RLIMIT_CORE] = (struct rlimit){0, 0};
    limits[RLIMIT_NPROC] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    limits[RLIMIT_STACK] = (struct rlimit){uk_stack_size(), RLIM_INFINITY};
    limits_known = true;
}

long uk_sys_prlimit64(pid_t pid, unsigned resource, const struct rlimit *limit, struct rlimit *old) {
    if (!is_self(pid))
        return -ESRCH;
    if (resource >= RLIMIT_NLIMITS)
        return -EINVAL;
    if (!limits_known)
        learn_limits();
    struct rlimit before = limits[resource];
    if (limit && limit->rlim_cur > limit->rlim_max)
        return -EINVAL;
    if (limit && limit->rlim_max > before.rlim_max)
        return -EPERM;
    if (limit)
        limits[resource] = *limit;
    if (old)
        *old = before;
    return 0;
}

long uk_sys_getrlimit(unsigned resource, struct rlimit *limit) {
    return uk_sys_prlimit64(0, resource, NULL, limit);
}

long uk_sys_setrlimit(unsigned resource, const struct rlimit *limit) {
    return uk_sys_prlimit64(0, resource, limit, NULL);
}

int uk_fd_limit(void) {
    return limits_known && limits[RLIMIT_NOFILE].rlim_cur < UK_FD_MAX ? (int)limits[RLIMIT_NOFILE].rlim_cur : UK_FD_MAX;
}

long uk_sys_getrusage(int who, struct rusage *usage) {
    uint64_t now = 0;
    if (who == RUSAGE_THREAD)
        now = uk_thread_processor_time(uk_current);
    else if (who == RUSAGE_SELF)
        now = uk_processor_time();
    else if (who != RUSAGE_CHILDREN)
        return -EINVAL;
    *usage = (struct rusage){
        .ru_utime = {.tv_sec = (time_t)(now / UK_SECOND), .tv_usec = (suseconds_t)(now % UK_SECOND / 1000)},
        .ru_maxrss = (long)((uk_pages_total() - uk_pages_available()) * (UKVM_PAGE_SIZE / 1024)),
    };
    return 0;
}

/* ---- scheduling: one processor, one priority */

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
    return is_self(who) || (which == PRIO_PROCESS && uk_thread_find(who)) ? 0 : -ESRCH;
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

long uk_sys_prctl(int option, unsigned long argument) {
    switch (option) {
    case PR_SET_NAME:
        uk_snprintf(uk_current->name, sizeof uk_current->name, "%s", (const char *)argument);
        return 0;
    case PR_GET_NAME:
        memcpy((char *)argument, uk_current->name, sizeof uk_current->name);
        return 0;
    case PR_SET_KEEPCAPS:
        if (argument > 1)
            return -EINVAL;
        uk_keep_capabilities(argument);
        return 0;
    case PR_GET_KEEPCAPS:
        return uk_keeps_capabilities();
    case PR_SET_DUMPABLE:
    case PR_GET_DUMPABLE:
    case PR_SET_PDEATHSIG:
    case PR_SET_NO_NEW_PRIVS:
    case PR_SET_TIMERSLACK:
    case PR_SET_THP_DISABLE:
    case 0x53564d41: /* PR_SET_VMA: names for memory */
        return 0;
    default:
        return -EINVAL;
    }
}

long uk_sys_membarrier(int command) {
    return command == 0 ? 0 : -EINVAL; /* MEMBARRIER_CMD_QUERY: none are needed and none are offered */
}
