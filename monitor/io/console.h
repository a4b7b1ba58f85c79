/* SPDX-License-Identifier: MIT */
/* The guest's standard output and standard error. ABI.md, CON-01 and CON-02. */
#ifndef UKVM_CONSOLE_H
#define UKVM_CONSOLE_H

#include <stdint.h>

struct io;
struct request;

/* Writes not started yet. One queue and one write at a time for both streams: `2>&1` keeps the guest's order. */
struct console {
    struct request *first, *last;
};

/* Handlers of the operation; see struct op in ops.c. */
int32_t console_check(const struct io *io, const struct request *request);
void console_start(struct io *io, struct request *request);
void console_finish(struct io *io, struct request *request, int32_t result);

#endif
