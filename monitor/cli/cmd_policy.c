/* SPDX-License-Identifier: MIT */
/* `ukvm policy`: what the monitor may still do while a given guest runs. Opens nothing. */
#include <inttypes.h>
#include <stdio.h>

#include "commands.h"
#include "lockdown.h"
#include "options.h"
#include "policy.h"

static const char *const value_names[POLICY_VALUES] = {
    [POLICY_VCPU_FD] = "the vCPU",
    [POLICY_IMAGE_FD] = "the image",
    [POLICY_RING_FD] = "the ring",
    [POLICY_RAM_BLOCK] = "guest memory",
    [POLICY_RAM_SIZE] = "the size of guest memory",
    [POLICY_RING_SLOTS] = "the slots of the ring",
};

static const char *const compare_names[] = {
    [POLICY_EQUAL] = "is",
    [POLICY_AT_MOST] = "is at most",
    [POLICY_NO_BITS_BUT] = "has no bits but",
    [POLICY_WITHIN_BLOCK] = "is within",
};

static void print_check(const struct policy_check *check) {
    printf("        argument %u, %s, %s ", check->argument, check->meaning, compare_names[check->compare]);
    if (check->value == POLICY_CONSTANT)
        printf("0x%" PRIx64 "\n", check->constant);
    else
        printf("%s\n", value_names[check->value]);
}

static void print_policy(unsigned uses) {
    puts("System calls; any other kills the process:");
    for (size_t i = 0; i < policy_syscalls_count; i++) {
        const struct policy_syscall *row = &policy_syscalls[i];
        if (!(row->uses & uses))
            continue;
        printf("    %-16s %s\n", row->name, row->reason);
        for (unsigned j = 0; j < row->checks_count; j++)
            print_check(&row->checks[j]);
    }
    puts("io_uring operations, on registered files only; any other fails:");
    for (size_t i = 0; i < policy_opcodes_count; i++)
        if (policy_opcodes[i].uses & uses)
            printf("    %-16s %s\n", policy_opcodes[i].name, policy_opcodes[i].reason);
    puts("Landlock rights: none. Capabilities: none. New descriptors: none. Root: empty.");
}

int cmd_policy(int argc, char **argv, struct error *err) {
    struct config config;
    switch (options_parse_run(argc, argv, &config, err)) {
    case OPTIONS_ERROR:
        return -1;
    case OPTIONS_HELP:
        puts("Usage: ukvm policy [OPTION...] IMAGE [ARG...]\n"
             "Print what the monitor may still do while `ukvm run` with the same options runs the guest.");
        return 0;
    case OPTIONS_RUN:
        break;
    }
    if (config.sandbox == SANDBOX_OFF)
        puts("Everything: --no-sandbox.");
    else
        print_policy(lockdown_uses(&config));
    config_free(&config);
    return 0;
}
