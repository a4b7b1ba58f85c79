/* SPDX-License-Identifier: MIT */
/* What the files of the tree are once they are open. */
#ifndef UK_FS_OPEN_H
#define UK_FS_OPEN_H

#include "path.h"

extern const struct uk_file_ops uk_regular_ops, uk_directory_ops;

/* Devices, by the inode's rdev. -ENXIO. */
int uk_chardev_open(struct uk_inode *inode, int flags, struct uk_file **file);
int uk_blkdev_open(struct uk_inode *inode, int flags, struct uk_file **file);

/* Opens an inode, whatever it is. O_CREAT and the like have been dealt with. */
int uk_inode_open(struct uk_inode *inode, int flags, struct uk_file **file);

/* The permission bits of something new: `mode` without what umask() takes away. */
mode_t uk_fs_new_mode(mode_t mode);

/* Makes `inode` the name of `place`, where there is none. With the reference that it had. */
int uk_place_fill(struct uk_place *place, struct uk_inode *inode);

#endif
