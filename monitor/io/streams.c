/* SPDX-License-Identifier: MIT */
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device.h"

static uint8_t kind_of(int fd) {
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return UKVM_STREAM_OTHER;
    if (S_ISREG(stat.st_mode))
        return UKVM_STREAM_FILE;
    if (S_ISFIFO(stat.st_mode) || S_ISSOCK(stat.st_mode))
        return UKVM_STREAM_PIPE;
    if (S_ISCHR(stat.st_mode) && stat.st_rdev == makedev(1, 3))
        return UKVM_STREAM_NULL;
    return S_ISCHR(stat.st_mode) && isatty(fd) ? UKVM_STREAM_TERMINAL : UKVM_STREAM_OTHER;
}

/* Something that is no file at all. */
static int occupy_stdin(struct error *err) {
    int nothing = eventfd(0, EFD_CLOEXEC); /* the lowest number free */
    return nothing == STDIN_FILENO ? 0 : error_set(err, EXIT_MONITOR, "eventfd: %s", strerror(errno));
}

int streams_open(const struct config *config, struct streams *streams, struct error *err) {
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0 || fcntl(STDERR_FILENO, F_GETFD) < 0)
        return error_set(err, EXIT_MONITOR,
                         "standard output or standard error is closed; open both, if only on /dev/null");
    *streams = (struct streams){.kind = {[UKVM_CONSOLE_IN] = UKVM_STREAM_NONE,
                                         [UKVM_CONSOLE_OUT] = kind_of(STDOUT_FILENO),
                                         [UKVM_CONSOLE_ERR] = kind_of(STDERR_FILENO)}};
    if (devices_name_fd(config, STDIN_FILENO))
        return 0;
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    if (flags < 0)
        return occupy_stdin(err);
    streams->has_stdin = true;
    if ((flags & O_ACCMODE) != O_WRONLY && !(flags & O_PATH))
        streams->kind[UKVM_CONSOLE_IN] = kind_of(STDIN_FILENO);
    return 0;
}
