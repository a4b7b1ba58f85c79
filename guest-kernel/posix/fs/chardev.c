/* SPDX-License-Identifier: MIT */
/* Character devices, by the numbers that they have in Linux: Documentation/admin-guide/devices.txt. */
#include "chardev.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "open.h"
#include "posix/process/random.h"

static ssize_t read_nothing(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file, (void)iov, (void)count, (void)offset;
    return 0;
}

static ssize_t read_zeros(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file, (void)offset;
    return (ssize_t)uk_iov_zero(iov, count, 0, (size_t)uk_iov_length(iov, count));
}

static ssize_t read_random(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file, (void)offset;
    for (int i = 0; i < count; i++)
        uk_random_bytes(iov[i].iov_base, iov[i].iov_len);
    return uk_iov_length(iov, count);
}

static ssize_t write_away(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file, (void)offset;
    return uk_iov_length(iov, count);
}

static ssize_t write_full(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file, (void)offset;
    return uk_iov_length(iov, count) ? -ENOSPC : 0;
}

static ssize_t write_console(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file, (void)offset;
    for (int i = 0; i < count; i++)
        uk_console_write(UKVM_CONSOLE_OUT, iov[i].iov_base, iov[i].iov_len);
    return uk_iov_length(iov, count);
}

/* There is no end that SEEK_END could seek to: lseek() on them is always 0. */
static off_t no_size(struct uk_file *file) {
    (void)file;
    return 0;
}

#define CHARDEV(device_name, read_function, write_function)                                                           \
    .name = device_name, .read = (read_function), .write = (write_function), .close = uk_node_close, .size = no_size, \
    .stat = uk_node_stat

static const struct chardev {
    struct uk_chardev node;
    struct uk_file_ops ops;
} devices[] = {
    {{"null", 1, 3}, {CHARDEV("null", read_nothing, write_away), .seekable = true}},
    {{"zero", 1, 5}, {CHARDEV("zero", read_zeros, write_away), .seekable = true, .is_zeros = true}},
    {{"full", 1, 7}, {CHARDEV("full", read_zeros, write_full), .seekable = true}},
    {{"random", 1, 8}, {CHARDEV("random", read_random, write_away), .seekable = true}},
    {{"urandom", 1, 9}, {CHARDEV("urandom", read_random, write_away), .seekable = true}},
    {{"tty", 5, 0}, {CHARDEV("tty", read_nothing, write_console)}},
    {{"console", 5, 1}, {CHARDEV("console", read_nothing, write_console)}},
};

const struct uk_chardev *uk_chardev_at(size_t index) {
    return index < sizeof devices / sizeof devices[0] ? &devices[index].node : NULL;
}

int uk_chardev_open(struct uk_inode *inode, int flags, struct uk_file **file) {
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (devices[i].node.major == major(inode->rdev) && devices[i].node.minor == minor(inode->rdev))
            return uk_node_open(inode, &devices[i].ops, flags, file);
    return -ENXIO;
}
