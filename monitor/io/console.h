/* SPDX-License-Identifier: MIT */
/* The guest's standard input, standard output and standard error. ABI.md, CON. */
#ifndef UKVM_CONSOLE_H
#define UKVM_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

struct io;
struct request;

struct console {
    /* Writes not completed yet. One queue and one write at a time for both streams: `2>&1` keeps the guest's order. */
    struct request *first, *last;
    uint32_t again; /* bytes of the first that went to a file and are written once more; see console.c */
    bool polls_out; /* the first has found the stream full, and waits for room: somebody has made it non-blocking */
    int lost;       /* the first error of a write since the guest has ended: a negative errno, or 0 */
    struct request *read, *poll; /* the CONSOLE_READ and the CONSOLE_POLL in flight */
    bool polls_in;               /* the read has found nothing, and waits, for the same reason */
};

/* Handlers of the operations; see struct op in ops.c. */
int32_t console_check(const struct io *io, const struct request *request);
void console_start(struct io *io, struct request *request);
void console_finish(struct io *io, struct request *request, int32_t result);
int32_t console_check_read(const struct io *io, const struct request *request);
void console_start_read(struct io *io, struct request *request);
void console_finish_read(struct io *io, struct request *request, int32_t result);
int32_t console_check_poll(const struct io *io, const struct request *request);
void console_start_poll(struct io *io, struct request *request);
void console_finish_poll(struct io *io, struct request *request, int32_t result);

#endif
