/* SPDX-License-Identifier: MIT */
/* The one process. */
#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "credentials.h"
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

/* What always holds, and what is accepted without effect. */
long uk_sys_zero(void) {
    return 0;
}

long uk_sys_getpgid(pid_t pid) {
    return uk_is_self(pid) ? 1 : -ESRCH;
}

long uk_sys_setpgid(pid_t pid) {
    return uk_is_self(pid) ? 0 : -ESRCH;
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
