/* SPDX-License-Identifier: MIT */
#include "ukvm.h"

/* 16 or more for what is no digit of any base. */
static unsigned digit(char c) {
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

bool uk_parse_u64(const char *text, uint64_t *value) {
    unsigned base = 10;
    uint64_t number = 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (!*text)
        return false;
    for (; *text; text++) {
        if (digit(*text) >= base || __builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit(*text), &number))
            return false;
    }
    *value = number;
    return true;
}
