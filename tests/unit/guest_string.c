/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/number.c */
/* string.c is included under other names: this test needs the C library's own functions beside them. */
#define memcpy guest_memcpy
#define memmove guest_memmove
#define memset guest_memset
#define memcmp guest_memcmp
#define strlen guest_strlen
#define strcmp guest_strcmp
#define strncmp guest_strncmp
#define strchr guest_strchr
#include "../../guest-kernel/core/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp
#undef strchr

#include "tap.h"

static int sign(int value) {
    return (value > 0) - (value < 0);
}

static void moves(void) {
    uint8_t got[96], want[96];
    unsigned wrong = 0;
    for (size_t from = 0; from < 32; from++) {
        for (size_t to = 0; to < 32; to++) {
            for (size_t size = 0; size < 64; size++) {
                for (size_t i = 0; i < sizeof got; i++)
                    got[i] = want[i] = (uint8_t)(i * 7);
                memmove(want + to, want + from, size);
                wrong += guest_memmove(got + to, got + from, size) != got + to || memcmp(got, want, sizeof got) != 0;
            }
        }
    }
    is_u64(wrong, 0, "memmove, every overlap");
}

static void fills(void) {
    uint8_t a[70], b[70];
    memset(a, 1, sizeof a);
    memset(b, 1, sizeof b);
    memset(a + 3, 0x1ab, 40);
    ok(guest_memset(b + 3, 0x1ab, 40) == b + 3 && memcmp(a, b, sizeof a) == 0, "memset takes the low byte");
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = (uint8_t)i;
    ok(guest_memcpy(b, a, sizeof b) == b && memcmp(a, b, sizeof a) == 0, "memcpy");
    ok(guest_memcmp(a, b, sizeof a) == 0, "memcmp of equal memory");
    b[69] = 255;
    ok(guest_memcmp(a, b, sizeof a) < 0 && guest_memcmp(b, a, sizeof a) > 0, "memcmp compares unsigned bytes");
    ok(guest_memcmp(a, b, 69) == 0, "memcmp stops in time");
}

static void strings(void) {
    static const char *const texts[] = {"", "a", "ab", "abc", "b", "\xff", "abd", "ukvm"};
    unsigned wrong = 0;
    for (size_t i = 0; i < 8; i++) {
        wrong += guest_strlen(texts[i]) != strlen(texts[i]);
        for (int c = 0; c < 256; c++)
            wrong += guest_strchr(texts[i], c) != strchr(texts[i], c);
        for (size_t j = 0; j < 8; j++) {
            wrong += sign(guest_strcmp(texts[i], texts[j])) != sign(strcmp(texts[i], texts[j]));
            for (size_t n = 0; n < 5; n++)
                wrong += sign(guest_strncmp(texts[i], texts[j], n)) != sign(strncmp(texts[i], texts[j], n));
        }
    }
    is_u64(wrong, 0, "strlen, strchr, strcmp and strncmp agree with the C library's");
}

static void numbers(void) {
    uint64_t value = 99;
    ok(uk_parse_u64("0", &value) && value == 0, "0");
    ok(uk_parse_u64("18446744073709551615", &value) && value == UINT64_MAX, "the largest");
    ok(uk_parse_u64("0xFFffFFffFFffFFff", &value) && value == UINT64_MAX, "the largest in hexadecimal");
    ok(uk_parse_u64("007", &value) && value == 7, "a leading 0 does not mean octal");
    static const char *const bad[] = {"",    "0x", "18446744073709551616", "0x10000000000000000", "-1", "1 ",
                                      "12a", "0xg"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ok(!uk_parse_u64(bad[i], &value) && value == 7, "'%s' is no number", bad[i]);
}

int main(void) {
    moves();
    fills();
    strings();
    numbers();
    return done_testing();
}
