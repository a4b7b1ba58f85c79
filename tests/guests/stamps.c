/* SPDX-License-Identifier: MIT */
/*
 * Writes, discards and flushes a disk at random, several operations in flight but never two on one block, repeats what
 * failed, and reads all of it back at the end:
 *
 *     build/ukvm run --disk d=disk.img build/tests/guests/stamps.elf SEED COUNT
 *
 * Prints how many operations failed. Status 1: a block did not hold what was last written to it with success.
 */
#include "ukvm.h"

UKVM_NEEDS_BLK("d");

#define SLOTS 12
#define BLOCKS_MAX 256
#define PIECE_MAX 8 /* blocks in one operation */

static const struct ukvm_device *disk;
static uint64_t state, started, count, failures, stamp;
static uint64_t contents[BLOCKS_MAX]; /* the stamp of each block, once it is written */
static bool written[BLOCKS_MAX];
static bool busy[BLOCKS_MAX];
static uint64_t blocks;

struct slot {
    struct uk_io io;
    enum ukvm_op op;
    uint64_t first, length; /* blocks */
    uint64_t stamp;
    uint64_t *buffer;
};

static struct slot slots[SLOTS];

static uint64_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void submit(struct slot *slot) {
    uint32_t size = disk->blk.block_size;
    bool flush = slot->op == UKVM_OP_BLK_FLUSH;
    uk_blk_submit(disk, slot->op, flush ? 0 : slot->first * size, slot->op == UKVM_OP_BLK_WRITE ? slot->buffer : NULL,
                  flush ? 0 : (uint32_t)slot->length * size, &slot->io);
}

static void mark(const struct slot *slot, bool value) {
    for (uint64_t i = 0; i < slot->length; i++)
        busy[slot->first + i] = value;
}

static bool is_free(uint64_t first, uint64_t length) {
    for (uint64_t i = 0; i < length; i++)
        if (busy[first + i])
            return false;
    return true;
}

static void start(struct slot *slot) {
    uint64_t choice = next_random() % 100;
    if (started == count)
        return;
    started++;
    slot->op = choice < 20 ? UKVM_OP_BLK_FLUSH : choice < 30 ? UKVM_OP_BLK_DISCARD : UKVM_OP_BLK_WRITE;
    slot->length = 0;
    if (slot->op != UKVM_OP_BLK_FLUSH) {
        do {
            slot->length = 1 + next_random() % PIECE_MAX;
            slot->first = next_random() % (blocks - slot->length + 1);
        } while (!is_free(slot->first, slot->length));
        mark(slot, true);
        slot->stamp = slot->op == UKVM_OP_BLK_WRITE ? ++stamp : 0;
        for (uint64_t i = 0; i < slot->length * disk->blk.block_size / 8; i++)
            slot->buffer[i] = slot->stamp;
    }
    submit(slot);
}

static void done(struct uk_io *io, int32_t result) {
    struct slot *slot = uk_container_of(io, struct slot, io);
    failures += result < 0;
    if (result == -UKVM_ENOTSUP) /* of a discard: there is no use in trying again */
        slot->op = UKVM_OP_BLK_WRITE;
    if (result < 0 && slot->op != UKVM_OP_BLK_FLUSH) {
        submit(slot);
        return;
    }
    for (uint64_t i = 0; i < slot->length; i++) {
        contents[slot->first + i] = slot->stamp;
        written[slot->first + i] = true;
    }
    mark(slot, false);
    start(slot);
}

static bool any_in_flight(void) {
    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i].io.in_flight)
            return true;
    return false;
}

static uint64_t count_wrong(void) {
    uint64_t *block = slots[0].buffer, wrong = 0;
    uint32_t size = disk->blk.block_size;
    for (uint64_t i = 0; i < blocks; i++) {
        while (uk_blk_read(disk, i * size, block, size) < 0)
            failures++;
        for (uint32_t word = 0; word < size / 8; word++)
            if (written[i] && block[word] != contents[i]) {
                wrong++;
                break;
            }
    }
    return wrong;
}

int main(int argc, char **argv) {
    disk = uk_blk_find("d");
    blocks = disk->blk.capacity / disk->blk.block_size;
    if (argc != 3 || !uk_parse_u64(argv[1], &state) || !uk_parse_u64(argv[2], &count) || state == 0 ||
        blocks > BLOCKS_MAX || blocks < 2 * SLOTS * PIECE_MAX)
        return 2;
    for (unsigned i = 0; i < SLOTS; i++)
        slots[i] = (struct slot){.io.done = done, .buffer = uk_arena_alloc(PIECE_MAX * disk->blk.block_size, 4096)};
    for (unsigned i = 0; i < SLOTS; i++)
        start(&slots[i]);
    while (any_in_flight())
        uk_wait(UKVM_DEADLINE_NONE);
    uint64_t wrong = count_wrong();
    uk_printf("stamps: %lu operations, %lu failed, %lu blocks wrong\n", started, failures, wrong);
    return wrong > 0;
}
