/* SPDX-License-Identifier: MIT */
/* The tree's first contents: an archive that was given along with the image. ABI.md, BOOT-08. */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "archive.h"
#include "tree.h"

/* Files with several names in a cpio archive. */
struct linked {
    struct linked *next;
    uint64_t id;
    struct uk_inode *inode;
};

struct sink {
    struct uk_archive_sink sink;
    struct linked *linked[64];
    struct uk_inode *last; /* the file that was added last, where its data comes in pieces */
};

static void set_attributes(struct uk_inode *inode, const struct uk_member *member) {
    inode->mode = (inode->mode & S_IFMT) | member->mode;
    inode->uid = member->uid;
    inode->gid = member->gid;
    inode->atime = inode->mtime = (struct timespec){.tv_sec = member->mtime, .tv_nsec = member->mtime_nsec};
}

static struct linked **bucket(struct sink *sink, uint64_t id) {
    return &sink->linked[(id ^ id >> 32) % (sizeof sink->linked / sizeof sink->linked[0])];
}

static struct uk_inode *find_linked(struct sink *sink, uint64_t id) {
    struct linked *linked = id ? *bucket(sink, id) : NULL;
    while (linked && linked->id != id)
        linked = linked->next;
    return linked ? uk_inode_ref(linked->inode) : NULL;
}

static int remember(struct sink *sink, uint64_t id, struct uk_inode *inode) {
    struct linked *linked = uk_malloc(sizeof *linked);
    if (!linked)
        return -ENOSPC;
    *linked = (struct linked){.next = *bucket(sink, id), .id = id, .inode = uk_inode_ref(inode)};
    *bucket(sink, id) = linked;
    return 0;
}

static int add_file(struct sink *sink, const struct uk_member *member) {
    struct uk_inode *inode = find_linked(sink, member->link_id);
    int result = 0;
    if (!inode) {
        inode = uk_tree_file(member->data, member->size, member->mode);
        result = inode && member->link_id ? remember(sink, member->link_id, inode) : 0;
    } else if (member->size > 0) {
        inode->content.size = (off_t)member->size;
        inode->content.backing = member->data;
        inode->content.backing_size = member->size;
    }
    if (!inode || result) {
        uk_inode_unref(inode);
        return -ENOSPC;
    }
    set_attributes(inode, member);
    if (!member->data)
        sink->last = uk_inode_ref(inode);
    return uk_tree_add(member->path, inode, UK_TREE_REPLACE);
}

/* A device's number may be one that the kernel has, or not: /dev comes later, and takes the place of what it has. */
static int add_special(const struct uk_member *member) {
    struct uk_inode *inode = uk_inode_new(member->format);
    if (inode) {
        set_attributes(inode, member);
        if (S_ISCHR(member->format) || S_ISBLK(member->format))
            inode->rdev = makedev(member->major, member->minor);
    }
    return uk_tree_add(member->path, inode, UK_TREE_REPLACE);
}

static int add_directory(const struct uk_member *member) {
    struct uk_inode *inode;
    int result = uk_tree_directory(member->path, &inode);
    if (result)
        return result;
    set_attributes(inode, member);
    uk_inode_unref(inode);
    return 0;
}

static int add_symlink(const struct uk_member *member) {
    if (!member->target[0])
        return -EINVAL;
    struct uk_inode *inode = uk_tree_link(member->target, strlen(member->target));
    if (inode)
        set_attributes(inode, member);
    return uk_tree_add(member->path, inode, UK_TREE_REPLACE);
}

/* To itself: tar makes such a member when a file is named twice. */
static int add_hardlink(const struct uk_member *member) {
    struct uk_inode *inode;
    if (strcmp(member->path, member->target) == 0)
        return 0;
    int result = uk_tree_find(member->target, &inode);
    if (result)
        return result;
    if (S_ISDIR(inode->mode)) {
        uk_inode_unref(inode);
        return -EISDIR;
    }
    return uk_tree_add(member->path, inode, UK_TREE_REPLACE);
}

static int add(struct uk_archive_sink *archive_sink, const struct uk_member *member) {
    struct sink *sink = uk_container_of(archive_sink, struct sink, sink);
    uk_inode_unref(sink->last);
    sink->last = NULL;
    switch (member->type) {
    case UK_MEMBER_DIRECTORY:
        return add_directory(member);
    case UK_MEMBER_SYMLINK:
        return add_symlink(member);
    case UK_MEMBER_HARDLINK:
        return add_hardlink(member);
    case UK_MEMBER_SPECIAL:
        return add_special(member);
    default:
        return add_file(sink, member);
    }
}

/* It is copied: a file has one place in the archive that it is read from, and this has several. */
static int fill(struct uk_archive_sink *archive_sink, uint64_t offset, const uint8_t *data, size_t size) {
    struct sink *sink = uk_container_of(archive_sink, struct sink, sink);
    return uk_content_write(&sink->last->content, (off_t)offset, data, size) == size ? 0 : -ENOSPC;
}

static void forget_files(struct sink *sink) {
    uk_inode_unref(sink->last);
    for (size_t i = 0; i < sizeof sink->linked / sizeof sink->linked[0]; i++)
        for (struct linked *linked = sink->linked[i], *next; linked; linked = next) {
            next = linked->next;
            uk_inode_unref(linked->inode);
            uk_free(linked);
        }
}

static const char *reason(int result) {
    switch (result) {
    case -ENOSPC:
        return "there is not enough memory for it";
    case -ENOENT:
        return "it is a link to a file that is not there";
    case -EISDIR:
        return "a directory is in its place";
    case -ENOTDIR:
        return "what should be a directory on its path is none";
    case -ELOOP:
        return "symbolic links on its path lead in a circle";
    case -ENAMETOOLONG:
        return "a part of its name has more than 255 bytes";
    default:
        return "it cannot be made";
    }
}

void uk_initrd_unpack(const void *archive, size_t size, char *complaint, size_t complaint_size) {
    struct sink sink = {.sink = {.add = add, .fill = fill}};
    struct uk_archive_problem problem;
    int result = uk_archive_read(archive, size, &sink.sink, &problem);
    forget_files(&sink);
    if (result == 0)
        return;
    const char *why = problem.why ? problem.why : reason(result);
    uk_tree_clear(uk_fs_root());
    if (problem.member)
        uk_snprintf(complaint, complaint_size, "%s%.300s: %s", problem.is_behind ? "behind " : "", problem.member, why);
    else
        uk_snprintf(complaint, complaint_size, "%s", why);
}
