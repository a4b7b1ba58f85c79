/* SPDX-License-Identifier: MIT */
/*
 * The one file system there is, in memory: a tree of inodes under names. Devices and /proc are inodes with operations
 * of their own in the same tree.
 *
 * Nothing here blocks, so that a walk and the change that it was made for are one step for every thread. Permissions
 * are remembered and not enforced: the program is root.
 */
#ifndef UK_FS_INODE_H
#define UK_FS_INODE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "content.h"
#include "posix/files/file.h"

struct uk_inode;

#define UK_DIRENT_NAME 16

/* What a directory tells of one name. `next` is where a later call goes on behind it. */
struct uk_dirent {
    uint64_t ino;
    uint64_t next;
    mode_t mode; /* the type counts */
    const char *name;
    size_t length;
};

/* Of inodes that are not just stored. What is NULL is as for those that are. */
struct uk_inode_ops {
    int (*open)(struct uk_inode *inode, int flags, struct uk_file **file);

    /*
     * Directories whose names are made up. `list` gives the first name behind `position`, which it may write to `room`;
     * false: there is none.
     */
    int (*lookup)(struct uk_inode *directory, const char *name, size_t length, struct uk_inode **found);
    bool (*list)(struct uk_inode *directory, uint64_t position, struct uk_dirent *entry, char room[UK_DIRENT_NAME]);

    /* Symbolic links, both: the text is for show, what counts is where it leads. */
    ssize_t (*readlink)(struct uk_inode *inode, char *buffer, size_t size);
    int (*follow)(struct uk_inode *inode, struct uk_inode **found);

    void (*stat)(struct uk_inode *inode, struct uk_kstat *stat); /* changes what is filled in already */
    void (*release)(struct uk_inode *inode);                     /* of `data`; not the structure */
};

/* A name in a directory. */
struct uk_entry {
    struct uk_inode *directory, *inode;
    struct uk_entry *hash_next;
    struct uk_entry *next, *prev; /* in the directory, by rising cookie */
    uint64_t cookie;              /* its position in the directory */
    size_t length;
    char name[];
};

struct uk_directory {
    struct uk_inode *parent; /* the root's is itself */
    struct uk_entry *first, *last;
    uint64_t last_cookie;
    unsigned subdirectories;
};

struct uk_inode {
    const struct uk_inode_ops *ops; /* NULL: an ordinary one */
    unsigned refs;                  /* names, open files, walks, and subdirectories that have it as parent */
    uint64_t ino;
    mode_t mode;
    unsigned links; /* names; 0 for a directory that has been removed */
    bool running;   /* the image's file, which nobody may open for writing */
    bool linkable;  /* never had a name, and may get one: O_TMPFILE */
    uid_t uid;
    gid_t gid;
    dev_t rdev;
    struct timespec atime, mtime, ctime;
    struct uk_entry *entry; /* a name of it; NULL if it has none or none any more */
    union {                 /* by type */
        struct uk_content content;
        struct uk_directory directory;
        char *target; /* of a symbolic link; the inode's own */
        void *data;   /* where `ops` says so; of a named pipe, see pipe.c */
    };
};

/*
 * The tree's root. The first call makes it and has `fill` of uk_fs_root_init() put into it what every program finds: a
 * program that never names a path pays nothing. root.c
 */
void uk_fs_root_init(void (*fill)(void));
struct uk_inode *uk_fs_root(void);

/* ---- inodes */

/* One reference, for the caller; NULL when memory is used up. `mode` has the type. */
struct uk_inode *uk_inode_new(mode_t mode);
struct uk_inode *uk_inode_ref(struct uk_inode *inode);
void uk_inode_unref(struct uk_inode *inode);

struct timespec uk_fs_now(void);
void uk_inode_modified(struct uk_inode *inode); /* mtime and ctime are now */
void uk_inode_stat(struct uk_inode *inode, struct uk_kstat *stat);

/* A symbolic link's text, cut off at `size`; without a NUL. */
ssize_t uk_inode_readlink(struct uk_inode *link, char *buffer, size_t size);

/* ---- names; none of them knows `.` and `..` */

/* The entry, or NULL. */
struct uk_entry *uk_entry_find(const struct uk_inode *directory, const char *name, size_t length);

/* Gives `inode` a name that is not there yet. -ENOSPC; -ENOENT: the directory itself has been removed. */
int uk_entry_add(struct uk_inode *directory, const char *name, size_t length, struct uk_inode *inode);
void uk_entry_remove(struct uk_entry *entry);

/* Makes the name stand for another inode, which keeps the names it has. */
void uk_entry_replace(struct uk_entry *entry, struct uk_inode *inode);

bool uk_directory_is_empty(const struct uk_inode *directory);

/* The first entry with a cookie above `position`; NULL: there is none. */
const struct uk_entry *uk_directory_next(const struct uk_inode *directory, uint64_t position);

/* ---- open files of the tree */

/* A file that is an inode of the tree. The kinds of file that use it have uk_node_close() in their operations. */
struct uk_node_file {
    struct uk_file file;
    struct uk_inode *inode;
};

/* -ENOMEM. */
int uk_node_open(struct uk_inode *inode, const struct uk_file_ops *ops, int flags, struct uk_file **file);
void uk_node_close(struct uk_file *file);

/* `hook` is called before such a file ends. There is one: of flock(). */
void uk_node_at_close(void (*hook)(const struct uk_file *file));
int uk_node_stat(struct uk_file *file, struct uk_kstat *stat);

/* The inode, borrowed; NULL for a file that is none of the tree. */
struct uk_inode *uk_node_inode(struct uk_file *file);

#endif
