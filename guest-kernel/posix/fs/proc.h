/* SPDX-License-Identifier: MIT */
/* What programs read of /proc. */
#ifndef UK_FS_PROC_H
#define UK_FS_PROC_H

#include "text.h"

struct uk_proc_file {
    const char *path;
    struct uk_text_source source;
};

/* From 0 on; NULL behind the last one. */
const struct uk_proc_file *uk_proc_at(size_t index);

/* Links that lead to what the process has, whatever its path: an inode, and the text is its path. */
extern const struct uk_inode_ops uk_proc_cwd_ops, uk_proc_root_ops;

/* /proc/self/fd: a directory of links to open files. */
extern const struct uk_inode_ops uk_procfd_ops;

#endif
