/* SPDX-License-Identifier: MIT */
/* brk(2). malloc() has no use for it, but a program that brings one of its own may. */
#include <sys/mman.h>

#include "core/pages.h"
#include "memory.h"
#include "protect.h"

/* The data segment: reserved at its first use, and untouched until then. */
#define BRK_PAGES 256u

static uintptr_t page_up(uintptr_t address) {
    return (address + UKVM_PAGE_SIZE - 1) & -(uintptr_t)UKVM_PAGE_SIZE;
}

/* Pages that come back are zero, and as open as those that come for the first time. */
static bool clear(uintptr_t from, uintptr_t to, uintptr_t used) {
    if (uk_protect((void *)from, (to - from) / UKVM_PAGE_SIZE, PROT_READ | PROT_WRITE))
        return false;
    uintptr_t middle = used < from ? from : used < to ? used : to;
    memset((void *)from, 0, middle - from);
    uk_pages_clear((void *)middle, (to - middle) / UKVM_PAGE_SIZE);
    return true;
}

uintptr_t uk_sys_brk(uintptr_t wanted) {
    static uintptr_t start, end, top, used; /* `used`: the end of the pages that were part of it once */
    if (start == 0) {
        void *pages = uk_pages_alloc(BRK_PAGES);
        if (!pages)
            return 0;
        start = end = used = (uintptr_t)pages;
        top = start + BRK_PAGES * UKVM_PAGE_SIZE;
    }
    if (wanted < start || wanted > top)
        return end;
    uintptr_t from = page_up(end), to = page_up(wanted);
    if (to > from && !clear(from, to, used))
        return end;
    if (to > used)
        used = to;
    return end = wanted;
}
