/* SPDX-License-Identifier: MIT */
#include "content.h"

#include <errno.h>
#include <string.h>

#include "core/pages.h"

#define PAGE ((size_t)UKVM_PAGE_SIZE)
#define FAN_OUT_BITS 9u
#define FAN_OUT (1u << FAN_OUT_BITS)
#define NO_END UINT64_MAX

_Static_assert(FAN_OUT * sizeof(void *) == UKVM_PAGE_SIZE, "a node fills a page");

/* In the allocator's tag of a page. */
#define PLACED_TAG (UINT32_C(1) << 30) /* put where the program maps it, or did once */
#define MAPPED_TAG (UINT32_C(1) << 29) /* and it does: the page stays what it is */

static size_t placed_pages; /* as long as there are none, nobody need look */

/* A full file system must not be the end of a program that only needs a little memory to go on. */
#define LEFT_TO_PROGRAM 32u /* one part in so many */

size_t uk_content_available(void) {
    size_t available = uk_pages_available(), left = uk_pages_total() / LEFT_TO_PROGRAM;
    return available > left ? available - left : 0;
}

static void *new_page(void) {
    void *page = uk_content_available() > 0 ? uk_pages_alloc(1) : NULL;
    if (page)
        uk_pages_clear(page, 1);
    return page;
}

static bool has_tag(const void *page, uint32_t bit) {
    const uint32_t *tag = placed_pages ? uk_pages_tag(page) : NULL;
    return tag && (*tag & bit);
}

bool uk_content_has_placed(const void *pages, size_t count) {
    if (placed_pages > 0)
        for (size_t i = 0; i < count; i++)
            if (has_tag((const char *)pages + i * PAGE, PLACED_TAG))
                return true;
    return false;
}

static bool is_mapped(const void *page) {
    return has_tag(page, MAPPED_TAG);
}

static void free_page(void *page) {
    if (has_tag(page, PLACED_TAG)) {
        *uk_pages_tag(page) = 0;
        placed_pages--;
    }
    uk_pages_free(page, 1);
}

/* ---- the tree */

static uint64_t covered(unsigned height) {
    return UINT64_C(1) << FAN_OUT_BITS * height;
}

static size_t slot(uint64_t index, unsigned height) {
    return index >> FAN_OUT_BITS * (height - 1) & (FAN_OUT - 1);
}

static uint8_t *find(const struct uk_content *content, uint64_t index) {
    if (index >= covered(content->height))
        return NULL;
    void *at = content->root;
    for (unsigned height = content->height; height > 0 && at; height--)
        at = ((void **)at)[slot(index, height)];
    return at;
}

/* Puts nodes on top until the tree reaches up to `index`. */
static int raise(struct uk_content *content, uint64_t index) {
    while (index >= covered(content->height)) {
        if (content->root) {
            void **node = new_page();
            if (!node)
                return -ENOSPC;
            node[0] = content->root;
            content->root = node;
        }
        content->height++;
    }
    return 0;
}

static size_t backed_pages(const struct uk_content *content) {
    return (content->backing_size + PAGE - 1) / PAGE;
}

/* The part of the backing in a page. */
static const uint8_t *backed(const struct uk_content *content, uint64_t index, size_t *size) {
    *size = 0;
    if (index >= backed_pages(content))
        return NULL;
    size_t at = index * PAGE;
    *size = content->backing_size - at < PAGE ? content->backing_size - at : PAGE;
    return content->backing + at;
}

/* The place in the tree for the page at `index`; NULL when memory is used up. */
static void **reach(struct uk_content *content, uint64_t index) {
    if (raise(content, index))
        return NULL;
    void **at = &content->root;
    for (unsigned height = content->height; height > 0; height--) {
        if (!*at && !(*at = new_page()))
            return NULL;
        at = &((void **)*at)[slot(index, height)];
    }
    return at;
}

/* `page`, of zeros, becomes the one at `index`, where the tree has none. */
static void begin(struct uk_content *content, uint64_t index, void **at, void *page) {
    size_t size;
    const uint8_t *from = backed(content, index, &size);
    if (from)
        memcpy(page, from, size);
    else
        content->added++;
    *at = page;
}

/* The page at `index`, to be written; NULL when memory is used up. */
static uint8_t *obtain(struct uk_content *content, uint64_t index) {
    void **at = reach(content, index);
    if (!at)
        return NULL;
    if (*at)
        return *at;
    void *page = new_page();
    if (page)
        begin(content, index, at, page);
    return page;
}

/*
 * Frees the pages from `from` to before `to`, of the subtree at `*at`, whose first page is `first`. A mapped one stays,
 * as zeros. Returns whether nothing is left of the subtree.
 */
static bool drop(struct uk_content *content, void **at, unsigned height, uint64_t first, uint64_t from, uint64_t to) {
    bool empty = true;
    if (!*at)
        return true;
    if (first >= to || first + covered(height) <= from)
        return false;
    for (size_t i = 0; height > 0 && i < FAN_OUT; i++)
        empty &= drop(content, (void **)*at + i, height - 1, first + i * covered(height - 1), from, to);
    if (height == 0 && is_mapped(*at)) {
        memset(*at, 0, PAGE);
        empty = false;
    }
    if (!empty)
        return false;
    if (height == 0 && first >= backed_pages(content))
        content->added--;
    free_page(*at);
    *at = NULL;
    return true;
}

static void drop_range(struct uk_content *content, uint64_t from, uint64_t to) {
    drop(content, &content->root, content->height, 0, from, to);
    if (!content->root)
        content->height = 0;
}

/* ---- bytes */

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static void read_page(const struct uk_content *content, uint64_t index, size_t skip, uint8_t *to, size_t size) {
    size_t stored = PAGE;
    const uint8_t *page = find(content, index);
    if (!page)
        page = backed(content, index, &stored);
    size_t n = page && skip < stored ? smaller(size, stored - skip) : 0;
    if (n > 0)
        memcpy(to, page + skip, n);
    memset(to + n, 0, size - n);
}

size_t uk_content_read(const struct uk_content *content, off_t offset, void *to, size_t size) {
    if (offset >= content->size)
        return 0;
    size = smaller(size, (size_t)(content->size - offset));
    for (size_t done = 0, n; done < size; done += n) {
        size_t at = (size_t)offset + done;
        n = smaller(size - done, PAGE - at % PAGE);
        read_page(content, at / PAGE, at % PAGE, (uint8_t *)to + done, n);
    }
    return size;
}

/* The first page from `index` on that is there; NO_END if there is none. */
static uint64_t next_page(const struct uk_content *content, uint64_t index) {
    if (index < backed_pages(content))
        return index;
    while (index < covered(content->height)) {
        void *at = content->root;
        unsigned height = content->height;
        for (; height > 0 && at; height--)
            at = ((void **)at)[slot(index, height)];
        if (at)
            return index;
        index = (index / covered(height) + 1) * covered(height); /* behind what is missing */
    }
    return NO_END;
}

off_t uk_content_find_data(const struct uk_content *content, off_t offset) {
    uint64_t index = (uint64_t)offset / PAGE, found = next_page(content, index);
    if (found == NO_END || found * PAGE >= (uint64_t)content->size)
        return -ENXIO;
    return found == index ? offset : (off_t)(found * PAGE);
}

off_t uk_content_find_hole(const struct uk_content *content, off_t offset) {
    uint64_t index = (uint64_t)offset / PAGE;
    while (next_page(content, index) == index)
        index++;
    if (index * PAGE >= (uint64_t)content->size)
        return content->size;
    return index * PAGE > (uint64_t)offset ? (off_t)(index * PAGE) : offset;
}

/*
 * What a program writes into a mapping behind the end of the file is not part of it, also not when the file grows:
 * zeros from the end on to `to`.
 */
static void clear_behind(struct uk_content *content, size_t to) {
    size_t end = content->mapped_end * PAGE;
    to = smaller(to, end);
    for (size_t at = (size_t)content->size, n; at < to; at += n) {
        uint8_t *page = find(content, at / PAGE);
        n = smaller(to - at, PAGE - at % PAGE);
        if (page && is_mapped(page))
            memset(page + at % PAGE, 0, n);
    }
}

size_t uk_content_write(struct uk_content *content, off_t offset, const void *from, size_t size) {
    size_t done = 0;
    clear_behind(content, (size_t)offset);
    while (done < size) {
        size_t at = (size_t)offset + done;
        size_t n = smaller(size - done, PAGE - at % PAGE);
        uint8_t *page = obtain(content, at / PAGE);
        if (!page)
            break;
        memcpy(page + at % PAGE, (const uint8_t *)from + done, n);
        done += n;
    }
    if (done > 0 && offset + (off_t)done > content->size)
        content->size = offset + (off_t)done;
    return done;
}

/* The pages of a backing that becomes shorter are no longer the backing's, those that are left. */
static void shorten_backing(struct uk_content *content, size_t size) {
    size_t before = backed_pages(content);
    content->backing_size = smaller(content->backing_size, size);
    for (uint64_t index = backed_pages(content); index < before && index < content->mapped_end; index++)
        content->added += find(content, index) != NULL;
}

void uk_content_truncate(struct uk_content *content, off_t size) {
    size_t end = (size_t)size;
    if (size <= content->size) { /* if equal: what was reserved, or begun, behind the end */
        uint8_t *last = end % PAGE ? find(content, end / PAGE) : NULL;
        if (last)
            memset(last + end % PAGE, 0, PAGE - end % PAGE);
        drop_range(content, (end + PAGE - 1) / PAGE, NO_END);
        shorten_backing(content, end);
    } else {
        clear_behind(content, end);
    }
    content->size = size;
}

/* Zeroes a part of one page; nothing to do where there is no page. */
static int zero(struct uk_content *content, size_t at, size_t size) {
    size_t stored;
    if (!find(content, at / PAGE) && !backed(content, at / PAGE, &stored))
        return 0;
    uint8_t *page = obtain(content, at / PAGE);
    if (!page)
        return -ENOSPC;
    memset(page + at % PAGE, 0, size);
    return 0;
}

int uk_content_punch(struct uk_content *content, off_t offset, off_t length) {
    int result = 0;
    size_t at = (size_t)offset, end = (size_t)offset + (size_t)length;
    /* What is left when a page of the backing goes is the backing again: such pages are zeroed one by one. */
    while (at < end && result == 0) {
        size_t n = smaller(end - at, PAGE - at % PAGE);
        if (n == PAGE && at / PAGE >= backed_pages(content))
            break;
        result = zero(content, at, n);
        at += n;
    }
    if (at < end && result == 0) {
        drop_range(content, at / PAGE, end / PAGE);
        if (end % PAGE)
            result = zero(content, end - end % PAGE, end % PAGE);
    }
    return result;
}

int uk_content_reserve(struct uk_content *content, off_t offset, off_t length) {
    uint64_t end = ((uint64_t)offset + (uint64_t)length + PAGE - 1) / PAGE;
    uint64_t index = (uint64_t)offset / PAGE;
    size_t stored;
    if (end - index > uk_content_available() + uk_content_pages(content))
        return -ENOSPC; /* before it takes all there is, to no end */
    for (; index < end; index++)
        if (!backed(content, index, &stored) && !obtain(content, index))
            return -ENOSPC;
    return 0;
}

uint64_t uk_content_pages(const struct uk_content *content) {
    return backed_pages(content) + content->added;
}

/* ---- mappings */

/*
 * Where the first of the pages has to lie so that all are side by side: `*base` on entry if it is given, or by those
 * that are mapped already. False if these do not agree, or memory does not suffice.
 */
static bool find_base(const struct uk_content *content, uint64_t first, size_t count, uint8_t **base) {
    size_t missing = 0;
    if (count > uk_pages_total())
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t *page = find(content, first + i);
        missing += page == NULL;
        if (!page || !is_mapped(page))
            continue;
        if (*base && *base != page - i * PAGE)
            return false;
        *base = page - i * PAGE;
    }
    return missing <= uk_content_available();
}

/* Of the run at `base`, from page `from` on: what was taken and is no page of the file yet. */
static void give_back(const struct uk_content *content, uint64_t first, size_t from, size_t to, uint8_t *base) {
    for (size_t i = from; i < to; i++)
        if (find(content, first + i) != base + i * PAGE)
            uk_pages_free(base + i * PAGE, 1);
}

static bool take_run(const struct uk_content *content, uint64_t first, size_t count, uint8_t *base) {
    for (size_t i = 0; i < count; i++)
        if (find(content, first + i) != base + i * PAGE && !uk_pages_take(base + i * PAGE, 1)) {
            give_back(content, first, 0, i, base);
            return false;
        }
    return true;
}

/* Makes `target`, a page that is taken, the one at `index`. */
static int place(struct uk_content *content, uint64_t index, uint8_t *target) {
    void **at = reach(content, index);
    if (!at)
        return -ENOMEM;
    if (*at && *at != target) {
        memcpy(target, *at, PAGE);
        free_page(*at);
        *at = target;
    } else if (!*at) {
        uk_pages_clear(target, 1);
        begin(content, index, at, target);
    }
    return 0;
}

static void mark_mapped(uint8_t *page) {
    uint32_t *tag = uk_pages_tag(page);
    placed_pages += !(*tag & PLACED_TAG);
    *tag |= PLACED_TAG | MAPPED_TAG;
}

void *uk_content_map(struct uk_content *content, uint64_t first, size_t count, void *at) {
    uint8_t *base = at, *where;
    if (!find_base(content, first, count, &base))
        return NULL;
    where = base ? base : find(content, first); /* as it lies from an earlier mapping, perhaps */
    if (!where || !take_run(content, first, count, where))
        where = base ? NULL : uk_pages_alloc(count);
    if (!where)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (place(content, first + i, where + i * PAGE)) {
            give_back(content, first, i, count, where);
            return NULL;
        }
    for (size_t i = 0; i < count; i++)
        mark_mapped(where + i * PAGE);
    if (first + count > content->mapped_end)
        content->mapped_end = first + count;
    return where;
}

void uk_content_unmap(struct uk_content *content, uint64_t index) {
    uint8_t *page = find(content, index);
    size_t at = index * PAGE, end = (size_t)content->size;
    *uk_pages_tag(page) &= ~MAPPED_TAG;
    if (at >= end)
        drop_range(content, index, index + 1);
    else if (end - at < PAGE)
        memset(page + (end - at), 0, PAGE - (end - at));
}
