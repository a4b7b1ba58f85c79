/* SPDX-License-Identifier: MIT */
/* What the formats of archives have in common: archive.c decides between them, and neither knows the other. */
#ifndef UK_FS_MEMBER_H
#define UK_FS_MEMBER_H

#include "archive.h"

struct uk_archive {
    const uint8_t *bytes;
    size_t size, at;
    struct uk_archive_sink *sink;
    const char *problem;
    bool named; /* `path` is that of the member at hand, not of the one before it */
    char path[PATH_MAX], target[PATH_MAX];
};

int uk_tar_read(struct uk_archive *archive);
int uk_cpio_read(struct uk_archive *archive);

/* The path of the member at hand. False: it does not fit, and its beginning is there. */
bool uk_archive_name(struct uk_archive *archive, const void *from, size_t length);

/* Notes why the archive cannot be read. Returns -EINVAL. */
int uk_archive_fail(struct uk_archive *archive, const char *problem);

/* The next `size` bytes, and behind them a gap up to a multiple of `align`, which a file's end may cut; NULL: too few.
 */
const uint8_t *uk_archive_take(struct uk_archive *archive, size_t size, size_t align);

/*
 * Writes a path of `length` bytes, or up to a NUL in them, in the form of uk_member.path; `..` at the root stays there.
 * False: it does not fit.
 */
bool uk_archive_path(char to[PATH_MAX], const void *from, size_t length);

/* Copies a link's text, up to a NUL. False: it does not fit. */
bool uk_archive_text(char to[PATH_MAX], const void *from, size_t length);

#endif
