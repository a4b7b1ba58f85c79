/* SPDX-License-Identifier: MIT */
#include "uring.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "policy.h"

/*
 * There is one entry for each request in flight, for each signal, which is watched for or read, and for a piece of the
 * report, so that preparing one never waits, even if the kernel takes nothing for a while. A guest without devices has
 * one console write, one read and one poll in flight at most; the rings' memory is part of its start-up time.
 */
#define ENTRIES_CONSOLE 8u
#define ENTRIES_DEVICES (2 * RING_CQ_ENTRIES)
_Static_assert(ENTRIES_DEVICES >= RING_CQ_ENTRIES + SIGNALS_MAX + 1, "see uring_sqe()");
_Static_assert(ENTRIES_CONSOLE >= 3 + SIGNALS_MAX + 1, "see uring_sqe()");

static int create(struct io_uring *uring, unsigned entries, struct error *err) {
    /* One thread submits, and completions are worked off when it asks for them: Linux 6.1. */
    struct io_uring_params params = {
        .flags =
            IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = entries,
    };
    int result = io_uring_queue_init_params(entries, uring, &params);
    if (result == -EINVAL) {
        params =
            (struct io_uring_params){.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE, .cq_entries = entries};
        result = io_uring_queue_init_params(entries, uring, &params);
    }
    if (result == -EPERM || result == -ENOSYS)
        return error_set(err, EXIT_MONITOR,
                         "io_uring: %s: allow it (sysctl kernel.io_uring_disabled=0, or the "
                         "container's seccomp profile)",
                         strerror(-result));
    if (result == -ENOMEM)
        return error_set(err, EXIT_MONITOR, "io_uring: %s: raise the limit on locked memory (ulimit -l)",
                         strerror(-result));
    if (result)
        return error_set(err, EXIT_MONITOR, "io_uring: %s", strerror(-result));
    if (!(params.features & IORING_FEAT_EXT_ARG))
        return error_set(err, EXIT_MONITOR, "io_uring: lacks IORING_FEAT_EXT_ARG: use Linux 6.1 or newer");
    return 0;
}

/* Only the operations of the policy, only on registered files, and nothing can be registered any more. */
static int restrict_operations(struct io_uring *uring, unsigned uses, struct error *err) {
    struct io_uring_restriction rules[16] = {
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE},
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE},
    };
    unsigned count = 2;
    for (size_t i = 0; i < policy_opcodes_count; i++)
        if (policy_opcodes[i].uses & uses)
            rules[count++] =
                (struct io_uring_restriction){.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = policy_opcodes[i].opcode};
    int result = io_uring_register_restrictions(uring, rules, count);
    if (result == 0)
        result = io_uring_enable_rings(uring);
    if (result)
        return error_set(err, EXIT_MONITOR, "sandbox: io_uring: cannot restrict the ring: %s", strerror(-result));
    return 0;
}

/* A ring whose restrictions did not take runs anything: so try what no row allows, and expect to be refused. */
static int probe_restrictions(struct io_uring *uring, struct error *err) {
    struct io_uring_cqe *cqe;
    io_uring_prep_nop(io_uring_get_sqe(uring));
    int result = io_uring_submit_and_wait(uring, 1);
    if (result >= 0)
        result = io_uring_peek_cqe(uring, &cqe);
    if (result < 0 || cqe->res != -EACCES)
        return error_set(err, EXIT_MONITOR, "sandbox: io_uring: a forbidden operation was not refused (%d)",
                         result < 0 ? result : cqe->res);
    io_uring_cqe_seen(uring, cqe);
    return 0;
}

int uring_open(struct io_uring *uring, struct devices *devices, const struct signals *signals,
               const struct iovec buffers[URING_BUFFERS], unsigned uses, struct error *err) {
    int files[IO_FILE_DEVICES + UKVM_MAX_DEVICES] = {[IO_FILE_OUT] = STDOUT_FILENO, [IO_FILE_ERR] = STDERR_FILENO};
    files[IO_FILE_IN] = devices->streams.kind[UKVM_CONSOLE_IN] == UKVM_STREAM_NONE ? -1 : STDIN_FILENO;
    for (unsigned i = 0; i < SIGNALS_MAX; i++)
        files[IO_FILE_SIGNALS + i] = i < signals->count ? signals->table[i].fd : -1;
    for (unsigned i = 0; i < devices->count; i++) {
        devices->table[i].file = IO_FILE_DEVICES + i;
        files[IO_FILE_DEVICES + i] = devices->table[i].fd;
    }
    if (create(uring, devices->count ? ENTRIES_DEVICES : ENTRIES_CONSOLE, err))
        return -1;
    int result = io_uring_register_files(uring, files, IO_FILE_DEVICES + devices->count);
    if (result)
        return error_set(err, EXIT_MONITOR, "io_uring: registering files: %s", strerror(-result));
    result = io_uring_register_buffers(uring, buffers, URING_BUFFERS);
    if (result == -ENOMEM)
        return error_set(
            err, EXIT_MONITOR,
            "io_uring: cannot lock %zu bytes for I/O buffers: raise the limit on locked memory (ulimit -l)",
            buffers[URING_ARENA].iov_len);
    if (result)
        return error_set(err, EXIT_MONITOR, "io_uring: registering buffers: %s", strerror(-result));
    /* The ring itself as a registered file saves looking it up at each call; only a gain, so no failure. */
    (void)io_uring_register_ring_fd(uring);
    return restrict_operations(uring, uses, err) || probe_restrictions(uring, err) ? -1 : 0;
}

struct io_uring_sqe *uring_sqe(struct io_uring *uring) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
    if (!sqe)
        __builtin_trap(); /* a mistake in the count at ENTRIES_DEVICES; nothing of the guest's or the kernel's */
    return sqe;
}

bool uring_pending(const struct io_uring *uring) {
    return io_uring_sq_ready(uring) != 0;
}

void uring_submit_early(struct io_uring *uring, unsigned count) {
    if (io_uring_sq_ready(uring) >= count)
        (void)io_uring_submit(uring);
}

void uring_pause(struct io_uring *uring, uint64_t ns) {
    struct io_uring_cqe *cqe;
    struct __kernel_timespec limit = {.tv_sec = (long long)(ns / 1000000000), .tv_nsec = (long long)(ns % 1000000000)};
    (void)io_uring_wait_cqe_timeout(uring, &cqe, &limit);
}

int uring_submit(struct io_uring *uring, uint64_t timeout_ns) {
    struct io_uring_cqe *cqe;
    if (timeout_ns == 0)
        return io_uring_submit_and_get_events(uring);
    struct __kernel_timespec limit = {
        .tv_sec = (long long)(timeout_ns / 1000000000),
        .tv_nsec = (long long)(timeout_ns % 1000000000),
    };
    return io_uring_submit_and_wait_timeout(uring, &cqe, 1, timeout_ns == URING_FOREVER ? NULL : &limit, NULL);
}
