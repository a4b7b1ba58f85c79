/* SPDX-License-Identifier: MIT */
/* The image as a file of the tree: what programs open that carry something behind their segments. ABI.md, BOOT-09. */
#ifndef UK_FS_EXE_H
#define UK_FS_EXE_H

#include "inode.h"

/* The image's name as an absolute path, cut off to `size` bytes with the NUL. Returns the length. */
size_t uk_exe_name(char *buffer, size_t size);

/*
 * Gives the image's file its name in the root, unless the initrd has something there. It is read from where the monitor
 * has mapped it. -ENOSPC.
 */
int uk_exe_add(void);

/* Of /proc/self/exe: a link that leads to that file whatever has become of its name. */
extern const struct uk_inode_ops uk_exe_ops;

#endif
