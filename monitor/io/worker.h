/* SPDX-License-Identifier: MIT */
/*
 * io_uring hands what it cannot do without waiting, such as a write to a regular file or to a terminal, to threads that
 * the kernel starts when the first of these comes. A thread counts as a process (RLIMIT_NPROC, pids.max), and where it
 * cannot be started the operation is cancelled: what the guest has said would be lost. So one is started before the
 * guest is, by an operation that changes nothing, and the last thread of a kind stays. Linux, io_uring/io-wq.c.
 */
#ifndef UKVM_WORKER_H
#define UKVM_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct io;

struct worker {
    bool out, err;             /* files of the console that will need a thread */
    const struct device *disk; /* one that will, for all of them; NULL if there is none */
    unsigned pending;          /* operations in flight that change nothing */
    bool missing;              /* the kernel could not start a thread */
};

/* Looks at the files of the console and at the devices, while it may. */
void worker_plan(struct io *io);

/* Prepares the operations. */
void worker_start(struct io *io);

/* io_uring is done with one of them. */
void worker_finish(struct io *io, int32_t result);

/* Whether threads can be started; -1 with `err` if not. */
int worker_check(const struct io *io, struct error *err);

#endif
