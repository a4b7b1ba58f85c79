/* SPDX-License-Identifier: MIT */
/* What the guest is told about its processor, and what the monitor learns from it. */
#ifndef UKVM_CPUID_H
#define UKVM_CPUID_H

#include <stdint.h>

#include "error.h"

struct cpu_features {
    unsigned address_bits; /* width of a guest-physical address */
    uint64_t cr4;          /* CR4 bits that the features below need */
    uint64_t xcr0;         /* 0: no XSAVE */
};

/* Gives the vCPU what KVM supports, less what hides virtualization (ABI.md, ENTRY-02). */
int cpuid_set(int kvm_fd, int vcpu_fd, struct cpu_features *features, struct error *err);

#endif
