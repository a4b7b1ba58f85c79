/* SPDX-License-Identifier: MIT */
/*
 * Reads tar (ustar, with what GNU and pax add: long names, times before 1970, sparse files) and cpio (newc) archives in
 * memory. Pure: the archive may be anything, nothing outside of it is read, and every name that comes out is confined
 * to the root. What cannot be read is never left out in silence.
 */
#ifndef UK_FS_ARCHIVE_H
#define UK_FS_ARCHIVE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uk_member_type {
    UK_MEMBER_FILE,
    UK_MEMBER_DIRECTORY,
    UK_MEMBER_SYMLINK,
    UK_MEMBER_HARDLINK,
    UK_MEMBER_SPECIAL,
};

struct uk_member {
    enum uk_member_type type;
    const char *path;    /* begins with a slash; no empty, `.` or `..` parts; "/" is the root itself */
    const char *target;  /* the text of a symbolic link; the path, in that form, of a hard link's file; or NULL */
    const uint8_t *data; /* in the archive; NULL for a sparse file, whose data comes in pieces */
    size_t size;
    uint64_t link_id; /* files of one non-zero id are one file, whose data comes with any of its names. cpio */
    unsigned mode;    /* permissions */
    unsigned uid, gid;
    int64_t mtime; /* seconds */
    uint32_t mtime_nsec;
    unsigned format, major, minor; /* of a special file: S_IFCHR, S_IFBLK, S_IFIFO or S_IFSOCK, and which device */
};

/* What takes the members, in order; what it returns other than 0 ends it. */
struct uk_archive_sink {
    int (*add)(struct uk_archive_sink *sink, const struct uk_member *member);

    /* A piece of the sparse file that was added last. All that no piece covers is zero. */
    int (*fill)(struct uk_archive_sink *sink, uint64_t offset, const uint8_t *data, size_t size);
};

/* Why an archive could not be taken. */
struct uk_archive_problem {
    const char *why;    /* NULL: the sink did not take the member */
    const char *member; /* the path of the one that it is about; until the next archive is read. NULL: none yet */
    bool is_behind;     /* it is in what follows that member */
};

/*
 * 0; -EINVAL with the reason in `*problem`; or what the sink returned. No bytes are no members. Not reentrant.
 */
int uk_archive_read(const void *archive, size_t size, struct uk_archive_sink *sink, struct uk_archive_problem *problem);

#endif
