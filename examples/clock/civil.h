/* SPDX-License-Identifier: MIT */
#ifndef CIVIL_H
#define CIVIL_H

#include <stdint.h>

/* A moment in UTC, in the proleptic Gregorian calendar. */
struct civil {
    uint64_t year;
    unsigned month, day; /* from 1 */
    unsigned hour, minute, second, nanosecond;
};

struct civil civil_from_wall(uint64_t wall_ns);

#endif
