/* SPDX-License-Identifier: MIT */
/*
 * Linked around functions of the monitor (--wrap) to make what is below it fail, and to write down what reaches a disk.
 * By the environment:
 *
 *   UKVM_FAIL_RESULTS="SEED N"  one in N completions of block operations is an error, or shorter than it was
 *   UKVM_FAIL_ALLOC=N           the Nth allocation fails, counted from the reading of the command line on
 *   UKVM_REFUSE_RUN="FIRST COUNT"     COUNT runs of the vCPU, from that of number FIRST on, answer EAGAIN
 *   UKVM_REFUSE_SUBMIT="FIRST COUNT"  as many times io_uring takes nothing and answers EAGAIN
 *   UKVM_REFUSE_SIGNAL=1              the first such answer comes along with a SIGTERM (with --no-sandbox)
 *   UKVM_JUMP="MS SECONDS"      after so long the guest's clocks go on by so many seconds, as if it had been stopped
 *   UKVM_LOG_DISK=1             a line on standard error for each event, as tests/tools/crash_model.c reads them:
 *
 *     log take OP ID OFFSET LENGTH    the guest's submission; OP is W, D (discard) or F (flush)
 *     log io OP ID OFFSET LENGTH      what it has become for io_uring
 *     log io-done ID RESULT           what io_uring says of it
 *     log done ID RESULT              what the guest is told
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "bootpage.h"
#include "cli/options.h"
#include "io/io.h"
#include "io/ops.h"
#include "io/uring.h"
#include "machine/vm.h"

int __wrap_bootpage_write(const struct bootpage_source *source, const struct region *system, struct error *err);
int __real_bootpage_write(const struct bootpage_source *source, const struct region *system, struct error *err);
void __wrap_ops_take(struct io *io);
void __real_ops_take(struct io *io);
void __wrap_ops_finish(struct io *io, struct request *request, int32_t result);
void __real_ops_finish(struct io *io, struct request *request, int32_t result);
void __wrap_request_tag(struct io_uring_sqe *sqe, struct request *request);
void __real_request_tag(struct io_uring_sqe *sqe, struct request *request);
int __wrap_vm_run(struct vm *vm);
int __real_vm_run(struct vm *vm);
int __wrap_uring_submit(struct io_uring *uring, uint64_t timeout_ns);
int __real_uring_submit(struct io_uring *uring, uint64_t timeout_ns);
void __wrap_request_complete(struct io *io, struct request *request, int32_t result);
void __real_request_complete(struct io *io, struct request *request, int32_t result);
enum options_result __wrap_options_parse_run(int argc, char **argv, struct config *config, struct error *err);
enum options_result __real_options_parse_run(int argc, char **argv, struct config *config, struct error *err);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__real_realloc(void *block, size_t size);

/* ---- the log */

static char letter(const struct ukvm_sqe *sqe) {
    switch (sqe->op) {
    case UKVM_OP_BLK_WRITE:
        return 'W';
    case UKVM_OP_BLK_DISCARD:
        return 'D';
    case UKVM_OP_BLK_FLUSH:
        return 'F';
    default:
        return 0;
    }
}

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...) {
    char line[128];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (getenv("UKVM_LOG_DISK") && write(STDERR_FILENO, line, (size_t)length) != length)
        _exit(3);
}

/* ---- time */

static struct ukvm_boot *boot;

int __wrap_bootpage_write(const struct bootpage_source *source, const struct region *system, struct error *err) {
    boot = region_at_address(system, source->layout->boot_base, sizeof *boot);
    return __real_bootpage_write(source, system, err);
}

/* Both sides compute the time from the same base, and the vCPU does not run now. */
static void jump(struct io *io) {
    static uint64_t after, seconds;
    const char *given = getenv("UKVM_JUMP");
    if (!given || (!after && sscanf(given, "%" SCNu64 " %" SCNu64, &after, &seconds) != 2))
        return;
    if (seconds == 0 || clock_now(&io->clock) < after * 1000000)
        return;
    uint64_t ticks = (uint64_t)(((unsigned __int128)seconds * 1000000000 << 32) / boot->tsc_mult);
    io->clock.tsc_base -= ticks;
    boot->tsc_base -= ticks;
    seconds = 0;
}

/* The guest is a test's own and changes nothing meanwhile. */
void __wrap_ops_take(struct io *io) {
    jump(io);
    const struct ukvm_sqe *sqe = &io->ring.shared->sq[io->ring.sq_head % RING_SQ_ENTRIES];
    if (letter(sqe))
        note("log take %c %" PRIx64 " %" PRIu64 " %u\n", letter(sqe), sqe->user_data, sqe->offset, sqe->length);
    __real_ops_take(io);
}

void __wrap_request_tag(struct io_uring_sqe *sqe, struct request *request) {
    char op = letter(&request->sqe);
    if (op)
        note("log io %c %" PRIx64 " %llu %llu\n", op, request->sqe.user_data, op == 'F' ? 0 : sqe->off,
             op == 'F'   ? 0
             : op == 'D' ? sqe->addr
                         : sqe->len);
    __real_request_tag(sqe, request);
}

void __wrap_request_complete(struct io *io, struct request *request, int32_t result) {
    if (letter(&request->sqe))
        note("log done %" PRIx64 " %d\n", request->sqe.user_data, result);
    __real_request_complete(io, request, result);
}

/* ---- results */

static int32_t spoil(int32_t result) {
    static const int32_t errors[] = {-EIO, -EAGAIN, -EINTR, -ENOSPC, 0};
    static uint64_t state, one_in;
    const char *given = getenv("UKVM_FAIL_RESULTS");
    if (!given || (!state && sscanf(given, "%" SCNu64 " %" SCNu64, &state, &one_in) != 2))
        return result;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t random = state >> 33;
    if (random % one_in != 0)
        return result;
    random /= one_in;
    if (result > 512 && random % 2)
        return (int32_t)(random / 2 % ((uint32_t)result / 512)) * 512; /* short, or nothing at all */
    return errors[random / 2 % (sizeof errors / sizeof *errors - (result == 0))];
}

void __wrap_ops_finish(struct io *io, struct request *request, int32_t result) {
    uint8_t op = request->sqe.op;
    if (op >= UKVM_OP_BLK_READ && op <= UKVM_OP_BLK_DISCARD)
        result = spoil(result);
    if (letter(&request->sqe))
        note("log io-done %" PRIx64 " %d\n", request->sqe.user_data, result);
    __real_ops_finish(io, request, result);
}

/* ---- a host at one of its limits */

struct refusals {
    uint64_t calls, first, count;
};

static bool refuses(const char *variable, struct refusals *refusals) {
    const char *given = getenv(variable);
    if (!given || (!refusals->count && sscanf(given, "%" SCNu64 " %" SCNu64, &refusals->first, &refusals->count) != 2))
        return false;
    uint64_t call = ++refusals->calls;
    if (call == refusals->first && getenv("UKVM_REFUSE_SIGNAL"))
        raise(SIGTERM);
    return call >= refusals->first && call - refusals->first < refusals->count;
}

int __wrap_vm_run(struct vm *vm) {
    static struct refusals refusals;
    return refuses("UKVM_REFUSE_RUN", &refusals) ? -EAGAIN : __real_vm_run(vm);
}

int __wrap_uring_submit(struct io_uring *uring, uint64_t timeout_ns) {
    static struct refusals refusals;
    return refuses("UKVM_REFUSE_SUBMIT", &refusals) ? -EAGAIN : __real_uring_submit(uring, timeout_ns);
}

/* ---- memory */

static bool started; /* what the C library allocates before main() is its own matter */

enum options_result __wrap_options_parse_run(int argc, char **argv, struct config *config, struct error *err) {
    started = true;
    return __real_options_parse_run(argc, argv, config, err);
}

static bool fails(void) {
    static long count;
    const char *given = started ? getenv("UKVM_FAIL_ALLOC") : NULL;
    if (!given || ++count != strtol(given, NULL, 10))
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size) {
    return fails() ? NULL : __real_realloc(block, size);
}
