/* SPDX-License-Identifier: MIT */
#include "content.h"

#include <errno.h>
#include <string.h>

#include "../../kernel.h"

#define PAGE ((size_t)UKVM_PAGE_SIZE)
#define FAN_OUT_BITS 9u
#define FAN_OUT (1u << FAN_OUT_BITS)
#define NO_END UINT64_MAX

_Static_assert(FAN_OUT * sizeof(void *) == UKVM_PAGE_SIZE, "a node fills a page");

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

/* The page at `index`, to be written; NULL when memory is used up. */
static uint8_t *obtain(struct uk_content *content, uint64_t index) {
    size_t size;
    if (raise(content, index))
        return NULL;
    void **at = &content->root;
    for (unsigned height = content->height; height > 0; height--) {
        if (!*at && !(*at = new_page()))
            return NULL;
        at = &((void **)*at)[slot(index, height)];
    }
    if (*at || !(*at = new_page()))
        return *at;
    const uint8_t *from = backed(content, index, &size);
    if (from)
        memcpy(*at, from, size);
    else
        content->added++;
    return *at;
}

/* Frees the pages from `from` to before `to`, of the subtree at `*at`, whose first page is `first`. */
static void drop(struct uk_content *content, void **at, unsigned height, uint64_t first, uint64_t from, uint64_t to) {
    uint64_t end = first + covered(height);
    if (!*at || first >= to || end <= from)
        return;
    for (size_t i = 0; height > 0 && i < FAN_OUT; i++)
        drop(content, (void **)*at + i, height - 1, first + i * covered(height - 1), from, to);
    if (first < from || end > to)
        return;
    if (height == 0 && first >= backed_pages(content))
        content->added--;
    uk_pages_free(*at, 1);
    *at = NULL;
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

size_t uk_content_write(struct uk_content *content, off_t offset, const void *from, size_t size) {
    size_t done = 0;
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

void uk_content_truncate(struct uk_content *content, off_t size) {
    size_t end = (size_t)size;
    if (size <= content->size) { /* if equal: what was reserved, or begun, behind the end */
        uint8_t *last = end % PAGE ? find(content, end / PAGE) : NULL;
        if (last)
            memset(last + end % PAGE, 0, PAGE - end % PAGE);
        drop_range(content, (end + PAGE - 1) / PAGE, NO_END);
        content->backing_size = smaller(content->backing_size, end);
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
