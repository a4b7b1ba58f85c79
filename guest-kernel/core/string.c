/* SPDX-License-Identifier: MIT */
/*
 * The functions that the compiler calls on its own, and a few more. A C library brings its own and this file is then
 * not linked. The loops hold an empty asm statement: without it a compiler may recognise them and turn strlen() into a
 * call to strlen().
 */
#include "ukvm.h"

#define NOT_AN_IDIOM() __asm__ volatile("")

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    void *result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return result;
}

/* Backwards, for a destination that overlaps the end of the source. */
static void move_up(uint8_t *to, const uint8_t *from, size_t size) {
    while (size >= sizeof(uint64_t)) {
        uint64_t word;
        size -= sizeof word;
        __builtin_memcpy(&word, from + size, sizeof word);
        NOT_AN_IDIOM();
        __builtin_memcpy(to + size, &word, sizeof word);
    }
    while (size > 0) {
        size--;
        NOT_AN_IDIOM();
        to[size] = from[size];
    }
}

void *memmove(void *to, const void *from, size_t size) {
    if ((uintptr_t)to - (uintptr_t)from >= size) /* `to` lies below `from`, or behind its end */
        return memcpy(to, from, size);
    move_up(to, from, size);
    return to;
}

void *memset(void *to, int byte, size_t size) {
    void *result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
    return result;
}

int memcmp(const void *a, const void *b, size_t size) {
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < size; i++) {
        NOT_AN_IDIOM();
        if (x[i] != y[i])
            return x[i] - y[i];
    }
    return 0;
}

size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length]) {
        NOT_AN_IDIOM();
        length++;
    }
    return length;
}

int strcmp(const char *a, const char *b) {
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        NOT_AN_IDIOM();
        if (a[i] != b[i] || !a[i])
            return (unsigned char)a[i] - (unsigned char)b[i];
    }
    return 0;
}

char *strchr(const char *text, int byte) {
    for (; *text != (char)byte; text++) {
        NOT_AN_IDIOM();
        if (!*text)
            return NULL;
    }
    return (char *)(uintptr_t)text; /* C's own signature takes the const away */
}
