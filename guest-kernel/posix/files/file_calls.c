/* SPDX-License-Identifier: MIT */
/* What a descriptor can be asked beside reading and writing. */
#include <fcntl.h>
#include <unistd.h>

#include "file.h"

static off_t find_content(struct uk_file *file, off_t offset, int whence) {
    off_t size = file->ops->size(file);
    if (size < 0)
        return size;
    if (offset < 0 || offset >= size)
        return -ENXIO;
    if (file->ops->find)
        return file->ops->find(file, offset, whence);
    return whence == SEEK_DATA ? offset : size;
}

static long seek_content(struct uk_file *file, off_t offset, int whence) {
    off_t position = file->ops->size ? find_content(file, offset, whence) : -EINVAL;
    if (position >= 0)
        file->position = position;
    return position;
}

long uk_sys_lseek(int fd, off_t offset, int whence) {
    struct uk_file *file = uk_fd_get(fd);
    off_t base, position;
    if (!file)
        return -EBADF;
    if (file->ops->is_counter)
        return 0; /* Linux: noop_llseek() */
    if (!file->ops->seekable)
        return -ESPIPE;
    if (whence == SEEK_DATA || whence == SEEK_HOLE)
        return seek_content(file, offset, whence);
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
    struct uk_file *file = uk_fd_get_any(fd);
    if (!file)
        return -EBADF;
    *stat = (struct uk_kstat){.nlink = 1, .mode = S_IFCHR_RW, .blksize = UKVM_PAGE_SIZE, .ino = (uintptr_t)file};
    return file->ops->stat ? file->ops->stat(file, stat) : 0;
}

long uk_sys_fsync(int fd) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    if (!file->ops->sync)
        return -EINVAL;
    uk_file_ref(file);
    int result = file->ops->sync(file);
    uk_file_unref(file);
    return result;
}

long uk_sys_ftruncate(int fd, off_t length) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    if (length < 0 || (file->flags & O_ACCMODE) == O_RDONLY || !file->ops->truncate)
        return -EINVAL;
    uk_file_ref(file);
    int result = file->ops->truncate(file, length);
    uk_file_unref(file);
    return result;
}

long uk_sys_getdents64(int fd, void *buffer, size_t size) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    return file->ops->getdents ? file->ops->getdents(file, buffer, size) : -ENOTDIR;
}
