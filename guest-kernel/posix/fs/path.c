/* SPDX-License-Identifier: MIT */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define MAX_LINKS 40 /* in one walk; Linux: MAXSYMLINKS */

static struct uk_inode *cwd, *root; /* NULL: the tree's root */

struct uk_inode *uk_path_root(void) {
    return root ? root : uk_fs_root();
}

struct uk_inode *uk_path_cwd(void) {
    return cwd ? cwd : uk_fs_root();
}

static void set(struct uk_inode **which, struct uk_inode *directory) {
    struct uk_inode *old = *which;
    *which = uk_inode_ref(directory);
    uk_inode_unref(old);
}

void uk_path_set_cwd(struct uk_inode *directory) {
    set(&cwd, directory);
}

void uk_path_set_root(struct uk_inode *directory) {
    set(&root, directory);
}

/* ---- one step */

static enum uk_last kind_of(const char *name, size_t length) {
    if (length == 0)
        return UK_LAST_ROOT;
    if (length == 1 && name[0] == '.')
        return UK_LAST_DOT;
    return length == 2 && name[0] == '.' && name[1] == '.' ? UK_LAST_DOT_DOT : UK_LAST_NAME;
}

/* With a reference; links are not followed. */
static int look_up(struct uk_inode *directory, const char *name, size_t length, struct uk_inode **found) {
    if (!S_ISDIR(directory->mode))
        return -ENOTDIR;
    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    enum uk_last kind = kind_of(name, length);
    if (kind == UK_LAST_DOT_DOT && directory != uk_path_root()) {
        *found = uk_inode_ref(directory->directory.parent);
        return 0;
    }
    if (kind != UK_LAST_NAME) {
        *found = uk_inode_ref(directory);
        return 0;
    }
    if (directory->ops && directory->ops->lookup)
        return directory->ops->lookup(directory, name, length, found);
    const struct uk_entry *entry = uk_entry_find(directory, name, length);
    if (!entry)
        return -ENOENT;
    *found = uk_inode_ref(entry->inode);
    return 0;
}

/* ---- a whole path */

static int walk(struct uk_inode *start, const char *path, enum uk_follow want, unsigned *links, struct uk_place *place);

/* Puts what a link in `directory` leads to in its place. `*links` is what has been followed, and the bound on
 * recursion. */
static int follow(struct uk_inode *directory, struct uk_inode **link, unsigned *links) {
    struct uk_inode *from = *link;
    struct uk_place place;
    int result = -ELOOP;
    if (++*links > MAX_LINKS)
        goto out;
    if (from->ops) {
        result = from->ops->follow(from, link);
        goto out;
    }
    result = walk(directory, from->target, UK_FOLLOW, links, &place);
    if (result)
        goto out;
    result = place.inode ? 0 : -ENOENT;
    if (place.inode)
        *link = uk_inode_ref(place.inode);
    uk_place_release(&place);
out:
    uk_inode_unref(from);
    return result;
}

/* From `*at` into what it has under a name. */
static int enter(struct uk_inode **at, const char *name, size_t length, unsigned *links) {
    struct uk_inode *found;
    int result = look_up(*at, name, length, &found);
    if (result == 0 && S_ISLNK(found->mode))
        result = follow(*at, &found, links);
    if (result)
        return result;
    uk_inode_unref(*at);
    *at = found;
    return 0;
}

/* `place` is at a link: moves it to where that leads, be it a name that is not there yet. */
static int follow_last(struct uk_place *place, unsigned *links) {
    struct uk_place next;
    if (place->inode->ops)
        return follow(place->directory, &place->inode, links);
    if (++*links > MAX_LINKS)
        return -ELOOP;
    int result = walk(place->directory, place->inode->target, UK_FOLLOW, links, &next);
    if (result)
        return result;
    next.slash |= place->slash;
    uk_place_release(place);
    *place = next;
    return 0;
}

/* The last name, in place->directory. */
static int arrive(struct uk_place *place, enum uk_follow want, unsigned *links) {
    int result = look_up(place->directory, place->name, place->length, &place->inode);
    if (result == -ENOENT && place->last == UK_LAST_NAME)
        return 0;
    if (result || want == UK_PARENT)
        return result;
    if (S_ISLNK(place->inode->mode) && (want == UK_FOLLOW || place->slash)) {
        result = follow_last(place, links);
        if (result)
            return result;
    }
    return place->slash && place->inode && !S_ISDIR(place->inode->mode) ? -ENOTDIR : 0;
}

static int walk(struct uk_inode *start, const char *path, enum uk_follow want, unsigned *links,
                struct uk_place *place) {
    struct uk_inode *at = uk_inode_ref(*path == '/' ? uk_path_root() : start);
    int result = 0;
    *place = (struct uk_place){0};
    while (result == 0) {
        const char *name = path + strspn(path, "/");
        size_t length = strcspn(name, "/");
        path = name + length + strspn(name + length, "/");
        if (*path) {
            result = enter(&at, name, length, links);
            continue;
        }
        *place = (struct uk_place){.directory = uk_inode_ref(at), .name = name, .length = length};
        place->last = kind_of(name, length);
        place->slash = name[length] == '/';
        result = arrive(place, want, links);
        break;
    }
    uk_inode_unref(at);
    if (result)
        uk_place_release(place);
    return result;
}

static int start_of(int dirfd, const char *path, struct uk_inode **start) {
    *start = uk_path_cwd();
    if (*path == '/' || dirfd == AT_FDCWD)
        return 0;
    struct uk_file *file = uk_fd_get_any(dirfd);
    *start = file ? uk_node_inode(file) : NULL;
    if (!file)
        return -EBADF;
    return *start ? 0 : -ENOTDIR;
}

int uk_path_walk(int dirfd, const char *path, enum uk_follow want, struct uk_place *place) {
    struct uk_inode *start;
    unsigned links = 0;
    if (!path)
        return -EFAULT;
    if (!*path)
        return -ENOENT;
    if (strnlen(path, PATH_MAX) == PATH_MAX)
        return -ENAMETOOLONG;
    int result = start_of(dirfd, path, &start);
    return result ? result : walk(start, path, want, &links, place);
}

void uk_place_release(struct uk_place *place) {
    uk_inode_unref(place->directory);
    uk_inode_unref(place->inode);
    *place = (struct uk_place){0};
}

int uk_path_find(int dirfd, const char *path, enum uk_follow want, struct uk_inode **inode) {
    struct uk_place place;
    int result = uk_path_walk(dirfd, path, want, &place);
    if (result)
        return result;
    result = place.inode ? 0 : -ENOENT;
    if (place.inode)
        *inode = uk_inode_ref(place.inode);
    uk_place_release(&place);
    return result;
}

/* Written from its end to its beginning. */
ssize_t uk_path_of(const struct uk_inode *inode, char *buffer, size_t size) {
    size_t at = size;
    if (size < 2)
        return -ERANGE;
    buffer[--at] = 0;
    for (; inode != uk_path_root(); inode = inode->entry->directory) {
        const struct uk_entry *entry = inode->entry;
        if (!entry)
            return -ENOENT;
        if (at < entry->length + 1)
            return -ERANGE;
        at -= entry->length;
        memcpy(buffer + at, entry->name, entry->length);
        buffer[--at] = '/';
    }
    if (!buffer[at])
        buffer[--at] = '/';
    memmove(buffer, buffer + at, size - at);
    return (ssize_t)(size - at - 1);
}
