/* SPDX-License-Identifier: MIT */
#include "filter.h"

#include "base/region.h"

uint16_t filter_fill(unsigned uses, const uint64_t values[POLICY_VALUES], struct sock_filter *program) {
    const struct filter_step *steps = uses & POLICY_TRACE ? filter_traced : filter_plain;
    uint16_t length = uses & POLICY_TRACE ? filter_traced_length : filter_plain_length;
    uint64_t operands[FILTER_OPERANDS];
    for (unsigned i = 0; i < POLICY_VALUES; i++) {
        operands[FILTER_VALUE + i] = values[i];
        operands[FILTER_MASK + i] = ~(region_block_size(values[i]) - 1);
    }
    for (unsigned i = 0; i < length; i++) {
        program[i] = steps[i].instruction;
        if (steps[i].operand != FILTER_CONSTANT)
            program[i].k = (uint32_t)(operands[steps[i].operand] >> steps[i].shift);
    }
    return length;
}
