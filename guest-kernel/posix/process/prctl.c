/* SPDX-License-Identifier: MIT */
/* prctl(2): the names of threads, and settings that are remembered. */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "credentials.h"
#include "posix/threads/thread.h"

#define LAST_SIGNAL 64
#define TIMER_SLACK 50000 /* Linux: init_task */

static int dumpable = 1, death_signal, no_new_privileges, no_huge_pages, subreaper;
static unsigned long timer_slack = TIMER_SLACK;

/* One of `most` + 1 values. */
static int set(int *setting, unsigned long value, unsigned long most) {
    if (value > most)
        return -EINVAL;
    *setting = (int)value;
    return 0;
}

static int give(void *to, int value) {
    *(int *)to = value;
    return 0;
}

/* Once set it stays. */
static int set_no_new_privileges(unsigned long value, unsigned long rest) {
    if (value != 1 || rest)
        return -EINVAL;
    no_new_privileges = 1;
    return 0;
}

static int keep_capabilities(unsigned long value) {
    if (value > 1)
        return -EINVAL;
    uk_keep_capabilities(value);
    return 0;
}

static int set_timer_slack(unsigned long slack) {
    timer_slack = slack ? slack : TIMER_SLACK;
    return 0;
}

static long of_threads(int option, char *name) {
    if (option == PR_SET_NAME)
        uk_snprintf(uk_current->name, sizeof uk_current->name, "%s", name);
    else
        memcpy(name, uk_current->name, sizeof uk_current->name);
    return 0;
}

long uk_sys_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    switch (option) {
    case PR_SET_NAME:
    case PR_GET_NAME:
        return of_threads(option, (char *)a);
    case PR_SET_KEEPCAPS:
        return keep_capabilities(a);
    case PR_GET_KEEPCAPS:
        return uk_keeps_capabilities();
    case PR_SET_DUMPABLE:
        return set(&dumpable, a, 1);
    case PR_GET_DUMPABLE:
        return dumpable;
    case PR_SET_PDEATHSIG:
        return set(&death_signal, a, LAST_SIGNAL);
    case PR_GET_PDEATHSIG:
        return give((void *)a, death_signal);
    case PR_SET_NO_NEW_PRIVS:
        return set_no_new_privileges(a, b | c | d);
    case PR_GET_NO_NEW_PRIVS:
        return a | b | c | d ? -EINVAL : no_new_privileges;
    case PR_SET_TIMERSLACK:
        return set_timer_slack(a);
    case PR_GET_TIMERSLACK:
        return (long)timer_slack;
    case PR_SET_THP_DISABLE:
        return b | c | d ? -EINVAL : set(&no_huge_pages, a != 0, 1);
    case PR_GET_THP_DISABLE:
        return a | b | c | d ? -EINVAL : no_huge_pages;
    case PR_SET_CHILD_SUBREAPER:
        return set(&subreaper, a != 0, 1);
    case PR_GET_CHILD_SUBREAPER:
        return give((void *)a, subreaper);
    case PR_GET_SECCOMP:
        return 0;
    case PR_CAPBSET_READ:
        return a <= CAP_LAST_CAP ? 1 : -EINVAL;
    case 0x53564d41: /* PR_SET_VMA: names for memory */
        return 0;
    default:
        return -EINVAL;
    }
}
