/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/posix/fs/blkdev.c guest-kernel/core/blk.c guest-kernel/core/device.c */
/* links: guest-kernel/core/arena.c */
/* links: guest-kernel/core/bitmap.c */
#include "core/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "posix/fs/blkdev.h"
#include "posix/fs/open.h"
#include "tap.h"

#define BLOCK 512u
#define CAPACITY (1u << 20)
#define ARENA_SIZE 65536u

static struct {
    struct ukvm_boot boot;
    struct ukvm_device devices[2];
} page;
static _Alignas(4096) uint8_t arena[ARENA_SIZE];
static uint8_t disk[CAPACITY], model[CAPACITY], data[CAPACITY];
static unsigned flushes, in_flight, most_in_flight, broken;
static unsigned fail_in; /* the operation that fails, counted from 1; 0: none */
static struct uk_inode inode = {.refs = 1, .mode = S_IFBLK};
static struct uk_node_file node = {.inode = &inode};

/* ---- what blkdev.c uses: a monitor that carries an operation out when somebody waits for it */

const struct ukvm_boot *uk_boot(void) {
    return &page.boot;
}

void uk_panic(const char *format, ...) {
    (void)format;
    printf("Bail out! panic\n");
    exit(1);
}

void *uk_pages_alloc(size_t count) {
    static _Alignas(4096) uint8_t bitmap[4096];
    return count == 1 ? bitmap : NULL;
}

void uk_submit(struct uk_io *io) {
    io->in_flight = true;
    most_in_flight = ++in_flight > most_in_flight ? in_flight : most_in_flight;
}

int32_t uk_await(struct uk_io *io) {
    const struct ukvm_sqe *sqe = &io->sqe;
    io->in_flight = false;
    in_flight--;
    if (fail_in && --fail_in == 0)
        return -UKVM_EIO;
    if (sqe->op == UKVM_OP_BLK_FLUSH) {
        flushes++;
        return 0;
    }
    if (sqe->offset % BLOCK || sqe->length % BLOCK || !sqe->length || sqe->offset + sqe->length > CAPACITY ||
        sqe->arena % BLOCK || sqe->arena + sqe->length > ARENA_SIZE) {
        broken++;
        return -UKVM_EINVAL;
    }
    if (sqe->op == UKVM_OP_BLK_READ)
        memcpy(arena + sqe->arena, disk + sqe->offset, sqe->length);
    else
        memcpy(disk + sqe->offset, arena + sqe->arena, sqe->length);
    return (int32_t)sqe->length;
}

int uk_block(struct uk_thread_list *list, uint64_t deadline, enum uk_waits_for waits_for) {
    (void)list, (void)deadline, (void)waits_for;
    printf("Bail out! nobody would ever wake it\n");
    exit(1);
}

unsigned uk_unblock_all(struct uk_thread_list *list) {
    (void)list;
    return 0;
}

void uk_yield(void) {}

struct uk_inode *uk_node_inode(struct uk_file *file) {
    return uk_container_of(file, struct uk_node_file, file)->inode;
}

int uk_node_stat(struct uk_file *file, struct uk_kstat *stat) {
    (void)file, (void)stat;
    return 0;
}

void uk_node_close(struct uk_file *file) {
    (void)file;
}

int uk_node_open(struct uk_inode *opened, const struct uk_file_ops *ops, int flags, struct uk_file **file) {
    (void)opened;
    node.file = (struct uk_file){.ops = ops, .flags = flags, .refs = 1};
    *file = &node.file;
    return 0;
}

ssize_t uk_iov_length(const struct iovec *iov, int count) {
    ssize_t total = 0;
    for (int i = 0; i < count; i++)
        total += (ssize_t)iov[i].iov_len;
    return total;
}

static size_t copy(const struct iovec *iov, size_t skip, uint8_t *flat, size_t size, bool fill) {
    for (size_t i = 0, at = 0, done = 0; done < size; at += iov[i++].iov_len)
        for (size_t k = 0; k < iov[i].iov_len && done < size; k++)
            if (at + k >= skip) {
                uint8_t *byte = (uint8_t *)iov[i].iov_base + k;
                *(fill ? byte : &flat[done]) = *(fill ? &flat[done] : byte);
                done++;
            }
    return size;
}

size_t uk_iov_fill(const struct iovec *iov, int count, size_t skip, const void *from, size_t size) {
    (void)count;
    return copy(iov, skip, (uint8_t *)(uintptr_t)from, size, true);
}

size_t uk_iov_gather(const struct iovec *iov, int count, size_t skip, void *to, size_t size) {
    (void)count;
    return copy(iov, skip, to, size, false);
}

/* ---- tests */

static struct uk_file *file;

static ssize_t transfer(bool write, uint64_t offset, size_t length) {
    size_t half = length / 3;
    struct iovec iov[2] = {{data, half}, {data + half, length - half}};
    return (write ? file->ops->write : file->ops->read)(file, iov, 2, (off_t)offset);
}

static bool arena_is_free(void) {
    void *all = uk_arena_alloc(ARENA_SIZE, BLOCK);
    if (all)
        uk_arena_free(all, ARENA_SIZE);
    return all;
}

static size_t random_length(void) {
    static const size_t limits[] = {3, 600, 5000, 200000};
    return 1 + (size_t)rand() % limits[rand() % 4];
}

/* Against a plain array. */
static void test_random(void) {
    unsigned wrong = 0;
    for (unsigned i = 0; i < 1500; i++) {
        size_t length = random_length();
        uint64_t offset = (uint64_t)rand() % (CAPACITY - length);
        if (i % 3 == 0)
            offset = offset / BLOCK * BLOCK;
        bool write = rand() & 1;
        for (size_t k = 0; write && k < length; k++)
            model[offset + k] = data[k] = (uint8_t)rand();
        wrong += transfer(write, offset, length) != (ssize_t)length;
        wrong += !write && memcmp(data, model + offset, length) != 0;
    }
    is_u64(wrong, 0, "any offset and length: as an array of bytes");
    ok(memcmp(disk, model, CAPACITY) == 0, "and the disk has it all");
    is_u64(broken, 0, "every operation was by the rules");
    ok(most_in_flight > 1, "several are in flight at once");
    ok(arena_is_free(), "the arena is free afterwards");
}

/* One operation fails: what is reported as done is, and nothing is written before or behind. */
static void test_errors(void) {
    unsigned wrong = 0, failed = 0;
    for (unsigned i = 0; i < 800; i++) {
        size_t length = random_length();
        uint64_t offset = (uint64_t)rand() % (CAPACITY - length);
        bool write = rand() & 1;
        memcpy(model, disk, CAPACITY);
        for (size_t k = 0; k < length; k++)
            data[k] = (uint8_t)~model[offset + k];
        fail_in = 1 + (unsigned)rand() % 4;
        ssize_t n = transfer(write, offset, length);
        failed += n == -EIO;
        wrong += n != -EIO && (n <= 0 || n > (ssize_t)length);
        fail_in = 0;
        for (ssize_t k = 0; k < n; k++)
            wrong += (uint8_t)(data[k] ^ disk[offset + (size_t)k]) != 0;
        wrong += memcmp(disk, model, offset) != 0;
        wrong += memcmp(disk + offset + length, model + offset + length, CAPACITY - offset - length) != 0;
    }
    is_u64(wrong, 0, "errors: what is said to be done is, and nothing around it changes");
    ok(failed > 40, "errors: EIO when nothing was done");
    ok(in_flight == 0 && arena_is_free(), "errors: nothing is left in flight, no buffer is lost");
}

static void test_ends(void) {
    ok(transfer(false, CAPACITY, 10) == 0, "a read at the end");
    ok(transfer(false, CAPACITY - 3, 10) == 3, "a read across the end");
    ok(transfer(true, CAPACITY - 3, 10) == 3, "a write across the end");
    ok(transfer(true, CAPACITY, 10) == -ENOSPC, "a write at the end");
    ok(transfer(true, (uint64_t)INT64_MAX - 5, 10) == -ENOSPC, "a write far behind it");
    ok(transfer(true, 5, 0) == 0, "a write of nothing");
    file->position = 1000;
    struct iovec iov = {data, 24};
    ok(file->ops->read(file, &iov, 1, UK_AT_POSITION) == 24 && file->position == 1024, "the position moves");
    ok(file->ops->size(file) == CAPACITY, "its size");
}

static void test_memory(void) {
    void *most = uk_arena_alloc(ARENA_SIZE - BLOCK, BLOCK);
    memcpy(model, disk, CAPACITY);
    ok(transfer(false, 100, 5000) == 5000 && memcmp(data, disk + 100, 5000) == 0, "one block of arena is enough");
    void *rest = uk_arena_alloc(BLOCK, BLOCK);
    ok(transfer(false, 100, 5000) == -ENOMEM, "none at all is ENOMEM");
    uk_arena_free(rest, BLOCK);
    uk_arena_free(most, ARENA_SIZE - BLOCK);
}

static void test_sync(void) {
    flushes = 0;
    ok(file->ops->sync(file) == 0 && flushes == 1, "fsync is a flush");
    fail_in = 1;
    ok(file->ops->sync(file) == -EIO, "and says when it fails");
    file->flags |= O_DSYNC;
    transfer(true, 0, 10);
    ok(flushes == 2, "O_DSYNC: a write is followed by a flush");
    fail_in = 3; /* of fetch, write, flush */
    ok(transfer(true, 0, 10) == -EIO, "O_DSYNC: and fails with it");
    file->flags &= ~O_DSYNC;
    uk_blkdev_flush_all();
    ok(flushes == 3, "sync: the disks that can be written");
    ok(uk_blkdev_discard(file, 100, 512) == -EINVAL, "discard: whole blocks");
}

static void test_open(void) {
    inode.rdev = makedev(UK_BLKDEV_MAJOR, 1);
    ok(uk_blkdev_open(&inode, O_RDWR, &file) == -EROFS && uk_blkdev_open(&inode, O_RDONLY, &file) == 0,
       "a read-only one");
    inode.rdev = makedev(UK_BLKDEV_MAJOR, 2);
    ok(uk_blkdev_open(&inode, O_RDONLY, &file) == -ENXIO, "one that is not there");
    inode.rdev = makedev(8, 0);
    ok(uk_blkdev_open(&inode, O_RDONLY, &file) == -ENXIO, "another kind");
    inode.rdev = makedev(UK_BLKDEV_MAJOR, 0);
    ok(uk_blkdev_open(&inode, O_RDWR, &file) == 0, "open");
}

int main(void) {
    page.boot.arena_addr = (uintptr_t)arena;
    page.boot.arena_size = ARENA_SIZE;
    page.boot.devices_offset = offsetof(__typeof__(page), devices);
    page.boot.devices_count = 2;
    for (unsigned i = 0; i < 2; i++)
        page.devices[i] = (struct ukvm_device){
            .kind = UKVM_DEVICE_BLK,
            .blk = {CAPACITY, BLOCK, 8192, i ? UKVM_BLK_READONLY : 0, 0},
        };
    uk_arena_init(&page.boot);
    test_open();
    test_random();
    test_errors();
    test_ends();
    test_memory();
    test_sync();
    return done_testing();
}
