/* SPDX-License-Identifier: MIT */
/*
 * Shared mappings of regular files: mmap() with MAP_SHARED. Memory cannot be mapped twice (ABI.md, MEM-01), so that the
 * pages of the file themselves are what a program gets, moved to lie side by side. Two mappings of the same part are
 * the same memory; parts that overlap cannot be mapped when the memory behind the first is not free.
 *
 * Behind the end of the file there is memory, too, where Linux has a SIGBUS; it is forgotten when it is unmapped, or
 * the file grows.
 */
#ifndef UK_FS_SHARED_H
#define UK_FS_SHARED_H

#include "inode.h"

/* `map` of struct uk_file_ops, for regular files. */
int uk_shared_map(struct uk_file *file, off_t offset, size_t count, void *at, int prot, void **pages);

/*
 * The protection of mapped pages, as in mprotect(). For reading only it lasts until the file is written otherwise, and
 * what may not be read may be. -EACCES: none of them may be written; -ENOMEM: some are not mapped any more.
 */
int uk_shared_protect(void *pages, size_t count, int prot);

/* Before the contents change otherwise. May wait. */
void uk_shared_open(const struct uk_inode *inode);

/* Ends a mapping of each page in a range that is in one or more; the memory stays the file's. 0, -ENOMEM. */
int uk_shared_unmap(void *pages, size_t count);

/* Whether one mapping has all of a range. */
bool uk_shared_covers(const void *pages, size_t count);

/* mremap() to more pages, of a range that is just what one mmap() gave. NULL: it cannot be. */
void *uk_shared_grow(void *pages, size_t count, size_t new_count, bool may_move);

#endif
