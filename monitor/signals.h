/* SPDX-License-Identifier: MIT */
/*
 * SIGTERM and SIGINT as descriptors. They are always blocked, so none interrupts anything; each has a signalfd that
 * io_uring watches, which ends a sleep, and KVM_RUN lets them through, which ends a run of the guest. No handler runs,
 * and no signal is lost between a test and a sleep.
 */
#ifndef UKVM_SIGNALS_H
#define UKVM_SIGNALS_H

#include <signal.h>

#include "error.h"

#define SIGNALS_MAX 2u

struct signals {
    unsigned count; /* fewer than SIGNALS_MAX when the process was started with some ignored, as `nohup` does */
    struct {
        int number;
        int fd;
    } table[SIGNALS_MAX];
    sigset_t let_through; /* the mask for KVM_RUN */
};

int signals_open(struct signals *signals, struct error *err);

#endif
