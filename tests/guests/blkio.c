/* SPDX-License-Identifier: MIT */
/*
 * A block tool for tests. Runs the commands of its arguments on the first disk, or on the one that --disk names, and
 * prints a line for each; a failed one ends it with status 1.
 *
 *     build/ukvm run --disk d=disk.img build/tests/guests/blkio.elf write 0 65536 7 flush read 0 65536
 *
 *     info                             geometry
 *     write OFFSET LENGTH SEED         random bytes from SEED
 *     read OFFSET LENGTH               prints their checksum
 *     check OFFSET LENGTH SEED         reads what `write` wrote, and compares
 *     zero OFFSET LENGTH               reads, and compares with zeros
 *     discard OFFSET LENGTH
 *     flush
 *     wait MS                          sleeps
 *     mixed SEED                       writes all of the disk in random order, 16 operations in flight, and checks it
 *     errors                           operations that must fail, with the names of their results
 *     bench-randread SIZE COUNT DEPTH  random reads
 */
#include "ukvm.h"

UKVM_ACCEPTS_ANY(UKVM_DEVICE_BLK);

static const struct ukvm_device *disk;

/* ---- data: xorshift64*, and FNV-1a over 64-bit words */

static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* What `write` puts at `offset` follows from offset and seed alone, so that any part of it can be checked. */
static void fill(uint64_t *words, uint64_t offset, uint64_t length, uint64_t seed) {
    for (uint64_t i = 0; i < length / 8; i++) {
        uint64_t state = (offset / 8 + i + 1) * UINT64_C(0x9e3779b97f4a7c15) + seed;
        words[i] = next_random(&state);
    }
}

static uint64_t checksum(const uint64_t *words, uint64_t length) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < length / 8; i++)
        hash = (hash ^ words[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static int report(const char *what, int result) {
    uk_printf("blkio: %s: %s\n", what, uk_error_name(result));
    return result < 0;
}

/* ---- the simple commands; arguments are numbers */

static int do_info(const uint64_t *args) {
    (void)args;
    uk_printf("blkio: %s: capacity %lu, block_size %u, max_transfer %u, flags %u\n", disk->name, disk->blk.capacity,
              disk->blk.block_size, disk->blk.max_transfer, disk->blk.flags);
    return 0;
}

static int do_write(const uint64_t *args) {
    uint64_t *data = uk_malloc(args[1]);
    int result = -UK_ENOMEM;
    if (data) {
        fill(data, args[0], args[1], args[2]);
        result = uk_blk_write(disk, args[0], data, args[1]);
        uk_free(data);
    }
    return report("write", result);
}

/* Reads into `*data`, which the caller frees. */
static int read_all(uint64_t offset, uint64_t length, uint64_t **data) {
    *data = uk_malloc(length);
    return *data ? uk_blk_read(disk, offset, *data, length) : -UK_ENOMEM;
}

static int do_read(const uint64_t *args) {
    uint64_t *data;
    int result = read_all(args[0], args[1], &data);
    if (result == 0)
        uk_printf("blkio: checksum %016lx\n", checksum(data, args[1]));
    uk_free(data);
    return report("read", result);
}

/* The two must be the same. */
static int compare(const char *what, uint64_t offset, const uint64_t *got, const uint64_t *want, uint64_t length) {
    for (uint64_t i = 0; i < length / 8; i++) {
        if (got[i] != want[i]) {
            uk_printf("blkio: %s: differs at offset %lu\n", what, offset + i * 8);
            return 1;
        }
    }
    return report(what, 0);
}

static int read_and_compare(const char *what, uint64_t offset, const uint64_t *want, uint64_t length) {
    uint64_t *got;
    int result = read_all(offset, length, &got);
    result = result < 0 ? report(what, result) : compare(what, offset, got, want, length);
    uk_free(got);
    return result;
}

static int do_check(const uint64_t *args) {
    uint64_t *want = uk_malloc(args[1]);
    if (!want)
        return report("check", -UK_ENOMEM);
    fill(want, args[0], args[1], args[2]);
    int result = read_and_compare("check", args[0], want, args[1]);
    uk_free(want);
    return result;
}

static int do_zero(const uint64_t *args) {
    uint64_t *want = uk_malloc(args[1]);
    if (!want)
        return report("zero", -UK_ENOMEM);
    memset(want, 0, args[1]);
    int result = read_and_compare("zero", args[0], want, args[1]);
    uk_free(want);
    return result;
}

static int do_discard(const uint64_t *args) {
    return report("discard", uk_blk_discard(disk, args[0], args[1]));
}

static int do_flush(const uint64_t *args) {
    (void)args;
    return report("flush", uk_blk_flush(disk));
}

static int do_wait(const uint64_t *args) {
    uk_console_flush();
    uk_sleep(args[0] * UK_MILLISECOND);
    return 0;
}

/* ---- operations in flight */

#define MAX_DEPTH 256

struct slot {
    struct uk_io io;
    struct load *load;
    uint64_t *buffer;
    uint64_t block; /* which one of those that the load is made of */
};

/* `count` operations of `size` bytes, `depth` of them in flight. */
struct load {
    enum ukvm_op op;
    uint32_t size;
    uint64_t count, depth;
    uint64_t (*choose)(struct load *load, uint64_t number); /* the block of operation `number` */
    uint64_t seed;
    uint64_t started, finished;
    int error;      /* the first */
    uint64_t wrong; /* blocks that did not hold what `fill` gives */
    bool verify;
    struct slot slots[MAX_DEPTH];
};

static void start(struct slot *slot) {
    struct load *load = slot->load;
    if (load->started == load->count || load->error != 0)
        return;
    slot->block = load->choose(load, load->started++);
    if (load->op == UKVM_OP_BLK_WRITE)
        fill(slot->buffer, slot->block * load->size, load->size, load->seed);
    uk_blk_submit(disk, load->op, slot->block * load->size, slot->buffer, load->size, &slot->io);
}

static bool is_as_written(const struct load *load, const struct slot *slot) {
    uint64_t word;
    for (uint64_t i = 0; i < load->size / 8; i++) {
        fill(&word, slot->block * load->size + i * 8, 8, load->seed);
        if (slot->buffer[i] != word)
            return false;
    }
    return true;
}

static void done(struct uk_io *io, int32_t result) {
    struct slot *slot = uk_container_of(io, struct slot, io);
    struct load *load = slot->load;
    load->finished++;
    if (result != (int32_t)load->size && load->error == 0)
        load->error = result < 0 ? result : -UKVM_EIO;
    if (load->verify && load->error == 0)
        load->wrong += !is_as_written(load, slot);
    start(slot);
}

static void free_slots(struct load *load) {
    for (uint64_t i = 0; i < load->depth && load->slots[i].buffer; i++)
        uk_arena_free(load->slots[i].buffer, load->size);
}

static int run(struct load *load) {
    for (uint64_t i = 0; i < load->depth; i++) {
        uint64_t *buffer = uk_arena_alloc(load->size, disk->blk.block_size);
        load->slots[i] = (struct slot){.io.done = done, .load = load, .buffer = buffer};
        if (!buffer) {
            free_slots(load);
            return -UK_ENOMEM;
        }
    }
    for (uint64_t i = 0; i < load->depth; i++)
        start(&load->slots[i]);
    while (load->finished < load->started)
        uk_wait(UKVM_DEADLINE_NONE);
    free_slots(load);
    return load->error;
}

/* Every block once, in an order without a pattern: by multiples of a prime that does not divide their count. */
static uint64_t choose_permuted(struct load *load, uint64_t number) {
    return number * UINT64_C(1000003) % load->count;
}

static struct load load;

static int do_mixed(const uint64_t *args) {
    uint64_t blocks = disk->blk.capacity / disk->blk.block_size;
    if (blocks % 1000003 == 0)
        return report("mixed", -UKVM_EINVAL);
    load = (struct load){.op = UKVM_OP_BLK_WRITE, .size = disk->blk.block_size, .count = blocks, .depth = 16};
    load.choose = choose_permuted;
    load.seed = args[0];
    int result = run(&load);
    if (result < 0)
        return report("mixed: write", result);
    load.op = UKVM_OP_BLK_READ;
    load.started = load.finished = 0;
    load.verify = true;
    result = run(&load);
    uk_printf("blkio: mixed: %lu blocks, %lu wrong\n", blocks, load.wrong);
    return report("mixed", result) || load.wrong > 0;
}

static uint64_t choose_random(struct load *which, uint64_t number) {
    (void)number;
    return next_random(&which->seed) % (disk->blk.capacity / which->size);
}

static int do_bench_randread(const uint64_t *args) {
    if (args[0] == 0 || args[0] > disk->blk.max_transfer || args[2] == 0 || args[2] > MAX_DEPTH)
        return report("bench-randread", -UKVM_EINVAL);
    load = (struct load){.op = UKVM_OP_BLK_READ, .size = (uint32_t)args[0], .count = args[1], .depth = args[2]};
    load.choose = choose_random;
    load.seed = 88172645463325252;
    struct uk_stats before = uk_stats();
    uint64_t began = uk_clock_monotonic();
    int result = run(&load);
    uint64_t took = uk_clock_monotonic() - began + 1;
    struct uk_stats after = uk_stats();
    uint64_t exits = after.kicks + after.waits - before.kicks - before.waits;
    uk_printf("blkio: bench-randread: size=%u depth=%lu count=%lu ns=%lu iops=%lu exits=%lu\n", load.size, load.depth,
              load.finished, took, (uint64_t)(load.finished * UK_SECOND / took), exits);
    return report("bench-randread", result);
}

/* ---- what must fail */

struct bad {
    const char *what;
    struct ukvm_sqe sqe;
};

static int32_t try_sqe(const struct ukvm_sqe *sqe) {
    struct uk_io io = {.sqe = *sqe};
    uk_submit(&io);
    return uk_await(&io);
}

static int do_errors(const uint64_t *args) {
    (void)args;
    const struct ukvm_blk_info *blk = &disk->blk;
    char *buffer = uk_arena_alloc(blk->block_size, blk->block_size);
    uint64_t at = uk_arena_offset(buffer), arena = uk_boot()->arena_size;
    uint16_t device = uk_device_number(disk);
    uint32_t block = blk->block_size, max = blk->max_transfer;
    const struct bad bad[] = {
        {"length 0", {.op = UKVM_OP_BLK_READ, .device = device, .arena = at}},
        {"misaligned length", {.op = UKVM_OP_BLK_READ, .device = device, .arena = at, .length = block - 1}},
        {"misaligned offset", {.op = UKVM_OP_BLK_READ, .device = device, .arena = at, .length = block, .offset = 1}},
        {"misaligned arena", {.op = UKVM_OP_BLK_READ, .device = device, .arena = at + 8, .length = block}},
        {"over max_transfer", {.op = UKVM_OP_BLK_READ, .device = device, .arena = 0, .length = max + block}},
        {"read at capacity",
         {.op = UKVM_OP_BLK_READ, .device = device, .arena = at, .length = block, .offset = blk->capacity}},
        {"write at capacity",
         {.op = UKVM_OP_BLK_WRITE, .device = device, .arena = at, .length = block, .offset = blk->capacity}},
        {"discard over capacity",
         {.op = UKVM_OP_BLK_DISCARD, .device = device, .length = 2 * block, .offset = blk->capacity - block}},
        {"offset that wraps",
         {.op = UKVM_OP_BLK_READ, .device = device, .arena = at, .length = block, .offset = -(uint64_t)block}},
        {"end of the arena", {.op = UKVM_OP_BLK_READ, .device = device, .arena = arena, .length = block}},
        {"arena that wraps", {.op = UKVM_OP_BLK_READ, .device = device, .arena = -(uint64_t)block, .length = block}},
        {"no such device", {.op = UKVM_OP_BLK_READ, .device = UKVM_MAX_DEVICES, .arena = at, .length = block}},
        {"device 65535", {.op = UKVM_OP_BLK_READ, .device = UINT16_MAX, .arena = at, .length = block}},
        {"net op on a disk", {.op = UKVM_OP_NET_SEND, .device = device, .arena = at, .length = block}},
        {"flush with a length", {.op = UKVM_OP_BLK_FLUSH, .device = device, .length = block}},
        {"discard with an arena",
         {.op = UKVM_OP_BLK_DISCARD, .device = device, .arena = at ? at : block, .length = block}},
    };
    unsigned accepted = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int32_t result = try_sqe(&bad[i].sqe);
        uk_printf("blkio: errors: %s: %s\n", bad[i].what, uk_error_name(result));
        accepted += result != -UKVM_EINVAL;
    }
    uk_arena_free(buffer, blk->block_size);
    return accepted > 0;
}

/* ---- the command line */

static const struct {
    const char *name;
    int arguments;
    int (*run)(const uint64_t *args);
} commands[] = {
    {"info", 0, do_info},
    {"write", 3, do_write},
    {"read", 2, do_read},
    {"check", 3, do_check},
    {"zero", 2, do_zero},
    {"discard", 2, do_discard},
    {"flush", 0, do_flush},
    {"wait", 1, do_wait},
    {"mixed", 1, do_mixed},
    {"errors", 0, do_errors},
    {"bench-randread", 3, do_bench_randread},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

/* Runs the command at `argv`; returns how many words it took, 0 if it could not be run, or -1 if it failed. */
static int run_command(int words, char **argv) {
    uint64_t args[3];
    for (size_t i = 0; i < COMMANDS; i++) {
        int count = commands[i].arguments;
        if (strcmp(argv[0], commands[i].name) != 0)
            continue;
        for (int j = 0; j < count; j++)
            if (j + 1 >= words || !uk_parse_u64(argv[j + 1], &args[j]))
                return 0;
        return commands[i].run(args) == 0 ? count + 1 : -1;
    }
    return 0;
}

int main(int argc, char **argv) {
    int at = 1;
    const char *name = NULL;
    if (argc > 2 && strcmp(argv[1], "--disk") == 0) {
        name = argv[2];
        at = 3;
    }
    disk = uk_blk_find(name);
    if (!disk) {
        uk_eprintf("blkio: there is no disk %s\n", name ? name : "at all");
        return 2;
    }
    while (at < argc) {
        int words = run_command(argc - at, argv + at);
        if (words == 0)
            uk_eprintf("blkio: '%s' is no command, or its arguments are no numbers\n", argv[at]);
        if (words <= 0)
            return words == 0 ? 2 : 1;
        at += words;
    }
    return 0;
}
