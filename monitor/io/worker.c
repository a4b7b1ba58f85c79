/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "uring.h"

static bool needs_thread(int fd) {
    struct stat status;
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && fstat(fd, &status) == 0 &&
           (S_ISREG(status.st_mode) || (S_ISCHR(status.st_mode) && isatty(fd)));
}

void worker_plan(struct io *io) {
    struct worker *worker = &io->worker;
    worker->out = needs_thread(STDOUT_FILENO);
    worker->err = needs_thread(STDERR_FILENO);
    for (unsigned i = 0; i < io->devices->count && !worker->disk; i++)
        if (io->devices->table[i].kind == UKVM_DEVICE_BLK && !io->devices->table[i].blk.readonly)
            worker->disk = &io->devices->table[i];
}

static void tag(struct io *io, struct io_uring_sqe *sqe) {
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = IO_TAG_WORKER;
    io->worker.pending++;
}

static void write_nothing(struct io *io, int file) {
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_write_fixed(sqe, file, io->arena.host, 0, UINT64_MAX, URING_ARENA);
    tag(io, sqe);
}

/* No length is invalid, as the file system says in a thread. */
static void discard_nothing(struct io *io, const struct device *disk) {
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_fallocate(sqe, (int)disk->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 0);
    tag(io, sqe);
}

void worker_start(struct io *io) {
    if (io->worker.out)
        write_nothing(io, IO_FILE_OUT);
    if (io->worker.err)
        write_nothing(io, IO_FILE_ERR);
    if (io->worker.disk)
        discard_nothing(io, io->worker.disk);
}

void worker_finish(struct io *io, int32_t result) {
    io->worker.pending--;
    io->worker.missing |= result == -ECANCELED;
}

int worker_check(const struct io *io, struct error *err) {
    return io->worker.missing ? error_set(err, EXIT_MONITOR, "io_uring: " ERROR_NO_THREAD) : 0;
}
