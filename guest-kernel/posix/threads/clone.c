/* SPDX-License-Identifier: MIT */
/* What musl's own assembly calls when a thread begins and ends. */
#include <sched.h>

#include "posix/syscall.h"
#include "thread.h"

/* Called by musl's __clone(), laid over by ours. The flags are those of pthread_create(); others make processes. */
int uk_clone(int (*function)(void *), void *stack, int flags, void *argument, int *parent_tid, void *tls,
             int *child_tid);

int uk_clone(int (*function)(void *), void *stack, int flags, void *argument, int *parent_tid, void *tls,
             int *child_tid) {
    const int needed = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
    if ((flags & needed) != needed)
        return uk_missing_call("clone (a process)");
    return uk_thread_create(function, stack, argument, flags & CLONE_SETTLS ? (uintptr_t)tls : 0,
                            flags & CLONE_PARENT_SETTID ? parent_tid : NULL,
                            flags & CLONE_CHILD_CLEARTID ? child_tid : NULL);
}

/* Called by musl's __unmapself(). */
_Noreturn void uk_thread_exit_unmapping(void *base, size_t size);

_Noreturn void uk_thread_exit_unmapping(void *base, size_t size) {
    uk_current->unmap = base;
    uk_current->unmap_size = size;
    uk_thread_exit();
}
