/* SPDX-License-Identifier: MIT */
/* Names for addresses, from the image's symbol table, read from the open image when they are needed. */
#ifndef UKVM_SYMBOLS_H
#define UKVM_SYMBOLS_H

#include "image.h"

#define SYMBOL_NAME_MAX 64u

struct symbol {
    uint64_t address;           /* IN: as linked */
    uint64_t offset;            /* OUT: from the start of the function */
    char name[SYMBOL_NAME_MAX]; /* OUT: "" if there is none; only printable characters */

    uint64_t start; /* best match so far */
    uint32_t name_offset;
    bool sized; /* it has a size, and the address is within */
};

/*
 * Finds the functions that hold the addresses, in one pass over the symbol table with constant memory: this runs after
 * lock-down, on a file that may be of any size and content.
 */
void symbols_find(const struct image *image, struct symbol *symbols, unsigned count);

#endif
