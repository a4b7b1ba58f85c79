/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/format.c */
#include <limits.h>

#include "tap.h"
#include "ukvm.h"

static unsigned compared, different;

static void differs(const char *format, const char *got, int got_length, const char *want, int want_length) {
    different++;
    diag("\"%s\": got \"%s\" (%d), want \"%s\" (%d)", format, got, got_length, want, want_length);
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#define same(format, ...)                                                   \
    do {                                                                    \
        char got[400], want[400];                                           \
        int got_length = uk_snprintf(got, sizeof got, format, __VA_ARGS__); \
        int want_length = snprintf(want, sizeof want, format, __VA_ARGS__); \
        compared++;                                                         \
        if (got_length != want_length || strcmp(got, want) != 0)            \
            differs(format, got, got_length, want, want_length);            \
    } while (0)

static const char *const flags[] = {"", "-", "0", "-0", "+", " ", "#", "+0", "-+", " 0", "#0", "-#"};
static const char *const widths[] = {"", "1", "5", "12", "40"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".5", ".30"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_integers(const char *spec, const char *prefix, char conversion) {
    static const long long values[] = {0,   1,     -1,    42,      -42,     127,       128,      255,
                                       256, 65535, 65536, INT_MAX, INT_MIN, LLONG_MAX, LLONG_MIN};
    static const char *const sizes[] = {"hh", "h", "", "l", "ll", "z"};
    char format[64];
    for (size_t s = 0; s < COUNT(sizes); s++) {
        snprintf(format, sizeof format, "<%%%s%s%s%c>", prefix, spec, sizes[s], conversion);
        for (size_t v = 0; v < COUNT(values); v++) {
            if (s < 3)
                same(format, (int)values[v]);
            else
                same(format, values[v]);
        }
    }
}

static void check_combination(const char *flag, const char *width, const char *precision) {
    char spec[32], format[64];
    snprintf(spec, sizeof spec, "%s%s", width, precision);
    for (const char *c = "diuxX"; *c; c++)
        check_integers(spec, flag, *c);
    if (strchr(flag, '0') || strchr(flag, '+') || strchr(flag, ' ') || strchr(flag, '#'))
        return; /* undefined for strings */
    snprintf(format, sizeof format, "<%%%s%ss>", flag, spec);
    same(format, "");
    same(format, "unikernel");
    if (*precision == '\0') {
        snprintf(format, sizeof format, "<%%%s%sc>", flag, spec);
        same(format, 'x');
        snprintf(format, sizeof format, "<%%%s%sp>", flag, spec);
        same(format, (void *)0xdeadbeef);
    }
}

static void combinations(void) {
    for (size_t f = 0; f < COUNT(flags); f++)
        for (size_t w = 0; w < COUNT(widths); w++)
            for (size_t p = 0; p < COUNT(precisions); p++)
                check_combination(flags[f], widths[w], precisions[p]);
    is_u64(different, 0, "%u formats give what snprintf gives", compared);
}

static void texts(void) {
    different = 0;
    same("%s", "plain");
    same("100%% of %d", 7);
    same("%*d|%-*d|", 6, 42, 6, 42);
    same("%*d|", -6, 42);
    same("%.*s|", 3, "unikernel");
    same("%.*d|", -1, 0);
    same("%.3s", (const char[]){'a', 'b', 'c'});
    same("%zu %lu %llu", SIZE_MAX, ULONG_MAX, ULLONG_MAX);
    same("%d %s %c %x, and so on", 1, "two", '3', 4u);
    same("%c%c", 'a', '\0');
    same("%300d", 5);
    is_u64(different, 0, "texts, stars and lengths too");
}

static void truncation(void) {
    char buffer[8];
    memset(buffer, 'x', sizeof buffer);
    is_u64((unsigned)uk_snprintf(buffer, 5, "%s", "unikernel"), 9, "the length is that of the whole text");
    is_str(buffer, "unik", "cut to fit with its NUL");
    ok(buffer[5] == 'x', "nothing is written beyond");
    is_u64((unsigned)uk_snprintf(buffer, 1, "%d", 12345), 5, "room for the NUL only");
    is_str(buffer, "", "an empty string");
    buffer[0] = 'y';
    is_u64((unsigned)uk_snprintf(NULL, 0, "%d%s", 12345, "abc"), 8, "no room at all is for measuring");
    ok(buffer[0] == 'y', "and writes nothing");
}

static void oddities(void) {
    char buffer[32];
    const char *volatile null = NULL; /* a compiler that sees it warns */
    uk_snprintf(buffer, sizeof buffer, "%s", null);
    is_str(buffer, "(null)", "a NULL string");
    uk_snprintf(buffer, sizeof buffer, "%p", NULL);
    is_str(buffer, "0x0", "a NULL pointer");
    const char *unknown = "%d %y %d", *cut = "50%";
    uk_snprintf(buffer, sizeof buffer, unknown, 1, 2);
    is_str(buffer, "1 %? 2", "an unknown conversion shows and takes no argument");
    uk_snprintf(buffer, sizeof buffer, cut);
    is_str(buffer, "50%?", "a percent sign at the very end");
}

int main(void) {
    combinations();
    texts();
    truncation();
    oddities();
    return done_testing();
}
