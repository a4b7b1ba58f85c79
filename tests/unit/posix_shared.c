/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/posix/fs/shared.c guest-kernel/posix/fs/content.c guest-kernel/core/pages.c */
/* links: guest-kernel/core/bitmap.c */
/* Shared mappings of files, over the real page allocator. */
#include "posix/fs/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "core/pages.h"
#include "posix/memory/protect.h"
#include "tap.h"

enum { PAGE = UKVM_PAGE_SIZE, PAGES = 600, READ_WRITE = PROT_READ | PROT_WRITE };

static char *memory;
static bool is_protected[PAGES];
static size_t inode_refs;

void uk_panic(const char *format, ...) {
    printf("Bail out! panic: %s\n", format);
    exit(1);
}

void *uk_malloc(size_t size) {
    return malloc(size);
}

void uk_free(void *block) {
    free(block);
}

struct uk_inode *uk_inode_ref(struct uk_inode *inode) {
    inode_refs++;
    return inode;
}

void uk_inode_unref(struct uk_inode *inode) {
    (void)inode;
    inode_refs--;
}

struct uk_inode *uk_node_inode(struct uk_file *file) {
    return uk_container_of(file, struct uk_node_file, file)->inode;
}

static size_t index_of(const void *page) {
    return (size_t)((const char *)page - memory) / PAGE;
}

int uk_protect(void *pages, size_t count, int prot) {
    for (size_t i = 0; i < count; i++)
        is_protected[index_of(pages) + i] = !(prot & PROT_WRITE);
    return 0;
}

/* ---- a file */

static struct uk_inode inode;
static struct uk_node_file node = {.file.flags = O_RDWR, .inode = &inode};
static struct uk_content *content = &inode.content;

static void init(void) {
    struct ukvm_range range = {.base = (uintptr_t)memory, .size = (size_t)PAGES * PAGE, .kind = UKVM_RANGE_FREE};
    memset(memory, 0, (size_t)PAGES * PAGE);
    uk_pages_init(&range, 1);
    inode = (struct uk_inode){.mode = S_IFREG};
}

static char *map_at(size_t first, size_t count, void *at, int prot) {
    void *pages = NULL;
    int result = uk_shared_map(&node.file, (off_t)(first * PAGE), count, at, prot, &pages);
    return result ? NULL : pages;
}

static char *map(size_t first, size_t count) {
    return map_at(first, count, NULL, READ_WRITE);
}

static bool reads(off_t offset, const char *text) {
    char back[64] = "";
    size_t size = strlen(text);
    return uk_content_read(content, offset, back, size) == size && memcmp(back, text, size) == 0;
}

static bool is_zero(const char *at, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (at[i])
            return false;
    return true;
}

/* Nothing is left but what there was before. */
static void nothing_left(const char *what, size_t available) {
    uk_content_truncate(content, 0);
    is_u64(uk_pages_available(), available, what);
    is_u64(inode_refs, 0, "no reference is left");
}

static void test_behind_the_end(void) {
    init();
    size_t available = uk_pages_available();
    uk_content_write(content, 0, "0123456789", 10);
    char *at = map(0, 3);
    strcpy(at + 20, "behind");
    strcpy(at + PAGE, "far behind");
    uk_content_write(content, 50, "x", 1);
    char back[PAGE];
    ok(uk_content_read(content, 0, back, PAGE) == 51 && is_zero(back + 10, 40) && back[50] == 'x',
       "a write behind what lies behind the end");
    strcpy(at + 60, "behind");
    uk_content_truncate(content, 2 * PAGE);
    ok(is_zero(at + 51, 2 * PAGE - 51), "growing clears what lies behind the end");
    uk_content_truncate(content, 51);
    strcpy(at + 60, "behind");
    ok(uk_shared_unmap(at, 3) == 0, "unmap");
    is_u64(uk_content_pages(content), 1, "pages behind the end go");
    uk_content_truncate(content, 2 * PAGE);
    uk_content_read(content, 51, back, PAGE);
    ok(is_zero(back, PAGE), "and what was in the last one");
    nothing_left("nothing is left", available);
}

static void test_backing(void) {
    static const char bytes[3 * PAGE + 10] = "from the backing";
    init();
    size_t available = uk_pages_available();
    content->backing = (const uint8_t *)bytes;
    content->backing_size = sizeof bytes;
    content->size = sizeof bytes;
    char *at = map(0, 4);
    ok(at && memcmp(at, bytes, sizeof bytes) == 0 && is_zero(at + sizeof bytes, PAGE - 10), "a backed file");
    is_u64(uk_content_pages(content), 4, "its pages count once");
    strcpy(at, "not");
    ok(reads(0, "not") && bytes[0] == 'f', "the backing does not change");
    uk_content_truncate(content, PAGE);
    is_u64(uk_content_pages(content), 4, "cut off: they are mapped");
    uk_shared_unmap(at, 4);
    is_u64(uk_content_pages(content), 1, "and unmapped");
    nothing_left("of a backed file", available);
}

static void test_placement(void) {
    init();
    size_t available = uk_pages_available();
    uk_content_truncate(content, 100 * PAGE);
    uk_content_write(content, 5 * PAGE, "five", 4);
    uk_content_write(content, 7 * PAGE, "seven", 5);
    char *five = map(5, 1), *four = map(4, 4);
    ok(five && !four, "a run around a page that is mapped, and has no room before it");
    uk_shared_unmap(five, 1);
    four = map(4, 4);
    ok(four && !strcmp(four + PAGE, "five") && !strcmp(four + 3 * PAGE, "seven"), "once it is not: the run");
    ok(map(5, 2) == four + PAGE && map(6, 4) == four + 2 * PAGE, "parts of it, and one that goes on behind it");
    uk_shared_unmap(four, 6);
    ok(uk_shared_covers(four + PAGE, 1) && !uk_shared_covers(four, 1), "what is mapped twice is unmapped once");
    uk_shared_unmap(four, 6);
    uk_shared_unmap(four, 6);
    is_u64(inode_refs, 0, "all are unmapped");
    ok(map(4, 4) == four, "mapped again, it lies where it lay");
    ok(!map(0, PAGES) && !map(0, SIZE_MAX / PAGE), "more than there is");
    ok(map_at(5, 1, four, READ_WRITE) == NULL, "fixed, but mapped elsewhere");
    ok(uk_content_has_placed(four, 4) && !uk_content_has_placed(memory + 500 * PAGE, 4), "what is a file's");
    ok(uk_shared_covers(four, 4) && uk_shared_covers(four + PAGE, 2) && !uk_shared_covers(four, 5), "what is covered");
    ok(uk_shared_grow(four, 4, 8, false) == four, "grown in place");
    void *wall = uk_pages_alloc_aligned(1, PAGE);
    while (wall && wall != four + 8 * PAGE)
        wall = uk_pages_alloc(1);
    ok(!uk_shared_grow(four, 8, 12, false), "not where something is in the way");
    char *moved = uk_shared_grow(four, 8, 12, true);
    ok(moved && moved != four && !strcmp(moved + PAGE, "five"), "moved");
    ok(!uk_shared_grow(moved, 12, PAGES, true) && uk_shared_covers(moved, 12) && !strcmp(moved + PAGE, "five"),
       "too much: it stays");
    uk_shared_unmap(moved, 12);
    uk_content_truncate(content, 0);
    is_u64(inode_refs, 0, "no reference is left");
    ok(uk_pages_available() < available, "the wall is");
}

static void test_no_memory(void) {
    init();
    uk_pages_alloc(uk_content_available() - 3);
    size_t available = uk_pages_available();
    ok(!map(1000, 3), "room for the pages, but not for what leads to them");
    nothing_left("all is given back", available);
}

static void test_protection(void) {
    init();
    uk_content_truncate(content, 4 * PAGE);
    char *at = map_at(0, 2, NULL, PROT_READ);
    ok(is_protected[index_of(at)] && is_protected[index_of(at) + 1], "for reading only");
    uk_shared_open(&inode);
    ok(!is_protected[index_of(at)] && !is_protected[index_of(at) + 1], "until the file changes");
    ok(uk_shared_protect(at, 1, PROT_NONE) == 0 && is_protected[index_of(at)], "protected again, a page");
    ok(map(0, 2) == at && !is_protected[index_of(at)], "until it is mapped for writing");
    ok(map_at(0, 2, NULL, PROT_READ) == at && !is_protected[index_of(at)], "and that is what counts");
    uk_shared_protect(at, 2, PROT_READ);
    for (int i = 0; i < 3; i++)
        uk_shared_unmap(at, 2);
    ok(!is_protected[index_of(at)] && inode_refs == 0, "unmapped: the file's again, to be written");
    ok(uk_shared_protect(at, 1, PROT_READ) == -ENOMEM && !is_protected[index_of(at)], "and not to be protected");
    node.file.flags = O_RDONLY;
    at = map_at(0, 1, NULL, PROT_READ);
    ok(uk_shared_protect(at, 1, READ_WRITE) == -EACCES && is_protected[index_of(at)], "a file open for reading only");
    node.file.flags = O_RDWR;
    ok(map(0, 1) == at && uk_shared_protect(at, 1, PROT_READ) == 0 && uk_shared_protect(at, 1, READ_WRITE) == 0 &&
           !is_protected[index_of(at)],
       "mapped for writing, too");
    uk_shared_unmap(at, 1);
    uk_shared_unmap(at, 1);
}

/* ---- everything, against an array; memory is scarce */

enum { FILE_PAGES = 40, MAPPINGS = 6, STEPS = 200000 };

static char model[FILE_PAGES * PAGE];
static unsigned seed = 1;

static size_t below(size_t limit) {
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % limit;
}

static struct {
    size_t first, count;
    char *at;
} maps[MAPPINGS];

static bool agrees(void) {
    static char back[FILE_PAGES * PAGE];
    size_t size = (size_t)content->size;
    if (uk_content_read(content, 0, back, sizeof back) != size || memcmp(back, model, size) != 0)
        return false;
    for (size_t i = 0; i < MAPPINGS; i++) {
        size_t from = maps[i].first * PAGE, end = from + maps[i].count * PAGE;
        end = end < size ? end : size;
        if (maps[i].at && end > from && memcmp(maps[i].at, model + from, end - from) != 0)
            return false;
    }
    return true;
}

static void step(void) {
    size_t i = below(MAPPINGS), at = below(sizeof model - 9000), n = 1 + below(9000), size = (size_t)content->size;
    static char text[9000];
    switch (below(9)) {
    case 0:
        memset(text, 'A' + (int)below(26), n);
        n = uk_content_write(content, (off_t)at, text, n);
        memcpy(model + at, text, n);
        break;
    case 1:
        if (below(5))
            break;
        uk_content_truncate(content, (off_t)at);
        if (at < size)
            memset(model + at, 0, size - at);
        break;
    case 2:
        n = at + n < size ? n : 0;
        if (n && uk_content_punch(content, (off_t)at, (off_t)n) == 0)
            memset(model + at, 0, n);
        break;
    case 3:
    case 4:
        if (maps[i].at) {
            uk_shared_unmap(maps[i].at, maps[i].count);
            maps[i].at = NULL;
            break;
        }
        maps[i].first = below(FILE_PAGES);
        maps[i].count = 1 + below(FILE_PAGES - maps[i].first);
        maps[i].at = map(maps[i].first, maps[i].count);
        break;
    default:
        if (!maps[i].at)
            break;
        at = below(maps[i].count * PAGE); /* behind the end, too */
        maps[i].at[at] = 'a' + (char)below(26);
        if (maps[i].first * PAGE + at < size)
            model[maps[i].first * PAGE + at] = maps[i].at[at];
    }
}

static void test_at_random(void) {
    bool right = true;
    size_t made = 0;
    init();
    size_t available = uk_pages_available();
    void *taken = uk_pages_alloc(available - 90);
    for (int i = 0; i < STEPS && right; i++) {
        step();
        made += maps[0].at != NULL;
        right = i % 16 || agrees();
    }
    ok(right, "200000 steps of everything");
    ok(made > STEPS / 20, "with mappings");
    for (size_t i = 0; i < MAPPINGS; i++)
        if (maps[i].at)
            uk_shared_unmap(maps[i].at, maps[i].count);
    ok(agrees(), "and unmapped");
    uk_pages_free(taken, available - 90);
    nothing_left("no page is left", available);
}

int main(void) {
    memory = aligned_alloc(PAGE, (size_t)PAGES * PAGE);
    test_behind_the_end();
    test_backing();
    test_placement();
    test_no_memory();
    test_protection();
    test_at_random();
    free(memory);
    return done_testing();
}
