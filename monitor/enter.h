/* SPDX-License-Identifier: MIT */
/* One run of the vCPU: the guest's own, or that of a stub of the monitor's. */
#ifndef UKVM_ENTER_H
#define UKVM_ENTER_H

#include "guest.h"
#include "io/io.h"

enum entered {
    ENTERED_ERROR = -1, /* KVM cannot run the guest; `err` says why */
    ENTERED_EXIT,       /* the guest has left; guest->vm.run says why */
    ENTERED_SIGNAL,     /* io->stop_signal tells the monitor to end; the guest may have run or not */
};

/*
 * Enters the guest until it leaves by itself or the monitor is told to end. A signal that is the guest's is taken, or
 * KVM would not enter any more.
 */
enum entered enter_guest(struct guest *guest, struct io *io, struct error *err);

#endif
