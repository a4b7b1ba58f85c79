/* SPDX-License-Identifier: MIT */
/* Building the tree from within the kernel. */
#ifndef UK_FS_TREE_H
#define UK_FS_TREE_H

#include "inode.h"

enum uk_tree_conflict { UK_TREE_KEEP, UK_TREE_REPLACE };

/*
 * Gives `inode`, whose reference passes, the name `path`, and makes the directories above it. What is there already
 * stays (and the result is 0), or makes way; a directory stays anyhow, and -EISDIR says so. NULL for `inode` is
 * -ENOSPC.
 */
int uk_tree_add(const char *path, struct uk_inode *inode, enum uk_tree_conflict conflict);

/* The directory at `path`, made if it is not there; -ENOTDIR if something else is. With a reference. */
int uk_tree_directory(const char *path, struct uk_inode **directory);

/* A symbolic link; NULL when memory is used up. */
struct uk_inode *uk_tree_link(const char *target, size_t length);

/* A regular file with bytes that stay where they are and never change; NULL: all of it is a hole. */
struct uk_inode *uk_tree_file(const void *bytes, size_t size, mode_t mode);

/* Removes every name below a directory. */
void uk_tree_clear(struct uk_inode *directory);

/* What is at `path`, no link at its end followed, with a reference. */
int uk_tree_find(const char *path, struct uk_inode **inode);

/* Puts into the root what every program finds there: fs.c, for uk_fs_root_init(). */
void uk_fs_fill(void);

/* Fills the tree from an archive. One that cannot be taken whole gives no files at all, and a line that says why. */
void uk_initrd_unpack(const void *archive, size_t size, char *complaint, size_t complaint_size);

#endif
