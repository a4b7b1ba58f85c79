/* SPDX-License-Identifier: MIT */
/*
 * SIGTERM and SIGINT as descriptors. They are always blocked, so none interrupts anything; each has a signalfd that
 * io_uring watches, which ends a sleep, and KVM_RUN lets them through, which ends a run of the guest. No handler runs,
 * and no signal is lost between a test and a sleep.
 *
 * A signal ends the guest, or completes its SIGNAL (ABI.md, SIG-01). In the second case it must not stay pending, or
 * KVM_RUN would never run the guest again: it is read, by io_uring too, and watched for again.
 */
#ifndef UKVM_SIGNALS_H
#define UKVM_SIGNALS_H

#include <signal.h>
#include <stdint.h>

#include "base/error.h"

struct io;
struct request;

#define SIGNALS_MAX 2u

/* The io_uring user_data below this are those of the signals: one for watching and one for reading each. */
#define SIGNALS_TAGS (2 * SIGNALS_MAX)

struct signals {
    unsigned count; /* fewer than SIGNALS_MAX when the process was started with some ignored, as `nohup` does */
    struct {
        int number;
        int fd;
    } table[SIGNALS_MAX];
    sigset_t let_through; /* the mask for KVM_RUN */
};

int signals_open(struct signals *signals, struct error *err);

/* What becomes of a signal. */
struct catcher {
    struct request *request; /* the guest's SIGNAL in flight, NULL if there is none */
    int caught;              /* the signal that completes it at the next turn, 0 if none came */
};

/* Starts watching. */
void signals_watch(struct io *io);

/* io_uring is done with `tag`, which is below SIGNALS_TAGS. Sets io->stop_signal if the guest is to end. */
void signals_finish(struct io *io, uint64_t tag, int32_t result);

/* Completes the guest's SIGNAL if one has come for it; only within a turn (CALL-04). */
void signals_deliver(struct io *io);

/* The guest has ended and takes no completion: from here on a signal is the monitor's, also one not delivered. */
void signals_stop_catching(struct io *io);

/* The operation SIGNAL. */
int32_t signals_check(const struct io *io, const struct request *request);
void signals_start(struct io *io, struct request *request);

#endif
