/* SPDX-License-Identifier: MIT */
/*
 * What the monitor may still do once the guest runs, as data: every system call, io_uring operation and Landlock right,
 * with its conditions and its reason. Nothing that is not a row here is allowed. lockdown.c and uring.c apply the
 * tables, `ukvm policy` prints them, the tests attempt everything else.
 */
#ifndef UKVM_POLICY_H
#define UKVM_POLICY_H

#include <stddef.h>
#include <stdint.h>

/* What a row is for; it applies if any of these is in use. */
enum policy_use {
    POLICY_ALWAYS = 1,
    POLICY_BLK_READ = 2,  /* a disk */
    POLICY_BLK_WRITE = 4, /* a disk that is not read-only */
    POLICY_NET = 8,
    POLICY_TRACE = 16,
};

/* A value that is known only at run time. */
enum policy_value {
    POLICY_CONSTANT,   /* the row's own */
    POLICY_VCPU_FD,    /* the vCPU */
    POLICY_IMAGE_FD,   /* the image, open for reading */
    POLICY_RING_FD,    /* io_uring, by its registered index or its descriptor */
    POLICY_RAM_BLOCK,  /* the aligned block of address space that the guest's memory is mapped in */
    POLICY_RAM_SIZE,   /* bytes of guest memory */
    POLICY_RING_SLOTS, /* submissions in flight at most */
    POLICY_VALUES,
};

enum policy_compare {
    POLICY_EQUAL,
    POLICY_AT_MOST,
    POLICY_NO_BITS_BUT,  /* no bit set outside the constant */
    POLICY_WITHIN_BLOCK, /* in the power-of-two block that starts at the value; its size is the constant's policy_value
                          */
};

struct policy_check {
    unsigned argument; /* 0 to 5 */
    const char *meaning;
    enum policy_compare compare;
    enum policy_value value;
    uint64_t constant;
};

#define POLICY_MAX_CHECKS 4u

/* Phase "run": from lock-down to the end. There is no later phase, and before it nothing is restricted. */
struct policy_syscall {
    const char *name;
    int number;
    unsigned uses;
    const char *reason;
    struct policy_check checks[POLICY_MAX_CHECKS];
    unsigned checks_count;
};

struct policy_opcode {
    const char *name;
    uint8_t opcode;
    unsigned uses;
    const char *reason;
};

extern const struct policy_syscall policy_syscalls[];
extern const size_t policy_syscalls_count;
extern const struct policy_opcode policy_opcodes[];
extern const size_t policy_opcodes_count;

#endif
