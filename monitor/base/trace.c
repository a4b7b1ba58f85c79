/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[TRACE_COUNT] = {
    [TRACE_BOOT] = "boot",
    [TRACE_EXITS] = "exits",
    [TRACE_RING] = "ring",
};

trace_mask trace_enabled;

void trace_enable(trace_mask mask) {
    trace_enabled = mask;
}

int trace_parse(const char *list, trace_mask *mask, struct error *err) {
    if (!list) {
        *mask = (1u << TRACE_COUNT) - 1;
        return 0;
    }
    while (true) {
        size_t length = strcspn(list, ",");
        unsigned i = 0;
        while (i < TRACE_COUNT && (strlen(names[i]) != length || strncmp(list, names[i], length) != 0))
            i++;
        if (i == TRACE_COUNT)
            return error_set(err, EXIT_MONITOR, "--trace: '%.*s' is none of boot, exits, ring", (int)length, list);
        *mask |= 1u << i;
        if (list[length] == '\0')
            return 0;
        list += length + 1;
    }
}

/* One write() for a line, so that lines of the guest's own standard error do not mix with it. */
void trace_print(enum trace_category category, const char *format, ...) {
    char line[256];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    size_t used = (size_t)snprintf(line, sizeof line, "ukvm: %s: %lld.%06ld ", names[category], (long long)now.tv_sec,
                                   now.tv_nsec / 1000);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + used, sizeof line - used - 1, format, args);
    va_end(args);
    if (more > 0)
        used += (size_t)more < sizeof line - used - 1 ? (size_t)more : sizeof line - used - 2;
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0)
        return; /* nobody reads it: a trace is not worth ending the guest */
}
