/* SPDX-License-Identifier: MIT */
#include "console.h"

#include <errno.h>

#include "io.h"
#include "uring.h"

int32_t console_check(const struct io *io, const struct request *request) {
    (void)io;
    unsigned stream = request->sqe.device;
    return stream == UKVM_CONSOLE_OUT || stream == UKVM_CONSOLE_ERR ? 0 : -UKVM_EINVAL;
}

static void write_first(struct io *io) {
    struct request *request = io->console.first;
    if (!request)
        return;
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    int file = request->sqe.device == UKVM_CONSOLE_OUT ? IO_FILE_OUT : IO_FILE_ERR;
    /* offset -1: at the file's own position, as write(2) */
    io_uring_prep_write_fixed(sqe, file, request_buffer(io, request), request->sqe.length - request->done, UINT64_MAX,
                              URING_ARENA);
    request_tag(sqe, request);
}

void console_start(struct io *io, struct request *request) {
    struct console *console = &io->console;
    if (console->first) {
        console->last->next = request;
        console->last = request;
        return;
    }
    console->first = console->last = request;
    write_first(io);
}

void console_finish(struct io *io, struct request *request, int32_t result) {
    io->worker.missing |= result == -ECANCELED; /* it is lost, and must not be in silence */
    if (request_goes_on(request, result)) {
        write_first(io);
        return;
    }
    io->console.first = request->next;
    write_first(io);
    request_complete_transfer(io, request, result);
}
