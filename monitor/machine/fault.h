/* SPDX-License-Identifier: MIT */
/*
 * What is said when the guest ends otherwise than by EXIT: what happened, where, the registers, and a backtrace with
 * names from the image's symbol table. Everything is read from memory that the guest may have filled with anything.
 */
#ifndef UKVM_FAULT_H
#define UKVM_FAULT_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "base/region.h"
#include "image/image.h"
#include "layout.h"
#include "traps.h"

struct fault_context {
    const struct image *image;
    const struct layout *layout;
    const struct region *ram;
};

/* An exception: what the processor was doing when it came. */
struct fault_event {
    unsigned vector;
    bool user;           /* it came at CPL 3 */
    bool syscall;        /* the instruction SYSCALL: vector 6 on every host */
    uint64_t error_code; /* 0 where there is none */
    uint64_t address;    /* CR2 for a page fault, otherwise 0 */
    struct kvm_regs regs;
};

struct fault_report {
    char text[8192];
    size_t used;
};

/* The vCPU is in the stub of exception `vector`, with the registers `state`. */
void fault_read(const struct region *system, const struct layout *layout, unsigned vector,
                const struct kvm_sync_regs *state, struct fault_event *event);

/* Writes the report of an exception and returns the exit status, 128 + signal (ABI.md, FAULT-01). */
int fault_report_trap(const struct fault_context *context, const struct fault_event *event,
                      struct fault_report *report);

/* The guest did `what`, which no clause allows. */
void fault_report_violation(const struct fault_context *context, const char *what, const struct kvm_regs *regs,
                            struct fault_report *report);

#endif
