/* SPDX-License-Identifier: MIT */
/* What the console's streams have in common, in either direction: console.c writes to them, stdin.c reads. */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "console.h"
#include "core/console.h"

int uk_console_errno(int32_t result) {
    switch (-result) {
    case UKVM_EPIPE:
        return -EPIPE;
    case UKVM_ENOSPC:
        return -ENOSPC;
    default:
        return -EIO;
    }
}

/* No position: a file is not told from a pipe. */
int uk_console_stat(unsigned stream, struct uk_kstat *stat) {
    enum ukvm_stream_kind kind = uk_console_kind(stream);
    bool is_pipe = kind == UKVM_STREAM_FILE || kind == UKVM_STREAM_PIPE;
    stat->mode = is_pipe ? S_IFIFO | 0600 : S_IFCHR | 0620;
    if (kind == UKVM_STREAM_NULL)
        stat->rdev = makedev(1, 3);
    if (kind == UKVM_STREAM_TERMINAL)
        stat->rdev = makedev(136, 0);
    return 0;
}

/* Linux: struct termios of the system calls. */
struct kernel_termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, control[19];
};

/* The terminal is the host's, and stays as it is: by lines and with an echo, of a size that is not known. */
int uk_console_ioctl(unsigned stream, unsigned request, void *argument) {
    static const struct kernel_termios usual = {
        .iflag = 0x500,  /* ICRNL, IXON */
        .oflag = 0x5,    /* OPOST, ONLCR */
        .cflag = 0xbf,   /* B38400, CS8, CREAD */
        .lflag = 0x8a3b, /* ISIG, ICANON, ECHO, ECHOE, ECHOK, ECHOCTL, ECHOKE, IEXTEN */
        .control = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22},
    };
    if (uk_console_kind(stream) != UKVM_STREAM_TERMINAL)
        return -ENOTTY;
    switch (request) {
    case TCGETS:
        memcpy(argument, &usual, sizeof usual);
        return 0;
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return memcmp(argument, &usual, sizeof usual) == 0 ? 0 : -EIO;
    case TIOCGWINSZ:
        memset(argument, 0, sizeof(struct winsize));
        return 0;
    case TIOCGPGRP:
        *(int *)argument = 1;
        return 0;
    default:
        return -ENOTTY;
    }
}
