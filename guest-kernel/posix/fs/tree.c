/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "open.h"

/* The path without its last part, which the caller frees; NULL when memory is used up. */
static char *parent_of(const char *path) {
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    char *parent = uk_malloc(length + 1);
    if (parent) {
        memcpy(parent, path, length);
        parent[length] = 0;
    }
    return parent;
}

static int make_directory(const char *path) {
    struct uk_place place;
    int result = uk_path_walk(AT_FDCWD, path, UK_FOLLOW, &place);
    if (result)
        return result;
    if (!place.inode)
        result = uk_place_fill(&place, uk_inode_new(S_IFDIR | 0755));
    else if (!S_ISDIR(place.inode->mode))
        result = -ENOTDIR;
    uk_place_release(&place);
    return result;
}

/* Each one on the way, from the root: paths are absolute. */
static int make_directories(char *path) {
    int result = 0;
    for (char *slash = path; result == 0 && (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        result = make_directory(path);
        *slash = '/';
    }
    return result || !*path ? result : make_directory(path);
}

static int make_parents(const char *path) {
    char *parent = parent_of(path);
    int result = parent ? make_directories(parent) : -ENOSPC;
    uk_free(parent);
    return result;
}

/* Once more if a directory on the way is missing. */
static int walk(const char *path, enum uk_follow want, struct uk_place *place) {
    int result = uk_path_walk(AT_FDCWD, path, want, place);
    if (result != -ENOENT)
        return result;
    result = make_parents(path);
    return result ? result : uk_path_walk(AT_FDCWD, path, want, place);
}

int uk_tree_add(const char *path, struct uk_inode *inode, enum uk_tree_conflict conflict) {
    struct uk_place place;
    int result = inode ? walk(path, UK_PARENT, &place) : -ENOSPC;
    if (result) {
        uk_inode_unref(inode);
        return result;
    }
    if (place.inode && (conflict == UK_TREE_KEEP || S_ISDIR(place.inode->mode))) {
        result = conflict == UK_TREE_KEEP ? 0 : -EISDIR;
        uk_inode_unref(inode);
    } else {
        if (place.inode)
            uk_entry_remove(uk_entry_find(place.directory, place.name, place.length));
        result = uk_place_fill(&place, inode);
    }
    uk_place_release(&place);
    return result;
}

int uk_tree_directory(const char *path, struct uk_inode **directory) {
    struct uk_place place;
    int result = walk(path, UK_FOLLOW, &place);
    if (result)
        return result;
    if (!place.inode) {
        place.inode = uk_inode_new(S_IFDIR | 0755);
        result = uk_place_fill(&place, place.inode ? uk_inode_ref(place.inode) : NULL);
    } else if (!S_ISDIR(place.inode->mode)) {
        result = -ENOTDIR;
    }
    if (result == 0)
        *directory = uk_inode_ref(place.inode);
    uk_place_release(&place);
    return result;
}

int uk_tree_find(const char *path, struct uk_inode **inode) {
    return uk_path_find(AT_FDCWD, path, UK_NOFOLLOW, inode);
}

struct uk_inode *uk_tree_link(const char *target, size_t length) {
    struct uk_inode *inode = uk_inode_new(S_IFLNK | 0777);
    char *copy = uk_malloc(length + 1);
    if (inode && copy) {
        memcpy(copy, target, length);
        copy[length] = 0;
        inode->target = copy;
        return inode;
    }
    uk_free(copy);
    uk_inode_unref(inode);
    return NULL;
}

struct uk_inode *uk_tree_file(const void *bytes, size_t size, mode_t mode) {
    struct uk_inode *inode = uk_inode_new(S_IFREG | mode);
    if (inode)
        inode->content = (struct uk_content){.size = (off_t)size, .backing = bytes, .backing_size = bytes ? size : 0};
    return inode;
}

/* Down to a directory with nothing below it, and up again: however deep it is. */
void uk_tree_clear(struct uk_inode *directory) {
    struct uk_inode *at = directory;
    while (true) {
        struct uk_entry *entry = at->directory.first;
        if (entry && S_ISDIR(entry->inode->mode) && !uk_directory_is_empty(entry->inode))
            at = entry->inode;
        else if (entry)
            uk_entry_remove(entry);
        else if (at != directory)
            at = at->directory.parent;
        else
            return;
    }
}
