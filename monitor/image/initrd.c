/* SPDX-License-Identifier: MIT */
#include "initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int initrd_error(const struct initrd *initrd, const char *why, struct error *err) {
    return error_set(err, EXIT_MONITOR, "--initrd %s: %s", initrd->path, why);
}

int initrd_open(const char *path, struct initrd *initrd, struct error *err) {
    struct stat status;
    *initrd = (struct initrd){.path = path, .fd = -1};
    if (!path)
        return 0;
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    initrd->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (initrd->fd < 0 || fstat(initrd->fd, &status) < 0)
        return initrd_error(initrd, strerror(errno), err);
    if (!S_ISREG(status.st_mode))
        return initrd_error(initrd, "not a regular file; pack a folder with tar or cpio", err);
    if (status.st_size == 0)
        return initrd_error(initrd, "is empty; leave the option away if there is nothing to give", err);
    initrd->size = (uint64_t)status.st_size;
    return 0;
}
