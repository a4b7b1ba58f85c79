/* SPDX-License-Identifier: MIT */
/* Descriptors: the table from numbers to open files, and the system calls that change it. */
#include <fcntl.h>

#include "file.h"

#include "posix/process/process.h"

struct slot {
    struct uk_file *file;
    int flags;
};

static struct slot *slots;
static int slots_count;
static int lowest_free; /* every slot below is taken */

struct uk_file *uk_fd_get_any(int fd) {
    return (unsigned)fd < (unsigned)slots_count ? slots[fd].file : NULL;
}

struct uk_file *uk_fd_get(int fd) {
    struct uk_file *file = uk_fd_get_any(fd);
    return file && !(file->flags & O_PATH) ? file : NULL;
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

int uk_fd_check_room(void) {
    return lowest_from(0) >= uk_fd_limit() ? -EMFILE : 0;
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
    struct uk_file *file = uk_fd_get_any(fd);
    if (!file)
        return -EBADF;
    slots[fd].file = NULL;
    if (fd < lowest_free)
        lowest_free = fd;
    uk_file_unref(file);
    return 0;
}

/* ---- system calls */

long uk_sys_close(int fd) {
    return uk_fd_close(fd);
}

/* Linux: CLOSE_RANGE_*, which musl does not name. */
#define UNSHARE 2u /* no other process has this table */
#define CLOEXEC 4u

long uk_sys_close_range(unsigned first, unsigned last, unsigned flags) {
    if (first > last || (flags & ~(UNSHARE | CLOEXEC)))
        return -EINVAL;
    for (unsigned fd = first; fd <= last && fd < (unsigned)slots_count; fd++)
        if (flags & CLOEXEC)
            slots[fd].flags = FD_CLOEXEC;
        else
            uk_fd_close((int)fd);
    return 0;
}

static long duplicate(int fd, int least, int flags) {
    struct uk_file *file = uk_fd_get_any(fd);
    return file ? uk_fd_add(uk_file_ref(file), least, flags) : -EBADF;
}

long uk_sys_dup(int fd) {
    return duplicate(fd, 0, 0);
}

long uk_sys_dup3(int fd, int to, int flags) {
    struct uk_file *file = uk_fd_get_any(fd);
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
        return uk_fd_get_any(fd) ? fd : -EBADF;
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

/* Commands on the descriptor rather than the file, which O_PATH leaves: open(2). */
static bool takes_any(int command) {
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD || command == F_SETFD ||
           command == F_GETFL;
}

long uk_sys_fcntl(int fd, int command, long argument) {
    struct uk_file *file = takes_any(command) ? uk_fd_get_any(fd) : uk_fd_get(fd);
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
    case F_GETPIPE_SZ:
        return file->ops->capacity ? file->ops->capacity(file) : -EBADF;
    case F_SETPIPE_SZ:
        return file->ops->set_capacity ? file->ops->set_capacity(file, (unsigned)argument) : -EBADF;
    case F_GETOWN:
        return 1;
    case F_SETOWN:
        return 0;
    default:
        return -EINVAL;
    }
}

/* BLKDISCARD and its kind wait for the disk. */
static long ioctl_of_kind(struct uk_file *file, unsigned request, void *argument) {
    if (!file->ops->ioctl)
        return -ENOTTY;
    uk_file_ref(file);
    long result = file->ops->ioctl(file, request, argument);
    uk_file_unref(file);
    return result;
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
        return ioctl_of_kind(file, request, argument);
    }
}
