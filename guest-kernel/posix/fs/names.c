/* SPDX-License-Identifier: MIT */
/*
 * Names in directories. One hash table for all of them, by directory and name; each directory has a list of its own as
 * well, in the order in which the names were made.
 */
#include <errno.h>
#include <string.h>

#include "inode.h"

#define FIRST_BUCKETS 64u

struct bucket {
    struct uk_entry *first;
};

static struct {
    struct bucket *buckets;
    size_t count; /* of buckets; a power of two */
    size_t entries;
} table;

/* FNV-1a */
static size_t hash(const struct uk_inode *directory, const char *name, size_t length) {
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ directory->ino;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

static struct bucket *bucket(const struct uk_inode *directory, const char *name, size_t length) {
    return &table.buckets[hash(directory, name, length) & (table.count - 1)];
}

static void hash_in(struct uk_entry *entry) {
    struct bucket *in = bucket(entry->directory, entry->name, entry->length);
    entry->hash_next = in->first;
    in->first = entry;
}

/* Twice as many buckets. Without the memory for them the old ones go on, as long as there are any. */
static int grow(void) {
    size_t old_count = table.count, count = old_count ? 2 * old_count : FIRST_BUCKETS;
    struct bucket *old = table.buckets, *buckets = uk_malloc(count * sizeof *buckets);
    if (!buckets)
        return old ? 0 : -ENOSPC;
    memset(buckets, 0, count * sizeof *buckets);
    table.buckets = buckets;
    table.count = count;
    for (size_t i = 0; i < old_count; i++)
        for (struct uk_entry *entry = old[i].first, *next; entry; entry = next) {
            next = entry->hash_next;
            hash_in(entry);
        }
    uk_free(old);
    return 0;
}

struct uk_entry *uk_entry_find(const struct uk_inode *directory, const char *name, size_t length) {
    if (table.count == 0)
        return NULL;
    struct uk_entry *entry = bucket(directory, name, length)->first;
    while (entry &&
           (entry->directory != directory || entry->length != length || memcmp(entry->name, name, length) != 0))
        entry = entry->hash_next;
    return entry;
}

static void append(struct uk_directory *directory, struct uk_entry *entry) {
    entry->cookie = ++directory->last_cookie;
    entry->next = NULL;
    entry->prev = directory->last;
    if (directory->last)
        directory->last->next = entry;
    else
        directory->first = entry;
    directory->last = entry;
}

static void unlink_entry(struct uk_directory *directory, struct uk_entry *entry) {
    if (entry->prev)
        entry->prev->next = entry->next;
    else
        directory->first = entry->next;
    if (entry->next)
        entry->next->prev = entry->prev;
    else
        directory->last = entry->prev;
}

static void attach(struct uk_entry *entry, struct uk_inode *inode) {
    entry->inode = uk_inode_ref(inode);
    inode->entry = entry;
    inode->links++;
    inode->ctime = uk_fs_now();
    if (S_ISDIR(inode->mode)) {
        struct uk_inode *old_parent = inode->directory.parent;
        inode->directory.parent = uk_inode_ref(entry->directory);
        entry->directory->directory.subdirectories++;
        uk_inode_unref(old_parent);
    }
}

/* A directory that is removed keeps its parent: `..` works as long as somebody is in it. */
static void detach(struct uk_entry *entry) {
    struct uk_inode *inode = entry->inode;
    if (inode->entry == entry)
        inode->entry = NULL;
    inode->links--;
    inode->ctime = uk_fs_now();
    if (S_ISDIR(inode->mode))
        entry->directory->directory.subdirectories--;
    uk_inode_unref(inode);
}

int uk_entry_add(struct uk_inode *directory, const char *name, size_t length, struct uk_inode *inode) {
    if (directory->links == 0)
        return -ENOENT;
    if (table.entries >= table.count && grow())
        return -ENOSPC;
    struct uk_entry *entry = uk_malloc(sizeof *entry + length + 1);
    if (!entry)
        return -ENOSPC;
    *entry = (struct uk_entry){.directory = directory, .length = length};
    memcpy(entry->name, name, length);
    entry->name[length] = 0;
    hash_in(entry);
    table.entries++;
    append(&directory->directory, entry);
    attach(entry, inode);
    uk_inode_modified(directory);
    return 0;
}

void uk_entry_remove(struct uk_entry *entry) {
    struct uk_inode *directory = entry->directory;
    struct uk_entry **at = &bucket(directory, entry->name, entry->length)->first;
    while (*at != entry)
        at = &(*at)->hash_next;
    *at = entry->hash_next;
    table.entries--;
    unlink_entry(&directory->directory, entry);
    uk_inode_modified(directory);
    detach(entry);
    uk_free(entry);
}

void uk_entry_replace(struct uk_entry *entry, struct uk_inode *inode) {
    uk_inode_ref(inode);
    detach(entry);
    attach(entry, inode);
    uk_inode_unref(inode);
    uk_inode_modified(entry->directory);
}

bool uk_directory_is_empty(const struct uk_inode *directory) {
    return !directory->directory.first;
}

const struct uk_entry *uk_directory_next(const struct uk_inode *directory, uint64_t position) {
    const struct uk_entry *entry = directory->directory.first;
    while (entry && entry->cookie <= position)
        entry = entry->next;
    return entry;
}
