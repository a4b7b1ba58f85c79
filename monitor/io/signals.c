/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>

#include "io.h"
#include "uring.h"

static const int numbers[SIGNALS_MAX] = {SIGTERM, SIGINT};

static int add(struct signals *signals, int number, struct error *err) {
    struct sigaction old;
    sigset_t set;
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
        return 0;
    sigemptyset(&set);
    sigaddset(&set, number);
    int fd = sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
    if (fd < 0)
        return error_set(err, EXIT_MONITOR, "signalfd: %s", strerror(errno));
    sigdelset(&signals->let_through, number);
    signals->table[signals->count].number = number;
    signals->table[signals->count].fd = fd;
    signals->count++;
    return 0;
}

int signals_open(struct signals *signals, struct error *err) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    signals->count = 0;
    sigprocmask(SIG_BLOCK, NULL, &signals->let_through);
    for (unsigned i = 0; i < SIGNALS_MAX; i++)
        if (add(signals, numbers[i], err))
            return -1;
    /* A console whose reader went away, a file at its size limit: errors of that write, not the end of the guest. */
    if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigaction(SIGXFSZ, &ignore, NULL) < 0)
        return error_set(err, EXIT_MONITOR, "sigaction: %s", strerror(errno));
    return 0;
}

/* ---- while the guest runs ---- */

static void watch(struct io *io, unsigned index) {
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_poll_add(sqe, (int)(IO_FILE_SIGNALS + index), POLLIN);
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = index;
}

static void take(struct io *io, unsigned index) {
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_read_fixed(sqe, (int)(IO_FILE_SIGNALS + index), &io->page.signal, sizeof io->page.signal, 0,
                             URING_PAGE);
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = SIGNALS_MAX + index;
}

void signals_watch(struct io *io) {
    for (unsigned i = 0; i < io->signals->count; i++)
        watch(io, i);
}

void signals_finish(struct io *io, uint64_t tag, int32_t result) {
    unsigned index = (unsigned)(tag % SIGNALS_MAX);
    struct catcher *catcher = &io->catcher;
    if (tag >= SIGNALS_MAX) {
        watch(io, index); /* if reading failed, the signal is still there: then it counts as a second one */
        return;
    }
    if (result < 0)
        return;
    if (catcher->request && !catcher->caught) {
        catcher->caught = io->signals->table[index].number;
        take(io, index);
    } else {
        io->stop_signal = io->signals->table[index].number;
    }
}

void signals_deliver(struct io *io) {
    struct catcher *catcher = &io->catcher;
    if (!catcher->caught)
        return;
    request_complete(io, catcher->request, catcher->caught);
    catcher->request = NULL;
    catcher->caught = 0;
}

void signals_stop_catching(struct io *io) {
    if (io->catcher.caught)
        io->stop_signal = io->catcher.caught;
    io->catcher.request = NULL;
    io->catcher.caught = 0;
}

_Static_assert(UKVM_SIGNAL_INT == SIGINT && UKVM_SIGNAL_TERM == SIGTERM, "results are the signals' own numbers");

int32_t signals_check(const struct io *io, const struct request *request) {
    (void)request;
    return io->catcher.request ? -UKVM_EINVAL : 0;
}

void signals_start(struct io *io, struct request *request) {
    io->catcher.request = request;
}
