/* SPDX-License-Identifier: MIT */
/* The one process. */
#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "posix/threads/thread.h"
#include "posix/time/deadline.h"
#include "process.h"

_Noreturn void uk_sys_exit(void) {
    uk_thread_exit();
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

/* ---- groups and sessions: the one process leads its own, as the first one of a container does */

/* A thread's number stands for its process. */
static bool is_ours(pid_t pid) {
    return uk_is_self(pid) || uk_thread_find(pid);
}

long uk_sys_getpgid(pid_t pid) {
    return is_ours(pid) ? 1 : -ESRCH;
}

long uk_sys_setpgid(pid_t pid, pid_t group) {
    if (group < 0)
        return -EINVAL;
    return is_ours(pid) ? -EPERM : -ESRCH; /* which the leader of a session cannot change */
}

long uk_sys_setsid(void) {
    return -EPERM;
}

/* ---- children: there are none */

#define WAIT_FLAGS (WNOHANG | WUNTRACED | WCONTINUED)
#define WAIT_LINUX_FLAGS 0xe0000000u /* __WNOTHREAD, __WALL, __WCLONE */

long uk_sys_wait4(pid_t pid, int *status, unsigned options) {
    (void)status;
    if (options & ~(WAIT_FLAGS | WAIT_LINUX_FLAGS))
        return -EINVAL;
    return pid == INT_MIN ? -ESRCH : -ECHILD; /* no group has that number, negated */
}

static bool can_be_waited_for(int type, pid_t id) {
    switch (type) {
    case P_ALL:
        return true;
    case P_PID:
        return id > 0;
    default:
        return type == P_PGID && id >= 0;
    }
}

#define P_PIDFD_TYPE 3

long uk_sys_waitid(int type, pid_t id, siginfo_t *info, unsigned options) {
    (void)info;
    if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WAIT_LINUX_FLAGS))
        return -EINVAL;
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    if (type == P_PIDFD_TYPE)
        return id < 0 ? -EINVAL : -EBADF;
    return can_be_waited_for(type, id) ? -ECHILD : -EINVAL;
}

/* ---- the machine, and what of it is used */

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

/* MEMBARRIER_CMD_QUERY: none are needed and none are offered. */
long uk_sys_membarrier(int command, unsigned flags) {
    return command == 0 && flags == 0 ? 0 : -EINVAL;
}
