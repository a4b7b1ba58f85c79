/* SPDX-License-Identifier: MIT */
#include "civil.h"

#define DAY_SECONDS 86400u
#define ERA_DAYS 146097u /* 400 years, after which the calendar repeats */

/*
 * The year is taken to begin on 1 March, so that the leap day is its last, and eras of 400 years on a 1 March that
 * follows one. From there both year and month are divisions. Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms", civil_from_days.
 */
static void set_date(struct civil *civil, uint64_t days_since_1970) {
    uint64_t days = days_since_1970 + 719468; /* since 0000-03-01 */
    uint64_t era = days / ERA_DAYS;
    unsigned day_of_era = (unsigned)(days % ERA_DAYS);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* 0 is March */
    civil->day = day_of_year - (153 * month + 2) / 5 + 1;
    civil->month = month < 10 ? month + 3 : month - 9;
    civil->year = era * 400 + year_of_era + (civil->month <= 2);
}

struct civil civil_from_wall(uint64_t wall_ns) {
    uint64_t seconds = wall_ns / 1000000000u;
    unsigned second_of_day = (unsigned)(seconds % DAY_SECONDS);
    struct civil civil = {
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .nanosecond = (unsigned)(wall_ns % 1000000000u),
    };
    set_date(&civil, seconds / DAY_SECONDS);
    return civil;
}
