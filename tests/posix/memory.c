/* SPDX-License-Identifier: MIT */
/* malloc() and mmap(). */
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

#define PAGE 4096

static bool is_zero(const unsigned char *at, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (at[i])
            return false;
    return true;
}

static void mappings(void) {
    unsigned char *map = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ok(map != MAP_FAILED && (uintptr_t)map % PAGE == 0 && is_zero(map, 10 * PAGE), "anonymous memory is zero");
    memset(map, 1, 10 * PAGE);
    ok(munmap(map + 3 * PAGE, 2 * PAGE) == 0, "a piece in the middle is unmapped");
    ok(munmap(map, 10 * PAGE) == 0, "and then the rest with the hole");
    map = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ok(map != MAP_FAILED && is_zero(map, 10 * PAGE), "memory that was used before is zero, too");
    memset(map, 2, 10 * PAGE);
    ok(madvise(map, 10 * PAGE, MADV_DONTNEED) == 0 && is_zero(map, 10 * PAGE), "MADV_DONTNEED gives zeros");
    map[0] = 7;
    unsigned char *larger = mremap(map, 10 * PAGE, 1000 * PAGE, MREMAP_MAYMOVE);
    ok(larger != MAP_FAILED && larger[0] == 7 && is_zero(larger + 10 * PAGE, 990 * PAGE), "mremap grows");
    unsigned char *smaller = mremap(larger, 1000 * PAGE, PAGE, 0);
    ok(smaller == larger && smaller[0] == 7, "mremap shrinks in place");
    munmap(smaller, PAGE);
    errno = 0;
    ok(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL, "a size of 0");
    ok(munmap((void *)1, PAGE) < 0 && errno == EINVAL, "an address that is not aligned");
    ok(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF, "a descriptor that is closed");
    ok(mmap(NULL, SIZE_MAX - PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM,
       "more than there is");
    ok(sysconf(_SC_PAGESIZE) == PAGE, "the page size");
}

static void heap(void) {
    enum { BLOCKS = 2000 };
    static unsigned char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    unsigned seed = 1;
    bool right = true;
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1103515245 + 12345;
        size_t i = seed / 65536 % BLOCKS;
        for (size_t k = 0; blocks[i] && k < sizes[i]; k += 97)
            right = right && blocks[i][k] == (unsigned char)i;
        free(blocks[i]);
        sizes[i] = seed % 3000;
        blocks[i] = malloc(sizes[i]);
        if (blocks[i])
            memset(blocks[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    ok(right, "20000 blocks keep what was written to them");
    unsigned char *block = malloc(100);
    memset(block, 5, 100);
    for (size_t size = 200; size < 1000000; size *= 2)
        block = realloc(block, size);
    ok(block[0] == 5 && block[99] == 5, "realloc keeps the contents");
    free(block);
    void *aligned = NULL;
    ok(posix_memalign(&aligned, 65536, 100) == 0 && (uintptr_t)aligned % 65536 == 0, "posix_memalign");
    free(aligned);
    unsigned char *zeros = calloc(1000, 1000);
    ok(zeros && is_zero(zeros, 1000000), "calloc");
    free(zeros);
    volatile size_t too_much = SIZE_MAX / 2;
    errno = 0;
    ok(!malloc(too_much) && errno == ENOMEM, "malloc of too much: ENOMEM");
    ok(malloc_usable_size(zeros = malloc(10)) >= 10, "malloc_usable_size");
    free(zeros);
}

int main(void) {
    mappings();
    heap();
    return done_testing();
}
