/* SPDX-License-Identifier: MIT */
/* links: monitor/filter.c seccomp/policy.c gen/filter.c */
/*
 * The filter, run by an interpreter of its own, decides what policy.c's table says: for every system call, and for
 * arguments on each side of every check, one bit away from what is allowed, and at random.
 */
#include "filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/region.h"
#include "tap.h"

#define CALLS 600

static struct sock_filter program[FILTER_MAX];
static uint16_t length;

/* What seccomp does with a call: seccomp(2). */
static uint32_t decide(const struct seccomp_data *data) {
    uint32_t a = 0;
    for (unsigned pc = 0; pc < length; pc++) {
        const struct sock_filter *op = &program[pc];
        bool jump = false;
        switch (op->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + op->k, sizeof a);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= op->k;
            continue;
        case BPF_RET | BPF_K:
            return op->k;
        case BPF_JMP | BPF_JA:
            pc += op->k;
            continue;
        case BPF_JMP | BPF_JEQ | BPF_K:
            jump = a == op->k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            jump = a > op->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            jump = a >= op->k;
            break;
        default:
            return UINT32_MAX; /* no instruction that libseccomp uses */
        }
        pc += jump ? op->jt : op->jf;
    }
    return UINT32_MAX;
}

/* What the table says. */

static bool check_holds(const struct policy_check *check, const uint64_t values[], uint64_t argument) {
    uint64_t value = check->value == POLICY_CONSTANT ? check->constant : values[check->value];
    switch (check->compare) {
    case POLICY_EQUAL:
        return argument == value;
    case POLICY_AT_MOST:
        return argument <= value;
    case POLICY_NO_BITS_BUT:
        return (argument & ~value) == 0;
    case POLICY_WITHIN_BLOCK:
        return argument - value < region_block_size(values[check->constant]);
    }
    return false;
}

static const struct policy_syscall *row_of(unsigned uses, int number) {
    for (size_t i = 0; i < policy_syscalls_count; i++)
        if (policy_syscalls[i].number == number && (policy_syscalls[i].uses & uses))
            return &policy_syscalls[i];
    return NULL;
}

static bool allows(unsigned uses, const uint64_t values[], const struct seccomp_data *data) {
    const struct policy_syscall *row = row_of(uses, data->nr);
    for (unsigned i = 0; row && i < row->checks_count; i++)
        if (!check_holds(&row->checks[i], values, data->args[row->checks[i].argument]))
            return false;
    return row;
}

static unsigned compared, allowed;

static bool agree(unsigned uses, const uint64_t values[], const struct seccomp_data *data) {
    bool want = allows(uses, values, data);
    compared++;
    allowed += want;
    if (decide(data) == (want ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS))
        return true;
    printf("# call %d(0x%llx, 0x%llx, 0x%llx, 0x%llx): decided 0x%x\n", data->nr, data->args[0], data->args[1],
           data->args[2], data->args[3], decide(data));
    return false;
}

static uint64_t random64(void) {
    return (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
}

/* Arguments that every check of the row allows. */
static struct seccomp_data allowed_call(const struct policy_syscall *row, const uint64_t values[]) {
    struct seccomp_data data = {.nr = row->number, .arch = AUDIT_ARCH_X86_64};
    for (unsigned i = 0; i < 6; i++)
        data.args[i] = random64(); /* what is not checked may be anything */
    for (unsigned i = 0; i < row->checks_count; i++) {
        const struct policy_check *check = &row->checks[i];
        data.args[check->argument] = check->value == POLICY_CONSTANT ? check->constant : values[check->value];
    }
    return data;
}

static bool agree_around(unsigned uses, const uint64_t values[], const struct policy_syscall *row) {
    bool right = true;
    for (unsigned i = 0; i < row->checks_count; i++) {
        struct seccomp_data data = allowed_call(row, values);
        __u64 *argument = &data.args[row->checks[i].argument], exact = *argument;
        const uint64_t steps[] = {0,
                                  1,
                                  UINT64_MAX,
                                  values[POLICY_RAM_SIZE],
                                  values[POLICY_RAM_SIZE] - 1,
                                  region_block_size(values[POLICY_RAM_SIZE]),
                                  -exact,
                                  UINT64_MAX - exact};
        for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
            *argument = exact + steps[s];
            right = agree(uses, values, &data) && right;
        }
        for (unsigned bit = 0; bit < 64; bit++) {
            *argument = exact ^ UINT64_C(1) << bit;
            right = agree(uses, values, &data) && right;
        }
        for (unsigned n = 0; n < 1000; n++) {
            *argument = random64() >> rand() % 64;
            right = agree(uses, values, &data) && right;
        }
    }
    return right;
}

static void decisions(unsigned uses, const uint64_t values[], const char *what) {
    bool rows = true, others = true;
    length = filter_fill(uses, values, program);
    compared = allowed = 0;
    for (size_t i = 0; i < policy_syscalls_count; i++)
        rows = agree_around(uses, values, &policy_syscalls[i]) && rows;
    ok(rows && allowed > 100 && compared - allowed > 100, "%s: arguments around every check", what);
    for (size_t i = 0; i < policy_syscalls_count; i++) {
        struct seccomp_data data = allowed_call(&policy_syscalls[i], values);
        for (data.nr = -1; data.nr < CALLS; data.nr++)
            others = agree(uses, values, &data) && others;
        data.nr = policy_syscalls[i].number;
        data.arch = AUDIT_ARCH_I386;
        others = decide(&data) == SECCOMP_RET_KILL_PROCESS && others;
        data.arch = AUDIT_ARCH_X86_64;
        data.nr |= 0x40000000; /* x32 */
        others = decide(&data) == SECCOMP_RET_KILL_PROCESS && others;
    }
    ok(others, "%s: every other system call and architecture", what);
}

int main(void) {
    const unsigned devices = POLICY_ALWAYS | POLICY_BLK_READ | POLICY_NET;
    const struct {
        const char *what;
        uint64_t values[POLICY_VALUES];
    } cases[] = {
        {"64 MiB", {0, 6, 3, 0, 0x7ff314000000, 64 << 20, 260}},
        {"3 MiB", {0, 100, 99, 98, 0x7f0000400000, 3 << 20, 260}},
        {"6 GiB", {0, 6, 3, 0, 0x7e0000000000, UINT64_C(6) << 30, 260}},
        {"one page", {0, 6, 3, 0, 0x7ff314000000, 4096, 260}},
    };
    srand(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        decisions(POLICY_ALWAYS, cases[i].values, cases[i].what);
        decisions(devices | POLICY_TRACE, cases[i].values, "traced");
    }
    return done_testing();
}
