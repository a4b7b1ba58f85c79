/* SPDX-License-Identifier: MIT */
#include "console.h"

#include <errno.h>
#include <poll.h>

#include "io.h"
#include "uring.h"

static int32_t error_of(int32_t result) {
    return result == -EPIPE || result == -ECONNRESET ? -UKVM_EPIPE : request_error(result);
}

static void poll_for(struct io *io, struct request *request, int file, unsigned events) {
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_poll_add(sqe, file, events);
    request_tag(sqe, request);
}

/* ---- writing */

int32_t console_check(const struct io *io, const struct request *request) {
    (void)io;
    unsigned stream = request->sqe.device;
    return stream == UKVM_CONSOLE_OUT || stream == UKVM_CONSOLE_ERR ? 0 : -UKVM_EINVAL;
}

static int file_of(const struct request *request) {
    return request->sqe.device == UKVM_CONSOLE_OUT ? IO_FILE_OUT : IO_FILE_ERR;
}

static void write_first(struct io *io) {
    struct request *request = io->console.first;
    if (!request)
        return;
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    /* offset -1: at the file's own position, as write(2) */
    uint32_t length = io->console.again ? io->console.again : request->sqe.length - request->done;
    io_uring_prep_write_fixed(sqe, file_of(request), request_buffer(io, request), length, UINT64_MAX, URING_ARENA);
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

/* What is behind a write that failed must not appear. CON-04 */
static void fail_others(struct io *io, uint16_t stream, int32_t error) {
    struct console *console = &io->console;
    struct request **at = &console->first, *last = NULL;
    while (*at) {
        struct request *request = *at;
        if (request->sqe.device == stream) {
            *at = request->next;
            request_complete(io, request, error);
        } else {
            last = request;
            at = &request->next;
        }
    }
    console->last = last;
}

/* The first write is over. `result` is a negative errno, 0 or, when all has gone, what the last piece was. */
static void complete_first(struct io *io, int32_t result) {
    struct console *console = &io->console;
    struct request *request = console->first;
    struct ukvm_sqe sqe = request->sqe;
    bool failed = request->done < sqe.length;
    int32_t error = result < 0 ? result : -EIO;
    console->first = request->next;
    request_complete(io, request, request->done ? (int32_t)request->done : error_of(error));
    if (!failed)
        return;
    if (io->ended && console->lost == 0)
        console->lost = error;
    fail_others(io, sqe.device, error_of(error));
}

/*
 * A file that has become full takes a part of a write. Linux 6.1 then leaves the file's position where the write began,
 * and what follows would overwrite that part, without an error. Just this part once more, which does fit, moves the
 * position; on a kernel that has moved it, there is no room, and nothing happens.
 */
static bool write_again(struct io *io, const struct request *request, int32_t result) {
    struct console *console = &io->console;
    bool is_file = io->devices->streams.kind[request->sqe.device] == UKVM_STREAM_FILE;
    if (!is_file || result <= 0 || (uint32_t)result == request->sqe.length - request->done)
        return false;
    console->again = (uint32_t)result;
    write_first(io);
    return true;
}

void console_finish(struct io *io, struct request *request, int32_t result) {
    struct console *console = &io->console;
    io->worker.missing |= result == -ECANCELED; /* it is lost, and must not be in silence */
    if (console->again) {
        request->done += console->again;
        console->again = 0;
        complete_first(io, -ENOSPC);
        write_first(io);
        return;
    }
    bool room = console->polls_out && result >= 0; /* or whatever else a write will find */
    console->polls_out = false;
    if (room) {
        write_first(io);
    } else if (result == -EAGAIN) {
        console->polls_out = true;
        poll_for(io, request, file_of(request), POLLOUT);
    } else if (!write_again(io, request, result)) {
        if (!request_goes_on(request, result))
            complete_first(io, result);
        write_first(io);
    }
}

/* ---- reading */

static bool can_read(const struct io *io, const struct request *request) {
    return request->sqe.device == UKVM_CONSOLE_IN && io->devices->streams.kind[UKVM_CONSOLE_IN] != UKVM_STREAM_NONE;
}

int32_t console_check_read(const struct io *io, const struct request *request) {
    return can_read(io, request) && !io->console.read ? 0 : -UKVM_EINVAL;
}

void console_start_read(struct io *io, struct request *request) {
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_read_fixed(sqe, IO_FILE_IN, request_buffer(io, request), request->sqe.length, UINT64_MAX,
                             URING_ARENA);
    request_tag(sqe, request);
    io->console.read = request;
}

void console_finish_read(struct io *io, struct request *request, int32_t result) {
    struct console *console = &io->console;
    bool arrived = console->polls_in && result >= 0;
    console->polls_in = false;
    if (io->ended) {
        request_complete(io, request, 0); /* nobody is left to read on for */
    } else if (arrived || result == -EINTR) {
        console_start_read(io, request);
    } else if (result == -EAGAIN) {
        console->polls_in = true;
        poll_for(io, request, IO_FILE_IN, POLLIN);
    } else {
        console->read = NULL;
        request_complete(io, request, result < 0 ? error_of(result) : result);
    }
}

int32_t console_check_poll(const struct io *io, const struct request *request) {
    return can_read(io, request) && !io->console.poll ? 0 : -UKVM_EINVAL;
}

void console_start_poll(struct io *io, struct request *request) {
    poll_for(io, request, IO_FILE_IN, POLLIN);
    io->console.poll = request;
}

/* Where the host cannot say, a read will. */
void console_finish_poll(struct io *io, struct request *request, int32_t result) {
    int32_t events = result > 0 && (result & POLLHUP) ? UKVM_POLL_HUP : 0;
    if (events == 0 || (result & (POLLIN | POLLERR)))
        events |= UKVM_POLL_IN;
    io->console.poll = NULL;
    request_complete(io, request, events);
}
