/* SPDX-License-Identifier: MIT */
/*
 * The filter of system calls: policy.c's table as a program for the kernel's seccomp. libseccomp makes it when ukvm is
 * built (make_filter.c), which takes it 0.1 ms; a start only fills in what is known then.
 */
#ifndef UKVM_FILTER_H
#define UKVM_FILTER_H

#include <linux/filter.h>

#include "policy.h"

/* What goes into an instruction's constant, a half of 64 bits each. */
enum filter_operand {
    FILTER_VALUE,                               /* and an enum policy_value: that value */
    FILTER_MASK = FILTER_VALUE + POLICY_VALUES, /* and one: the bits outside a block of that size */
    FILTER_OPERANDS = FILTER_MASK + POLICY_VALUES,
    FILTER_CONSTANT = FILTER_OPERANDS, /* nothing: the constant is there already */
};

struct filter_step {
    struct sock_filter instruction;
    uint8_t operand; /* enum filter_operand */
    uint8_t shift;   /* 0: its low half, 32: its high one */
};

/* Generated. */
extern const struct filter_step filter_plain[], filter_traced[];
extern const uint16_t filter_plain_length, filter_traced_length;

#define FILTER_MAX 256u

/*
 * Writes the filter for these uses (enum policy_use, together) and values to `program`, which has room for FILTER_MAX
 * instructions; returns how many there are.
 */
uint16_t filter_fill(unsigned uses, const uint64_t values[POLICY_VALUES], struct sock_filter *program);

#endif
