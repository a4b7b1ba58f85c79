/* SPDX-License-Identifier: MIT */
/* links: examples/clock/civil.c */
#include "../../examples/clock/civil.h"

#include <time.h>

#include "tap.h"

#define SECOND UINT64_C(1000000000)

static bool agrees(uint64_t seconds) {
    struct civil got = civil_from_wall(seconds * SECOND + 999999999);
    time_t time = (time_t)seconds;
    struct tm want;
    gmtime_r(&time, &want);
    return got.year == (uint64_t)want.tm_year + 1900 && got.month == (unsigned)want.tm_mon + 1 &&
           got.day == (unsigned)want.tm_mday && got.hour == (unsigned)want.tm_hour &&
           got.minute == (unsigned)want.tm_min && got.second == (unsigned)want.tm_sec && got.nanosecond == 999999999;
}

static void is_date(uint64_t seconds, const char *want) {
    struct civil c = civil_from_wall(seconds * SECOND);
    char got[64];
    snprintf(got, sizeof got, "%04" PRIu64 "-%02u-%02uT%02u:%02u:%02u", c.year, c.month, c.day, c.hour, c.minute,
             c.second);
    is_str(got, want, "%s", want);
}

int main(void) {
    is_date(0, "1970-01-01T00:00:00");
    is_date(951782399, "2000-02-28T23:59:59");
    is_date(951782400, "2000-02-29T00:00:00");
    is_date(951868800, "2000-03-01T00:00:00");
    is_date(4107542399, "2100-02-28T23:59:59");
    is_date(4107542400, "2100-03-01T00:00:00");
    is_date(4294967296, "2106-02-07T06:28:16");
    /* To the end of what 64 bits of nanoseconds can say, in the year 2554. */
    unsigned wrong = 0, days = 0;
    for (uint64_t seconds = 0; seconds < UINT64_MAX / SECOND; seconds += 86400 - 1) {
        wrong += !agrees(seconds);
        days++;
    }
    is_u64(wrong, 0, "%u moments agree with gmtime_r()", days);
    return done_testing();
}
