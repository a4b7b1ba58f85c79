/* SPDX-License-Identifier: MIT */
#ifndef UK_PIPE_H
#define UK_PIPE_H

#include "posix/files/file.h"

struct uk_inode;

/* Both ends of a new pipe, with a reference each; -ENOMEM. `flags`: O_NONBLOCK and O_DIRECT count. */
int uk_pipe_create(int flags, struct uk_file **reader, struct uk_file **writer);

/* open() of a named pipe: may wait for the other side. -ENXIO, -ENOMEM, -UK_ERESTART. */
int uk_fifo_open(struct uk_inode *inode, int flags, struct uk_file **file);

#endif
