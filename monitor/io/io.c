/* SPDX-License-Identifier: MIT */
#include "io.h"

#include <errno.h>
#include <string.h>

#include "ops.h"
#include "uring.h"

/* Nanoseconds: from a signal to the end, with I/O still in flight; while the kernel takes nothing, and between tries.
 */
#define STOP_PATIENCE UINT64_C(2000000000)
#define PATIENCE UINT64_C(1000000000)
#define PAUSE UINT64_C(5000000)

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
    const struct iovec buffers[URING_BUFFERS] = {
        [URING_ARENA] = {.iov_base = io->arena.host, .iov_len = io->arena.size},
        [URING_PAGE] = {.iov_base = &io->page, .iov_len = sizeof io->page},
    };
    if (uring_open(&io->uring, config->devices, config->signals, buffers, config->uses, err))
        return -1;
    signals_watch(io);
    worker_plan(io);
    return 0;
}

/* ---- from the guest ---- */

static int count_submissions(struct io *io, struct error *err) {
    switch (ring_available(&io->ring, &io->to_take)) {
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
    return 0;
}

bool io_take(struct io *io, struct io_edit *edit) {
    for (; io->to_take > 0 && !io->edit; io->to_take--)
        ops_take(io);
    if (io->edit) {
        const struct ukvm_sqe *sqe = &io->edit->sqe;
        *edit = (struct io_edit){.address = sqe->offset, .length = sqe->length, .prot = sqe->device};
        return true;
    }
    ring_release(&io->ring);
    return false;
}

void io_edited(struct io *io, int result) {
    struct request *request = io->edit;
    io->edit = NULL;
    request_complete(io, request, result ? request_error(result) : 0);
}

/* ---- from io_uring ---- */

static int reap(struct io *io, struct error *err) {
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;
    io_uring_for_each_cqe(&io->uring, head, cqe) {
        if (cqe->user_data < SIGNALS_TAGS)
            signals_finish(io, cqe->user_data, cqe->res);
        else if (cqe->user_data == IO_TAG_REPORT)
            io->report_result = cqe->res, io->report_pending = 0;
        else if (cqe->user_data == IO_TAG_WORKER)
            worker_finish(io, cqe->res);
        else if (cqe->user_data != IO_TAG_NONE)
            ops_finish(io, (struct request *)(uintptr_t)cqe->user_data, cqe->res);
        count++;
    }
    io_uring_cq_advance(&io->uring, count);
    return worker_check(io, err);
}

static void pump_devices(struct io *io, enum net_arm arm) {
    for (unsigned i = 0; i < io->devices->count; i++)
        if (io->devices->table[i].kind == UKVM_DEVICE_NET)
            net_pump(io, &io->devices->table[i], arm);
}

/* The kernel is short of memory; what it has not taken stays prepared. */
static int wait_for_kernel(struct io *io, int result, struct error *err) {
    uint64_t now = clock_now(&io->clock);
    if (io->refused_since == 0)
        io->refused_since = now;
    if (now - io->refused_since > PATIENCE)
        return error_set(err, EXIT_MONITOR, "io_uring_enter: %s: the host has no memory for I/O", strerror(-result));
    uring_pause(&io->uring, PAUSE);
    return 0;
}

static int submit(struct io *io, uint64_t timeout_ns, struct error *err) {
    int result = uring_submit(&io->uring, timeout_ns);
    if (result == -EAGAIN || result == -EBUSY)
        return wait_for_kernel(io, result, err);
    io->refused_since = 0;
    if (result >= 0 || result == -ETIME || result == -EINTR)
        return 0;
    return error_set(err, EXIT_MONITOR, "io_uring_enter: %s", strerror(-result));
}

int io_pause(struct io *io, uint64_t ns, struct error *err) {
    return submit(io, ns, err);
}

/* A file system that hangs does so without a limit on threads; the guest will see. */
int io_start(struct io *io, struct error *err) {
    worker_start(io);
    for (uint64_t start = clock_now(&io->clock), now = start;
         io->worker.pending > 0 && !io->stop_signal && now - start < PATIENCE; now = clock_now(&io->clock))
        if (submit(io, start + PATIENCE - now, err) || reap(io, err))
            return -1;
    return 0;
}

/* How long a WAIT may sleep now; the guest's field is read once a turn. */
static uint64_t remaining(const struct io *io, uint64_t deadline) {
    if (deadline == UKVM_DEADLINE_NONE)
        return URING_FOREVER;
    uint64_t now = clock_now(&io->clock);
    return deadline > now ? deadline - now : 0;
}

int io_begin(struct io *io, struct error *err) {
    coalesce_begin_turn(&io->coalesce, clock_now(&io->clock));
    for (unsigned i = 0; i < io->devices->count; i++)
        if (io->devices->table[i].kind == UKVM_DEVICE_NET)
            net_begin_turn(&io->devices->table[i].net);
    return count_submissions(io, err);
}

/* Whether to look for more frames before the guest goes on or the monitor sleeps; prepares the devices for it. */
static bool look_again(struct io *io, uint64_t deadline) {
    uint64_t now = clock_now(&io->clock);
    if (now >= deadline || !coalesce_more(&io->coalesce, now))
        return false;
    for (unsigned i = 0; i < io->devices->count; i++)
        if (io->devices->table[i].kind == UKVM_DEVICE_NET)
            net_look_again(&io->devices->table[i].net);
    return true;
}

/*
 * Goes around as long as handlers queue more for io_uring (the next console write, the rest of a short transfer, a
 * further burst of frames); each of these is bounded by the submissions in flight.
 */
int io_finish(struct io *io, enum io_sleep sleep, struct error *err) {
    uint64_t deadline = __atomic_load_n(&io->ring.shared->index.deadline, __ATOMIC_RELAXED);
    bool looking = sleep == IO_SLEEP && look_again(io, deadline);
    for (bool first = true;; first = false) {
        signals_deliver(io);
        bool idle = sleep == IO_SLEEP && !looking && !ring_wakes(&io->ring) && !io->stop_signal;
        uint64_t timeout = idle ? remaining(io, deadline) : 0;
        pump_devices(io, idle || (first && !looking) ? NET_MAY_ARM : NET_ONLY_BURST);
        if (submit(io, timeout, err) || reap(io, err))
            return -1;
        pump_devices(io, NET_ONLY_BURST);
        looking = sleep == IO_SLEEP && look_again(io, deadline);
        if (io->stop_signal)
            break;
        if (looking || uring_pending(&io->uring))
            continue;
        if (sleep == IO_POLL || ring_wakes(&io->ring) || (idle && timeout == 0))
            break;
    }
    coalesce_end_turn(&io->coalesce, clock_now(&io->clock));
    return 0;
}

int io_poll_signals(struct io *io, struct error *err) {
    struct io_uring_cqe *cqe;
    unsigned head;
    /* A signal that is the guest's is read next, and then watched for again: twice more around. */
    do {
        if (submit(io, 0, err))
            return -1;
        /* The others stay: the guest is between any two instructions, and its ring must not change under it (CALL-04).
         */
        io_uring_for_each_cqe(&io->uring, head, cqe) {
            if (cqe->user_data >= SIGNALS_TAGS)
                continue;
            signals_finish(io, cqe->user_data, cqe->res);
            cqe->user_data = IO_TAG_NONE;
        }
    } while (uring_pending(&io->uring) && !io->stop_signal);
    return 0;
}

/* The guest has ended. Works completions off until `*pending` is 0; from a signal on, for no longer than STOP_PATIENCE.
 */
static int settle(struct io *io, const unsigned *pending, struct error *err) {
    signals_stop_catching(io);
    for (uint64_t end = 0; *pending > 0;) {
        uint64_t now = clock_now(&io->clock);
        if (io->stop_signal && end == 0)
            end = now + STOP_PATIENCE;
        if (end && now >= end)
            return 0;
        uint64_t timeout = end ? end - now : URING_FOREVER;
        if (submit(io, uring_pending(&io->uring) ? 0 : timeout, err) || reap(io, err))
            return io->stop_signal ? 0 : -1;
    }
    return 0;
}

int io_drain(struct io *io, struct error *err) {
    struct io_edit edit;
    io->ended = true;
    if (count_submissions(io, err))
        return -1;
    while (io_take(io, &edit))
        io_edited(io, 0); /* one that was taken before; nobody would see the pages change */
    return settle(io, &io->to_drain, err);
}

/* By way of memory of its own: receives that are still in flight may write to the arena. */
int io_report(struct io *io, const char *text, size_t length, struct error *err) {
    if (settle(io, &io->to_drain, err))
        return -1;
    for (size_t done = 0; done < length && io->to_drain == 0;) {
        size_t piece = length - done < sizeof io->page.report ? length - done : sizeof io->page.report;
        memcpy(io->page.report, text + done, piece);
        struct io_uring_sqe *sqe = uring_sqe(&io->uring);
        io_uring_prep_write_fixed(sqe, IO_FILE_ERR, io->page.report, (unsigned)piece, UINT64_MAX, URING_PAGE);
        sqe->flags |= IOSQE_FIXED_FILE;
        sqe->user_data = IO_TAG_REPORT;
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
