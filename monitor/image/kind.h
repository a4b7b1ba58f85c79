/* SPDX-License-Identifier: MIT */
/* What a file is that is no image, and what to do about it: for the sentence that refuses it. */
#ifndef UKVM_KIND_H
#define UKVM_KIND_H

#include <stddef.h>

/* The bytes at a file's start that are looked at. */
#define KIND_BYTES 512u

/*
 * Of a file that is not ELF, by its first `size` bytes, KIND_BYTES at most: "a script; ..." and so on. NULL if nothing
 * better can be said than that it is not ELF. The bytes may be anything.
 */
const char *kind_of_bytes(const void *bytes, size_t size);

/* Of an ELF file that is no executable, by its e_type. Never NULL. */
const char *kind_of_type(unsigned type);

#endif
