/* SPDX-License-Identifier: MIT */
/* Text put together in memory of the caller's. What does not fit is left out whole, and `full` says so. */
#ifndef REST_BUFFER_H
#define REST_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buffer {
    char *at;
    size_t length, size;
    bool full;
};

static inline void put_bytes(struct buffer *b, const char *bytes, size_t n) {
    if (n > b->size - b->length) {
        b->full = true;
        return;
    }
    memcpy(b->at + b->length, bytes, n);
    b->length += n;
}

static inline void put(struct buffer *b, const char *text) {
    put_bytes(b, text, strlen(text));
}

static inline void put_number(struct buffer *b, uint64_t n, unsigned base) {
    char digits[64];
    size_t i = sizeof(digits);
    do {
        digits[--i] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n > 0);
    put_bytes(b, digits + i, sizeof(digits) - i);
}

#endif
