/* SPDX-License-Identifier: MIT */
/* Pages: the allocator, and what it gives back to the host. pages.c, pages_return.c */
#ifndef UK_CORE_PAGES_H
#define UK_CORE_PAGES_H

#include "ukvm.h"

/* Takes the UKVM_RANGE_FREE ones among the ranges. */
void uk_pages_init(const struct ukvm_range *ranges, size_t count);

/*
 * A word for whoever allocated the page at `address`, 0 at first; NULL if no page of ours is there. The heap keeps in
 * it what kind of block the page belongs to.
 */
uint32_t *uk_pages_tag(const void *address);

/* Takes the next run of pages that are free but still hold memory of the host, `max` at most; NULL if there is none. */
void *uk_pages_take_dirty(size_t max, size_t *count);
enum uk_pages_state { UK_PAGES_DIRTY, UK_PAGES_CLEAN };

/* Zeroes what is not zero of pages just allocated: those that were used before. */
void uk_pages_clear(void *pages, size_t count);

/* Gives the host's memory behind allocated pages back; they read as zero afterwards. Blocks. False if it cannot. */
bool uk_pages_discard(void *pages, size_t count);

/* Whether all of them are allocated. */
bool uk_pages_are_taken(const void *pages, size_t count);

/* The first page from `pages` on that is allocated, among `count`; NULL if none is. */
void *uk_pages_next_taken(const void *pages, size_t count);

/* Takes just these pages, if all of them are free. */
bool uk_pages_take(void *pages, size_t count);

/* Freed pages that still hold memory of the host, roughly: what uk_pages_return() may give back. */
size_t uk_pages_dirty(void);

/* Makes a run so taken free again. */
void uk_pages_put_back(void *pages, size_t count, enum uk_pages_state state);

#endif
