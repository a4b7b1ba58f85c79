/* SPDX-License-Identifier: MIT */
/*
 * What a regular file holds: pages, in a radix tree that has only those that were written. A file of the initrd lies in
 * the initrd's memory at first; a page of it is copied when it is written.
 */
#ifndef UK_FS_CONTENT_H
#define UK_FS_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* All zero is an empty file. Bytes behind `size` are zero wherever they are stored, but for pages that are mapped. */
struct uk_content {
    off_t size;
    void *root; /* the page itself if `height` is 0, else a node: a page of pointers; or NULL */
    unsigned height;
    const uint8_t *backing; /* read-only, of the bytes before `backing_size` whose page is not in the tree; or NULL */
    size_t backing_size;
    uint64_t added;      /* pages of the tree that do not stand for a page of the backing */
    uint64_t mapped_end; /* no page from here on was ever mapped */
};

/* Bytes read: fewer than asked for only at the end of the file. */
size_t uk_content_read(const struct uk_content *content, off_t offset, void *to, size_t size);

/* Makes the file longer where needed. Returns the bytes written: fewer only when memory is used up. */
size_t uk_content_write(struct uk_content *content, off_t offset, const void *from, size_t size);

/* What is cut off is forgotten, and reads as zero when the file grows again. Never fails. */
void uk_content_truncate(struct uk_content *content, off_t size);

/*
 * The first byte from `offset` on, which is before the end, in a page that is there, or in none: SEEK_DATA and
 * SEEK_HOLE. The end is a hole; -ENXIO: there is no more data.
 */
off_t uk_content_find_data(const struct uk_content *content, off_t offset);
off_t uk_content_find_hole(const struct uk_content *content, off_t offset);

/* Zeroes a range and frees the pages in it; the size stays. -ENOSPC: no memory to write zeros into. */
int uk_content_punch(struct uk_content *content, off_t offset, off_t length);

/* Takes the memory for a range, so that writing there cannot fail later. -ENOSPC. */
int uk_content_reserve(struct uk_content *content, off_t offset, off_t length);

/* Pages in use, those of the backing included. */
uint64_t uk_content_pages(const struct uk_content *content);

/* Pages that may still be taken for contents: a part of memory is left to the program. */
size_t uk_content_available(void);

/*
 * Puts `count` pages from `first` on side by side, at `at` (where what is not the file's is free) or, NULL, anywhere,
 * for the program to map: what it writes there is what is read of the file, and the other way round. They stay there
 * until uk_content_unmap(). NULL: memory is used up, or pages that are mapped already lie otherwise.
 */
void *uk_content_map(struct uk_content *content, uint64_t first, size_t count, void *at);

/* The page is no longer mapped by anybody. */
void uk_content_unmap(struct uk_content *content, uint64_t index);

/* Whether memory has a page of a file that the program maps, or did once: it is not the program's to reuse. */
bool uk_content_has_placed(const void *pages, size_t count);

#endif
