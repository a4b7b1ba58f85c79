/* SPDX-License-Identifier: MIT */
/*
 * Times whole processes: from before exec to after wait4, the programs given taking turns, so that whatever the
 * machine does meanwhile falls on each of them alike.
 *
 *     spawn_time ROUNDS WARMUP PROGRAM [ARG...] [-- PROGRAM [ARG...]]...
 *
 * Each program's standard output goes to /dev/null. Prints one line per timed run: the program's index, nanoseconds,
 * peak resident KiB. Anything but exit status 0 is an error, because a run that failed early would look fast.
 *
 * A child's ru_maxrss also counts what it was before exec. After fork that is little, because pages of files are not
 * copied, where after vfork it is all of this process. A peak that may still be from before exec is printed as -1.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* What a child knows just before exec, in memory shared with its parent. */
struct before_exec {
    int64_t start_ns;
    long rss_kib;
};

static int64_t now_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static _Noreturn void become(char **argv, struct before_exec *before) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        before->rss_kib = usage.ru_maxrss;
    before->start_ns = now_ns();
    execv(argv[0], argv);
    _exit(127);
}

static int run_once(char **argv, struct before_exec *before, struct sample *out) {
    struct rusage usage;
    int status;
    *before = (struct before_exec){.rss_kib = LONG_MAX};
    pid_t pid = fork();
    if (pid == 0)
        become(argv, before);
    if (pid < 0)
        return -errno;
    while (wait4(pid, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return -errno;
    out->ns = now_ns() - before->start_ns;
    out->rss_kib = usage.ru_maxrss > before->rss_kib ? usage.ru_maxrss : -1;
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
    struct before_exec *before = mmap(NULL, sizeof(*before), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!out || before == MAP_FAILED || null_fd < 0 || dup2(null_fd, STDOUT_FILENO) < 0) {
        perror("spawn_time");
        return 1;
    }

    for (long round = -warmup; round < rounds; round++) {
        for (int p = 0; p < count; p++) {
            struct sample s = {0};
            if (run_once(programs[p], before, &s) < 0)
                return 1;
            if (round >= 0)
                fprintf(out, "%d %lld %ld\n", p, (long long)s.ns, s.rss_kib);
        }
    }
    return fclose(out) == 0 ? 0 : 1;
}
