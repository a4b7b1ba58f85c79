/* SPDX-License-Identifier: MIT */
/* `--trace`: what the monitor and the guest say to each other, on standard error. */
#ifndef UKVM_TRACE_H
#define UKVM_TRACE_H

#include <stdbool.h>

#include "error.h"

enum trace_category {
    TRACE_BOOT,  /* each phase of starting, with the time it ended */
    TRACE_EXITS, /* each return of KVM_RUN */
    TRACE_RING,  /* each submission and completion */
    TRACE_COUNT,
};

typedef unsigned trace_mask; /* 1 << enum trace_category */

/* Reads a comma-separated list of category names; NULL is all of them. */
int trace_parse(const char *list, trace_mask *mask, struct error *err);

/* Which categories are printed from now on. One process runs one guest, so this is the process's. */
void trace_enable(trace_mask mask);

extern trace_mask trace_enabled;

static inline bool trace_on(enum trace_category category) {
    return __builtin_expect((trace_enabled >> category) & 1, 0);
}

void trace_print(enum trace_category category, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Evaluates its arguments only when the category is on. */
#define trace(category, ...)                    \
    do {                                        \
        if (trace_on(category))                 \
            trace_print(category, __VA_ARGS__); \
    } while (0)

#endif
