/* SPDX-License-Identifier: MIT */
/*
 * Open files: what a descriptor names. Every kind of file is a structure that starts with a struct uk_file and has a
 * table of operations. Operations never block on events: they do what can be done now and say -EAGAIN otherwise; one
 * loop in transfer.c turns that into blocking, for all kinds and calls. (They may wait for a disk, as in Linux.)
 *
 * A kind of file that can be waited for says in poll() what is possible now, and calls uk_file_notify() whenever more
 * has become possible. poll(), select(), epoll and blocking calls all live on these two.
 *
 * Results are counts or 0, or a negative errno.
 */
#ifndef UK_FILE_H
#define UK_FILE_H

#include <errno.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "posix/threads/thread.h"

struct uk_file;
struct uk_kstat;

/* The position of read() and write(), where the file keeps it itself. */
#define UK_AT_POSITION (-1)

struct uk_file_ops {
    const char *name; /* of the kind: "pipe", "socket"; shown in /proc/self/fd */

    /*
     * Transfer to or from `count` buffers, at `offset` or (UK_AT_POSITION) at file->position, which the operation then
     * moves. NULL: -EINVAL. Files without positions ignore the offset; pread() and pwrite() on them fail beforehand
     * unless `seekable`.
     */
    ssize_t (*read)(struct uk_file *file, const struct iovec *iov, int count, off_t offset);
    ssize_t (*write)(struct uk_file *file, const struct iovec *iov, int count, off_t offset);

    /* EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | EPOLLERR..., as of now. NULL: always readable and writable. */
    unsigned (*poll)(struct uk_file *file);

    /* The last reference is gone: frees the structure. NULL: it is static. */
    void (*close)(struct uk_file *file);

    int (*ioctl)(struct uk_file *file, unsigned request, void *argument); /* NULL: -ENOTTY */
    off_t (*size)(struct uk_file *file);                                  /* for SEEK_END; NULL: -ESPIPE */
    off_t (*find)(struct uk_file *file, off_t offset, int whence);        /* SEEK_DATA, SEEK_HOLE; NULL: no holes */
    int (*stat)(struct uk_file *file, struct uk_kstat *stat);             /* NULL: a character device */
    int (*truncate)(struct uk_file *file, off_t length);                  /* NULL: -EINVAL */
    int (*sync)(struct uk_file *file);                                    /* fsync(); NULL: -EINVAL */
    ssize_t (*getdents)(struct uk_file *file, void *buffer, size_t size); /* NULL: -ENOTDIR */
    int (*set_flags)(struct uk_file *file, int flags);                    /* after F_SETFL; NULL: nothing to do */

    /*
     * mmap() with MAP_SHARED: gives pages, at `at` if that is not NULL, that are the file's own. NULL: only a copy can
     * be mapped, and where it is shared only for reading.
     */
    int (*map)(struct uk_file *file, off_t offset, size_t count, void *at, int prot, void **pages);

    /* F_GETPIPE_SZ and F_SETPIPE_SZ: bytes that a pipe holds. NULL: -EBADF; -EBUSY: it holds more. */
    long (*capacity)(struct uk_file *file);
    long (*set_capacity)(struct uk_file *file, unsigned size);

    bool seekable;
    bool is_counter;             /* an eventfd or its like: without EPOLLRDNORM and EPOLLWRNORM, as in Linux */
    bool is_zeros;               /* a mapping of it is anonymous memory */
    enum uk_waits_for waits_for; /* who makes it ready: the world, or only another thread (a pipe). See thread.h */
};

/* Somebody who wants to hear of a file's events. Zero and unlinked at first. */
struct uk_watch {
    struct uk_watch *next, *prev;
    struct uk_file *file; /* NULL: not watching */
    /*
     * May unlink this watch and no other. `events` is what may have become possible: a hint, poll() tells. With
     * UK_FILE_GONE it must: the last reference to the file is gone.
     */
    void (*notify)(struct uk_watch *watch, unsigned events);
};

#define UK_FILE_GONE 0x20u /* EPOLLNVAL, which no file reports */

struct uk_file {
    const struct uk_file_ops *ops;
    unsigned refs;
    int flags; /* O_ACCMODE, O_APPEND, O_NONBLOCK... */
    off_t position;
    uint64_t read_timeout, write_timeout; /* ns that a blocking call waits; 0: for ever. SO_RCVTIMEO, SO_SNDTIMEO */
    struct uk_watch *watches;
};

/* Sets up the common part; one reference, for the caller. */
void uk_file_init(struct uk_file *file, const struct uk_file_ops *ops, int flags);
struct uk_file *uk_file_ref(struct uk_file *file);
void uk_file_unref(struct uk_file *file);

void uk_file_watch(struct uk_file *file, struct uk_watch *watch);
void uk_file_unwatch(struct uk_watch *watch);

/* Events (EPOLLIN...) that may have become possible. Callable from callbacks; never calls back into the kind of file.
 */
void uk_file_notify(struct uk_file *file, unsigned events);

/* A thread that is unblocked when something may have become possible. */
struct uk_sleeper {
    struct uk_watch watch;
    struct uk_thread *thread;
    unsigned events;
};

/* The current thread, by one of `events`, EPOLLERR or EPOLLHUP. Until uk_file_unwatch(). */
void uk_file_watch_for(struct uk_file *file, struct uk_sleeper *sleeper, unsigned events);

/* What is possible now; EPOLLIN | EPOLLOUT where the kind does not say. */
unsigned uk_file_poll(struct uk_file *file);

/*
 * Blocks until one of `events`, EPOLLERR or EPOLLHUP is possible; holds a reference meanwhile. 0, -EAGAIN when the
 * deadline has passed, -UK_ERESTART for a signal.
 */
int uk_file_wait(struct uk_file *file, unsigned events, uint64_t deadline);

/* ---- descriptors */

#define UK_FD_MAX 65536

/*
 * The file of a descriptor, NULL if there is none. Borrowed: whoever blocks meanwhile takes a reference. One that was
 * opened with O_PATH is there only for the few calls that take it, open(2), and these ask for any.
 */
struct uk_file *uk_fd_get(int fd);
struct uk_file *uk_fd_get_any(int fd);

/* -EMFILE if no descriptor is free: for calls that would otherwise have done something to no end. */
int uk_fd_check_room(void);

/*
 * The lowest free descriptor from `least` on, for `file`, whose reference passes to the table; on failure (-EMFILE,
 * -ENOMEM) it is dropped. `fd_flags` is FD_CLOEXEC or 0: remembered, and of no effect without exec.
 */
int uk_fd_add(struct uk_file *file, int least, int fd_flags);
int uk_fd_close(int fd);

/* Puts standard input, output and error in place. */
void uk_files_init(void);

/* The bytes in `count` buffers; -EINVAL when they are more than SSIZE_MAX. */
ssize_t uk_iov_length(const struct iovec *iov, int count);

/*
 * Copy between buffers and one flat piece of memory, from byte `skip` of the buffers on: at most `size` bytes. Return
 * the bytes copied.
 */
size_t uk_iov_fill(const struct iovec *iov, int count, size_t skip, const void *from, size_t size);
size_t uk_iov_gather(const struct iovec *iov, int count, size_t skip, void *to, size_t size);
size_t uk_iov_zero(const struct iovec *iov, int count, size_t skip, size_t size);

/* The buffers without their first `skip` bytes, at most `most` of them. Returns how many. */
int uk_iov_skip(const struct iovec *iov, int count, size_t skip, struct iovec *rest, int most);

/* struct stat as the kernel gives it on x86-64. Linux: arch/x86/include/uapi/asm/stat.h. */
struct uk_kstat {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, blksize, blocks;
    int64_t atime_sec, atime_nsec, mtime_sec, mtime_nsec, ctime_sec, ctime_nsec;
    int64_t unused[3];
};

/* ---- paths, provided by fs.c */

/* What open() of `path` (relative to the directory `dirfd` or AT_FDCWD) gives; an errno, or 0 and a new reference. */
int uk_path_open(int dirfd, const char *path, int flags, mode_t mode, struct uk_file **file);

#endif
