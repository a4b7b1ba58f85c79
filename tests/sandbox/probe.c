/* SPDX-License-Identifier: MIT */
/*
 * Linked in the place of run_guest(): the monitor has opened, built and locked down everything as for any guest, and
 * now it is in an attacker's hands. What is attempted comes from the environment, as UKVM_PROBE:
 *
 *   calls             lists the rows of the policy: "ROW NAME CHECKS"
 *   syscall NUMBER    a system call with arguments of 0
 *   row ROW           one that the policy allows, with arguments that it allows
 *   row ROW CHECK     the same with the argument of that check changed
 *   opcodes           every io_uring operation, allowed flags; then each flag with an allowed operation
 *
 * Prints what came of it on standard error; the policy kills what it does not allow.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/region.h"
#include "io/uring.h"
#include "lockdown.h"
#include "run.h"

int __wrap_run_guest(struct guest *guest, struct io *io, struct error *err);
int __wrap_lockdown(const struct lockdown *lockdown, struct error *err);
int __real_lockdown(const struct lockdown *lockdown, struct error *err);

static struct lockdown rights;
static char scratch[16];

int __wrap_lockdown(const struct lockdown *lockdown, struct error *err) {
    rights = *lockdown;
    return __real_lockdown(lockdown, err);
}

static void say(const char *format, long a, long b) {
    char line[128];
    int n = snprintf(line, sizeof line, format, a, b);
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(3);
}

static uint64_t allowed_value(const struct policy_check *check) {
    uint64_t value = check->value == POLICY_CONSTANT ? check->constant : rights.values[check->value];
    return check->compare == POLICY_AT_MOST || check->compare == POLICY_NO_BITS_BUT ? 0 : value;
}

static uint64_t forbidden_value(const struct policy_check *check) {
    uint64_t value = check->value == POLICY_CONSTANT ? check->constant : rights.values[check->value];
    switch (check->compare) {
    case POLICY_NO_BITS_BUT:
        return ~value & (0 - ~value); /* the lowest bit that is not allowed */
    case POLICY_WITHIN_BLOCK:
        return value + region_block_size(rights.values[check->constant]);
    default:
        return value + 1;
    }
}

static int attempt_row(unsigned row, int changed) {
    const struct policy_syscall *call = &policy_syscalls[row];
    uint64_t arguments[6] = {0};
    if (call->number == SYS_write || call->number == SYS_pread64 || call->number == SYS_clock_gettime)
        arguments[1] = (uintptr_t)scratch;
    for (unsigned i = 0; i < call->checks_count; i++)
        arguments[call->checks[i].argument] =
            (int)i == changed ? forbidden_value(&call->checks[i]) : allowed_value(&call->checks[i]);
    long result =
        syscall(call->number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    say("probe: result %ld errno %ld\n", result, result < 0 ? errno : 0);
    return 0;
}

/* The result of one operation on the registered file 1, standard error, for which it is harmless. */
static long attempt_opcode(struct io *io, unsigned opcode, unsigned flags, int file) {
    struct io_uring_cqe *cqe;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&io->uring);
    if (!sqe)
        return 2;
    *sqe = (struct io_uring_sqe){0};
    sqe->opcode = (uint8_t)opcode;
    sqe->flags = (uint8_t)flags;
    sqe->fd = file;
    uint64_t tag = 1000 + opcode + 256 * flags; /* a late completion of another attempt is not this one's */
    sqe->user_data = tag;
    int result = io_uring_submit_and_get_events(&io->uring);
    if (result < 0)
        return result;
    for (int tries = 0; tries < 64 && io_uring_peek_cqe(&io->uring, &cqe) == 0; tries++) {
        long found = cqe->user_data == tag ? cqe->res : 1;
        io_uring_cqe_seen(&io->uring, cqe);
        if (found <= 0)
            return found;
    }
    return 1; /* it was taken and goes on: certainly not refused */
}

static int attempt_opcodes(struct io *io) {
    for (unsigned opcode = 0; opcode < 256; opcode++)
        say("opcode %ld %ld\n", (long)opcode, attempt_opcode(io, opcode, IOSQE_FIXED_FILE, 1));
    for (unsigned flag = 0; flag < 8; flag++) /* in place of, or beside, the one that must be there */
        say("flag %ld %ld\n", (long)flag,
            attempt_opcode(io, IORING_OP_WRITE_FIXED,
                           1u << flag == IOSQE_FIXED_FILE ? 0 : IOSQE_FIXED_FILE | 1u << flag, 1));
    return 0;
}

int __wrap_run_guest(struct guest *guest, struct io *io, struct error *err) {
    const char *probe = getenv("UKVM_PROBE");
    unsigned number;
    int check = -1;
    (void)guest;
    if (!probe)
        return error_set(err, EXIT_MONITOR, "probe: UKVM_PROBE is not set");
    if (strcmp(probe, "calls") == 0) {
        for (size_t i = 0; i < policy_syscalls_count; i++)
            say("call %ld %ld", policy_syscalls[i].number, (long)policy_syscalls[i].checks_count),
                say(policy_syscalls[i].uses & rights.uses ? " used\n" : " unused\n", 0, 0);
        for (size_t i = 0; i < policy_opcodes_count; i++)
            say("operation %ld %ld\n", policy_opcodes[i].opcode, (policy_opcodes[i].uses & rights.uses) != 0);
        return 0;
    }
    if (strcmp(probe, "opcodes") == 0)
        return attempt_opcodes(io);
    if (sscanf(probe, "row %u %d", &number, &check) >= 1 && number < policy_syscalls_count)
        return attempt_row(number, check);
    if (sscanf(probe, "syscall %u", &number) == 1) {
        long result = syscall(number, 0, 0, 0, 0, 0, 0);
        say("probe: result %ld errno %ld\n", result, result < 0 ? errno : 0);
        return 0;
    }
    return error_set(err, EXIT_MONITOR, "probe: '%s' is not understood", probe);
}
