/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>

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
