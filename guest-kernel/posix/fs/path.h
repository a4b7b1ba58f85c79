/* SPDX-License-Identifier: MIT */
/* Paths: from text to inodes, and back. */
#ifndef UK_FS_PATH_H
#define UK_FS_PATH_H

#include "inode.h"

/* What the last part of a path is. Only an UK_LAST_NAME can be made, removed or renamed. */
enum uk_last { UK_LAST_NAME, UK_LAST_DOT, UK_LAST_DOT_DOT, UK_LAST_ROOT };

/* Where a path leads. Valid until something blocks or a name is removed: `name` may be the text of a symbolic link. */
struct uk_place {
    struct uk_inode *directory; /* that has the last name, and is one; a reference */
    struct uk_inode *inode;     /* NULL: there is no such name; a reference */
    enum uk_last last;
    const char *name; /* not ended by a NUL; with UK_LAST_NAME */
    size_t length;
    bool slash; /* one follows the name: it has to be a directory */
};

/*
 * What becomes of a symbolic link at the end. With a slash behind it, it is followed; but not UK_PARENT, for those who
 * change the name itself and look at place->slash themselves.
 */
enum uk_follow { UK_NOFOLLOW, UK_FOLLOW, UK_PARENT };

/*
 * Walks `path`, relative to the directory `dirfd` or AT_FDCWD. 0 even if only the last name is missing; what it says is
 * released by uk_place_release(). -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EBADF.
 */
int uk_path_walk(int dirfd, const char *path, enum uk_follow want, struct uk_place *place);
void uk_place_release(struct uk_place *place);

/* The same for something that must be there: the inode, with a reference. */
int uk_path_find(int dirfd, const char *path, enum uk_follow want, struct uk_inode **inode);

/*
 * Gives something new, of `mode` without what umask() takes away, a path, and `*inode` a reference to it. -EEXIST, and
 * what uk_path_walk() says. names_calls.c
 */
int uk_path_make(const char *path, mode_t mode, struct uk_inode **inode);

/*
 * The path of an inode into `buffer`, of `size` bytes, ended by a NUL: its length without that. -ERANGE; -ENOENT if it
 * has been removed.
 */
ssize_t uk_path_of(const struct uk_inode *inode, char *buffer, size_t size);

/* What relative paths start from, and `/`. */
struct uk_inode *uk_path_cwd(void);
struct uk_inode *uk_path_root(void);
void uk_path_set_cwd(struct uk_inode *directory);
void uk_path_set_root(struct uk_inode *directory);

#endif
