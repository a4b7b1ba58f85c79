/* SPDX-License-Identifier: MIT */
/*
 * Reads tar (ustar, with the long names of GNU and of pax) and cpio (newc) archives in memory. Pure: the archive may be
 * anything, nothing outside of it is read, and every name that comes out is confined to the root.
 */
#ifndef UK_FS_ARCHIVE_H
#define UK_FS_ARCHIVE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uk_member_type { UK_MEMBER_FILE, UK_MEMBER_DIRECTORY, UK_MEMBER_SYMLINK, UK_MEMBER_HARDLINK };

struct uk_member {
    enum uk_member_type type;
    const char *path;    /* begins with a slash; no empty, `.` or `..` parts; "/" is the root itself */
    const char *target;  /* the text of a symbolic link; the path, in that form, of a hard link's file; or NULL */
    const uint8_t *data; /* in the archive */
    size_t size;
    uint64_t link_id; /* files of one non-zero id are one file, whose data comes with any of its names. cpio */
    unsigned mode;    /* permissions */
    unsigned uid, gid;
    int64_t mtime; /* seconds */
};

/* What takes the members, in order; what it returns other than 0 ends it. */
struct uk_archive_sink {
    int (*add)(struct uk_archive_sink *sink, const struct uk_member *member);
};

/*
 * 0; -EINVAL with the reason in `*problem`; or what the sink returned, with `*problem` NULL. No bytes are no members.
 * Not reentrant.
 */
int uk_archive_read(const void *archive, size_t size, struct uk_archive_sink *sink, const char **problem);

#endif
