/* SPDX-License-Identifier: MIT */
/* What the system calls with a directory descriptor and AT_* flags have in common. */
#ifndef UK_FS_AT_H
#define UK_FS_AT_H

#include "path.h"

/* The inode that (dirfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) names, with a reference. -EBADF for other files. */
int uk_at_find(int dirfd, const char *path, int flags, struct uk_inode **inode);

#endif
