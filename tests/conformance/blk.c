/* SPDX-License-Identifier: MIT */
/* Block devices, the first one of the boot page. ABI.md, BLK, and what RING and ERR say about their operations. */
#include "guest.h"

NOTE(note_blk, UKVM_NOTE_DEVICE, ukvm_note_device, .kind = UKVM_DEVICE_BLK, .flags = UKVM_NOTE_ANY);

static uint16_t disk;
static struct ukvm_blk_info info;

static void find_disk(void) {
    disk = first_device(UKVM_DEVICE_BLK);
    info = devices()[disk].blk;
}

static struct ukvm_sqe transfer(enum ukvm_op op, uint64_t offset, uint64_t buffer, uint64_t length) {
    return (struct ukvm_sqe){
        .op = (uint8_t)op, .device = disk, .arena = buffer, .length = (uint32_t)length, .offset = offset};
}

static int32_t read_blocks(uint64_t offset, uint64_t length) {
    return perform(transfer(UKVM_OP_BLK_READ, offset, ARENA_FREE, length));
}

static int32_t write_blocks(uint64_t offset, uint64_t length) {
    return perform(transfer(UKVM_OP_BLK_WRITE, offset, ARENA_FREE, length));
}

static int32_t discard(uint64_t offset, uint64_t length) {
    return perform(
        (struct ukvm_sqe){.op = UKVM_OP_BLK_DISCARD, .device = disk, .length = (uint32_t)length, .offset = offset});
}

static int32_t flush_disk(void) {
    return perform((struct ukvm_sqe){.op = UKVM_OP_BLK_FLUSH, .device = disk});
}

/* What each rule refuses, for one of the two transfers. */
static void transfer_rules(uint8_t op) {
    uint32_t block = info.block_size, max = info.max_transfer;
    uint64_t capacity = info.capacity;
    struct bad bad[] = {
        {"a length that is not whole blocks", {.arena = ARENA_FREE, .length = block + 1}},
        {"half a block", {.arena = ARENA_FREE, .length = block / 2}},
        {"an unaligned offset", {.arena = ARENA_FREE, .length = block, .offset = 1}},
        {"an offset of half a block", {.arena = ARENA_FREE, .length = block, .offset = block / 2}},
        {"an unaligned buffer", {.arena = ARENA_FREE + 8, .length = block}},
        {"more than max_transfer", {.arena = 0, .length = max + block}},
        {"at capacity", {.arena = ARENA_FREE, .length = block, .offset = capacity}},
        {"over capacity", {.arena = ARENA_FREE, .length = 2 * block, .offset = capacity - block}},
        {"far over capacity", {.arena = ARENA_FREE, .length = block, .offset = UINT64_C(1) << 62}},
        {"an offset that wraps", {.arena = ARENA_FREE, .length = 2 * block, .offset = -(uint64_t)block}},
    };
    for (unsigned i = 0; i < COUNT(bad); i++) {
        bad[i].sqe.op = op;
        bad[i].sqe.device = disk;
    }
    refused(bad, COUNT(bad));
}

static void limits(void) {
    find_disk();
    transfer_rules(UKVM_OP_BLK_READ);
    transfer_rules(UKVM_OP_BLK_WRITE);
    if (info.max_transfer <= boot->arena_size && info.max_transfer <= info.capacity)
        is(perform(transfer(UKVM_OP_BLK_READ, 0, 0, info.max_transfer)), (int32_t)info.max_transfer,
           "max_transfer at once");
    is(read_blocks(info.capacity - info.block_size, info.block_size), (int32_t)info.block_size, "the last block");
}

/* Writes 8 KiB at 16 KiB; the test outside looks at the blocks around them. */
static void transfers(void) {
    find_disk();
    fill(arena(ARENA_FREE), 8192, 7);
    is(write_blocks(16384, 8192), 8192, "a write completes with its length");
    memset(arena(ARENA_FREE), 0, 8192);
    is(read_blocks(16384, 8192), 8192, "a read completes with its length");
    ok(is_filled(arena(ARENA_FREE), 8192, 7), "and gives what was written");
    memset(arena(ARENA_FREE), 0xee, 8192);
    is(read_blocks(16384, 4096), 4096, "a shorter read completes with its own");
    ok(is_filled(arena(ARENA_FREE), 4096, 7) && all_bytes(arena(ARENA_FREE + 4096), 0xee, 4096),
       "and changes its own buffer alone");
}

/* 64 blocks in an order without a pattern, all of them in flight. */
static void many(void) {
    enum { BLOCKS = 64, SIZE = 4096 };
    struct ukvm_cqe cqe;
    bool right = true;
    find_disk();
    if (boot->arena_size < ARENA_FREE + BLOCKS * SIZE || info.capacity < BLOCKS * SIZE)
        return say("arena or disk are too small for many at once");
    for (unsigned op = UKVM_OP_BLK_WRITE; op >= UKVM_OP_BLK_READ; op--) {
        for (uint64_t i = 0; i < BLOCKS; i++) {
            if (op == UKVM_OP_BLK_WRITE)
                fill(arena(ARENA_FREE + i * SIZE), SIZE, 1000 * i);
            else
                memset(arena(ARENA_FREE + i * SIZE), 0, SIZE);
            push(transfer(op, i * 37 % BLOCKS * SIZE, ARENA_FREE + i * SIZE, SIZE));
        }
        right = await(BLOCKS) && right;
        while (take(&cqe))
            right = right && cqe.result == SIZE;
    }
    for (uint64_t i = 0; i < BLOCKS; i++)
        right = right && is_filled(arena(ARENA_FREE + i * SIZE), SIZE, 1000 * i);
    ok(right, "64 at once each reach their own place");
}

/* Reads the disk's two halves again and again; the test outside cuts the second off. */
static void cut(void) {
    uint64_t half, limit = now() + 10 * SECOND;
    find_disk();
    half = info.capacity / 2;
    fill(arena(ARENA_FREE), 4096, 3);
    write_blocks(0, 4096);
    say("written");
    flush();
    while (read_blocks(half, 4096) == 4096 && now() < limit)
        wait_until(now() + 5 * MILLISECOND);
    int32_t result = read_blocks(half, 4096);
    is(result, -UKVM_EIO, "a disk that ends before its geometry says is -UKVM_EIO");
    is(read_blocks(half - 4096, 8192), -UKVM_EIO, "so is a read that reaches over its end");
    is(read_blocks(0, 4096), 4096, "and the guest goes on");
    ok(is_filled(arena(ARENA_FREE), 4096, 3), "with what is left of it");
    is((int64_t)devices()[disk].blk.capacity, (int64_t)info.capacity, "the geometry stays");
}

/* A file system without room: the test outside knows which. */
static void no_space(void) {
    find_disk();
    int32_t result = 0;
    fill(arena(ARENA_FREE), 65536, 3);
    for (uint64_t at = 0; at < info.capacity && result >= 0; at += 65536)
        result = write_blocks(at, 65536);
    is(result, -UKVM_ENOSPC, "a full file system is -UKVM_ENOSPC");
    is(read_blocks(0, 4096), 4096, "and the guest goes on");
}

/* Writes 1 MiB, and flushes it half a second later: the test outside counts the disk's dirty pages before and after. */
static void durable(void) {
    find_disk();
    fill(arena(ARENA_FREE), 65536, 3);
    for (uint64_t at = 0; at < 1 << 20; at += 65536)
        write_blocks(at, 65536);
    say("dirty");
    flush();
    wait_until(now() + 500 * MILLISECOND);
    is(flush_disk(), 0, "BLK_FLUSH completes with 0");
    say("clean");
    flush();
    wait_until(now() + 5 * SECOND);
}

static void flush_rules(void) {
    find_disk();
    const struct bad bad[] = {
        {"a flush with a length", {.op = UKVM_OP_BLK_FLUSH, .device = disk, .length = 512}},
        {"a flush with an offset", {.op = UKVM_OP_BLK_FLUSH, .device = disk, .offset = 512}},
        {"a flush with a buffer", {.op = UKVM_OP_BLK_FLUSH, .device = disk, .arena = 4096}},
        {"a discard with a buffer", {.op = UKVM_OP_BLK_DISCARD, .device = disk, .arena = 4096, .length = 512}},
        {"a quiet read",
         {.op = UKVM_OP_BLK_READ, .flags = UKVM_SQE_QUIET, .device = disk, .arena = 4096, .length = 4096}},
        {"a quiet write",
         {.op = UKVM_OP_BLK_WRITE, .flags = UKVM_SQE_QUIET, .device = disk, .arena = 4096, .length = 4096}},
        {"a frame to a disk", {.op = UKVM_OP_NET_SEND, .device = disk, .arena = 4096, .length = 64}},
        {"a frame from a disk", {.op = UKVM_OP_NET_RECV, .device = disk, .arena = 4096, .length = 4096}},
    };
    refused(bad, COUNT(bad));
}

static void discards(void) {
    uint32_t block;
    int32_t result;
    find_disk();
    block = info.block_size;
    memset(arena(ARENA_FREE), 0xaa, 65536);
    for (uint64_t at = 0; at < info.capacity; at += 65536)
        write_blocks(at, 65536);
    result = discard(4096, 8192);
    if (result == -UKVM_ENOTSUP)
        return ok(true, "discard: the host cannot");
    is(result, 0, "a discard completes with 0");
    read_blocks(0, 16384);
    ok(all_bytes(arena(ARENA_FREE + 4096), 0, 8192), "its bytes read as zero");
    ok(all_bytes(arena(ARENA_FREE), 0xaa, 4096) && all_bytes(arena(ARENA_FREE + 12288), 0xaa, 4096),
       "those around them stay");
    is(discard(16384, block), 0, "one block");
    read_blocks(16384, 8192);
    ok(all_bytes(arena(ARENA_FREE), 0, block) && all_bytes(arena(ARENA_FREE + block), 0xaa, 8192 - block),
       "and no more than that");
    is(discard(info.capacity - block, block), 0, "the last block");
    is(discard(0, info.max_transfer + block), 0, "more than max_transfer");
    read_blocks(info.max_transfer - 4096, 8192);
    ok(all_bytes(arena(ARENA_FREE), 0, 4096 + block) && all_bytes(arena(ARENA_FREE + 4096 + block), 0xaa, 4096 - block),
       "reads as zero to its end");
    is(discard(0, block + 1), -UKVM_EINVAL, "a length that is not whole blocks");
    is(discard(1, block), -UKVM_EINVAL, "an unaligned offset");
    is(discard(0, 0), -UKVM_EINVAL, "a length of 0");
    is(discard(info.capacity, block), -UKVM_EINVAL, "at capacity");
    is(discard(info.capacity - block, 2 * block), -UKVM_EINVAL, "over capacity");
    is(discard(-(uint64_t)block, 2 * block), -UKVM_EINVAL, "an offset that wraps");
}

static void readonly(void) {
    find_disk();
    fill(arena(ARENA_FREE), 4096, 3);
    is(write_blocks(0, 4096), -UKVM_EROFS, "a write is -UKVM_EROFS");
    is(discard(0, 4096), -UKVM_EROFS, "a discard is -UKVM_EROFS");
    is(read_blocks(0, 4096), 4096, "a read works");
}

/* Leaves a write in the ring, and ends. */
static void push_writes(void) {
    find_disk();
    for (unsigned i = 0; i < 8; i++) {
        memset(arena(ARENA_FREE + i * 4096), 'W', 4096);
        push(transfer(UKVM_OP_BLK_WRITE, i * 4096, ARENA_FREE + i * 4096, 4096));
    }
}

static void exit_with_write(void) {
    push_writes();
    hypercall(UKVM_PORT_EXIT, 0);
}

static void fault_with_write(void) {
    push_writes();
    __asm__ volatile("ud2");
}

/* Changes buffers while the monitor has them. What the blocks hold then is anybody's guess; all else is not. */
static void scribble(void) {
    enum { BLOCKS = 32, SIZE = 4096 };
    struct ukvm_cqe cqe;
    bool right = true;
    find_disk();
    for (unsigned round = 0; round < 8; round++) {
        for (uint64_t i = 0; i < BLOCKS; i++)
            push(transfer(i % 2 ? UKVM_OP_BLK_WRITE : UKVM_OP_BLK_READ, i * SIZE, ARENA_FREE + i * SIZE, SIZE));
        kick();
        for (uint64_t i = 0; i < BLOCKS; i++)
            memset(arena(ARENA_FREE + i * SIZE), (int)(round + i), SIZE);
        right = await(BLOCKS) && right;
        while (take(&cqe))
            right = right && cqe.result == SIZE;
    }
    ok(right, "transfers whose buffers change meanwhile complete as others");
    fill(arena(ARENA_FREE), SIZE, 5);
    is(write_blocks(0, SIZE), SIZE, "a write after them");
    memset(arena(ARENA_FREE), 0, SIZE);
    read_blocks(0, SIZE);
    ok(is_filled(arena(ARENA_FREE), SIZE, 5), "is right");
}

const struct check checks[] = {
    {"UKVM-BLK-01", limits},
    {"UKVM-BLK-02", transfers},
    {"UKVM-BLK-02 many", many},
    {"UKVM-BLK-03", durable},
    {"UKVM-BLK-04", discards},
    {"UKVM-BLK-05", readonly},
    {"UKVM-RING-06", flush_rules},
    {"UKVM-RING-07", scribble},
    {"UKVM-CALL-03", exit_with_write},
    {"UKVM-FAULT-09", fault_with_write},
    {"UKVM-ERR-01 cut", cut},
    {"UKVM-ERR-01 space", no_space},
    {NULL, NULL},
};
