/* SPDX-License-Identifier: MIT */
/* Limits: what the kernel really has. A lower one is remembered, and only that of descriptors is kept to. */
#include <errno.h>
#include <sys/resource.h>

#include "posix/files/file.h"
#include "process.h"

size_t uk_stack_size(void) {
    const struct ukvm_range *stack = uk_range_find(UKVM_RANGE_STACK);
    return stack ? stack->size : UKVM_STACK_DEFAULT;
}

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
    if (!uk_is_self(pid))
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
