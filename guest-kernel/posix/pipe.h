/* SPDX-License-Identifier: MIT */
#ifndef UK_PIPE_H
#define UK_PIPE_H

#include "file.h"

/* Both ends of a new pipe, with a reference each; -ENOMEM. `flags`: O_NONBLOCK and O_DIRECT count. */
int uk_pipe_create(int flags, struct uk_file **reader, struct uk_file **writer);

#endif
