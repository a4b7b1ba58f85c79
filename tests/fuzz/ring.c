/* SPDX-License-Identifier: MIT */
/* links: tests/fuzz/fake_uring.c monitor/io/io.c monitor/io/ops.c monitor/io/request.c monitor/io/ring.c */
/* links: monitor/io/blk.c monitor/io/worker.c */
/* links: monitor/io/net.c monitor/io/console.c monitor/io/coalesce.c monitor/io/memory.c */
/* links: monitor/base/region.c monitor/base/trace.c */
/* links: monitor/io/signals.c monitor/base/error.c seccomp/policy.c */
/*
 * The rings and all behind them, up to io_uring: the input is a guest, step by step, which writes submissions, moves
 * its indices within and outside the rules, and changes both while the monitor works; and from the input's other end
 * what the kernel makes of each request.
 */
#include "fake_uring.h"

#include <errno.h>

#define RAM_BASE UINT64_C(0x100000000)
#define RAM_PAGES 16u
#define RINGS_BASE UINT64_C(0x8000000000)
#define ARENA_BASE (RINGS_BASE + (UINT64_C(1) << 20))
#define ARENA_SIZE (UINT64_C(1) << 19)
#define SERIALS 4096u

static struct io io;
static struct ring_memory *shared;
static struct signals signals = {.table = {{.number = 15, .fd = 3}, {.number = 2, .fd = 4}}};
static struct region ram;
static struct layout layout = {
    .rings_base = RINGS_BASE,
    .arena_base = ARENA_BASE,
    .arena_size = ARENA_SIZE,
    .ranges = {{.base = RAM_BASE, .size = RAM_PAGES * UKVM_PAGE_SIZE / 2, .kind = UKVM_RANGE_FREE},
               {.base = RAM_BASE + RAM_PAGES * UKVM_PAGE_SIZE / 2,
                .size = RAM_PAGES * UKVM_PAGE_SIZE / 2,
                .kind = UKVM_RANGE_STACK}},
    .ranges_count = 2,
};

/* What the guest knows: which submissions, by their serial number, were taken and not completed. */
static struct guest {
    struct input input;
    uint32_t serial, seen; /* completions looked at */
    unsigned outstanding[SERIALS];
    unsigned outstanding_count;
} guest;

static const struct devices all_devices = {
    .table = {{.kind = UKVM_DEVICE_BLK, .blk = {.capacity = 1 << 20, .block_size = 512, .max_transfer = 1 << 18}},
              {.kind = UKVM_DEVICE_BLK,
               .blk = {.capacity = 1 << 16, .block_size = 4096, .max_transfer = 1 << 18, .readonly = true}},
              {.kind = UKVM_DEVICE_NET, .net = {.info = {.mtu = 1500}, .can_poll = true}},
              {.kind = UKVM_DEVICE_NET, .net = {.info = {.mtu = 68}, .can_poll = false}}},
    .count = 4,
    .streams = {.kind = {UKVM_STREAM_PIPE, UKVM_STREAM_PIPE, UKVM_STREAM_FILE}},
};

static void start(struct devices *devices) {
    static struct region system;
    struct error err;
    if (!system.host)
        must(region_map(&ram, RAM_BASE, RAM_PAGES * UKVM_PAGE_SIZE, "ram", &err) == 0 &&
             region_map(&system, RINGS_BASE, (UINT64_C(1) << 20) + ARENA_SIZE, "rings and arena", &err) == 0);
    shared = (struct ring_memory *)(void *)system.host;
    memset(shared, 0, sizeof *shared);
    memset(&io, 0, sizeof io);
    memset(&fake, 0, sizeof fake);
    *devices = all_devices;
    devices->streams.kind[UKVM_CONSOLE_IN] = (uint8_t)take(&guest.input, 1) % (UKVM_STREAM_OTHER + 1);
    fake.io = &io;
    fake.decisions = &guest.input;
    signals.count = 1 + (unsigned)take(&guest.input, 1) % SIGNALS_MAX;
    const struct io_config config = {
        .layout = &layout,
        .system = &system,
        .ram = &ram,
        .devices = devices,
        .signals = &signals,
        .uses = ~0u,
        .clock = {.tsc_mult = UINT64_C(1) << 32}, /* a tick is a nanosecond */
    };
    must(io_open(&io, &config, &err) == 0);
    /* anywhere: the cursors go around 2^32 in the life of a guest */
    io.ring.sq_head = shared->index.sq_head = shared->index.sq_tail = (uint32_t)-take(&guest.input, 1);
    io.ring.cq_tail = shared->index.cq_head = shared->index.cq_tail = (uint32_t)-take(&guest.input, 1);
    io.ring.loud_tail = guest.seen = io.ring.cq_tail;
}

/* ---- what the guest does ---- */

static bool sq_has_room(void) {
    return shared->index.sq_tail - io.ring.sq_head < RING_SQ_ENTRIES;
}

static void put(struct ukvm_sqe sqe) {
    sqe.user_data = ++guest.serial % SERIALS;
    shared->sq[shared->index.sq_tail++ % RING_SQ_ENTRIES] = sqe;
}

/* A submission that is right more often than not, for its rows to be reached. */
static void submit_likely(struct input *in) {
    uint8_t what = (uint8_t)take(in, 1);
    uint32_t unit = what & 0x10 ? 4096 : 512;
    struct ukvm_sqe sqe = {.op = what & 0xf, .flags = what >> 7, .device = (uint16_t)(what >> 5 & 3)};
    if (sqe.op != UKVM_OP_BLK_FLUSH)
        sqe.length = (uint32_t)take(in, 1) * unit;
    if (sqe.op != UKVM_OP_BLK_FLUSH && sqe.op != UKVM_OP_BLK_DISCARD && sqe.op != UKVM_OP_MEM_RETURN)
        sqe.arena = take(in, 1) * unit;
    if (sqe.op >= UKVM_OP_BLK_READ && sqe.op <= UKVM_OP_BLK_DISCARD && sqe.op != UKVM_OP_BLK_FLUSH)
        sqe.offset = take(in, 1) * unit;
    if (sqe.op == UKVM_OP_MEM_RETURN || sqe.op == UKVM_OP_MEM_PROTECT)
        sqe = (struct ukvm_sqe){.op = sqe.op, .length = sqe.length, .offset = RAM_BASE + take(in, 1) * unit};
    if (sqe.op == UKVM_OP_MEM_PROTECT)
        sqe.device = what >> 5 & (UKVM_PROT_READ | UKVM_PROT_WRITE);
    if (sqe.op == UKVM_OP_CONSOLE_READ)
        sqe.device = UKVM_CONSOLE_IN;
    if (sqe.op == UKVM_OP_SIGNAL || sqe.op == UKVM_OP_CONSOLE_POLL)
        sqe = (struct ukvm_sqe){.op = sqe.op};
    put(sqe);
}

static void submit_any(struct input *in) {
    struct ukvm_sqe sqe = {.op = (uint8_t)take(in, 1), .flags = (uint8_t)take(in, 1), .device = (uint16_t)take(in, 2)};
    sqe.length = (uint32_t)take(in, 4);
    sqe.arena = take(in, 8);
    sqe.offset = take(in, 8);
    put(sqe);
}

static void move_index(uint8_t what, uint32_t by) {
    uint32_t *const indices[] = {&shared->index.sq_tail, &shared->index.cq_head, &shared->index.sq_head,
                                 &shared->index.cq_tail};
    *indices[what % 4] += by;
}

static void take_completions(uint32_t count) {
    uint32_t ready = io.ring.cq_tail - shared->index.cq_head;
    shared->index.cq_head += count < ready ? count : ready;
}

/* Everything but user_data, by which the submissions are known here. */
void fake_uring_meanwhile(void) {
    uint8_t what = take_last(&guest.input);
    struct ukvm_sqe *sqe = &shared->sq[what % RING_SQ_ENTRIES];
    if (what < 0xe0)
        return;
    sqe->length += take_last(&guest.input);
    sqe->arena ^= (uint64_t)take_last(&guest.input) << 12;
    sqe->op = take_last(&guest.input) % UKVM_OP_COUNT;
    if (what >= 0xf0)
        move_index(what, (uint32_t)(int8_t)take_last(&guest.input));
}

/* ---- what the monitor has done ---- */

/* In the place of monitor/protect.c, which needs a processor; checked is what it may be asked for. MEM-06 */
static int protect(const struct io_edit *edit) {
    static const int results[] = {0, 0, -ENOSPC, -EIO};
    must(!io.ended);
    must(is_aligned(edit->address | edit->length, UKVM_PAGE_SIZE));
    must(edit->length > 0 && edit->length <= UKVM_PROTECT_MAX);
    must(edit->address >= RAM_BASE && range_within(edit->address - RAM_BASE, edit->length, layout.ranges[0].size));
    must(edit->prot == 0 || edit->prot == UKVM_PROT_READ || edit->prot == (UKVM_PROT_READ | UKVM_PROT_WRITE));
    return results[take_last(&guest.input) % 4];
}

static int turn(enum io_sleep sleep, struct error *err) {
    struct io_edit edit;
    if (io_begin(&io, err))
        return -1;
    while (io_take(&io, &edit))
        io_edited(&io, protect(&edit));
    return io_finish(&io, sleep, err);
}

static void check_completion(const struct ukvm_cqe *cqe) {
    must(cqe->user_data < SERIALS && guest.outstanding[cqe->user_data] > 0);
    guest.outstanding[cqe->user_data]--;
    guest.outstanding_count--;
    must(cqe->reserved == 0 && cqe->result >= -UKVM_EPIPE && cqe->result <= (int32_t)ARENA_SIZE);
}

/* What was taken is what lies in the slots between the old cursor and the new one: the guest has not run since. */
static void check_rings(uint32_t old_head) {
    for (uint32_t at = old_head; at != io.ring.sq_head; at++) {
        guest.outstanding[shared->sq[at % RING_SQ_ENTRIES].user_data]++;
        guest.outstanding_count++;
    }
    must(io.ring.sq_head - old_head <= RING_SQ_ENTRIES);   /* RING-09 */
    must(io.ring.cq_tail - guest.seen <= RING_CQ_ENTRIES); /* RING-09 */
    for (; guest.seen != io.ring.cq_tail; guest.seen++)    /* RING-05 */
        check_completion(&shared->cq[guest.seen % RING_CQ_ENTRIES]);
    must(guest.outstanding_count == io.ring.in_flight);
    must(io.ring.in_flight <= RING_CQ_ENTRIES); /* RING-04 */
    must(io.fresh <= RING_CQ_ENTRIES && io.to_drain <= io.ring.in_flight);
    must(io.ring.quiet_in_flight <= io.ring.in_flight);
}

static bool indices_are_legal(void) {
    return shared->index.sq_tail - io.ring.sq_head <= RING_SQ_ENTRIES &&
           io.ring.cq_tail - shared->index.cq_head <= RING_CQ_ENTRIES - io.ring.in_flight;
}

enum call { CALL_KICK, CALL_WAIT, CALL_EXIT };

/* Whether the guest goes on. */
static bool hypercall(enum call call) {
    struct error err = {0};
    uint32_t old_head = io.ring.sq_head;
    bool legal = indices_are_legal(); /* RING-02 */
    fake.rounds = 0;
    int result = call == CALL_EXIT ? io_drain(&io, &err) : turn(call == CALL_WAIT ? IO_SLEEP : IO_POLL, &err);
    must((result == 0) == legal && (legal || err.status == EXIT_SIGNAL + SIGSYS));
    check_rings(old_head);
    if (legal && call == CALL_EXIT)
        must(io.to_drain == 0 || io.stop_signal);
    return result == 0 && call != CALL_EXIT && !io.stop_signal;
}

static void poll_signals(void) {
    struct error err = {0};
    uint32_t tail = io.ring.cq_tail, head = io.ring.sq_head;
    must(io_poll_signals(&io, &err) == 0);
    must(io.ring.cq_tail == tail && io.ring.sq_head == head); /* CALL-04 */
}

/* Whether the guest goes on. */
static bool step(struct input *in) {
    uint8_t what = (uint8_t)take(in, 1);
    switch (what % 10) {
    case 0:
        return hypercall(CALL_KICK);
    case 1:
        shared->index.deadline = what & 0x80 ? UKVM_DEADLINE_NONE : fake.now + take(in, 2);
        return hypercall(CALL_WAIT);
    case 2:
        take_completions(what / 10u * 8);
        return true;
    case 3:
        move_index((uint8_t)take(in, 1), (uint32_t)(int8_t)take(in, 1));
        return true;
    case 4:
        move_index((uint8_t)take(in, 1), (uint32_t)take(in, 4));
        return true;
    case 5:
        submit_any(in);
        return true;
    case 6: /* the same many times */
        for (struct input again = *in; what >= 10 && sq_has_room(); what--, again = *in)
            submit_likely(&again);
        take(in, 4);
        return true;
    case 7:
        poll_signals();
        return !io.stop_signal;
    default:
        submit_likely(in);
        return true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct devices devices;
    struct error err = {0};
    static const char report[] = "the guest's end";
    memset(&guest, 0, sizeof guest);
    guest.input = (struct input){.at = data, .end = data + size};
    start(&devices);
    bool runs = true;
    while (runs && guest.input.at < guest.input.end)
        runs = step(&guest.input);
    hypercall(CALL_EXIT); /* FAULT-09: whatever has ended it */
    must(io_report(&io, report, sizeof report, &err) == 0);
    return 0;
}
