/* SPDX-License-Identifier: MIT */
/* links: monitor/io/io.c monitor/io/ops.c monitor/io/request.c monitor/io/ring.c monitor/io/blk.c monitor/io/net.c */
/* links: monitor/io/console.c monitor/io/worker.c */
/* links: monitor/io/signals.c monitor/io/memory.c monitor/io/coalesce.c monitor/base/trace.c monitor/base/error.c */
/*
 * A second processor that the guest does not have: a thread changes the submissions, the indices and the deadline while
 * the monitor's own code takes them. What reaches io_uring, which this file stands in for (uring.h), must be what was
 * checked: every buffer inside the arena, every block inside its disk, no write to a read-only one. RING-01 to RING-04.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/io.h"
#include "io/uring.h"
#include "tap.h"

#define SYSTEM_BASE (UINT64_C(1) << 40)
#define RINGS_SIZE (16 * UKVM_PAGE_SIZE)
#define ARENA_SIZE (UINT64_C(1) << 20)
#define RAM_BASE (UINT64_C(1) << 33)
#define RAM_SIZE (64 * UKVM_PAGE_SIZE)
#define FREE_SIZE (RAM_SIZE / 2)
#define CAPACITY (UINT64_C(1) << 20)
#define MAX_TRANSFER (256u * 1024u)
#define MTU 1500u
#define ENOUGH 20000u

enum device_number { DISK, READ_ONLY, NET, DEVICES };

static struct io io;
static struct devices devices = {
    .count = DEVICES,
    .table = {[DISK] = {.kind = UKVM_DEVICE_BLK,
                        .blk = {.capacity = CAPACITY, .block_size = 512, .max_transfer = MAX_TRANSFER}},
              [READ_ONLY] =
                  {.kind = UKVM_DEVICE_BLK,
                   .blk = {.capacity = CAPACITY, .block_size = 4096, .max_transfer = MAX_TRANSFER, .readonly = true}},
              [NET] = {.kind = UKVM_DEVICE_NET}},
    .streams = {.kind = {UKVM_STREAM_PIPE, UKVM_STREAM_PIPE, UKVM_STREAM_PIPE}},
};
static const struct signals no_signals;
static struct region system_region, ram;
static struct layout layout;
static uint64_t wrong, inspected, refused, ended, turns;

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- in the place of io_uring */

static struct {
    struct io_uring_sqe prepared[RING_CQ_ENTRIES];
    unsigned prepared_count;
    struct io_uring_sqe started[RING_CQ_ENTRIES];
    unsigned started_count;
    struct io_uring_cqe completed[RING_CQ_ENTRIES];
    unsigned head, tail;
    uint64_t random;
} kernel;

static bool is_arena(const struct io_uring_sqe *sqe) {
    uint64_t at = sqe->addr - (uintptr_t)io.arena.host;
    return sqe->len > 0 && sqe->buf_index == URING_ARENA && range_within(at, sqe->len, io.arena.size);
}

static bool is_console(const struct io_uring_sqe *sqe) {
    uint8_t opcode = sqe->fd == IO_FILE_IN ? IORING_OP_READ_FIXED : IORING_OP_WRITE_FIXED;
    return sqe->opcode == IORING_OP_POLL_ADD || (sqe->opcode == opcode && is_arena(sqe));
}

static bool is_net(const struct io_uring_sqe *sqe) {
    if (sqe->opcode == IORING_OP_WRITE_FIXED)
        return is_arena(sqe) && sqe->len >= 14 && sqe->len <= MTU + 18;
    return sqe->opcode == IORING_OP_READ_FIXED && is_arena(sqe) && sqe->len >= MTU + 18;
}

static bool is_disk(const struct io_uring_sqe *sqe, const struct blk *blk) {
    switch (sqe->opcode) {
    case IORING_OP_FSYNC:
        return true;
    case IORING_OP_FALLOCATE: /* the length is where others have the buffer */
        return !blk->readonly && sqe->addr > 0 && is_aligned(sqe->off | sqe->addr, blk->block_size) &&
               range_within(sqe->off, sqe->addr, blk->capacity);
    case IORING_OP_READ_FIXED:
    case IORING_OP_WRITE_FIXED:
        return !(blk->readonly && sqe->opcode == IORING_OP_WRITE_FIXED) && is_arena(sqe) &&
               sqe->len <= blk->max_transfer && is_aligned(sqe->off | sqe->len | sqe->addr, blk->block_size) &&
               range_within(sqe->off, sqe->len, blk->capacity);
    default:
        return false;
    }
}

static bool is_request(const struct io_uring_sqe *sqe) {
    uint64_t at = sqe->user_data - (uintptr_t)io.requests;
    return at < sizeof io.requests && at % sizeof io.requests[0] == 0;
}

static bool is_allowed(const struct io_uring_sqe *sqe) {
    if (!is_request(sqe) || sqe->flags != IOSQE_FIXED_FILE)
        return false;
    switch (sqe->fd) {
    case IO_FILE_IN:
    case IO_FILE_OUT:
    case IO_FILE_ERR:
        return is_console(sqe);
    case IO_FILE_DEVICES + DISK:
    case IO_FILE_DEVICES + READ_ONLY:
        return is_disk(sqe, &devices.table[sqe->fd - (int)IO_FILE_DEVICES].blk);
    case IO_FILE_DEVICES + NET:
        return is_net(sqe);
    default:
        return false;
    }
}

static void start_prepared(void) {
    for (unsigned i = 0; i < kernel.prepared_count; i++) {
        const struct io_uring_sqe *sqe = &kernel.prepared[i];
        inspected++;
        if (!is_allowed(sqe) && wrong++ < 5)
            diag("opcode %u file %d buffer %" PRId64 " length %u offset %llu", sqe->opcode, sqe->fd,
                 (int64_t)(sqe->addr - (uintptr_t)io.arena.host), sqe->len, sqe->off);
        kernel.started[kernel.started_count++] = *sqe;
    }
    kernel.prepared_count = 0;
}

/* In the place of monitor/protect.c, which needs a processor. MEM-06 */
static void inspect_edit(const struct io_edit *e) {
    bool allowed = is_aligned(e->address | e->length, UKVM_PAGE_SIZE) && e->length > 0 &&
                   e->length <= UKVM_PROTECT_MAX && e->address >= RAM_BASE &&
                   range_within(e->address - RAM_BASE, e->length, FREE_SIZE) &&
                   (e->prot == 0 || e->prot == UKVM_PROT_READ || e->prot == (UKVM_PROT_READ | UKVM_PROT_WRITE));
    inspected++;
    if (!allowed && wrong++ < 5)
        diag("protect %" PRIx64 " + %" PRIx64 " as %u", e->address, e->length, e->prot);
}

/* All of it, a part in whole blocks, nothing, or an error. */
static int32_t some_result(const struct io_uring_sqe *sqe) {
    static const int32_t errors[] = {-EIO, -ENOSPC, -EAGAIN, -EINTR, -EOPNOTSUPP, -EBADFD, 0};
    uint64_t random = next_random(&kernel.random);
    bool transfer = sqe->opcode == IORING_OP_READ_FIXED || sqe->opcode == IORING_OP_WRITE_FIXED;
    if (random % 8 == 0)
        return errors[(random >> 8) % (sizeof errors / sizeof *errors)];
    if (!transfer)
        return 0;
    return (int32_t)(random % 8 == 1 && sqe->len > 4096 ? (sqe->len / 2) & ~4095u : sqe->len);
}

static void complete_some(unsigned at_least) {
    unsigned count = (unsigned)next_random(&kernel.random) % (kernel.started_count + 1);
    count = count < at_least ? at_least : count;
    for (; count > 0 && kernel.started_count > 0; count--) {
        unsigned chosen = (unsigned)next_random(&kernel.random) % kernel.started_count;
        const struct io_uring_sqe *sqe = &kernel.started[chosen];
        kernel.completed[kernel.tail++ % RING_CQ_ENTRIES] =
            (struct io_uring_cqe){.user_data = sqe->user_data, .res = some_result(sqe)};
        kernel.started[chosen] = kernel.started[--kernel.started_count];
    }
}

int uring_open(struct io_uring *uring, struct devices *opened, const struct signals *signals,
               const struct iovec buffers[URING_BUFFERS], unsigned uses, struct error *err) {
    (void)signals, (void)buffers, (void)uses, (void)err;
    for (unsigned i = 0; i < opened->count; i++)
        opened->table[i].file = IO_FILE_DEVICES + i;
    uring->cq.khead = &kernel.head;
    uring->cq.ktail = &kernel.tail;
    uring->cq.cqes = kernel.completed;
    uring->cq.ring_mask = RING_CQ_ENTRIES - 1;
    return 0;
}

struct io_uring_sqe *uring_sqe(struct io_uring *uring) {
    (void)uring;
    return &kernel.prepared[kernel.prepared_count++];
}

bool uring_pending(const struct io_uring *uring) {
    (void)uring;
    return kernel.prepared_count > 0;
}

void uring_submit_early(struct io_uring *uring, unsigned count) {
    (void)uring;
    if (kernel.prepared_count >= count)
        start_prepared();
}

void uring_pause(struct io_uring *uring, uint64_t ns) {
    (void)uring, (void)ns;
}

int uring_submit(struct io_uring *uring, uint64_t timeout_ns) {
    (void)uring;
    start_prepared();
    complete_some(timeout_ns > 0);
    return 0;
}

/* ---- the second writer */

static bool stop, pause_wanted, paused;

static const uint64_t arenas[] = {
    0, 0, 4096, 512, ARENA_SIZE - 4096, ARENA_SIZE - 512, ARENA_SIZE, ARENA_SIZE * 2, 1, UINT64_MAX};
static const uint64_t offsets[] = {0,
                                   0,
                                   0,
                                   4096,
                                   CAPACITY - 4096,
                                   CAPACITY - 512,
                                   CAPACITY,
                                   CAPACITY + 4096,
                                   RAM_BASE,
                                   RAM_BASE + FREE_SIZE - UKVM_PAGE_SIZE,
                                   RAM_BASE + FREE_SIZE,
                                   UINT64_MAX};
static const uint32_t lengths[] = {512, 4096, 4096,      8192, 1518, 2048, 60, MAX_TRANSFER, MAX_TRANSFER + 4096,
                                   0,   1,    UINT32_MAX};
static const uint16_t numbers[] = {DISK, DISK, READ_ONLY, READ_ONLY, NET, NET, 1, 2, DEVICES, UINT16_MAX};

#define ANY_OF(array, random) (array)[(random) % (sizeof(array) / sizeof(array)[0])]

static const struct ukvm_sqe right[] = {
    {.op = UKVM_OP_CONSOLE_WRITE, .device = UKVM_CONSOLE_OUT, .length = 60},
    {.op = UKVM_OP_BLK_READ, .device = READ_ONLY, .length = 4096, .offset = CAPACITY - 4096},
    {.op = UKVM_OP_BLK_WRITE, .device = DISK, .length = 8192, .arena = ARENA_SIZE - 8192},
    {.op = UKVM_OP_BLK_FLUSH, .device = DISK},
    {.op = UKVM_OP_BLK_DISCARD, .device = DISK, .length = 4096, .offset = 4096},
    {.op = UKVM_OP_NET_SEND, .device = NET, .length = 1518, .flags = UKVM_SQE_QUIET},
    {.op = UKVM_OP_NET_RECV, .device = NET, .length = 2048, .arena = 4096},
    {.op = UKVM_OP_MEM_RETURN, .length = UKVM_PAGE_SIZE, .offset = RAM_BASE + FREE_SIZE - UKVM_PAGE_SIZE},
};

/* One field, or all of them to something that is right. */
static void change_submission(struct ring_memory *memory, uint64_t random) {
    volatile struct ukvm_sqe *sqe = &memory->sq[random % RING_SQ_ENTRIES];
    uint64_t value = random >> 16;
    switch (random >> 8 & 15) {
    case 0:
    case 1:
        sqe->op = (uint8_t)(value % (UKVM_OP_COUNT + 1));
        break;
    case 2:
    case 3:
        sqe->device = ANY_OF(numbers, value);
        break;
    case 4:
        sqe->length = ANY_OF(lengths, value);
        break;
    case 5:
        sqe->arena = ANY_OF(arenas, value);
        break;
    case 6:
        sqe->offset = ANY_OF(offsets, value);
        break;
    case 7:
        sqe->flags = value % 4;
        memory->index.deadline = value % 4;
        break;
    default:
        memory->sq[random % RING_SQ_ENTRIES] = ANY_OF(right, value);
    }
}

/* Mostly as RING-02 has it, so that there is traffic. */
static void change_indices(struct ring_memory *memory, uint64_t random) {
    uint32_t *sq_tail = &memory->index.sq_tail, *cq_head = &memory->index.cq_head;
    uint32_t taken = __atomic_load_n(&memory->index.sq_head, __ATOMIC_ACQUIRE);
    uint32_t tail = __atomic_load_n(sq_tail, __ATOMIC_RELAXED);
    if (tail - taken < RING_SQ_ENTRIES)
        __atomic_store_n(sq_tail, tail + 1, __ATOMIC_RELEASE);
    __atomic_store_n(cq_head, __atomic_load_n(&memory->index.cq_tail, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
    if (random % 8192 == 0)
        __atomic_store_n(random & 8192 ? sq_tail : cq_head, (uint32_t)(random >> 32), __ATOMIC_RELEASE);
}

static void *write_second(void *seed) {
    struct ring_memory *memory = (struct ring_memory *)system_region.host;
    uint64_t random = *(uint64_t *)seed;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        bool pause = __atomic_load_n(&pause_wanted, __ATOMIC_ACQUIRE);
        __atomic_store_n(&paused, pause, __ATOMIC_RELEASE);
        if (pause)
            continue;
        for (unsigned i = 0; i < 8; i++)
            change_submission(memory, next_random(&random));
        change_indices(memory, next_random(&random));
    }
    return NULL;
}

/* ---- the monitor */

static void open_io(void) {
    struct error err;
    const struct io_config config = {.layout = &layout,
                                     .system = &system_region,
                                     .ram = &ram,
                                     .devices = &devices,
                                     .signals = &no_signals,
                                     .clock = {.tsc_mult = UINT64_C(1) << 31}};
    uint64_t random = kernel.random;
    __atomic_store_n(&pause_wanted, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&paused, __ATOMIC_ACQUIRE))
        sched_yield();
    memset(&kernel, 0, sizeof kernel);
    memset(&io, 0, sizeof io);
    memset(system_region.host, 0, sizeof(struct ring_memory));
    devices.table[NET].net = (struct net){.info.mtu = MTU, .can_poll = true};
    kernel.random = random;
    if (io_open(&io, &config, &err))
        diag("%s", err.text);
    __atomic_store_n(&pause_wanted, false, __ATOMIC_RELEASE);
}

static void count_refusals(uint32_t from) {
    const struct ring_memory *memory = io.ring.shared;
    for (; from != io.ring.cq_tail; from++)
        refused += memory->cq[from % RING_CQ_ENTRIES].result == -UKVM_EINVAL;
}

static int turn(enum io_sleep sleep, struct error *err) {
    struct io_edit edit;
    if (io_begin(&io, err))
        return -1;
    while (io_take(&io, &edit)) {
        inspect_edit(&edit);
        io_edited(&io, 0);
    }
    return io_finish(&io, sleep, err);
}

/* Until there was enough of everything; the limit is for a machine on which the two threads never meet. */
static void run_monitor(void) {
    struct error err;
    for (turns = 0; turns < 20000000 && wrong == 0 && (inspected < ENOUGH || refused < ENOUGH || ended < 3); turns++) {
        uint32_t completed = io.ring.cq_tail, taken = io.ring.sq_head;
        if (turn(turns % 3 ? IO_POLL : IO_SLEEP, &err)) {
            ended++;
            wrong += err.status != EXIT_SIGNAL + SIGSYS;
            open_io();
            continue;
        }
        count_refusals(completed);
        if (taken == io.ring.sq_head)
            sched_yield();
        wrong += io.ring.in_flight > RING_CQ_ENTRIES || io.ring.sq_head - io.ring.in_flight != io.ring.cq_tail;
    }
}

static void map(struct region *region, uint64_t base, uint64_t size) {
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *region = (struct region){.base = base, .size = size, .host = host};
}

int main(void) {
    uint64_t seed = (uint64_t)getpid() * 2654435761u + (uint64_t)time(NULL);
    const char *given = getenv("SEED");
    pthread_t writer;
    if (given)
        seed = strtoull(given, NULL, 0);
    diag("SEED=%" PRIu64, seed);
    kernel.random = seed * 3;
    map(&system_region, SYSTEM_BASE, RINGS_SIZE + ARENA_SIZE);
    map(&ram, RAM_BASE, RAM_SIZE);
    memset(ram.host, 0x5a, RAM_SIZE);
    layout = (struct layout){.rings_base = SYSTEM_BASE,
                             .rings_size = RINGS_SIZE,
                             .arena_base = SYSTEM_BASE + RINGS_SIZE,
                             .arena_size = ARENA_SIZE,
                             .ranges = {{.base = RAM_BASE, .size = FREE_SIZE, .kind = UKVM_RANGE_FREE}},
                             .ranges_count = 1};
    if (pthread_create(&writer, NULL, write_second, &seed))
        skip_all("no second thread");
    open_io();
    run_monitor();
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    pthread_join(writer, NULL);

    is_u64(wrong, 0, "%" PRIu64 " operations reached io_uring, each as it was checked", inspected);
    ok(inspected >= ENOUGH && refused >= ENOUGH, "many did, and many submissions were refused: %" PRIu64, refused);
    ok(ended >= 3, "and the guest was ended for its indices %" PRIu64 " times", ended);
    uint64_t changed = 0;
    for (uint64_t at = FREE_SIZE; at < RAM_SIZE; at++)
        changed += ram.host[at] != 0x5a;
    is_u64(changed, 0, "no memory was returned that is not free");
    return done_testing();
}
