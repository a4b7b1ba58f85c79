/* SPDX-License-Identifier: MIT */
/* The functions of <string.h> that are not musl's own, against loops over single bytes. */
#include <string.h>
#include <strings.h>

#include "tap.h"

#define AREA 4096

static unsigned char memory[AREA], expected[AREA];

/* Through pointers, so that the compiler puts nothing in the place of a call. */
static void *(*volatile copy)(void *restrict, const void *restrict, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static int (*volatile compare_text)(const char *, const char *) = strcasecmp;

static void fill(void) {
    for (size_t i = 0; i < AREA; i++)
        expected[i] = memory[i] = (unsigned char)(i * 7 + i / 251);
}

/* Every byte of the area is looked at: nothing around the destination may change. */
static bool moves(void *(*function)(void *, const void *, size_t), size_t to, size_t from, size_t n) {
    static unsigned char source[AREA];
    fill();
    for (size_t i = 0; i < n; i++)
        source[i] = memory[from + i];
    for (size_t i = 0; i < n; i++)
        expected[to + i] = source[i];
    bool right = function(memory + to, memory + from, n) == memory + to;
    for (size_t i = 0; i < AREA; i++)
        right = right && memory[i] == expected[i];
    if (!right)
        printf("# %zu bytes from %zu to %zu\n", n, from, to);
    return right;
}

static void *copy_apart(void *to, const void *from, size_t n) {
    return copy(to, from, n);
}

static void *move_any(void *to, const void *from, size_t n) {
    return move(to, from, n);
}

static void copies(void) {
    bool right = true;
    for (size_t n = 0; n <= 300 && right; n++)
        for (size_t at = 0; at < 17 && right; at++)
            right = moves(copy_apart, 1000 + at, 2000, n) && moves(copy_apart, 2000, 1000 + at, n);
    ok(right, "memcpy: every size up to 300 at every alignment");
    ok(moves(copy_apart, 1, 2048, 2047) && moves(copy_apart, 2048, 3, 2000), "memcpy: larger ones");
}

static void overlaps(void) {
    bool up = true, down = true;
    for (size_t n = 0; n <= 300; n++)
        for (size_t distance = 0; distance <= 140; distance += distance < 20 ? 1 : 13) {
            up = up && moves(move_any, 1000 + distance, 1000, n);
            down = down && moves(move_any, 1000, 1000 + distance, n);
        }
    ok(up, "memmove: upwards, over itself");
    ok(down, "memmove: downwards, over itself");
    ok(moves(move_any, 1, 0, 4000) && moves(move_any, 0, 1, 4000) && moves(move_any, 999, 0, 3000),
       "memmove: larger ones");
}

static int sign(int value) {
    return (value > 0) - (value < 0);
}

static void comparisons(void) {
    bool right = true;
    for (size_t n = 0; n <= 70; n++)
        for (size_t at = 0; at <= n; at++) {
            unsigned char *l = memory + 3, *r = memory + 1000;
            memset(memory, 0x7f, sizeof memory);
            l[at] = 0x80; /* at n it is behind the end */
            int want = at < n ? 1 : 0;
            right = right && sign(compare(l, r, n)) == want && sign(compare(r, l, n)) == -want;
        }
    ok(right, "memcmp: each place, bytes without a sign");
    ok(compare("a\0b", "a\0c", 4) < 0, "memcmp goes on behind a zero");
}

static int lower(int c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static void texts(void) {
    bool right = true;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            const char l[] = {'x', (char)a, 0}, r[] = {'X', (char)b, 0};
            right = right && sign(compare_text(l, r)) == sign(lower(a) - lower(b));
        }
    ok(right, "strcasecmp: each pair of characters");
    ok(compare_text("Hello", "hELLO") == 0 && compare_text("ab", "abc") < 0 && compare_text("", "") == 0,
       "strcasecmp: whole words");
}

int main(void) {
    copies();
    overlaps();
    comparisons();
    texts();
    return done_testing();
}
