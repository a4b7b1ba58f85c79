/* SPDX-License-Identifier: MIT */
/* What an image finds of the way it was loaded; img.t has the images that are refused. ABI.md, IMG. */
#include "guest.h"

/* Two segments' worth of alignment, beyond a page: with data, and zero-filled. */
static _Alignas(0x10000) volatile char data[16] = {1};
static _Alignas(0x20000) volatile char zeroes[16];

static void is_aligned_to(uint64_t address, uint64_t alignment, const char *what) {
    ok((address & (alignment - 1)) == 0, what);
}

static void alignment(void) {
    is_aligned_to((uintptr_t)data, 0x10000, "data aligned to 64 KiB");
    is_aligned_to((uintptr_t)zeroes, 0x20000, "zero-filled data aligned to 128 KiB");
    ok(data[0] == 1 && zeroes[0] == 0, "they hold what they should");
}

const struct check checks[] = {
    {"UKVM-IMG-08", alignment},
    {NULL, NULL},
};
