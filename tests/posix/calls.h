/* SPDX-License-Identifier: MIT */
/* What the tests of single system calls share. A program with them makes the calls by number where C libraries differ.
 */
#ifndef CALLS_H
#define CALLS_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"

/* A call that fails, with just this errno. */
static inline bool fails(long result, int want, const char *what) {
    int error = errno;
    bool passed = ok(result == -1 && error == want, "%s", what);
    if (!passed)
        diag("result %ld, errno %d (%s), want errno %d (%s)", result, error, strerror(error), want, strerror(want));
    return passed;
}

/* A call that returns `want`. */
static inline bool gives(long result, long want, const char *what) {
    int error = errno;
    bool passed = ok(result == want, "%s", what);
    if (!passed)
        diag("result %ld, want %ld; errno %d (%s)", result, want, error, strerror(error));
    return passed;
}

static char scratch[] = "/tmp/ukvm-calls-XXXXXX";

/* An empty directory of its own, to work in. */
static inline void enter_scratch(void) {
    if (!mkdtemp(scratch) || chdir(scratch)) {
        perror(scratch);
        exit(1);
    }
}

/* Removes it; the test has removed what it made. */
static inline void leave_scratch(void) {
    ok(chdir("/") == 0 && rmdir(scratch) == 0, "nothing is left over");
}

#endif
