/* SPDX-License-Identifier: MIT */
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "posix/memory/protect.h"

struct mapping {
    struct mapping *next;
    struct uk_inode *inode; /* a reference */
    char *pages, *end;
    uint64_t first;    /* the page of the file at `pages` */
    bool can_write;    /* by how the file was opened */
    bool is_protected; /* or may be */
};

static struct mapping *mappings;
static size_t protected_mappings;

static size_t pages_between(const char *from, const char *to) {
    return (size_t)(to - from) / UKVM_PAGE_SIZE;
}

static uint64_t index_of(const struct mapping *mapping, const char *page) {
    return mapping->first + pages_between(mapping->pages, page);
}

static bool overlaps(const struct mapping *mapping, const char *from, const char *to) {
    return mapping->pages < to && from < mapping->end;
}

/* The first in the list, from `mapping` on, that has some of a range. */
static struct mapping *find(struct mapping *mapping, const char *from, const char *to) {
    while (mapping && !overlaps(mapping, from, to))
        mapping = mapping->next;
    return mapping;
}

static void set_protected(struct mapping *mapping, bool is_protected) {
    protected_mappings += (size_t)is_protected - (size_t)mapping->is_protected;
    mapping->is_protected = is_protected;
}

static struct mapping *add(const struct mapping *values) {
    struct mapping *mapping = uk_malloc(sizeof *mapping);
    if (!mapping)
        return NULL;
    *mapping = *values;
    mapping->is_protected = false;
    uk_inode_ref(mapping->inode);
    mapping->next = mappings;
    mappings = mapping;
    set_protected(mapping, values->is_protected);
    return mapping;
}

static void drop(struct mapping *mapping) {
    struct mapping **at = &mappings;
    while (*at != mapping)
        at = &(*at)->next;
    *at = mapping->next;
    set_protected(mapping, false);
    uk_inode_unref(mapping->inode);
    uk_free(mapping);
}

/* ---- protection */

/* Memory that was mapped once is the file's, which has to be able to write to it. */
static bool has_unmapped(const char *from, const char *to) {
    for (; from < to; from += UKVM_PAGE_SIZE)
        if (uk_content_has_placed(from, 1) && !find(mappings, from, from + UKVM_PAGE_SIZE))
            return true;
    return false;
}

int uk_shared_protect(void *pages, size_t count, int prot) {
    char *from = pages, *to = from + count * UKVM_PAGE_SIZE;
    if (has_unmapped(from, to))
        return -ENOMEM;
    bool can_write = false;
    for (struct mapping *at = mappings; (at = find(at, from, to)); at = at->next) {
        can_write |= at->can_write;
        if (!(prot & PROT_WRITE))
            set_protected(at, true);
    }
    if ((prot & PROT_WRITE) && !can_write)
        return -EACCES;
    return uk_protect(pages, count, prot | PROT_READ);
}

/* Changing a protection waits, and other threads run: so from the start again. */
void uk_shared_open(const struct uk_inode *inode) {
    struct mapping *at = protected_mappings ? mappings : NULL;
    while (at) {
        if (at->inode != inode || !at->is_protected) {
            at = at->next;
            continue;
        }
        set_protected(at, false);
        uk_protect(at->pages, pages_between(at->pages, at->end), PROT_READ | PROT_WRITE);
        at = mappings;
    }
}

/* ---- mapping */

static void protect_new(struct mapping *mapping, int prot) {
    for (struct mapping *at = mappings; (at = find(at, mapping->pages, mapping->end)); at = at->next)
        if (at != mapping)
            return; /* that is the same memory */
    uk_shared_protect(mapping->pages, pages_between(mapping->pages, mapping->end), prot);
}

int uk_shared_map(struct uk_file *file, off_t offset, size_t count, void *at, int prot, void **pages) {
    struct mapping values = {
        .inode = uk_node_inode(file),
        .first = (uint64_t)offset / UKVM_PAGE_SIZE,
        .can_write = (file->flags & O_ACCMODE) == O_RDWR,
    };
    if (prot & PROT_WRITE)
        uk_shared_open(values.inode);
    struct mapping *mapping = add(&values);
    if (!mapping)
        return -ENOMEM;
    *pages = uk_content_map(&values.inode->content, values.first, count, at);
    if (!*pages) {
        drop(mapping);
        return -ENOMEM;
    }
    mapping->pages = *pages;
    mapping->end = mapping->pages + count * UKVM_PAGE_SIZE;
    if (!(prot & PROT_WRITE))
        protect_new(mapping, prot);
    return 0;
}

/* ---- unmapping */

/* Pages that have just left `mapping`, and may be in others. */
static void release(const struct mapping *mapping, char *from, char *to) {
    for (char *page = from; page < to; page += UKVM_PAGE_SIZE)
        if (!find(mappings, page, page + UKVM_PAGE_SIZE))
            uk_content_unmap(&mapping->inode->content, index_of(mapping, page));
}

/* Takes a part out of a mapping. */
static int cut(struct mapping *mapping, char *from, char *to) {
    struct mapping whole = *mapping;
    if (to < whole.end) {
        struct mapping rest = whole;
        rest.pages = to;
        rest.first = index_of(&whole, to);
        if (!add(&rest))
            return -ENOMEM;
    }
    mapping->end = from;
    release(&whole, from, to);
    if (mapping->pages == mapping->end)
        drop(mapping);
    return 0;
}

/* The first page from `from` on that is in a mapping; `to` if there is none. */
static char *next_mapped(char *from, char *to) {
    char *next = to;
    for (struct mapping *at = mappings; (at = find(at, from, next)); at = at->next)
        next = at->pages > from ? at->pages : from;
    return next;
}

/* What is mapped twice is unmapped once: either will do, as both are the same memory. */
int uk_shared_unmap(void *pages, size_t count) {
    char *from = pages, *to = from + count * UKVM_PAGE_SIZE;
    int result = 0;
    while (result == 0 && (from = next_mapped(from, to)) < to) {
        struct mapping *mapping = find(mappings, from, from + UKVM_PAGE_SIZE);
        if (mapping->is_protected) {
            uk_shared_open(mapping->inode);
            continue;
        }
        char *end = mapping->end < to ? mapping->end : to;
        result = cut(mapping, from, end);
        from = end;
    }
    return result;
}

/* ---- growing */

bool uk_shared_covers(const void *pages, size_t count) {
    const char *from = pages, *to = from + count * UKVM_PAGE_SIZE;
    for (struct mapping *at = mappings; (at = find(at, from, to)); at = at->next)
        if (at->pages <= from && at->end >= to)
            return true;
    return false;
}

static struct mapping *find_whole(const char *from, const char *to) {
    struct mapping *at = mappings;
    while (at && (at->pages != from || at->end != to))
        at = at->next;
    return at;
}

void *uk_shared_grow(void *pages, size_t count, size_t new_count, bool may_move) {
    char *from = pages, *to = from + count * UKVM_PAGE_SIZE;
    struct mapping *mapping;
    while ((mapping = find_whole(from, to)) && mapping->is_protected)
        uk_shared_open(mapping->inode);
    if (!mapping)
        return NULL;
    struct uk_content *content = &mapping->inode->content;
    char *moved = uk_content_map(content, mapping->first, new_count, from);
    if (!moved && may_move) {
        struct mapping old = *mapping;
        mapping->end = mapping->pages;
        release(&old, from, to);
        moved = uk_content_map(content, mapping->first, new_count, NULL);
        if (!moved && uk_content_map(content, mapping->first, count, from))
            mapping->end = to;
    }
    if (!moved)
        return NULL;
    mapping->pages = moved;
    mapping->end = moved + new_count * UKVM_PAGE_SIZE;
    return moved;
}
