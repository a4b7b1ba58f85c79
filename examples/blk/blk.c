/* SPDX-License-Identifier: MIT */
/*
 * Writes the whole disk, flushes, reads all of it back and compares, with many operations in flight. It destroys what
 * is on the disk.
 *
 *     truncate -s 64M build/data.img && build/ukvm run --disk data=build/data.img build/examples/blk.elf
 */
#include "ukvm.h"

UKVM_NEEDS_BLK("data");

#define DEPTH 32u
#define TRANSFER (128u * 1024u)

/* One operation in flight. */
struct slot {
    struct uk_io io;
    struct pass *pass;
    uint64_t *buffer;
    uint64_t offset;
    uint32_t length;
};

/* Writing or reading all of the disk. */
struct pass {
    const struct ukvm_device *disk;
    enum ukvm_op op;
    uint32_t transfer;     /* bytes in one operation at most */
    uint64_t next;         /* the offset that nobody has started on */
    unsigned busy;         /* slots in flight */
    int error;             /* the first */
    uint64_t error_offset; /* of the operation that failed, or of the first difference found */
};

/* What belongs at `offset`: different for each eight bytes of the disk. SplitMix64. */
static uint64_t pattern(uint64_t offset) {
    uint64_t x = offset / 8 * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void fill(const struct slot *slot) {
    for (uint32_t i = 0; i < slot->length / 8; i++)
        slot->buffer[i] = pattern(slot->offset + i * UINT64_C(8));
}

static void fail(struct pass *pass, int error, uint64_t offset) {
    if (pass->error != 0 && pass->error_offset <= offset)
        return;
    pass->error = error;
    pass->error_offset = offset;
}

static void compare(const struct slot *slot) {
    for (uint32_t i = 0; i < slot->length / 8; i++) {
        uint64_t offset = slot->offset + i * UINT64_C(8);
        if (slot->buffer[i] != pattern(offset)) {
            fail(slot->pass, -UKVM_EIO, offset);
            return;
        }
    }
}

static void start(struct slot *slot) {
    struct pass *pass = slot->pass;
    uint64_t left = pass->disk->blk.capacity - pass->next;
    if (left == 0 || pass->error != 0)
        return;
    slot->offset = pass->next;
    slot->length = left < pass->transfer ? (uint32_t)left : pass->transfer;
    pass->next += slot->length;
    pass->busy++;
    if (pass->op == UKVM_OP_BLK_WRITE)
        fill(slot);
    uk_blk_submit(pass->disk, pass->op, slot->offset, slot->buffer, slot->length, &slot->io);
}

static void done(struct uk_io *io, int32_t result) {
    struct slot *slot = uk_container_of(io, struct slot, io);
    slot->pass->busy--;
    if (result < 0)
        fail(slot->pass, result, slot->offset);
    else if (slot->pass->op == UKVM_OP_BLK_READ)
        compare(slot);
    start(slot);
}

static unsigned make_slots(struct slot *slots, const struct ukvm_blk_info *blk, uint32_t transfer) {
    unsigned count = 0;
    for (; count < DEPTH; count++) {
        uint64_t *buffer = uk_arena_alloc(transfer, blk->block_size);
        if (!buffer)
            break;
        slots[count] = (struct slot){.io.done = done, .buffer = buffer};
    }
    return count;
}

/* 0, or 1 after a message. */
static int run(struct pass *pass, struct slot *slots, unsigned count) {
    uint64_t began = uk_clock_monotonic(), exits = uk_stats().kicks + uk_stats().waits;
    const char *what = pass->op == UKVM_OP_BLK_WRITE ? "write" : "read";
    for (unsigned i = 0; i < count; i++) {
        slots[i].pass = pass;
        start(&slots[i]);
    }
    while (pass->busy > 0)
        uk_wait(UKVM_DEADLINE_NONE);
    if (pass->error != 0) {
        uk_eprintf("blk: %s: %s at offset %lu\n", what, uk_error_name(pass->error), pass->error_offset);
        return 1;
    }
    uint64_t took = uk_clock_monotonic() - began + 1;
    uk_printf("blk: %s %lu MB, %lu MB/s, %lu exits\n", what, pass->next / 1000000, pass->next * 1000 / took,
              uk_stats().kicks + uk_stats().waits - exits);
    return 0;
}

int main(void) {
    struct slot slots[DEPTH];
    const struct ukvm_device *disk = uk_blk_find("data");
    uint32_t transfer = disk->blk.max_transfer < TRANSFER ? disk->blk.max_transfer : TRANSFER;
    unsigned count = make_slots(slots, &disk->blk, transfer);
    if (count == 0) {
        uk_eprintf("blk: the I/O arena has no room for a buffer of %u bytes\n", transfer);
        return 1;
    }
    struct pass write = {.disk = disk, .op = UKVM_OP_BLK_WRITE, .transfer = transfer};
    struct pass read = {.disk = disk, .op = UKVM_OP_BLK_READ, .transfer = transfer};
    if (run(&write, slots, count))
        return 1;
    int flushed = uk_blk_flush(disk);
    if (flushed < 0) {
        uk_eprintf("blk: flush: %s\n", uk_error_name(flushed));
        return 1;
    }
    if (run(&read, slots, count))
        return 1;
    uk_printf("blk: %lu bytes written, read back and verified\n", disk->blk.capacity);
    return 0;
}
