/* SPDX-License-Identifier: MIT */
/* What the guest is told about its processor, and what the monitor learns from it. */
#ifndef UKVM_CPUID_H
#define UKVM_CPUID_H

#include <linux/kvm.h>
#include <stdint.h>

#include "base/error.h"

#define CPUID_LEAVES 256u

/* What KVM_SET_CPUID2 takes. */
struct cpuid {
    struct kvm_cpuid2 head;
    struct kvm_cpuid_entry2 entries[CPUID_LEAVES];
};

struct cpu_features {
    unsigned address_bits; /* width of a guest-physical address */
    uint64_t cr4;          /* CR4 bits that the features below need */
    uint64_t xcr0;         /* 0: no XSAVE */
};

/* What KVM supports, less what hides virtualization (ABI.md, ENTRY-02). */
int cpuid_read(int kvm_fd, struct cpuid *cpuid, struct cpu_features *features, struct error *err);

#endif
