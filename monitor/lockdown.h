/* SPDX-License-Identifier: MIT */
/*
 * The end of the monitor's rights. After lockdown() the process can run its vCPU, do I/O on the files registered with
 * its io_uring, write to standard error, read its image, give guest memory back, and exit; see seccomp/policy.c.
 */
#ifndef UKVM_LOCKDOWN_H
#define UKVM_LOCKDOWN_H

#include "base/error.h"
#include "io/device.h"
#include "policy.h"

/* What the policy's tables are about in this process. */
struct lockdown {
    unsigned uses; /* enum policy_use, together */
    uint64_t values[POLICY_VALUES];
    const struct devices *devices;
    int ring_fd; /* -1 when io_uring goes by its registered index, and its descriptor is not needed */
};

/*
 * Applies everything, in order. A step that this host cannot do is named in one line on standard error if what remains
 * still stands by itself, and is an error otherwise: without io_uring's restrictions, without seccomp, nothing runs.
 */
int lockdown(const struct lockdown *lockdown, struct error *err);

/* The uses of the policy that a command line makes, enum policy_use together. */
unsigned lockdown_uses(const struct config *config);

/* Landlock's version on this host, 0 if there is none. */
int lockdown_landlock_version(void);

#endif
