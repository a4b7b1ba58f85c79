/* SPDX-License-Identifier: MIT */
/* Open files, descriptors, and the one place where a system call on a file blocks. */
#include "file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>

#include "deadline.h"
#include "signal.h"

/* ---- files */

void uk_file_init(struct uk_file *file, const struct uk_file_ops *ops, int flags) {
    *file = (struct uk_file){.ops = ops, .refs = 1, .flags = flags};
}

struct uk_file *uk_file_ref(struct uk_file *file) {
    file->refs++;
    return file;
}

void uk_file_unref(struct uk_file *file) {
    if (--file->refs > 0)
        return;
    while (file->watches)
        file->watches->notify(file->watches, UK_FILE_GONE);
    if (file->ops->close)
        file->ops->close(file);
}

void uk_file_watch(struct uk_file *file, struct uk_watch *watch) {
    watch->file = file;
    watch->prev = NULL;
    watch->next = file->watches;
    if (watch->next)
        watch->next->prev = watch;
    file->watches = watch;
}

void uk_file_unwatch(struct uk_watch *watch) {
    if (!watch->file)
        return;
    if (watch->prev)
        watch->prev->next = watch->next;
    else
        watch->file->watches = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    watch->file = NULL;
}

void uk_file_notify(struct uk_file *file, unsigned events) {
    for (struct uk_watch *watch = file->watches, *next; watch; watch = next) {
        next = watch->next;
        watch->notify(watch, events);
    }
}

unsigned uk_file_poll(struct uk_file *file) {
    return file->ops->poll ? file->ops->poll(file) : EPOLLIN | EPOLLOUT;
}

/* ---- blocking */

struct sleeper {
    struct uk_watch watch;
    struct uk_thread *thread;
    unsigned events;
};

static void wake_sleeper(struct uk_watch *watch, unsigned events) {
    struct sleeper *sleeper = uk_container_of(watch, struct sleeper, watch);
    if (events & UK_FILE_GONE)
        uk_file_unwatch(watch);
    if (events & (sleeper->events | UK_FILE_GONE))
        uk_unblock(sleeper->thread, 0);
}

int uk_file_wait(struct uk_file *file, unsigned events, uint64_t deadline) {
    static struct uk_thread_list sleepers;
    struct sleeper sleeper = {.thread = uk_current, .events = events | EPOLLERR | EPOLLHUP};
    int result = 0;
    sleeper.watch.notify = wake_sleeper;
    uk_file_ref(file);
    uk_file_watch(file, &sleeper.watch);
    while (result == 0 && !(uk_file_poll(file) & sleeper.events))
        result = uk_block(&sleepers, deadline, file->ops->waits_for);
    uk_file_unwatch(&sleeper.watch);
    uk_file_unref(file);
    return result == -ETIMEDOUT ? -EAGAIN : result;
}

static uint64_t deadline_of(uint64_t timeout) {
    return timeout ? uk_deadline_in(timeout) : UKVM_DEADLINE_NONE;
}

/* Nothing could be transferred now: returns 0 if it should be tried again. */
static int wait_or_give_up(struct uk_file *file, unsigned event, uint64_t deadline) {
    if (file->flags & O_NONBLOCK) {
        uk_poll_sometimes();
        return -EAGAIN;
    }
    return uk_file_wait(file, event, deadline);
}

static ssize_t read_file(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    ssize_t n;
    uint64_t deadline = deadline_of(file->read_timeout);
    if ((file->flags & O_ACCMODE) == O_WRONLY || (file->flags & O_PATH))
        return -EBADF;
    if (!file->ops->read)
        return file->ops->getdents ? -EISDIR : -EINVAL;
    uk_file_ref(file);
    while ((n = file->ops->read(file, iov, count, offset)) == -EAGAIN)
        if ((n = wait_or_give_up(file, EPOLLIN, deadline)) != 0)
            break;
    uk_file_unref(file);
    return n;
}

/* A blocking write of a stream goes on until all is written: write(2). What was written before an error counts. */
static ssize_t write_all(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    ssize_t total = uk_iov_length(iov, count), done = 0;
    struct iovec rest[IOV_MAX > 64 ? 64 : IOV_MAX];
    uint64_t deadline = deadline_of(file->write_timeout);
    if (total < 0)
        return total;
    while (true) {
        int pieces = done ? uk_iov_skip(iov, count, (size_t)done, rest, 64) : count;
        ssize_t n = file->ops->write(file, done ? rest : iov, pieces, offset < 0 ? offset : offset + done);
        if (n > 0)
            done += n;
        if (n >= 0 && (done >= total || n == 0 || (file->flags & O_NONBLOCK)))
            return done;
        if (n == -EAGAIN)
            n = done && (file->flags & O_NONBLOCK) ? -EAGAIN : wait_or_give_up(file, EPOLLOUT, deadline);
        if (n < 0)
            return done ? done : n;
    }
}

static ssize_t write_file(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    if ((file->flags & O_ACCMODE) == O_RDONLY || (file->flags & O_PATH))
        return -EBADF;
    if (!file->ops->write)
        return -EINVAL;
    uk_file_ref(file);
    ssize_t n = write_all(file, iov, count, offset);
    uk_file_unref(file);
    return n;
}

/* ---- descriptors */

struct slot {
    struct uk_file *file;
    int flags;
};

static struct slot *slots;
static int slots_count;
static int lowest_free; /* every slot below is taken */

struct uk_file *uk_fd_get(int fd) {
    return (unsigned)fd < (unsigned)slots_count ? slots[fd].file : NULL;
}

static int grow(int wanted) {
    int count = slots_count ? slots_count : 16;
    while (count < wanted)
        count *= 2;
    struct slot *larger = uk_realloc(slots, (size_t)count * sizeof *slots);
    if (!larger)
        return -ENOMEM;
    memset(larger + slots_count, 0, (size_t)(count - slots_count) * sizeof *slots);
    slots = larger;
    slots_count = count;
    return 0;
}

static int lowest_from(int least) {
    int fd = least > lowest_free ? least : lowest_free;
    while (fd < slots_count && slots[fd].file)
        fd++;
    if (least <= lowest_free)
        lowest_free = fd;
    return fd;
}

int uk_fd_add(struct uk_file *file, int least, int fd_flags) {
    int fd = lowest_from(least);
    int error = fd >= uk_fd_limit() ? -EMFILE : fd >= slots_count ? grow(fd + 1) : 0;
    if (error) {
        uk_file_unref(file);
        return error;
    }
    slots[fd] = (struct slot){file, fd_flags};
    return fd;
}

int uk_fd_close(int fd) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    slots[fd].file = NULL;
    if (fd < lowest_free)
        lowest_free = fd;
    uk_file_unref(file);
    return 0;
}

/* ---- buffers */

ssize_t uk_iov_length(const struct iovec *iov, int count) {
    size_t total = 0;
    if (count < 0 || count > IOV_MAX)
        return -EINVAL;
    for (int i = 0; i < count; i++)
        if (__builtin_add_overflow(total, iov[i].iov_len, &total) || total > SSIZE_MAX)
            return -EINVAL;
    return (ssize_t)total;
}

enum direction { TO_BUFFERS, FROM_BUFFERS, ZERO_BUFFERS };

static size_t copy(const struct iovec *iov, int count, size_t skip, char *flat, size_t size, enum direction direction) {
    size_t done = 0;
    for (int i = 0; i < count && done < size; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        size_t room = iov[i].iov_len - skip;
        size_t n = size - done < room ? size - done : room;
        char *piece = (char *)iov[i].iov_base + skip;
        if (direction == TO_BUFFERS)
            memcpy(piece, flat + done, n);
        else if (direction == FROM_BUFFERS)
            memcpy(flat + done, piece, n);
        else
            memset(piece, 0, n);
        done += n;
        skip = 0;
    }
    return done;
}

size_t uk_iov_fill(const struct iovec *iov, int count, size_t skip, const void *from, size_t size) {
    return copy(iov, count, skip, (char *)(uintptr_t)from, size, TO_BUFFERS);
}

size_t uk_iov_gather(const struct iovec *iov, int count, size_t skip, void *to, size_t size) {
    return copy(iov, count, skip, to, size, FROM_BUFFERS);
}

size_t uk_iov_zero(const struct iovec *iov, int count, size_t skip, size_t size) {
    return copy(iov, count, skip, NULL, size, ZERO_BUFFERS);
}

int uk_iov_skip(const struct iovec *iov, int count, size_t skip, struct iovec *rest, int most) {
    int n = 0;
    for (int i = 0; i < count && n < most; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        rest[n++] = (struct iovec){(char *)iov[i].iov_base + skip, iov[i].iov_len - skip};
        skip = 0;
    }
    return n;
}

/* ---- system calls: transfer */

long uk_sys_readv(int fd, const struct iovec *iov, int count) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    if (uk_iov_length(iov, count) < 0)
        return -EINVAL;
    return read_file(file, iov, count, UK_AT_POSITION);
}

long uk_sys_writev(int fd, const struct iovec *iov, int count) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    return write_file(file, iov, count, UK_AT_POSITION);
}

long uk_sys_read(int fd, void *buffer, size_t size) {
    struct iovec iov = {buffer, size};
    return uk_sys_readv(fd, &iov, 1);
}

long uk_sys_write(int fd, const void *buffer, size_t size) {
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    return uk_sys_writev(fd, &iov, 1);
}

static int check_offset(const struct uk_file *file, off_t offset) {
    if (!file)
        return -EBADF;
    if (offset < 0)
        return -EINVAL;
    return file->ops->seekable ? 0 : -ESPIPE;
}

long uk_sys_preadv(int fd, const struct iovec *iov, int count, off_t offset) {
    struct uk_file *file = uk_fd_get(fd);
    int error = check_offset(file, offset);
    if (error || uk_iov_length(iov, count) < 0)
        return error ? error : -EINVAL;
    return read_file(file, iov, count, offset);
}

long uk_sys_pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
    struct uk_file *file = uk_fd_get(fd);
    int error = check_offset(file, offset);
    return error ? error : write_file(file, iov, count, offset);
}

long uk_sys_pread64(int fd, void *buffer, size_t size, off_t offset) {
    struct iovec iov = {buffer, size};
    return uk_sys_preadv(fd, &iov, 1, offset);
}

long uk_sys_pwrite64(int fd, const void *buffer, size_t size, off_t offset) {
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    return uk_sys_pwritev(fd, &iov, 1, offset);
}

/* Through a buffer: the page is used over and over, so it is in the cache. */
#define SENDFILE_CHUNK (64u * 1024u)

static long copy_range(struct uk_file *in, off_t *in_offset, struct uk_file *out, off_t *out_offset, size_t size) {
    char *buffer = uk_malloc(SENDFILE_CHUNK);
    size_t done = 0;
    ssize_t n = 0;
    if (!buffer)
        return -ENOMEM;
    while (done < size) {
        size_t want = size - done < SENDFILE_CHUNK ? size - done : SENDFILE_CHUNK;
        struct iovec iov = {buffer, want};
        off_t from = in_offset ? *in_offset : in->position;
        if ((n = read_file(in, &iov, 1, from)) <= 0)
            break;
        iov.iov_len = (size_t)n;
        if ((n = write_file(out, &iov, 1, out_offset ? *out_offset : UK_AT_POSITION)) < 0)
            break;
        /* by what was written, which may be less than what was read */
        if (in_offset)
            *in_offset = from + n;
        else
            in->position = from + n;
        if (out_offset)
            *out_offset += n;
        done += (size_t)n;
        if ((size_t)n < iov.iov_len)
            break;
    }
    uk_free(buffer);
    return done ? (long)done : n;
}

long uk_sys_sendfile(int out_fd, int in_fd, off_t *offset, size_t size) {
    struct uk_file *in = uk_fd_get(in_fd), *out = uk_fd_get(out_fd);
    if (!in || !out)
        return -EBADF;
    return in->ops->seekable ? copy_range(in, offset, out, NULL, size) : -EINVAL;
}

long uk_sys_copy_file_range(int in_fd, off_t *in_offset, int out_fd, off_t *out_offset, size_t size) {
    struct uk_file *in = uk_fd_get(in_fd), *out = uk_fd_get(out_fd);
    if (!in || !out)
        return -EBADF;
    return in->ops->seekable && out->ops->seekable ? copy_range(in, in_offset, out, out_offset, size) : -EINVAL;
}

/* ---- system calls: everything else that a descriptor can do */

long uk_sys_close(int fd) {
    return uk_fd_close(fd);
}

long uk_sys_close_range(unsigned first, unsigned last, unsigned flags) {
    if (first > last || flags)
        return -EINVAL;
    for (unsigned fd = first; fd <= last && fd < (unsigned)slots_count; fd++)
        uk_fd_close((int)fd);
    return 0;
}

static long duplicate(int fd, int least, int flags) {
    struct uk_file *file = uk_fd_get(fd);
    return file ? uk_fd_add(uk_file_ref(file), least, flags) : -EBADF;
}

long uk_sys_dup(int fd) {
    return duplicate(fd, 0, 0);
}

long uk_sys_dup3(int fd, int to, int flags) {
    struct uk_file *file = uk_fd_get(fd);
    if (fd == to || (flags & ~O_CLOEXEC))
        return -EINVAL;
    if (!file || to < 0 || to >= uk_fd_limit())
        return -EBADF;
    if (to >= slots_count && grow(to + 1))
        return -ENOMEM;
    uk_file_ref(file);
    uk_fd_close(to);
    slots[to] = (struct slot){file, flags & O_CLOEXEC ? FD_CLOEXEC : 0};
    return to;
}

long uk_sys_dup2(int fd, int to) {
    if (fd == to)
        return uk_fd_get(fd) ? fd : -EBADF;
    return uk_sys_dup3(fd, to, 0);
}

#define CHANGEABLE_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC)

static long set_flags(struct uk_file *file, int flags) {
    file->flags = (file->flags & ~CHANGEABLE_FLAGS) | (flags & CHANGEABLE_FLAGS);
    return file->ops->set_flags ? file->ops->set_flags(file, file->flags) : 0;
}

/* Locks of one process never conflict with its own. */
static long get_lock(struct flock *lock) {
    lock->l_type = F_UNLCK;
    return 0;
}

long uk_sys_fcntl(int fd, int command, long argument) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (argument < 0 || argument >= uk_fd_limit())
            return -EINVAL;
        return duplicate(fd, (int)argument, command == F_DUPFD_CLOEXEC ? FD_CLOEXEC : 0);
    case F_GETFD:
        return slots[fd].flags;
    case F_SETFD:
        slots[fd].flags = (int)argument & FD_CLOEXEC;
        return 0;
    case F_GETFL:
        return file->flags;
    case F_SETFL:
        return set_flags(file, (int)argument);
    case F_GETLK:
    case F_OFD_GETLK:
        return get_lock((struct flock *)argument);
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return 0;
    case F_GETOWN:
        return 1;
    case F_SETOWN:
        return 0;
    default:
        return -EINVAL;
    }
}

long uk_sys_flock(int fd) {
    return uk_fd_get(fd) ? 0 : -EBADF;
}

#define FIONBIO 0x5421u
#define FIOCLEX 0x5451u
#define FIONCLEX 0x5450u

long uk_sys_ioctl(int fd, unsigned request, void *argument) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    switch (request) {
    case FIONBIO:
        return set_flags(file, *(int *)argument ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK);
    case FIOCLEX:
    case FIONCLEX:
        slots[fd].flags = request == FIOCLEX ? FD_CLOEXEC : 0;
        return 0;
    default:
        return file->ops->ioctl ? file->ops->ioctl(file, request, argument) : -ENOTTY;
    }
}

long uk_sys_lseek(int fd, off_t offset, int whence) {
    struct uk_file *file = uk_fd_get(fd);
    off_t base, position;
    if (!file)
        return -EBADF;
    if (!file->ops->seekable)
        return -ESPIPE;
    if (whence == SEEK_SET)
        base = 0;
    else if (whence == SEEK_CUR)
        base = file->position;
    else if (whence == SEEK_END && file->ops->size)
        base = file->ops->size(file);
    else
        return -EINVAL;
    if (base < 0)
        return base;
    if (__builtin_add_overflow(base, offset, &position))
        return -EOVERFLOW;
    if (position < 0)
        return -EINVAL;
    file->position = position;
    return position;
}

#define S_IFCHR_RW 0020666u

long uk_sys_fstat(int fd, struct uk_kstat *stat) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    *stat = (struct uk_kstat){.nlink = 1, .mode = S_IFCHR_RW, .blksize = UKVM_PAGE_SIZE, .ino = (uintptr_t)file};
    return file->ops->stat ? file->ops->stat(file, stat) : 0;
}

long uk_sys_fsync(int fd) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    return file->ops->sync ? file->ops->sync(file) : -EINVAL;
}

long uk_sys_ftruncate(int fd, off_t length) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    if (length < 0 || (file->flags & O_ACCMODE) == O_RDONLY || !file->ops->truncate)
        return -EINVAL;
    return file->ops->truncate(file, length);
}

long uk_sys_getdents64(int fd, void *buffer, size_t size) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    return file->ops->getdents ? file->ops->getdents(file, buffer, size) : -ENOTDIR;
}
