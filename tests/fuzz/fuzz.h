/* SPDX-License-Identifier: MIT */
/* What the targets share: libFuzzer calls LLVMFuzzerTestOneInput() with one input after the other, in one process. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* What holds for every input. Not assert(): it is never compiled out. */
#define must(condition)                                                                    \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

/* A refusal has a documented status, and says why in one printable line. */
static inline void must_be_explained(const struct error *err) {
    size_t length = strnlen(err->text, sizeof err->text);
    must(err->status == EXIT_MONITOR || err->status == EXIT_IMAGE || err->status == EXIT_NOT_FOUND);
    must(length > 0 && length < sizeof err->text);
    for (size_t i = 0; i < length; i++)
        must((unsigned char)err->text[i] >= ' ' && err->text[i] != 0x7f);
}

/* An input that is read from both ends: values from one, decisions from the other. Where it ends there are zeroes. */
struct input {
    const uint8_t *at, *end;
};

static inline uint64_t take(struct input *in, size_t bytes) {
    uint64_t value = 0;
    size_t left = (size_t)(in->end - in->at), n = bytes < left ? bytes : left;
    memcpy(&value, in->at, n);
    in->at += n;
    return value;
}

static inline uint8_t take_last(struct input *in) {
    return in->at < in->end ? *--in->end : 0;
}

#endif
