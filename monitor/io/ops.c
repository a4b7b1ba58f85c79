/* SPDX-License-Identifier: MIT */
#include "ops.h"

#include <inttypes.h>

#include "base/trace.h"
#include "io.h"
#include "memory.h"

/* A field that an operation names; every other one must be 0 (RING-06). */
enum field { FIELD_DEVICE = 1, FIELD_ARENA = 2, FIELD_LENGTH = 4, FIELD_OFFSET = 8, FIELD_QUIET = 16 };

/* What an operation is to a guest that has ended: nothing, worth starting, or worth waiting for (CALL-03, FAULT-09). */
enum at_end { AT_END_NOTHING, AT_END_START, AT_END_FINISH };

/* One row an operation: what it may say, how it starts, what its io_uring completion means. */
struct op {
    const char *name;
    unsigned fields;
    enum ukvm_device_kind kind; /* of its device; 0: the handler knows what the number means */
    enum at_end at_end;
    int32_t (*check)(const struct io *io, const struct request *request);
    void (*start)(struct io *io, struct request *request);
    void (*finish)(struct io *io, struct request *request, int32_t result);
};

static const struct op ops[UKVM_OP_COUNT] = {
    [UKVM_OP_CONSOLE_WRITE] = {"console-write", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH, 0, AT_END_FINISH,
                               console_check, console_start, console_finish},
    [UKVM_OP_BLK_READ] = {"blk-read", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH | FIELD_OFFSET, UKVM_DEVICE_BLK,
                          AT_END_FINISH, blk_check_transfer, blk_start_transfer, blk_finish_transfer},
    [UKVM_OP_BLK_WRITE] = {"blk-write", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH | FIELD_OFFSET, UKVM_DEVICE_BLK,
                           AT_END_FINISH, blk_check_transfer, blk_start_transfer, blk_finish_transfer},
    [UKVM_OP_BLK_FLUSH] = {"blk-flush", FIELD_DEVICE, UKVM_DEVICE_BLK, AT_END_FINISH, NULL, blk_start_flush,
                           blk_finish},
    [UKVM_OP_BLK_DISCARD] = {"blk-discard", FIELD_DEVICE | FIELD_LENGTH | FIELD_OFFSET, UKVM_DEVICE_BLK, AT_END_FINISH,
                             blk_check_blocks, blk_start_discard, blk_finish},
    [UKVM_OP_NET_SEND] = {"net-send", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH | FIELD_QUIET, UKVM_DEVICE_NET,
                          AT_END_START, net_check_send, net_start_send, net_finish_send},
    [UKVM_OP_NET_RECV] = {"net-recv", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH, UKVM_DEVICE_NET, AT_END_NOTHING,
                          net_check_recv, net_start_recv, net_finish_recv},
    [UKVM_OP_MEM_RETURN] = {"mem-return", FIELD_LENGTH | FIELD_OFFSET, 0, AT_END_NOTHING, memory_check_return,
                            memory_start_return, NULL},
    [UKVM_OP_MEM_PROTECT] = {"mem-protect", FIELD_DEVICE | FIELD_LENGTH | FIELD_OFFSET, 0, AT_END_NOTHING,
                             memory_check_protect, memory_start_protect, NULL},
    [UKVM_OP_CONSOLE_READ] = {"console-read", FIELD_DEVICE | FIELD_ARENA | FIELD_LENGTH, 0, AT_END_NOTHING,
                              console_check_read, console_start_read, console_finish_read},
    [UKVM_OP_CONSOLE_POLL] = {"console-poll", FIELD_DEVICE, 0, AT_END_NOTHING, console_check_poll, console_start_poll,
                              console_finish_poll},
    [UKVM_OP_SIGNAL] = {"signal", 0, 0, AT_END_NOTHING, signals_check, signals_start, NULL},
};

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

void ops_take(struct io *io) {
    struct request *request = request_new(io);
    *request = (struct request){0};
    ring_take(&io->ring, &request->sqe);
    const struct ukvm_sqe *sqe = &request->sqe;
    const struct op *op = sqe->op < UKVM_OP_COUNT && ops[sqe->op].start ? &ops[sqe->op] : NULL;
    trace(TRACE_RING, "take %s op=%u device=%u length=%u arena=0x%" PRIx64 " offset=0x%" PRIx64 " user_data=0x%" PRIx64,
          op ? op->name : "?", sqe->op, sqe->device, sqe->length, sqe->arena, sqe->offset, sqe->user_data);

    int32_t error = op ? check(io, op, request) : -UKVM_EINVAL;
    if (!error && io->ended && op->at_end == AT_END_NOTHING)
        error = -UKVM_ENOTSUP;
    if (error) {
        request_complete(io, request, error);
        return;
    }
    io->to_drain += op->at_end == AT_END_FINISH;
    op->start(io, request);
}

void ops_finish(struct io *io, struct request *request, int32_t result) {
    const struct op *op = &ops[request->sqe.op];
    uint32_t in_flight = io->ring.in_flight;
    op->finish(io, request, result);
    /* A handler may have started the request again instead, or completed others of its kind along with it. */
    if (op->at_end == AT_END_FINISH)
        io->to_drain -= in_flight - io->ring.in_flight;
}
