/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/blk.c guest-kernel/core/device.c guest-kernel/core/arena.c guest-kernel/core/bitmap.c */
#include "core/arena.h"
#include "tap.h"

#define BLOCK 512u
#define MAX_TRANSFER 8192u
#define CAPACITY 65536u
#define ARENA_SIZE 32768u

static struct {
    struct ukvm_boot boot;
    struct ukvm_device devices[1];
} page;
static _Alignas(4096) uint8_t arena[ARENA_SIZE];
static uint8_t disk[CAPACITY], data[CAPACITY + 1];
static unsigned operations, broken;
static int32_t next_result; /* of the next operation, if it is an error */

/* ---- what blk.c and arena.c use, with the disk of a monitor behind it */

const struct ukvm_boot *uk_boot(void) {
    return &page.boot;
}

void uk_panic(const char *format, ...) {
    (void)format;
    printf("Bail out! panic\n");
    exit(1);
}

void *uk_pages_alloc(size_t count) {
    (void)count;
    return NULL;
}

static bool is_transfer(const struct ukvm_sqe *sqe) {
    return sqe->op == UKVM_OP_BLK_READ || sqe->op == UKVM_OP_BLK_WRITE;
}

void uk_submit(struct uk_io *io) {
    const struct ukvm_sqe *sqe = &io->sqe;
    operations++;
    io->result = next_result;
    if (next_result < 0)
        return;
    bool bad = sqe->offset % BLOCK || sqe->length % BLOCK || sqe->offset + sqe->length > CAPACITY;
    bad |= is_transfer(sqe) &&
           (sqe->arena % BLOCK || !sqe->length || sqe->length > MAX_TRANSFER || sqe->arena + sqe->length > ARENA_SIZE);
    broken += bad;
    if (bad)
        return;
    if (sqe->op == UKVM_OP_BLK_READ)
        memcpy(arena + sqe->arena, disk + sqe->offset, sqe->length);
    else if (sqe->op == UKVM_OP_BLK_WRITE)
        memcpy(disk + sqe->offset, arena + sqe->arena, sqe->length);
    else if (sqe->op == UKVM_OP_BLK_DISCARD)
        memset(disk + sqe->offset, 0, sqe->length);
    io->result = is_transfer(sqe) ? (int32_t)sqe->length : 0;
}

int32_t uk_await(struct uk_io *io) {
    return io->result;
}

/* ---- the test */

static void fill(uint8_t *at, size_t size, unsigned seed) {
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(i * 7 + i / 256 + seed);
}

static const struct ukvm_device *init(void) {
    page.boot.devices_offset = offsetof(__typeof__(page), devices);
    page.boot.devices_count = 1;
    page.boot.arena_addr = (uintptr_t)arena;
    page.boot.arena_size = ARENA_SIZE;
    page.devices[0] = (struct ukvm_device){
        .kind = UKVM_DEVICE_BLK,
        .name = "data",
        .blk = {.capacity = CAPACITY, .block_size = BLOCK, .max_transfer = MAX_TRANSFER},
    };
    uk_arena_init(&page.boot);
    return uk_blk_find("data");
}

static bool round_trip(const struct ukvm_device *device, uint64_t offset, uint8_t *buffer, size_t length) {
    uint8_t *want = malloc(length);
    fill(buffer, length, operations);
    memcpy(want, buffer, length);
    bool good = uk_blk_write(device, offset, buffer, length) == 0 && memcmp(disk + offset, want, length) == 0;
    memset(buffer, 0, length);
    good = good && uk_blk_read(device, offset, buffer, length) == 0 && memcmp(buffer, want, length) == 0;
    free(want);
    return good;
}

static unsigned counted(bool good) {
    unsigned count = good ? operations : 0;
    operations = 0;
    return count;
}

static void transfers(const struct ukvm_device *device) {
    uint8_t *direct = uk_arena_alloc(20480, BLOCK);
    is_u64(counted(round_trip(device, 0, direct, BLOCK)), 2, "a block from the arena: one operation each way");
    is_u64(counted(round_trip(device, 1024, direct, 20480)), 6, "more than max_transfer: several");
    is_u64(counted(round_trip(device, 1024, data, 20480)), 6, "the same through a buffer of the arena");
    is_u64(counted(round_trip(device, 0, data + 1, CAPACITY)), 16, "all of the disk, unaligned");
    ok(round_trip(device, 512, direct + 3, 4096), "an unaligned buffer of the arena is copied");
    uint8_t *rest[64];
    size_t count = 0;
    while ((rest[count] = uk_arena_alloc(BLOCK, BLOCK)))
        count++;
    is_u64((unsigned)uk_blk_read(device, 0, data, BLOCK), (unsigned)-UK_ENOMEM, "no room in the arena");
    uk_arena_free(rest[--count], BLOCK);
    operations = 0;
    is_u64(counted(round_trip(device, 0, data, 8192)), 32, "room for one block: block by block");
    while (count > 0)
        uk_arena_free(rest[--count], BLOCK);
    uk_arena_free(direct, 20480);
    uint8_t *all = uk_arena_alloc(ARENA_SIZE, BLOCK);
    ok(all, "all that was borrowed is given back");
    uk_arena_free(all, ARENA_SIZE);
}

static void refusals(const struct ukvm_device *device) {
    operations = 0;
    ok(uk_blk_read(device, 1, data, BLOCK) == -UKVM_EINVAL, "a misaligned offset");
    ok(uk_blk_read(device, 0, data, BLOCK + 1) == -UKVM_EINVAL, "a misaligned length");
    ok(uk_blk_write(device, CAPACITY, data, BLOCK) == -UKVM_EINVAL, "beyond the end");
    ok(uk_blk_write(device, CAPACITY - BLOCK, data, 2 * BLOCK) == -UKVM_EINVAL, "over the end");
    ok(uk_blk_discard(device, BLOCK, UINT64_MAX - BLOCK + 1) == -UKVM_EINVAL, "a length that wraps");
    ok(uk_blk_read(device, CAPACITY, data, 0) == 0, "nothing at the end is fine");
    is_u64(operations, 0, "none of these reaches the device");
    next_result = -UKVM_EIO;
    ok(uk_blk_write(device, 0, data, 3 * MAX_TRANSFER) == -UKVM_EIO, "the device's error is passed on");
    is_u64(operations, 1, "and ends the transfer");
    ok(uk_blk_flush(device) == -UKVM_EIO, "a flush's too");
    next_result = 0;
}

int main(void) {
    const struct ukvm_device *device = init();
    transfers(device);
    refusals(device);
    fill(disk, CAPACITY, 1);
    ok(uk_blk_discard(device, BLOCK, CAPACITY - BLOCK) == 0 && disk[BLOCK] == 0 && disk[1] != 0, "discard");
    ok(uk_blk_flush(device) == 0, "flush");
    is_u64(broken, 0, "no operation broke a rule");
    return done_testing();
}
