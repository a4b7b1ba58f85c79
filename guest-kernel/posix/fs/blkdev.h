/* SPDX-License-Identifier: MIT */
/* Disks as files. */
#ifndef UK_FS_BLKDEV_H
#define UK_FS_BLKDEV_H

#include "inode.h"

#define UK_BLKDEV_MAJOR 254u /* the minor is the device's number in the boot page */

extern const struct uk_file_ops uk_blkdev_ops;

/* Whole blocks only: -EINVAL. */
int uk_blkdev_discard(struct uk_file *file, off_t offset, off_t length);

/* Makes everything written so far durable, on all disks. */
void uk_blkdev_flush_all(void);

#endif
