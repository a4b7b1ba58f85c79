/* SPDX-License-Identifier: MIT */
/*
 * How a failure travels: the function that finds it writes one complete sentence and the exit status that belongs to
 * it. Every caller hands it on, and main() prints it once.
 */
#ifndef UKVM_ERROR_H
#define UKVM_ERROR_H

/* ABI.md, FAULT-02 and FAULT-03. */
enum exit_status {
    EXIT_MONITOR = 125,   /* the monitor, its options or the host cannot do it */
    EXIT_IMAGE = 126,     /* the image cannot run */
    EXIT_NOT_FOUND = 127, /* there is no such image */
    EXIT_SIGNAL = 128,    /* + the signal */
};

/* Where the kernel refuses to start a thread, which counts as a process. */
#define ERROR_NO_THREAD                                                                                              \
    "the kernel cannot start a thread that this needs: raise the limit on processes (ulimit -u, or pids.max of the " \
    "cgroup)"

struct error {
    int status;      /* enum exit_status */
    char text[5120]; /* a path of PATH_MAX and what is wrong with it */
};

/*
 * Writes the message, without "ukvm:" and without a line end. Names from outside may have control characters. They are
 * shown as '?', so that the message stays one line. Returns -1, so that a caller can return it.
 */
int error_set(struct error *err, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
