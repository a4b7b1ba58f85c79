/* SPDX-License-Identifier: MIT */
/* The character devices that there are. */
#ifndef UK_FS_CHARDEV_H
#define UK_FS_CHARDEV_H

#include <stddef.h>

struct uk_chardev {
    const char *name; /* in /dev */
    unsigned major, minor;
};

/* From 0 on; NULL behind the last one. */
const struct uk_chardev *uk_chardev_at(size_t index);

#endif
