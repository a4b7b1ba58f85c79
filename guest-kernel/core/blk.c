/* SPDX-License-Identifier: MIT */
/* Block devices. */
#include "device.h"

/* What a transfer that has to copy takes from the arena, if there is that much. */
#define BOUNCE_SIZE (128u * 1024u)

const struct ukvm_device *uk_blk_find(const char *name) {
    return uk_device_find(UKVM_DEVICE_BLK, name);
}

void uk_blk_submit(const struct ukvm_device *device, enum ukvm_op op, uint64_t offset, const void *buffer,
                   uint32_t length, struct uk_io *io) {
    io->sqe = (struct ukvm_sqe){
        .op = (uint8_t)op,
        .device = uk_device_number(device),
        .length = length,
        .arena = buffer ? uk_arena_offset(buffer) : 0,
        .offset = offset,
    };
    uk_submit(io);
}

/* One operation, from submission to completion. */
static int run(const struct ukvm_device *device, enum ukvm_op op, uint64_t offset, const void *buffer,
               uint32_t length) {
    struct uk_io io = {0};
    uk_blk_submit(device, op, offset, buffer, length, &io);
    int32_t result = uk_await(&io);
    return result < 0 ? result : 0;
}

static bool is_valid(const struct ukvm_blk_info *blk, uint64_t offset, uint64_t length) {
    return offset % blk->block_size == 0 && length % blk->block_size == 0 && offset <= blk->capacity &&
           length <= blk->capacity - offset;
}

static uint32_t smaller(uint64_t length, uint32_t limit) {
    return length < limit ? (uint32_t)length : limit;
}

static int transfer(const struct ukvm_device *device, enum ukvm_op op, uint64_t offset, const char *buffer,
                    size_t length) {
    int result = 0;
    while (length > 0 && result == 0) {
        uint32_t n = smaller(length, device->blk.max_transfer);
        result = run(device, op, offset, buffer, n);
        offset += n;
        buffer += n;
        length -= n;
    }
    return result;
}

/* The largest buffer to be had, of BOUNCE_SIZE, half of it, and so on to one block. */
static char *bounce_alloc(const struct ukvm_blk_info *blk, size_t length, uint32_t *size) {
    uint32_t wanted = smaller(length, BOUNCE_SIZE);
    for (*size = smaller(wanted, blk->max_transfer); *size > 0; *size = *size / 2 / blk->block_size * blk->block_size) {
        char *buffer = uk_arena_alloc(*size, blk->block_size);
        if (buffer)
            return buffer;
    }
    return NULL;
}

static bool is_direct(const struct ukvm_blk_info *blk, const void *buffer, size_t length) {
    return uk_arena_contains(buffer, length) && uk_arena_offset(buffer) % blk->block_size == 0;
}

/* By way of the arena: reads into `to`, or writes `from`; the other is NULL. */
static int copy(const struct ukvm_device *device, uint64_t offset, char *to, const char *from, size_t length) {
    uint32_t size;
    int result = 0;
    char *bounce = bounce_alloc(&device->blk, length, &size);
    if (!bounce)
        return -UK_ENOMEM;
    for (size_t done = 0; done < length && result == 0;) {
        uint32_t n = smaller(length - done, size);
        if (from)
            memcpy(bounce, from + done, n);
        result = run(device, from ? UKVM_OP_BLK_WRITE : UKVM_OP_BLK_READ, offset + done, bounce, n);
        if (to && result == 0)
            memcpy(to + done, bounce, n);
        done += n;
    }
    uk_arena_free(bounce, size);
    return result;
}

int uk_blk_read(const struct ukvm_device *device, uint64_t offset, void *buffer, size_t length) {
    if (!is_valid(&device->blk, offset, length))
        return -UKVM_EINVAL;
    if (length == 0)
        return 0;
    if (is_direct(&device->blk, buffer, length))
        return transfer(device, UKVM_OP_BLK_READ, offset, buffer, length);
    return copy(device, offset, buffer, NULL, length);
}

int uk_blk_write(const struct ukvm_device *device, uint64_t offset, const void *buffer, size_t length) {
    if (!is_valid(&device->blk, offset, length))
        return -UKVM_EINVAL;
    if (length == 0)
        return 0;
    if (is_direct(&device->blk, buffer, length))
        return transfer(device, UKVM_OP_BLK_WRITE, offset, buffer, length);
    return copy(device, offset, NULL, buffer, length);
}

int uk_blk_discard(const struct ukvm_device *device, uint64_t offset, uint64_t length) {
    const uint32_t max = 1u << 30; /* a length has 32 bits */
    int result = 0;
    if (!is_valid(&device->blk, offset, length))
        return -UKVM_EINVAL;
    while (length > 0 && result == 0) {
        uint32_t n = smaller(length, max);
        result = run(device, UKVM_OP_BLK_DISCARD, offset, NULL, n);
        offset += n;
        length -= n;
    }
    return result;
}

int uk_blk_flush(const struct ukvm_device *device) {
    return run(device, UKVM_OP_BLK_FLUSH, 0, NULL, 0);
}
