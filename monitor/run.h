/* SPDX-License-Identifier: MIT */
#ifndef UKVM_RUN_H
#define UKVM_RUN_H

#include "guest.h"
#include "io/io.h"

/*
 * Runs the guest until it ends, and returns the exit status for the process. -1 with `err` when the monitor or the
 * guest's use of the rings failed.
 */
int run_guest(struct guest *guest, struct io *io, struct error *err);

#endif
