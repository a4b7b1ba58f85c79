/* SPDX-License-Identifier: MIT */
#include "fake_uring.h"

#include <errno.h>
#include <linux/falloc.h>
#include <poll.h>

#include "io/uring.h"
#include "policy.h"

/* Of one hypercall; what keeps it going is drawn from an input of a few KiB. */
#define ROUNDS_MAX 10000u

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct fake_uring fake;

/* Time passes whenever somebody looks. */
unsigned long long fake_tsc(void) {
    return fake.now += 1000;
}

/* ---- what may be asked of the kernel ---- */

static const struct device *device_of(const struct io_uring_sqe *sqe) {
    unsigned index = (unsigned)sqe->fd - IO_FILE_DEVICES;
    return index < fake.io->devices->count ? &fake.io->devices->table[index] : NULL;
}

static bool is_allowed(uint8_t opcode) {
    for (size_t i = 0; i < policy_opcodes_count; i++)
        if (policy_opcodes[i].opcode == opcode && (policy_opcodes[i].uses & fake.uses))
            return true;
    return false;
}

static bool is_signal(const struct io_uring_sqe *sqe) {
    unsigned index = (unsigned)sqe->fd - IO_FILE_SIGNALS;
    return index < fake.io->signals->count;
}

static bool is_request(const struct io_uring_sqe *sqe) {
    return sqe->user_data - (uintptr_t)fake.io->requests < sizeof fake.io->requests;
}

static void check_buffer(const struct io_uring_sqe *sqe) {
    const struct region *arena = &fake.io->arena;
    must(sqe->len > 0 && sqe->ioprio == 0);
    if (is_signal(sqe)) {
        must(sqe->buf_index == URING_PAGE && sqe->addr == (uintptr_t)&fake.io->page.signal);
        must(sqe->len == sizeof fake.io->page.signal && sqe->opcode == IORING_OP_READ_FIXED);
        return;
    }
    if (!is_request(sqe)) { /* the report: never where a guest's buffer is */
        must(sqe->buf_index == URING_PAGE && sqe->addr == (uintptr_t)fake.io->page.report);
        must(sqe->len <= sizeof fake.io->page.report && sqe->opcode == IORING_OP_WRITE_FIXED);
        must(sqe->fd == IO_FILE_ERR && fake.io->ended);
        return;
    }
    must(sqe->buf_index == URING_ARENA && sqe->addr >= (uintptr_t)arena->host);
    must(range_within(sqe->addr - (uintptr_t)arena->host, sqe->len, arena->size));
}

static void check_disk(const struct io_uring_sqe *sqe, const struct blk *blk) {
    uint64_t length = sqe->opcode == IORING_OP_FALLOCATE ? sqe->addr : sqe->len;
    bool changes = sqe->opcode == IORING_OP_WRITE_FIXED || sqe->opcode == IORING_OP_FALLOCATE;
    must(!changes || !blk->readonly);
    if (sqe->opcode == IORING_OP_FSYNC) {
        must(sqe->fsync_flags == IORING_FSYNC_DATASYNC && sqe->off == 0 && sqe->len == 0);
        return;
    }
    must(range_within(sqe->off, length, blk->capacity) && length > 0);
    if (sqe->opcode == IORING_OP_FALLOCATE)
        must(sqe->len == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
    else
        must(sqe->rw_flags == 0 && sqe->len <= blk->max_transfer);
}

static void check(const struct io_uring_sqe *sqe) {
    const struct device *device = device_of(sqe);
    must(is_allowed(sqe->opcode) && sqe->flags == IOSQE_FIXED_FILE && sqe->personality == 0);
    if (sqe->opcode == IORING_OP_READ_FIXED || sqe->opcode == IORING_OP_WRITE_FIXED)
        check_buffer(sqe);
    if (device && device->kind == UKVM_DEVICE_BLK) {
        check_disk(sqe, &device->blk);
    } else if (device) {
        must(sqe->opcode == IORING_OP_READ_FIXED || sqe->opcode == IORING_OP_WRITE_FIXED);
        must(sqe->rw_flags == 0 || (sqe->opcode == IORING_OP_READ_FIXED && sqe->rw_flags == RWF_NOWAIT));
    } else if (sqe->fd == IO_FILE_IN) {
        must(fake.io->devices->streams.kind[UKVM_CONSOLE_IN] != UKVM_STREAM_NONE);
        must(sqe->opcode == IORING_OP_READ_FIXED ? sqe->off == UINT64_MAX && sqe->rw_flags == 0
                                                 : sqe->opcode == IORING_OP_POLL_ADD);
    } else if (sqe->fd == IO_FILE_OUT || sqe->fd == IO_FILE_ERR) {
        must(sqe->opcode == IORING_OP_POLL_ADD ||
             (sqe->opcode == IORING_OP_WRITE_FIXED && sqe->off == UINT64_MAX && sqe->rw_flags == 0));
        must(fake_uring_count(0) == 0); /* CON-02: one at a time */
    } else {
        must(is_signal(sqe) && (sqe->opcode == IORING_OP_POLL_ADD || sqe->opcode == IORING_OP_READ_FIXED));
    }
}

unsigned fake_uring_count(unsigned kind) {
    unsigned count = 0;
    for (unsigned i = 0; i < fake.flying_count; i++) {
        const struct device *device = device_of(&fake.flying[i]);
        bool console = fake.flying[i].fd == IO_FILE_OUT || fake.flying[i].fd == IO_FILE_ERR;
        count += kind ? device && device->kind == kind : console;
    }
    return count;
}

/* ---- what comes of it ---- */

static int32_t error_of(uint8_t decision) {
    static const int errors[] = {EIO,     ENOSPC,    EAGAIN, EINTR,  EROFS,    EOPNOTSUPP, EBADFD, EPIPE,
                                 ENOBUFS, ECANCELED, EINVAL, ENOMEM, ENETDOWN, EFBIG,      EDQUOT, ENOTCONN};
    return -errors[decision % COUNT(errors)];
}

static bool is_receive(const struct io_uring_sqe *sqe) {
    const struct device *device = device_of(sqe);
    return sqe->opcode == IORING_OP_READ_FIXED && device && device->kind == UKVM_DEVICE_NET;
}

/* Whether it has ended, and with what; 0 is "well", but nobody sends by himself. */
static bool decide(const struct io_uring_sqe *sqe, int32_t *result) {
    uint8_t decision = take_last(fake.decisions);
    if (sqe->opcode == IORING_OP_POLL_ADD) {
        *result = decision & 1 ? POLLIN : POLLHUP;
        return is_signal(sqe) ? decision == 0xff : sqe->fd == IO_FILE_IN ? decision >= 0x80 : decision < 0xf0;
    }
    if (decision == 0 && is_receive(sqe)) {
        *result = -EAGAIN;
        return sqe->rw_flags == RWF_NOWAIT;
    }
    if (decision >= 0xf0)
        return false;
    if (decision >= 0xc0) {
        *result = error_of(decision);
        if (*result == -ECANCELED && sqe->fd <= IO_FILE_ERR)
            *result = -EIO; /* a cancelled console write ends the monitor */
        return true;
    }
    if (sqe->opcode == IORING_OP_FSYNC || sqe->opcode == IORING_OP_FALLOCATE)
        *result = 0;
    else if (decision >= 0x80)
        *result = (int32_t)(sqe->len * (decision & 0x3f) / 0x40); /* nothing at all is possible */
    else
        *result = (int32_t)sqe->len;
    return true;
}

static void complete(unsigned index, int32_t result) {
    must(fake.tail - fake.head < COUNT(fake.completions));
    fake.completions[fake.tail++ % COUNT(fake.completions)] =
        (struct io_uring_cqe){.user_data = fake.flying[index].user_data, .res = result};
    memmove(&fake.flying[index], &fake.flying[index + 1], (--fake.flying_count - index) * sizeof *fake.flying);
}

static void work(void) {
    for (unsigned i = 0; i < fake.flying_count;) {
        int32_t result;
        if (decide(&fake.flying[i], &result))
            complete(i, result);
        else
            i++;
    }
}

/* The monitor sleeps and nothing is to come any more: what only takes its time fails now, or it is told to end. */
static void wake(void) {
    for (unsigned i = 0; i < fake.flying_count; i++)
        if (fake.flying[i].opcode != IORING_OP_POLL_ADD && !is_receive(&fake.flying[i])) {
            complete(i, -EIO);
            return;
        }
    for (unsigned i = 0; i < fake.flying_count; i++)
        if (fake.flying[i].opcode == IORING_OP_POLL_ADD) {
            complete(i, POLLIN);
            return;
        }
    must(false); /* it was told to end, and sleeps all the same */
}

static void hand_over(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        must(fake.flying_count < COUNT(fake.flying));
        check(&fake.prepared[i]);
        fake.flying[fake.flying_count++] = fake.prepared[i];
    }
    fake.prepared_count -= count;
    memmove(fake.prepared, fake.prepared + count, fake.prepared_count * sizeof *fake.prepared);
}

/* ---- monitor/io/uring.h ---- */

int uring_open(struct io_uring *uring, struct devices *devices, const struct signals *signals,
               const struct iovec buffers[URING_BUFFERS], unsigned uses, struct error *err) {
    (void)signals, (void)buffers, (void)err;
    uring->cq.khead = &fake.head;
    uring->cq.ktail = &fake.tail;
    uring->cq.cqes = fake.completions;
    uring->cq.ring_mask = COUNT(fake.completions) - 1;
    fake.uses = uses;
    for (unsigned i = 0; i < devices->count; i++)
        devices->table[i].file = IO_FILE_DEVICES + i;
    return 0;
}

struct io_uring_sqe *uring_sqe(struct io_uring *uring) {
    (void)uring;
    if (fake.prepared_count == COUNT(fake.prepared))
        hand_over(fake.prepared_count);
    struct io_uring_sqe *sqe = &fake.prepared[fake.prepared_count++];
    memset(sqe, 0xa5, sizeof *sqe); /* what the one before has left */
    return sqe;
}

bool uring_pending(const struct io_uring *uring) {
    (void)uring;
    return fake.prepared_count > 0;
}

void uring_submit_early(struct io_uring *uring, unsigned count) {
    (void)uring;
    if (fake.prepared_count >= count)
        hand_over(fake.prepared_count);
}

void uring_pause(struct io_uring *uring, uint64_t ns) {
    (void)uring, (void)ns;
}

int uring_submit(struct io_uring *uring, uint64_t timeout_ns) {
    (void)uring;
    static const int failures[] = {0, -EAGAIN, -EBUSY, -EINTR};
    uint8_t decision = take_last(fake.decisions);
    must(++fake.rounds < ROUNDS_MAX);
    fake_uring_meanwhile();
    if (decision > 0 && decision < COUNT(failures))
        return failures[decision];
    hand_over(decision >= 0xf0 ? fake.prepared_count / 2 : fake.prepared_count);
    work();
    if (timeout_ns == 0 || fake.head != fake.tail || fake.prepared_count)
        return 0;
    if (timeout_ns != URING_FOREVER) {
        fake.now += timeout_ns;
        return -ETIME;
    }
    wake();
    return 0;
}
