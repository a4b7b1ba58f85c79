/* SPDX-License-Identifier: MIT */
/*
 * Run by `make`: prints filter.h's tables as C. libseccomp makes the programs from policy.c's table with marks in the
 * place of the values that only a start knows; a constant that is half of a mark becomes an operand.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "filter.h"

static _Noreturn void die(const char *what, int error) {
    fprintf(stderr, "make_filter: %s: %s\n", what, strerror(error));
    exit(1);
}

/*
 * The two halves of each mark differ, so that nothing is left out that other values need. What is compared under a mask
 * has no bit outside the mask's mark: then libseccomp has no reason to change it.
 */
static uint32_t mark_half(unsigned operand, unsigned shift) {
    uint32_t high = shift ? 1 : 0;
    return operand >= FILTER_MASK ? 0xffffff00u | operand << 1 | high : 0x5e000000u | operand << 12 | high << 8;
}

static uint64_t mark(unsigned operand) {
    return (uint64_t)mark_half(operand, 32) << 32 | mark_half(operand, 0);
}

static struct filter_step step(const struct sock_filter *instruction) {
    for (unsigned operand = 0; operand < FILTER_OPERANDS; operand++)
        for (unsigned shift = 0; shift <= 32; shift += 32)
            if (instruction->k == mark_half(operand, shift) && BPF_CLASS(instruction->code) != BPF_RET)
                return (struct filter_step){*instruction, (uint8_t)operand, (uint8_t)shift};
    return (struct filter_step){*instruction, FILTER_CONSTANT, 0};
}

static struct scmp_arg_cmp compare(const struct policy_check *check) {
    struct scmp_arg_cmp result = {.arg = check->argument, .op = SCMP_CMP_EQ};
    uint64_t value = check->value == POLICY_CONSTANT ? check->constant : mark(FILTER_VALUE + check->value);
    switch (check->compare) {
    case POLICY_EQUAL:
        result.datum_a = value;
        break;
    case POLICY_AT_MOST:
        result.op = SCMP_CMP_LE;
        result.datum_a = value;
        break;
    case POLICY_NO_BITS_BUT:
        result.op = SCMP_CMP_MASKED_EQ;
        result.datum_a = ~value;
        result.datum_b = 0;
        break;
    case POLICY_WITHIN_BLOCK: /* region_map() has aligned it to its own size, rounded up to a power of two */
        result.op = SCMP_CMP_MASKED_EQ;
        result.datum_a = mark(FILTER_MASK + (unsigned)check->constant);
        result.datum_b = value;
        break;
    }
    return result;
}

static void add(scmp_filter_ctx filter, const struct policy_syscall *row) {
    struct scmp_arg_cmp checks[POLICY_MAX_CHECKS];
    for (unsigned i = 0; i < row->checks_count; i++)
        checks[i] = compare(&row->checks[i]);
    int result = seccomp_rule_add_exact_array(filter, SCMP_ACT_ALLOW, row->number, row->checks_count, checks);
    if (result)
        die(row->name, -result);
}

static unsigned make(unsigned uses, struct sock_filter program[FILTER_MAX]) {
    int file = memfd_create("filter", MFD_CLOEXEC);
    if (file < 0)
        die("memfd_create", errno);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        die("seccomp_init", ENOMEM);
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result)
        die("seccomp_attr_set", -result);
    for (size_t i = 0; i < policy_syscalls_count; i++)
        if (policy_syscalls[i].uses & uses)
            add(filter, &policy_syscalls[i]);
    result = seccomp_export_bpf(filter, file);
    if (result)
        die("seccomp_export_bpf", -result);
    seccomp_release(filter);
    ssize_t size = pread(file, program, FILTER_MAX * sizeof *program, 0);
    if (size <= 0 || (size_t)size >= FILTER_MAX * sizeof *program)
        die("the filter's size", EFBIG);
    close(file);
    return (unsigned)((size_t)size / sizeof *program);
}

/* Every run-time value of these uses must have left both halves of its mark, or it would not be checked. */
static void check_marks(unsigned uses, const struct filter_step *steps, unsigned length) {
    unsigned seen[FILTER_OPERANDS + 1] = {0};
    for (unsigned i = 0; i < length; i++)
        seen[steps[i].operand] |= steps[i].shift ? 2 : 1;
    for (size_t i = 0; i < policy_syscalls_count; i++)
        for (unsigned j = 0; j < policy_syscalls[i].checks_count && (policy_syscalls[i].uses & uses); j++) {
            const struct policy_check *check = &policy_syscalls[i].checks[j];
            bool block = check->compare == POLICY_WITHIN_BLOCK;
            if ((check->value != POLICY_CONSTANT && seen[FILTER_VALUE + check->value] != 3) ||
                (block && seen[FILTER_MASK + check->constant] != 3))
                die(policy_syscalls[i].name, ENOENT);
        }
}

static void print(const char *name, unsigned uses) {
    struct sock_filter program[FILTER_MAX];
    struct filter_step steps[FILTER_MAX];
    unsigned length = make(uses, program);
    for (unsigned i = 0; i < length; i++)
        steps[i] = step(&program[i]);
    check_marks(uses, steps, length);
    printf("const uint16_t %s_length = %u;\nconst struct filter_step %s[] = {\n", name, length, name);
    for (unsigned i = 0; i < length; i++)
        printf("    {{0x%02x, %u, %u, 0x%08x}, %u, %u},\n", steps[i].instruction.code, steps[i].instruction.jt,
               steps[i].instruction.jf, steps[i].instruction.k, steps[i].operand, steps[i].shift);
    printf("};\n");
}

int main(void) {
    unsigned all = POLICY_ALWAYS | POLICY_BLK_READ | POLICY_BLK_WRITE | POLICY_NET;
    for (size_t i = 0; i < policy_syscalls_count; i++)
        if (!(policy_syscalls[i].uses & (POLICY_ALWAYS | POLICY_TRACE)))
            die("a system call for some devices only: filter_fill() cannot choose", EINVAL);
    /* Whatever the kernel can do on which ukvm is built: 3 is that of KILL_PROCESS, Linux 4.14. */
    if (seccomp_api_set(3))
        die("seccomp_api_set", EINVAL);
    printf("/* Generated by make_filter.c. */\n#include \"filter.h\"\n\n");
    print("filter_plain", all);
    print("filter_traced", all | POLICY_TRACE);
    return fflush(stdout) || ferror(stdout);
}
