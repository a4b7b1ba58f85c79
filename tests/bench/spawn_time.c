/* SPDX-License-Identifier: MIT */
/*
 * Times whole processes: from before vfork to after wait4, the programs given taking turns, so that whatever the
 * machine does meanwhile falls on each of them alike.
 *
 *     spawn_time ROUNDS WARMUP PROGRAM [ARG...] [-- PROGRAM [ARG...]]...
 *
 * Each program's standard output goes to /dev/null. Prints one line per timed run: the program's index, nanoseconds,
 * peak resident KiB. Anything but exit status 0 is an error, because a run that failed early would look fast.
 *
 * A child's ru_maxrss also counts what it was before exec, which after vfork is this process. So this program is
 * linked statically, stays small, and refuses to report a peak that may be its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROGRAMS 8
#define MAX_ROUNDS 10000

struct sample {
    int64_t ns;
    long rss_kib;
};

static int64_t now_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* What exec carries over into a child: the peak of this address space, which getrusage would overstate. */
static long own_peak_kib(void) {
    char line[128];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "re");
    if (!f)
        return -1;
    while (kib < 0 && fgets(line, sizeof(line), f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    fclose(f);
    return kib;
}

static int run_once(char **argv, struct sample *out) {
    struct rusage usage;
    int status;
    int64_t start = now_ns();
    pid_t pid = vfork();
    if (pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    if (pid < 0)
        return -errno;
    while (wait4(pid, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return -errno;
    out->ns = now_ns() - start;
    out->rss_kib = usage.ru_maxrss;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "spawn_time: %s: %s %d\n", argv[0], WIFEXITED(status) ? "exit status" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        return -ECHILD;
    }
    return 0;
}

static long parse_count(const char *text, long min) {
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || *end || end == text || n < min || n > MAX_ROUNDS ? -1 : n;
}

/* Splits ARG... -- ARG... into vectors in place; returns how many, or -1. */
static int split(char **argv, int argc, char **programs[MAX_PROGRAMS]) {
    int count = 0;
    for (int i = 0; i < argc; i++) {
        if (i > 0 && strcmp(argv[i - 1], "--") != 0)
            continue;
        if (count == MAX_PROGRAMS || strcmp(argv[i], "--") == 0)
            return -1;
        programs[count++] = &argv[i];
    }
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            argv[i] = NULL;
    return count;
}

int main(int argc, char **argv) {
    char **programs[MAX_PROGRAMS];
    int count = argc > 3 ? split(argv + 3, argc - 3, programs) : -1;
    long rounds = argc > 3 ? parse_count(argv[1], 1) : -1;
    long warmup = argc > 3 ? parse_count(argv[2], 0) : -1;
    if (count < 1 || rounds < 0 || warmup < 0) {
        fputs("usage: spawn_time ROUNDS WARMUP PROGRAM [ARG...] [-- PROGRAM [ARG...]]...\n", stderr);
        return 2;
    }

    /* The samples go to the real standard output, which the children must not inherit. */
    int out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    FILE *out = out_fd >= 0 ? fdopen(out_fd, "w") : NULL;
    if (!out || null_fd < 0 || dup2(null_fd, STDOUT_FILENO) < 0) {
        perror("spawn_time");
        return 1;
    }

    for (long round = -warmup; round < rounds; round++) {
        for (int p = 0; p < count; p++) {
            struct sample s;
            if (run_once(programs[p], &s) < 0)
                return 1;
            if (round >= 0)
                fprintf(out, "%d %lld %ld\n", p, (long long)s.ns, s.rss_kib > own_peak_kib() ? s.rss_kib : -1L);
        }
    }
    return fclose(out) == 0 ? 0 : 1;
}
