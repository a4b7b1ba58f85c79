/* SPDX-License-Identifier: MIT */
#include "blk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"
#include "uring.h"

#define MAX_TRANSFER (256u * 1024u)
/*
 * The disk starts on the first transfers of a batch while the monitor takes the next ones. 4 KiB reads at depth 32
 * without the page cache, against fio: 0.70 in whole batches, 0.79 by fours.
 */
#define EARLY 4u

/* A disk that answers "try again" so often in a row does not work. */
#define TRIES 100u

static int disk_error(const struct disk_config *config, const char *name, const char *why, struct error *err) {
    return error_set(err, EXIT_MONITOR, "disk '%s': %s: %s", name, config->path, why);
}

/*
 * The unit of direct transfers. STATX_DIOALIGN is Linux 6.1 and not known to every file system; where it is not, 4096
 * works on any disk, and 512 is all that is left for a file of an odd number of sectors.
 */
static uint32_t direct_block_size(int fd, uint64_t capacity) {
#ifdef STATX_DIOALIGN
    struct statx status;
    /* by number: older C libraries have neither the mask nor the fields */
    if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 && (status.stx_mask & STATX_DIOALIGN) &&
        status.stx_dio_offset_align)
        return status.stx_dio_offset_align <= 512 ? 512 : 4096;
#endif
    int sector;
    if (ioctl(fd, BLKSSZGET, &sector) == 0)
        return sector <= 512 ? 512 : 4096;
    return capacity % 4096 == 0 ? 4096 : 512;
}

static int find_capacity(const struct disk_config *config, const char *name, int fd, struct blk *blk,
                         struct error *err) {
    struct stat status;
    if (fstat(fd, &status) < 0)
        return disk_error(config, name, strerror(errno), err);
    if (S_ISREG(status.st_mode))
        blk->capacity = (uint64_t)status.st_size;
    else if (!S_ISBLK(status.st_mode))
        return disk_error(config, name, "neither a regular file nor a block device", err);
    else if (ioctl(fd, BLKGETSIZE64, &blk->capacity) < 0)
        return disk_error(config, name, strerror(errno), err);

    blk->host_device = S_ISBLK(status.st_mode) ? status.st_rdev : status.st_dev;
    blk->host_inode = S_ISBLK(status.st_mode) ? 0 : status.st_ino;
    blk->block_size = config->direct ? direct_block_size(fd, blk->capacity) : 512;
    if (blk->capacity == 0)
        return disk_error(config, name, "is empty; give it a size first: truncate -s 64M FILE", err);
    if (blk->capacity % blk->block_size != 0)
        return error_set(err, EXIT_MONITOR,
                         "disk '%s': %s: its size, %" PRIu64
                         " bytes, is not a multiple of %u; truncate -s %%%u rounds it up",
                         name, config->path, blk->capacity, blk->block_size, blk->block_size);
    return 0;
}

/*
 * A record lock belongs to the process and ends with it. An flock() would outlive it for some milliseconds, for as long
 * as io_uring takes to give its files back, and a guest started again at once would find its own disk locked.
 */
static int lock(const struct disk_config *config, const char *name, int fd, struct error *err) {
    struct flock whole = {.l_type = config->readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &whole) == 0)
        return 0;
    return disk_error(config, name,
                      errno == EACCES || errno == EAGAIN
                          ? "in use by another guest or program; only readers (',ro') can share it"
                          : strerror(errno),
                      err);
}

int blk_open(const struct disk_config *config, const char *name, int *fd, struct blk *blk, struct error *err) {
    int access = config->readonly ? O_RDONLY : O_RDWR;
    /* O_NONBLOCK: opening a FIFO must not wait for its other end. */
    *fd = open(config->path, access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (config->direct ? O_DIRECT : 0));
    if (*fd < 0 && errno == EINVAL && config->direct)
        return disk_error(config, name, "its file system has no direct I/O; take away ',direct'", err);
    if (*fd < 0 && !config->readonly && (errno == EROFS || errno == EACCES || errno == EPERM || errno == ETXTBSY))
        return error_set(err, EXIT_MONITOR, "disk '%s': %s: %s; add ',ro' if reading is enough", name, config->path,
                         strerror(errno));
    if (*fd < 0)
        return disk_error(config, name, strerror(errno), err);
    *blk = (struct blk){.max_transfer = MAX_TRANSFER, .readonly = config->readonly};
    if (find_capacity(config, name, *fd, blk, err))
        return -1;
    if (fcntl(*fd, F_SETFL, config->direct ? O_DIRECT : 0) < 0)
        return disk_error(config, name, strerror(errno), err);
    return lock(config, name, *fd, err);
}

bool blk_is_same_file(const struct blk *a, const struct blk *b) {
    return a->host_device == b->host_device && a->host_inode == b->host_inode;
}

struct ukvm_blk_info blk_info(const struct blk *blk) {
    return (struct ukvm_blk_info){
        .capacity = blk->capacity,
        .block_size = blk->block_size,
        .max_transfer = blk->max_transfer,
        .flags = blk->readonly ? UKVM_BLK_READONLY : 0,
    };
}

/* ---- operations ---- */

int32_t blk_check_blocks(const struct io *io, const struct request *request) {
    (void)io;
    const struct blk *blk = &request->device->blk;
    const struct ukvm_sqe *sqe = &request->sqe;
    if (!is_aligned(sqe->offset | sqe->length | sqe->arena, blk->block_size) ||
        !range_within(sqe->offset, sqe->length, blk->capacity))
        return -UKVM_EINVAL;
    return sqe->op != UKVM_OP_BLK_READ && blk->readonly ? -UKVM_EROFS : 0;
}

int32_t blk_check_transfer(const struct io *io, const struct request *request) {
    return request->sqe.length > request->device->blk.max_transfer ? -UKVM_EINVAL : blk_check_blocks(io, request);
}

void blk_start_transfer(struct io *io, struct request *request) {
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    void *buffer = request_buffer(io, request);
    unsigned length = request->sqe.length - request->done;
    uint64_t offset = request->sqe.offset + request->done;
    int file = (int)request->device->file;
    if (request->sqe.op == UKVM_OP_BLK_READ)
        io_uring_prep_read_fixed(sqe, file, buffer, length, offset, URING_ARENA);
    else
        io_uring_prep_write_fixed(sqe, file, buffer, length, offset, URING_ARENA);
    request_tag(sqe, request);
    uring_submit_early(&io->uring, EARLY);
}

void blk_finish_transfer(struct io *io, struct request *request, int32_t result) {
    if (request_goes_on(request, result) && request->refused < TRIES)
        blk_start_transfer(io, request);
    else
        request_complete_transfer(io, request, result);
}

void blk_start_flush(struct io *io, struct request *request) {
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_fsync(sqe, (int)request->device->file, IORING_FSYNC_DATASYNC);
    request_tag(sqe, request);
}

void blk_start_discard(struct io *io, struct request *request) {
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_fallocate(sqe, (int)request->device->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                            (off_t)request->sqe.offset, request->sqe.length);
    request_tag(sqe, request);
}

void blk_finish(struct io *io, struct request *request, int32_t result) {
    request_complete(io, request, result < 0 ? request_error(result) : 0);
}
