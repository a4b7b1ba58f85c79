/* SPDX-License-Identifier: MIT */
/*
 * Test Anything Protocol for C and C++: a test program calls plan() first or leaves the count to done_testing(), makes
 * its assertions, and returns done_testing() from main. Names are printf formats.
 */
#ifndef TAP_H
#define TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct { unsigned planned, run, failed; } tap;

static inline void plan(unsigned count) {
    setvbuf(stdout, NULL, _IOLBF, 0); /* keep our lines whole and in order when the test dies */
    tap.planned = count;
    printf("1..%u\n", count);
}

/* The whole program does not apply here. */
static inline __attribute__((noreturn)) void skip_all(const char *reason) {
    printf("1..0 # SKIP %s\n", reason);
    exit(0);
}

static inline __attribute__((format(printf, 2, 0))) bool tap_result(bool passed, const char *name, va_list args) {
    tap.run++;
    tap.failed += !passed;
    char text[512];
    vsnprintf(text, sizeof text, name, args);
    printf("%s %u - %s\n", passed ? "ok" : "not ok", tap.run, text);
    if (!passed)
        fprintf(stderr, "# failed: %s\n", text);
    return passed;
}

/* Says more on the assertion before: on standard error, which `prove` shows in any case. */
static inline __attribute__((format(printf, 1, 2))) void diag(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "# ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static inline __attribute__((format(printf, 2, 3))) bool ok(bool condition, const char *name, ...) {
    va_list args;
    va_start(args, name);
    bool passed = tap_result(condition, name, args);
    va_end(args);
    return passed;
}

static inline __attribute__((format(printf, 3, 4))) bool is_u64(uint64_t got, uint64_t want, const char *name, ...) {
    va_list args;
    va_start(args, name);
    bool passed = tap_result(got == want, name, args);
    va_end(args);
    if (!passed)
        diag("got %" PRIu64 " (0x%" PRIx64 "), want %" PRIu64 " (0x%" PRIx64 ")", got, got, want, want);
    return passed;
}

static inline __attribute__((format(printf, 3, 4))) bool is_str(const char *got, const char *want, const char *name,
                                                                ...) {
    va_list args;
    va_start(args, name);
    bool passed = tap_result(strcmp(got, want) == 0, name, args);
    va_end(args);
    if (!passed)
        diag("got \"%s\", want \"%s\"", got, want);
    return passed;
}

/* The exit status for main: 0 when everything passed and the plan was kept. */
static inline int done_testing(void) {
    if (tap.planned == 0)
        printf("1..%u\n", tap.run);
    if (tap.failed > 0)
        diag("%u of %u failed", tap.failed, tap.run);
    return tap.failed > 0 || (tap.planned > 0 && tap.planned != tap.run);
}

#endif
