/* SPDX-License-Identifier: MIT */
/* System calls that make, remove and change names. All of them decide first and change then. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "at.h"
#include "open.h"
#include "tree.h"

/* Linux: RENAME_*, which musl does not name. */
#define NOREPLACE 1u
#define EXCHANGE 2u

#define MKDIR_MODE 01777u /* mkdir(2): the set-group-ID bit comes from the directory above */

/* ---- making */

/* A place for something new. */
static int walk_new(int dirfd, const char *path, struct uk_place *place) {
    int result = uk_path_walk(dirfd, path, UK_PARENT, place);
    if (result == 0 && place->inode) {
        uk_place_release(place);
        result = -EEXIST;
    }
    return result;
}

long uk_sys_mkdirat(int dirfd, const char *path, mode_t mode) {
    struct uk_place place;
    int result = walk_new(dirfd, path, &place);
    if (result)
        return result;
    result = uk_place_fill(&place, uk_inode_new(S_IFDIR | (uk_fs_new_mode(mode) & MKDIR_MODE)));
    uk_place_release(&place);
    return result;
}

long uk_sys_mkdir(const char *path, mode_t mode) {
    return uk_sys_mkdirat(AT_FDCWD, path, mode);
}

static bool can_be_made(mode_t type) {
    return type == S_IFREG || type == S_IFIFO || type == S_IFSOCK || type == S_IFCHR || type == S_IFBLK;
}

long uk_sys_mknodat(int dirfd, const char *path, mode_t mode, unsigned device) {
    struct uk_place place;
    mode_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
    if (type == S_IFDIR)
        return -EPERM;
    if (!can_be_made(type))
        return -EINVAL;
    int result = walk_new(dirfd, path, &place);
    if (result)
        return result;
    struct uk_inode *inode = place.slash ? NULL : uk_inode_new(type | uk_fs_new_mode(mode));
    if (inode && (type == S_IFCHR || type == S_IFBLK))
        inode->rdev = device;
    result = place.slash ? -ENOENT : uk_place_fill(&place, inode);
    uk_place_release(&place);
    return result;
}

long uk_sys_mknod(const char *path, mode_t mode, unsigned device) {
    return uk_sys_mknodat(AT_FDCWD, path, mode, device);
}

int uk_path_make(const char *path, mode_t mode, struct uk_inode **made) {
    struct uk_place place;
    int result = walk_new(AT_FDCWD, path, &place);
    if (result)
        return result;
    struct uk_inode *inode = place.slash ? NULL : uk_inode_new((mode & S_IFMT) | uk_fs_new_mode(mode));
    if (inode)
        uk_inode_ref(inode);
    result = place.slash ? -ENOENT : uk_place_fill(&place, inode);
    uk_place_release(&place);
    if (result)
        uk_inode_unref(inode);
    else
        *made = inode;
    return result;
}

long uk_sys_symlinkat(const char *target, int dirfd, const char *path) {
    struct uk_place place;
    if (!target)
        return -EFAULT;
    size_t length = strnlen(target, PATH_MAX);
    if (length == 0 || length == PATH_MAX)
        return length ? -ENAMETOOLONG : -ENOENT;
    int result = walk_new(dirfd, path, &place);
    if (result)
        return result;
    result = place.slash ? -ENOENT : uk_place_fill(&place, uk_tree_link(target, length));
    uk_place_release(&place);
    return result;
}

long uk_sys_symlink(const char *target, const char *path) {
    return uk_sys_symlinkat(target, AT_FDCWD, path);
}

long uk_sys_linkat(int old_dirfd, const char *old, int new_dirfd, const char *path, int flags) {
    struct uk_place place;
    struct uk_inode *inode;
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int find_flags = (flags & AT_EMPTY_PATH) | (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW);
    int result = uk_at_find(old_dirfd, old, find_flags, &inode);
    if (result)
        return result;
    result = walk_new(new_dirfd, path, &place);
    if (result)
        goto out;
    if (S_ISDIR(inode->mode) || inode->ops)
        result = -EPERM;
    else if (inode->links == 0 && !inode->linkable)
        result = -ENOENT;
    else
        result = place.slash ? -ENOENT : uk_place_fill(&place, uk_inode_ref(inode));
    uk_place_release(&place);
out:
    uk_inode_unref(inode);
    return result;
}

long uk_sys_link(const char *old, const char *path) {
    return uk_sys_linkat(AT_FDCWD, old, AT_FDCWD, path, 0);
}

/* ---- removing */

static struct uk_entry *entry_of(const struct uk_place *place) {
    return uk_entry_find(place->directory, place->name, place->length);
}

static int remove_directory(const struct uk_place *place) {
    if (place->last != UK_LAST_NAME)
        return place->last == UK_LAST_DOT ? -EINVAL : place->last == UK_LAST_ROOT ? -EBUSY : -ENOTEMPTY;
    if (!S_ISDIR(place->inode->mode))
        return -ENOTDIR;
    if (!uk_directory_is_empty(place->inode))
        return -ENOTEMPTY;
    if (place->directory->ops || place->inode->ops)
        return -EPERM;
    uk_entry_remove(entry_of(place));
    return 0;
}

static int remove_file(const struct uk_place *place) {
    if (S_ISDIR(place->inode->mode))
        return -EISDIR;
    if (place->slash)
        return -ENOTDIR;
    if (place->directory->ops)
        return -EPERM;
    uk_entry_remove(entry_of(place));
    return 0;
}

long uk_sys_unlinkat(int dirfd, const char *path, int flags) {
    struct uk_place place;
    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    int result = uk_path_walk(dirfd, path, UK_PARENT, &place);
    if (result)
        return result;
    if (!place.inode)
        result = -ENOENT;
    else
        result = flags & AT_REMOVEDIR ? remove_directory(&place) : remove_file(&place);
    uk_place_release(&place);
    return result;
}

long uk_sys_unlink(const char *path) {
    return uk_sys_unlinkat(AT_FDCWD, path, 0);
}

long uk_sys_rmdir(const char *path) {
    return uk_sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* ---- renaming */

static bool is_inside(const struct uk_inode *directory, const struct uk_inode *outer) {
    while (directory != outer && directory != directory->directory.parent)
        directory = directory->directory.parent;
    return directory == outer;
}

static bool must_be_directory(const struct uk_place *place, const struct uk_inode *inode) {
    return place->slash && !S_ISDIR(inode->mode);
}

/* Whether `from` may take the place of what is at `to`. */
static int check_replace(const struct uk_place *from, const struct uk_place *to) {
    if (!S_ISDIR(from->inode->mode))
        return S_ISDIR(to->inode->mode) ? -EISDIR : 0;
    if (!S_ISDIR(to->inode->mode))
        return -ENOTDIR;
    return uk_directory_is_empty(to->inode) ? 0 : -ENOTEMPTY;
}

static int check_rename(const struct uk_place *from, const struct uk_place *to, unsigned flags) {
    if (from->last != UK_LAST_NAME || to->last != UK_LAST_NAME)
        return flags & NOREPLACE && to->last != UK_LAST_NAME ? -EEXIST : -EBUSY;
    if (!from->inode || (!to->inode && (flags & EXCHANGE)))
        return -ENOENT;
    if (to->inode && (flags & NOREPLACE))
        return -EEXIST;
    if (must_be_directory(from, from->inode) || must_be_directory(to, flags & EXCHANGE ? to->inode : from->inode))
        return -ENOTDIR;
    if (from->directory->ops || to->directory->ops)
        return -EPERM;
    if (S_ISDIR(from->inode->mode) && is_inside(to->directory, from->inode))
        return -EINVAL;
    if (to->inode && to->inode != from->inode && S_ISDIR(to->inode->mode) && is_inside(from->directory, to->inode))
        return flags & EXCHANGE ? -EINVAL : -ENOTEMPTY;
    return to->inode && to->inode != from->inode && !(flags & EXCHANGE) ? check_replace(from, to) : 0;
}

static int rename_place(struct uk_place *from, struct uk_place *to, unsigned flags) {
    int result = check_rename(from, to, flags);
    if (result || from->inode == to->inode) /* two names of one file both stay: rename(2) */
        return result;
    struct uk_entry *old = entry_of(from), *new = to->inode ? entry_of(to) : NULL;
    if (flags & EXCHANGE)
        uk_entry_replace(old, to->inode);
    if (new)
        uk_entry_replace(new, from->inode);
    else
        result = uk_entry_add(to->directory, to->name, to->length, from->inode);
    if (result == 0 && !(flags & EXCHANGE))
        uk_entry_remove(old);
    return result;
}

long uk_sys_renameat2(int old_dirfd, const char *old, int new_dirfd, const char *path, unsigned flags) {
    struct uk_place from, to;
    if ((flags & ~(NOREPLACE | EXCHANGE)) || flags == (NOREPLACE | EXCHANGE))
        return -EINVAL;
    int result = uk_path_walk(old_dirfd, old, UK_PARENT, &from);
    if (result)
        return result;
    result = uk_path_walk(new_dirfd, path, UK_PARENT, &to);
    if (result == 0) {
        result = rename_place(&from, &to, flags);
        uk_place_release(&to);
    }
    uk_place_release(&from);
    return result;
}

long uk_sys_renameat(int old_dirfd, const char *old, int new_dirfd, const char *path) {
    return uk_sys_renameat2(old_dirfd, old, new_dirfd, path, 0);
}

long uk_sys_rename(const char *old, const char *path) {
    return uk_sys_renameat2(AT_FDCWD, old, AT_FDCWD, path, 0);
}
