/* SPDX-License-Identifier: MIT */
/*
 * Tells the time, and how late it wakes from its sleep.
 *
 *     build/ukvm run build/examples/clock.elf --ticks 5 --interval 200
 */
#include "civil.h"
#include "ukvm.h"

static void tell(uint64_t late) {
    struct civil now = civil_from_wall(uk_clock_wall());
    uint64_t monotonic = uk_clock_monotonic();
    uk_printf("%04lu-%02u-%02uT%02u:%02u:%02u.%09uZ  monotonic %lu.%09lu s  late %lu.%03lu us\n", now.year, now.month,
              now.day, now.hour, now.minute, now.second, now.nanosecond, monotonic / UK_SECOND, monotonic % UK_SECOND,
              late / 1000, late % 1000);
}

/* Ticks do not drift: each is due an interval after the one before was, not after it came. */
static void run(uint64_t ticks, uint64_t interval) {
    uint64_t due = uk_clock_monotonic();
    tell(0);
    for (; ticks > 0; ticks--) {
        due += interval;
        uk_sleep_until(due);
        tell(uk_clock_monotonic() - due);
    }
}

int main(int argc, char **argv) {
    uint64_t ticks = 3, milliseconds = 1000;
    for (int i = 1; i < argc; i += 2) {
        uint64_t *option = strcmp(argv[i], "--ticks") == 0      ? &ticks
                           : strcmp(argv[i], "--interval") == 0 ? &milliseconds
                                                                : NULL;
        if (!option || i + 1 == argc || !uk_parse_u64(argv[i + 1], option)) {
            uk_eprintf("usage: clock [--ticks N] [--interval MILLISECONDS]\n");
            return 2;
        }
    }
    run(ticks, milliseconds * UK_MILLISECOND);
    return 0;
}
