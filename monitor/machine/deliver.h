/* SPDX-License-Identifier: MIT */
/*
 * An exception that the guest handles itself. ABI.md, FAULT-04 to FAULT-08.
 *
 * There is no address to write to: the structure is the monitor's own memory, at a place that the guest was told. All
 * that the guest says is where its handler begins, which is compared with what it may execute anyway. Nothing waits and
 * nothing is kept: an exception is one exit, however many of them a guest makes.
 */
#ifndef UKVM_DELIVER_H
#define UKVM_DELIVER_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "fault.h"
#include "layout.h"

/*
 * If the guest has a handler: takes it away, tells it of `event` in `shared`, which the guest has at `address`, and
 * puts it into `state`, the registers to go on with. False, with nothing changed, if it has none, or if the exception
 * was not the guest's but one of the stubs'.
 */
bool deliver(const struct layout *layout, const struct fault_event *event, struct ukvm_fault *shared, uint64_t address,
             struct kvm_sync_regs *state);

#endif
