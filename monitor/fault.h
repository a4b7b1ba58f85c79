/* SPDX-License-Identifier: MIT */
/*
 * What is said when the guest ends otherwise than by EXIT: what happened, where, the registers, and a backtrace with
 * names from the image's symbol table. Everything is read from memory that the guest may have filled with anything.
 */
#ifndef UKVM_FAULT_H
#define UKVM_FAULT_H

#include <linux/kvm.h>

#include "image.h"
#include "layout.h"
#include "region.h"
#include "traps.h"

struct fault_context {
    const struct image *image;
    const struct layout *layout;
    const struct region *ram, *system;
};

struct fault_report {
    char text[8192];
    size_t used;
};

/*
 * The vCPU is in the stub of exception `vector`. Writes the report and returns the exit status, 128 + signal
 * (ABI.md, FAULT-01).
 */
int fault_report_trap(const struct fault_context *context, unsigned vector, const struct kvm_regs *regs,
                      const struct kvm_sregs *sregs, struct fault_report *report);

/* The guest did `what`, which no clause allows. */
void fault_report_violation(const struct fault_context *context, const char *what, const struct kvm_regs *regs,
                            struct fault_report *report);

#endif
