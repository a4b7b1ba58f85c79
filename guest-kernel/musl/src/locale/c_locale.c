/* SPDX-License-Identifier: MIT */
/*
 * Lies over the file of this name: the two locales that are built in, with room behind them for what glibc's locale_t has
 * there. Debian's libstdc++ reads the tables of character classes from that place; posix/cxx.c fills it in a C++ program.
 */
#include "locale_impl.h"
#include <stdint.h>

static const uint32_t empty_mo[] = { 0x950412de, 0, -1, -1, -1 };

const struct __locale_map __c_dot_utf8 = {
	.map = empty_mo,
	.map_size = sizeof empty_mo,
	.name = "C.UTF-8"
};

/* glibc: locale/bits/types/__locale_t.h. 13 pointers, and then the three that count. */
struct with_tables { struct __locale_struct own; void *unused[13 - 6]; const void *tables[3]; };
struct with_tables uk_c_locale, uk_utf8_locale = {.own.cat[LC_CTYPE] = &__c_dot_utf8};

extern hidden const struct __locale_struct __c_locale __attribute__((alias("uk_c_locale")));
extern hidden const struct __locale_struct __c_dot_utf8_locale __attribute__((alias("uk_utf8_locale")));
