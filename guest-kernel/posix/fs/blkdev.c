/* SPDX-License-Identifier: MIT */
/*
 * Disks as files: any offset and length, by way of buffers in the arena. There is no cache: a read reads the disk, and
 * a write is on its way when write() returns, durable after fsync().
 *
 * A large transfer goes in pieces of which several are in flight. A piece of a write that begins or ends inside a block
 * reads that block first; until it is written back nobody else may write to it, so a write holds its range of blocks
 * against other writes.
 */
#include "blkdev.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "open.h"
#include "posix/signals/signal.h"

#define PIECE_SIZE (256u * 1024u)
#define DEPTH 4u

#define LEFT_TO_OTHERS 4u /* one part in so many of the arena: frames need buffers too */

struct range {
    struct range *next;
    const struct ukvm_device *device;
    uint64_t from, to; /* multiples of the block size */
};

static struct range *writing;
static struct uk_thread_list range_waiters, buffer_waiters;
static size_t buffers_out; /* bytes */
static unsigned hungry;    /* threads that found no buffer at all */

/* What one call transfers. */
struct transfer {
    const struct ukvm_device *device;
    const struct iovec *iov;
    int count;
    bool write;
    uint64_t offset, end; /* bytes of the disk */
    uint64_t next;        /* where the next piece begins: `offset`, and then a multiple of the block size */
    size_t done;          /* bytes, from the beginning and without a gap */
    int error;            /* the first one, a negative errno */
};

struct piece {
    struct uk_io io;
    char *buffer; /* NULL: not in use */
    uint32_t size, room;
    uint64_t block;    /* where the buffer belongs on the disk */
    uint64_t from, to; /* the bytes in it that are asked for */
};

/* NULL if it is no disk. */
static const struct ukvm_device *device_at(uint32_t number) {
    const struct ukvm_boot *boot = uk_boot();
    const struct ukvm_device *devices = uk_boot_devices(boot);
    return number < boot->devices_count && devices[number].kind == UKVM_DEVICE_BLK ? &devices[number] : NULL;
}

static const struct ukvm_device *device_of(struct uk_file *file) {
    return device_at(minor(uk_node_inode(file)->rdev));
}

static int errno_of(int result) {
    static const int errors[] = {
        [UKVM_EINVAL] = EINVAL, [UKVM_EIO] = EIO,       [UKVM_ENOSPC] = ENOSPC,      [UKVM_EROFS] = EROFS,
        [UKVM_EDOWN] = EIO,     [UKVM_EAGAIN] = EAGAIN, [UKVM_ENOTSUP] = EOPNOTSUPP, [UK_ENOMEM] = ENOMEM,
    };
    size_t error = (size_t)-result;
    if (result >= 0)
        return 0;
    return error < sizeof errors / sizeof errors[0] && errors[error] ? -errors[error] : -EIO;
}

static uint64_t round_down(uint64_t n, uint32_t to) {
    return n / to * to;
}

static uint64_t round_up(uint64_t n, uint32_t to) {
    return round_down(n + to - 1, to);
}

/* ---- ranges of blocks */

static bool is_taken(const struct range *wanted) {
    for (const struct range *range = writing; range; range = range->next)
        if (range->device == wanted->device && range->from < wanted->to && wanted->from < range->to)
            return true;
    return false;
}

/* -UK_ERESTART: a signal came first. */
static int take_range(struct range *range) {
    while (is_taken(range)) {
        int result = uk_block(&range_waiters, UKVM_DEADLINE_NONE, UK_WAITS_FOR_EVENT);
        if (result)
            return result;
    }
    range->next = writing;
    writing = range;
    return 0;
}

static void give_range(struct range *range) {
    struct range **at = &writing;
    while (*at != range)
        at = &(*at)->next;
    *at = range->next;
    uk_unblock_all(&range_waiters);
}

/* ---- pieces */

/* The largest buffer to be had, of what is wanted, half of it, and so on to one block. */
static bool get_buffer(const struct ukvm_blk_info *blk, uint32_t wanted, struct piece *piece) {
    size_t most = uk_boot()->arena_size - uk_boot()->arena_size / LEFT_TO_OTHERS;
    for (uint32_t room = wanted; room > 0; room = (uint32_t)round_down(room / 2, blk->block_size)) {
        if (room > most - buffers_out)
            continue;
        piece->buffer = uk_arena_alloc(room, blk->block_size);
        if (piece->buffer) {
            piece->room = room;
            buffers_out += room;
            return true;
        }
    }
    return false;
}

static void put_buffer(struct piece *piece) {
    uk_arena_free(piece->buffer, piece->room);
    piece->buffer = NULL;
    buffers_out -= piece->room;
    uk_unblock_all(&buffer_waiters);
}

/* One block into the buffer; for the rest of a block that is not written whole. */
static int fetch(const struct transfer *transfer, struct piece *piece, uint64_t block) {
    struct uk_io io = {0};
    uint32_t size = transfer->device->blk.block_size;
    uk_blk_submit(transfer->device, UKVM_OP_BLK_READ, block, piece->buffer + (block - piece->block), size, &io);
    return errno_of(uk_await(&io));
}

/* Fills the buffer with what is to be written. */
static int fill(const struct transfer *transfer, struct piece *piece) {
    uint32_t block_size = transfer->device->blk.block_size;
    uint64_t last = piece->block + piece->size - block_size;
    int result = 0;
    if (piece->from > piece->block)
        result = fetch(transfer, piece, piece->block);
    if (result == 0 && piece->to < piece->block + piece->size && (last > piece->block || piece->from == piece->block))
        result = fetch(transfer, piece, last);
    uk_iov_gather(transfer->iov, transfer->count, piece->from - transfer->offset,
                  piece->buffer + (piece->from - piece->block), piece->to - piece->from);
    return result;
}

/* Starts the next piece; false if there is none or there is no memory for it now. */
static bool start(struct transfer *transfer, struct piece *piece) {
    const struct ukvm_blk_info *blk = &transfer->device->blk;
    uint32_t most = PIECE_SIZE < blk->max_transfer ? PIECE_SIZE : blk->max_transfer;
    if (transfer->error || transfer->next >= transfer->end)
        return false;
    piece->block = round_down(transfer->next, blk->block_size);
    uint64_t wanted = round_up(transfer->end, blk->block_size) - piece->block;
    if (!get_buffer(blk, wanted < most ? (uint32_t)wanted : most, piece))
        return false;
    piece->size = wanted < piece->room ? (uint32_t)wanted : piece->room;
    piece->from = transfer->next;
    piece->to = piece->block + piece->size < transfer->end ? piece->block + piece->size : transfer->end;
    transfer->error = transfer->write ? fill(transfer, piece) : 0;
    if (transfer->error) {
        put_buffer(piece);
        return false;
    }
    transfer->next = piece->to;
    piece->io = (struct uk_io){0};
    uk_blk_submit(transfer->device, transfer->write ? UKVM_OP_BLK_WRITE : UKVM_OP_BLK_READ, piece->block, piece->buffer,
                  piece->size, &piece->io);
    return true;
}

/* Waits for a piece; what follows an error does not count. */
static void finish(struct transfer *transfer, struct piece *piece, bool *failed) {
    int error = errno_of(uk_await(&piece->io));
    if (error && !transfer->error)
        transfer->error = error;
    *failed |= error != 0;
    if (!*failed) {
        if (!transfer->write)
            uk_iov_fill(transfer->iov, transfer->count, piece->from - transfer->offset,
                        piece->buffer + (piece->from - piece->block), piece->to - piece->from);
        transfer->done += piece->to - piece->from;
    }
    put_buffer(piece);
}

/* All buffers are with others: until one comes back. -ENOMEM: there are none at all. */
static int wait_for_buffer(void) {
    if (buffers_out == 0)
        return -ENOMEM;
    hungry++;
    int result = uk_block(&buffer_waiters, UKVM_DEADLINE_NONE, UK_WAITS_FOR_EVENT);
    hungry--;
    return result;
}

/* A long transfer takes again at once what it gives back, so it must let those who have nothing go first. */
static void run(struct transfer *transfer) {
    struct piece pieces[DEPTH];
    unsigned first = 0, started = 0;
    bool failed = false;
    while (true) {
        while (started - first < DEPTH && start(transfer, &pieces[started % DEPTH]))
            started++;
        if (first < started)
            finish(transfer, &pieces[first++ % DEPTH], &failed);
        else if (transfer->error || transfer->next >= transfer->end)
            return;
        else
            transfer->error = wait_for_buffer();
        if (hungry)
            uk_yield();
    }
}

static ssize_t result_of(const struct transfer *transfer) {
    return transfer->done || !transfer->error ? (ssize_t)transfer->done : transfer->error;
}

/* ---- operations */

/* The part of a transfer that is on the disk. */
static struct transfer plan(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    const struct ukvm_device *device = device_of(file);
    uint64_t at = (uint64_t)(offset == UK_AT_POSITION ? file->position : offset);
    uint64_t capacity = device->blk.capacity, length = (uint64_t)uk_iov_length(iov, count);
    uint64_t left = at < capacity ? capacity - at : 0;
    return (struct transfer){
        .device = device,
        .iov = iov,
        .count = count,
        .offset = at,
        .next = at,
        .end = at + (length < left ? length : left),
    };
}

static ssize_t blkdev_read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct transfer transfer = plan(file, iov, count, offset);
    run(&transfer);
    if (offset == UK_AT_POSITION)
        file->position = (off_t)(transfer.offset + transfer.done);
    return result_of(&transfer);
}

static ssize_t blkdev_write(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct transfer transfer = plan(file, iov, count, offset);
    uint32_t block_size = transfer.device->blk.block_size;
    struct range range = {
        .device = transfer.device,
        .from = round_down(transfer.offset, block_size),
        .to = round_up(transfer.end, block_size),
    };
    if (transfer.offset == transfer.end)
        return uk_iov_length(iov, count) ? -ENOSPC : 0;
    int error = take_range(&range);
    if (error)
        return error;
    transfer.write = true;
    run(&transfer);
    give_range(&range);
    if (offset == UK_AT_POSITION)
        file->position = (off_t)(transfer.offset + transfer.done);
    if (transfer.done && (file->flags & O_DSYNC) && uk_blk_flush(transfer.device))
        return -EIO;
    return result_of(&transfer);
}

static off_t blkdev_size(struct uk_file *file) {
    return (off_t)device_of(file)->blk.capacity;
}

static int blkdev_sync(struct uk_file *file) {
    return errno_of(uk_blk_flush(device_of(file)));
}

int uk_blkdev_discard(struct uk_file *file, off_t offset, off_t length) {
    const struct ukvm_device *device = device_of(file);
    struct range range = {.device = device, .from = (uint64_t)offset, .to = (uint64_t)offset + (uint64_t)length};
    int result = take_range(&range);
    if (result)
        return result;
    result = errno_of(uk_blk_discard(device, (uint64_t)offset, (uint64_t)length));
    give_range(&range);
    return result;
}

static bool is_read_only(const struct ukvm_device *device) {
    return device->blk.flags & UKVM_BLK_READONLY;
}

static int discard(struct uk_file *file, const uint64_t range[2]) {
    if ((file->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if (range[0] > INT64_MAX || range[1] > INT64_MAX - range[0])
        return -EINVAL;
    return uk_blkdev_discard(file, (off_t)range[0], (off_t)range[1]);
}

/* Linux: include/uapi/linux/fs.h */
#define BLKROGET 0x125eu
#define BLKGETSIZE 0x1260u
#define BLKFLSBUF 0x1261u
#define BLKSSZGET 0x1268u
#define BLKDISCARD 0x1277u
#define BLKIOMIN 0x1278u
#define BLKIOOPT 0x1279u
#define BLKPBSZGET 0x127bu
#define BLKBSZGET 0x80081270u
#define BLKGETSIZE64 0x80081272u

static int blkdev_ioctl(struct uk_file *file, unsigned request, void *argument) {
    const struct ukvm_device *device = device_of(file);
    switch (request) {
    case BLKROGET:
        *(int *)argument = is_read_only(device);
        return 0;
    case BLKGETSIZE:
        *(unsigned long *)argument = device->blk.capacity / 512;
        return 0;
    case BLKGETSIZE64:
        *(uint64_t *)argument = device->blk.capacity;
        return 0;
    case BLKSSZGET:
    case BLKPBSZGET:
    case BLKIOMIN:
    case BLKBSZGET:
        *(int *)argument = (int)device->blk.block_size;
        return 0;
    case BLKIOOPT:
        *(int *)argument = (int)PIECE_SIZE;
        return 0;
    case BLKFLSBUF:
        return blkdev_sync(file);
    case BLKDISCARD:
        return discard(file, argument);
    default:
        return -ENOTTY;
    }
}

const struct uk_file_ops uk_blkdev_ops = {
    .name = "disk",
    .read = blkdev_read,
    .write = blkdev_write,
    .close = uk_node_close,
    .ioctl = blkdev_ioctl,
    .size = blkdev_size,
    .stat = uk_node_stat,
    .sync = blkdev_sync,
    .seekable = true,
};

int uk_blkdev_open(struct uk_inode *inode, int flags, struct uk_file **file) {
    const struct ukvm_device *device = device_at(minor(inode->rdev));
    if (major(inode->rdev) != UK_BLKDEV_MAJOR || !device)
        return -ENXIO;
    if ((flags & O_ACCMODE) != O_RDONLY && is_read_only(device))
        return -EROFS;
    return uk_node_open(inode, &uk_blkdev_ops, flags, file);
}

void uk_blkdev_flush_all(void) {
    for (uint32_t i = 0; i < uk_boot()->devices_count; i++)
        if (device_at(i) && !is_read_only(device_at(i)))
            uk_blk_flush(device_at(i));
}
