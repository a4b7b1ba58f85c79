/* SPDX-License-Identifier: MIT */
#include "io.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "memory.h"
#include "trace.h"
#include "uring.h"

/* The user_data of a signal is its index, that of the report this; that of a request is its address, never so low. */
#define TAG_REPORT SIGNALS_MAX

#define STOP_PATIENCE UINT64_C(2000000000) /* nanoseconds */

/* A field that an operation names; every other one must be 0 (RING-06). */
enum field { FIELD_DEVICE = 1, FIELD_ARENA = 2, FIELD_LENGTH = 4, FIELD_OFFSET = 8, FIELD_QUIET = 16 };

enum drained { NOT_DRAINED, DRAINED };

/* One row an operation: what it may say, how it starts, what its io_uring completion means. */
struct op {
    const char *name;
    unsigned fields;
    enum ukvm_device_kind kind; /* of its device; 0: the handler knows what the number means */
    enum drained drained;       /* whether EXIT waits for it (CALL-03) */
    int32_t (*check)(const struct io *io, const struct request *request);
    void (*start)(struct io *io, struct request *request);
    void (*finish)(struct io *io, struct request *request, int32_t result);
};

static const struct op ops[UKVM_OP_COUNT] = {
    [UKVM_OP_CONSOLE_WRITE] = {"console-write", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH, 0, DRAINED, console_check,
                               console_start, console_finish},
    [UKVM_OP_BLK_READ] = {"blk-read", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH | FIELD_OFFSET, UKVM_DEVICE_BLK,
                          DRAINED, blk_check_transfer, blk_start_read, blk_finish_transfer},
    [UKVM_OP_BLK_WRITE] = {"blk-write", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH | FIELD_OFFSET, UKVM_DEVICE_BLK,
                           DRAINED, blk_check_transfer, blk_start_write, blk_finish_transfer},
    [UKVM_OP_BLK_FLUSH] = {"blk-flush", FIELD_DEVICE, UKVM_DEVICE_BLK, DRAINED, NULL, blk_start_flush, blk_finish},
    [UKVM_OP_BLK_DISCARD] = {"blk-discard", FIELD_DEVICE | FIELD_LENGTH | FIELD_OFFSET, UKVM_DEVICE_BLK, DRAINED,
                             blk_check_discard, blk_start_discard, blk_finish},
    [UKVM_OP_NET_SEND] = {"net-send", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH | FIELD_QUIET, UKVM_DEVICE_NET,
                          NOT_DRAINED, net_check_send, net_start_send, net_finish_send},
    [UKVM_OP_NET_RECV] = {"net-recv", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH, UKVM_DEVICE_NET, NOT_DRAINED,
                          net_check_recv, net_start_recv, net_finish_recv},
    [UKVM_OP_MEM_RETURN] = {"mem-return", FIELD_LENGTH | FIELD_OFFSET, 0, NOT_DRAINED, memory_check_return,
                            memory_start_return, NULL},
};

static void watch_signals(struct io *io) {
    for (unsigned i = 0; i < io->signals->count; i++) {
        struct io_uring_sqe *sqe = uring_sqe(&io->uring);
        io_uring_prep_poll_add(sqe, (int)(IO_FILE_SIGNALS + i), POLLIN);
        sqe->flags |= IOSQE_FIXED_FILE;
        sqe->user_data = i;
    }
}

int io_open(struct io *io, const struct io_config *config, struct error *err) {
    const struct layout *layout = config->layout;
    io->clock = config->clock;
    io->layout = layout;
    io->ram = config->ram;
    io->devices = config->devices;
    io->signals = config->signals;
    io->ring.shared = region_at_address(config->system, layout->rings_base, sizeof(struct ring_memory));
    io->arena = (struct region){
        .base = layout->arena_base,
        .size = layout->arena_size,
        .host = region_at_address(config->system, layout->arena_base, layout->arena_size),
    };
    if (!io->ring.shared || !io->arena.host)
        return error_set(err, EXIT_MONITOR, "internal error: the rings or the arena lie outside the system region");
    if (uring_open(&io->uring, config->devices, config->signals, &io->arena, config->uses, err))
        return -1;
    watch_signals(io);
    return 0;
}

/* ---- requests ---- */

static struct request *request_new(struct io *io) {
    struct request *request = io->free;
    if (request)
        io->free = request->next;
    else
        request = &io->requests[io->fresh++]; /* RING-04 keeps in_flight within the array */
    return request;
}

void io_complete(struct io *io, struct request *request, int32_t result) {
    const struct op *op = request->sqe.op < UKVM_OP_COUNT ? &ops[request->sqe.op] : &ops[0];
    trace(TRACE_RING, "complete %s user_data=0x%" PRIx64 " result=%d", op->name ? op->name : "?",
          request->sqe.user_data, result);
    ring_complete(&io->ring, &request->sqe, result);
    request->next = io->free;
    io->free = request;
}

void io_tag(struct io_uring_sqe *sqe, struct request *request) {
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = (uintptr_t)request;
}

void *io_buffer(const struct io *io, const struct request *request) {
    return io->arena.host + request->sqe.arena + request->done;
}

int32_t io_error(int32_t result) {
    switch (-result) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return -UKVM_ENOSPC;
    case EROFS:
        return -UKVM_EROFS;
    case EOPNOTSUPP:
    case ENOSYS:
        return -UKVM_ENOTSUP;
    default:
        return -UKVM_EIO;
    }
}

/* ---- from the guest ---- */

/* RING-06 and RING-08, and what the operation adds. Changes nothing but request->device. */
static int32_t check(const struct io *io, const struct op *op, struct request *request) {
    const struct ukvm_sqe *sqe = &request->sqe;
    if (sqe->flags & ~(op->fields & FIELD_QUIET ? UKVM_SQE_QUIET : 0u))
        return -UKVM_EINVAL;
    if ((!(op->fields & FIELD_DEVICE) && sqe->device) || (!(op->fields & FIELD_ARENA) && sqe->arena) ||
        (!(op->fields & FIELD_LENGTH) && sqe->length) || (!(op->fields & FIELD_OFFSET) && sqe->offset))
        return -UKVM_EINVAL;
    if ((op->fields & FIELD_LENGTH) && sqe->length == 0)
        return -UKVM_EINVAL;
    if ((op->fields & FIELD_ARENA) && !region_at(&io->arena, sqe->arena, sqe->length))
        return -UKVM_EINVAL;
    if (op->kind) {
        if (sqe->device >= io->devices->count || io->devices->table[sqe->device].kind != op->kind)
            return -UKVM_EINVAL;
        request->device = &io->devices->table[sqe->device];
    }
    return op->check ? op->check(io, request) : 0;
}

static void take_one(struct io *io) {
    struct request *request = request_new(io);
    *request = (struct request){0};
    ring_take(&io->ring, &request->sqe);
    const struct ukvm_sqe *sqe = &request->sqe;
    const struct op *op = sqe->op < UKVM_OP_COUNT && ops[sqe->op].start ? &ops[sqe->op] : NULL;
    trace(TRACE_RING, "take %s op=%u device=%u length=%u arena=0x%" PRIx64 " offset=0x%" PRIx64 " user_data=0x%" PRIx64,
          op ? op->name : "?", sqe->op, sqe->device, sqe->length, sqe->arena, sqe->offset, sqe->user_data);

    int32_t error = op ? check(io, op, request) : -UKVM_EINVAL;
    if (error) {
        io_complete(io, request, error);
        return;
    }
    io->to_drain += op->drained == DRAINED;
    op->start(io, request);
}

static int take_submissions(struct io *io, struct error *err) {
    uint32_t count = 0;
    switch (ring_available(&io->ring, &count)) {
    case RING_SQ_AHEAD:
        return error_set(err, EXIT_SIGNAL + SIGSYS,
                         "the guest broke UKVM-RING-02: sq_tail is more than %u entries ahead of %u", RING_SQ_ENTRIES,
                         io->ring.sq_head);
    case RING_CQ_AHEAD:
        return error_set(err, EXIT_SIGNAL + SIGSYS,
                         "the guest broke UKVM-RING-02: cq_head is ahead of %u or more than %u entries behind it",
                         io->ring.cq_tail, RING_CQ_ENTRIES);
    case RING_OK:
        break;
    }
    for (uint32_t i = 0; i < count; i++)
        take_one(io);
    ring_release(&io->ring);
    return 0;
}

/* ---- from io_uring ---- */

static void finish(struct io *io, struct request *request, int32_t result) {
    const struct op *op = &ops[request->sqe.op];
    uint32_t in_flight = io->ring.in_flight;
    op->finish(io, request, result);
    /* a handler may have started the request again instead */
    if (io->ring.in_flight < in_flight)
        io->to_drain -= op->drained == DRAINED;
}

static bool note_signal(struct io *io, const struct io_uring_cqe *cqe) {
    if (cqe->user_data >= SIGNALS_MAX)
        return false;
    if (cqe->res >= 0)
        io->stop_signal = io->signals->table[cqe->user_data].number;
    return true;
}

static void reap(struct io *io) {
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;
    io_uring_for_each_cqe(&io->uring, head, cqe) {
        if (cqe->user_data == TAG_REPORT)
            io->report_result = cqe->res, io->report_pending = 0;
        else if (!note_signal(io, cqe))
            finish(io, (struct request *)(uintptr_t)cqe->user_data, cqe->res);
        count++;
    }
    io_uring_cq_advance(&io->uring, count);
}

static void pump_devices(struct io *io, enum net_arm arm) {
    for (unsigned i = 0; i < io->devices->count; i++)
        if (io->devices->table[i].kind == UKVM_DEVICE_NET)
            net_pump(io, &io->devices->table[i], arm);
}

static int submit(struct io *io, uint64_t timeout_ns, struct error *err) {
    int result = uring_submit(&io->uring, timeout_ns);
    /* EAGAIN and EBUSY: the kernel is short of memory; what was not taken stays prepared */
    if (result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY)
        return 0;
    return error_set(err, EXIT_MONITOR, "io_uring_enter: %s", strerror(-result));
}

/* How long a WAIT may sleep now; the guest's field is read once a turn. */
static uint64_t remaining(const struct io *io, uint64_t deadline) {
    if (deadline == UKVM_DEADLINE_NONE)
        return URING_FOREVER;
    uint64_t now = clock_now(&io->clock);
    return deadline > now ? deadline - now : 0;
}

static void begin_turn(struct io *io) {
    coalesce_begin_turn(&io->coalesce, clock_now(&io->clock));
    for (unsigned i = 0; i < io->devices->count; i++)
        if (io->devices->table[i].kind == UKVM_DEVICE_NET)
            net_begin_turn(&io->devices->table[i].net);
}

/* Frames of this turn, over all devices. */
static void count_frames(const struct io *io, unsigned *taken, unsigned *sent) {
    *taken = *sent = 0;
    for (unsigned i = 0; i < io->devices->count; i++) {
        if (io->devices->table[i].kind != UKVM_DEVICE_NET)
            continue;
        *taken += io->devices->table[i].net.taken;
        *sent += io->devices->table[i].net.sent;
    }
}

/* Whether to look for more frames before the guest goes on or the monitor sleeps; prepares the devices for it. */
static bool look_again(struct io *io, uint64_t deadline) {
    unsigned taken, sent;
    uint64_t now = clock_now(&io->clock);
    count_frames(io, &taken, &sent);
    if (now >= deadline || !coalesce_more(&io->coalesce, now, taken, sent))
        return false;
    for (unsigned i = 0; i < io->devices->count; i++)
        if (io->devices->table[i].kind == UKVM_DEVICE_NET)
            net_look_again(&io->devices->table[i].net);
    return true;
}

static void end_turn(struct io *io) {
    unsigned taken, sent;
    count_frames(io, &taken, &sent);
    coalesce_end_turn(&io->coalesce, clock_now(&io->clock), taken, sent);
}

/*
 * Goes around as long as handlers queue more for io_uring (the next console write, the rest of a short transfer, a
 * further burst of frames); each of these is bounded by the submissions in flight.
 */
int io_turn(struct io *io, enum io_sleep sleep, struct error *err) {
    uint64_t deadline = __atomic_load_n(&io->ring.shared->index.deadline, __ATOMIC_RELAXED);
    begin_turn(io);
    if (take_submissions(io, err))
        return -1;
    bool looking = sleep == IO_SLEEP && look_again(io, deadline);
    for (bool first = true;; first = false) {
        bool idle = sleep == IO_SLEEP && !looking && !ring_wakes(&io->ring) && !io->stop_signal;
        uint64_t timeout = idle ? remaining(io, deadline) : 0;
        pump_devices(io, idle || (first && !looking) ? NET_MAY_ARM : NET_ONLY_BURST);
        if (submit(io, timeout, err))
            return -1;
        reap(io);
        pump_devices(io, NET_ONLY_BURST);
        looking = sleep == IO_SLEEP && look_again(io, deadline);
        if (looking || uring_pending(&io->uring))
            continue;
        if (sleep == IO_POLL || ring_wakes(&io->ring) || io->stop_signal || (idle && timeout == 0))
            break;
    }
    end_turn(io);
    return 0;
}

int io_poll_signals(struct io *io, struct error *err) {
    struct io_uring_cqe *cqe;
    unsigned head;
    if (submit(io, 0, err))
        return -1;
    /* Only a look: the guest is between any two instructions, and its ring must not change under it (CALL-04). */
    io_uring_for_each_cqe(&io->uring, head, cqe) note_signal(io, cqe);
    return 0;
}

/* Works completions off until `*pending` is 0; from a signal on, for no longer than STOP_PATIENCE. */
static int settle(struct io *io, const unsigned *pending, struct error *err) {
    for (uint64_t end = 0; *pending > 0;) {
        uint64_t now = clock_now(&io->clock);
        if (io->stop_signal && end == 0)
            end = now + STOP_PATIENCE;
        if (end && now >= end)
            return 0;
        uint64_t timeout = end ? end - now : URING_FOREVER;
        if (submit(io, uring_pending(&io->uring) ? 0 : timeout, err))
            return -1;
        reap(io);
    }
    return 0;
}

int io_drain(struct io *io, struct error *err) {
    if (take_submissions(io, err))
        return -1;
    return settle(io, &io->to_drain, err);
}

/* The guest has ended, so its arena is free for the text, as soon as its own console writes are out. */
int io_report(struct io *io, const char *text, size_t length, struct error *err) {
    if (settle(io, &io->to_drain, err))
        return -1;
    for (size_t done = 0; done < length && io->to_drain == 0;) {
        size_t piece = length - done < io->arena.size ? length - done : io->arena.size;
        memcpy(io->arena.host, text + done, piece);
        struct io_uring_sqe *sqe = uring_sqe(&io->uring);
        io_uring_prep_write_fixed(sqe, IO_FILE_ERR, io->arena.host, (unsigned)piece, UINT64_MAX, URING_ARENA);
        sqe->flags |= IOSQE_FIXED_FILE;
        sqe->user_data = TAG_REPORT;
        io->report_pending = 1;
        io->report_result = 0; /* what it stays if time runs out */
        if (settle(io, &io->report_pending, err))
            return -1;
        if (io->report_result <= 0)
            return 0; /* nobody is left to tell */
        done += (size_t)io->report_result;
    }
    return 0;
}
