/* SPDX-License-Identifier: MIT */
/*
 * Open directories. A position is the cookie of the name that was told last, so that names may come and go between two
 * calls; `.` and `..` have 1 and 2, and the cookies are told with that much added.
 */
#include <errno.h>
#include <string.h>

#include "open.h"

#define DOTS 2

/* struct linux_dirent64, before its name. Linux: include/linux/dirent.h. */
struct record {
    uint64_t ino;
    int64_t next;
    uint16_t size; /* of the whole record, a multiple of 8 */
    uint8_t type;
} __attribute__((packed));

/* Appends a record to `*at` if it fits. */
static bool put(char **at, const char *end, const struct uk_dirent *entry) {
    size_t size = (sizeof(struct record) + entry->length + 1 + 7) & ~(size_t)7;
    if ((size_t)(end - *at) < size)
        return false;
    struct record record = {
        .ino = entry->ino,
        .next = (int64_t)entry->next,
        .size = (uint16_t)size,
        .type = (uint8_t)(entry->mode >> 12), /* DT_* are the bits of S_IFMT */
    };
    memset(*at, 0, size);
    memcpy(*at, &record, sizeof record);
    memcpy(*at + sizeof record, entry->name, entry->length);
    *at += size;
    return true;
}

/* These return false when a name did not fit. */
static bool put_dots(struct uk_file *file, const struct uk_inode *inode, char **at, const char *end) {
    const struct uk_dirent dots[DOTS] = {
        {.ino = inode->ino, .next = 1, .mode = S_IFDIR, .name = ".", .length = 1},
        {.ino = inode->directory.parent->ino, .next = 2, .mode = S_IFDIR, .name = "..", .length = 2},
    };
    while (file->position < DOTS) {
        if (!put(at, end, &dots[file->position]))
            return false;
        file->position++;
    }
    return true;
}

static bool put_stored(struct uk_file *file, const struct uk_inode *inode, char **at, const char *end) {
    const struct uk_entry *entry = uk_directory_next(inode, (uint64_t)file->position - DOTS);
    for (; entry; entry = entry->next) {
        struct uk_dirent told = {
            .ino = entry->inode->ino,
            .next = entry->cookie + DOTS,
            .mode = entry->inode->mode,
            .name = entry->name,
            .length = entry->length,
        };
        if (!put(at, end, &told))
            return false;
        file->position = (off_t)told.next;
    }
    return true;
}

static bool put_made_up(struct uk_file *file, struct uk_inode *inode, char **at, const char *end) {
    struct uk_dirent told;
    char name[UK_DIRENT_NAME];
    while (inode->ops->list(inode, (uint64_t)file->position - DOTS, &told, name)) {
        told.next += DOTS;
        if (!put(at, end, &told))
            return false;
        file->position = (off_t)told.next;
    }
    return true;
}

static ssize_t directory_getdents(struct uk_file *file, void *buffer, size_t size) {
    struct uk_inode *inode = uk_node_inode(file);
    char *at = buffer;
    const char *end = at + size;
    if (inode->links == 0)
        return -ENOENT;
    bool all = put_dots(file, inode, &at, end);
    if (all && inode->ops && inode->ops->list)
        all = put_made_up(file, inode, &at, end);
    else if (all)
        all = put_stored(file, inode, &at, end);
    return all || at > (char *)buffer ? at - (char *)buffer : -EINVAL;
}

static ssize_t directory_read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    (void)file, (void)iov, (void)count, (void)offset;
    return -EISDIR;
}

static int directory_sync(struct uk_file *file) {
    (void)file;
    return 0;
}

const struct uk_file_ops uk_directory_ops = {
    .name = "directory",
    .read = directory_read,
    .close = uk_node_close,
    .stat = uk_node_stat,
    .sync = directory_sync,
    .getdents = directory_getdents,
    .seekable = true,
};
