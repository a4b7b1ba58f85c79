/* SPDX-License-Identifier: MIT */
/*
 * monkey SECONDS SEED UKVM GUEST DISK [OPTION...]: runs tests/guests/fuzz.c under the monitor UKVM, with DISK and with
 * one end of a socket pair as its network, again and again with the next seed, for so many seconds. To the other end it
 * sends random messages, and what comes from there it drops or sends back.
 *
 * The monitor must end with 0, or with one of the statuses of a guest that broke a rule (ABI.md, FAULT); never by a
 * signal, which is also what a sanitizer's report comes to, and never not at all. Else the seed is printed, and what
 * the monitor said; exit status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GUEST_MS "500"
#define PATIENCE_MS 20000
#define NET_FD 3

static const int statuses[] = {0, 128 + SIGSEGV, 128 + SIGSYS};
#define STATUSES (sizeof statuses / sizeof *statuses)

static int64_t now_ms(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* The monitor's place, with descriptor 3 as its network; `said` becomes its standard error. */
static _Noreturn void become(char **argv, uint64_t seed, int net, int said) {
    char seed_text[24], device[] = "net=fd:3", *command[32];
    char disk[4096];
    unsigned n = 0;
    snprintf(seed_text, sizeof seed_text, "%llu", (unsigned long long)seed);
    snprintf(disk, sizeof disk, "data=%s", argv[2]);
    char *const fixed[] = {argv[0], "run", "--disk", disk, "--net", device};
    for (; n < sizeof fixed / sizeof *fixed; n++)
        command[n] = fixed[n];
    for (char **option = argv + 3; *option && n < 26; option++)
        command[n++] = *option;
    command[n++] = argv[1];
    command[n++] = seed_text;
    command[n++] = GUEST_MS;
    command[n] = NULL;
    int null = open("/dev/null", O_RDWR);
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(said, 2) < 0 || dup2(net, NET_FD) < 0)
        _exit(126);
    execv(command[0], command);
    _exit(127);
}

/* A network with a will of its own. */
static void play(int net) {
    static uint8_t message[65536];
    struct pollfd end = {.fd = net, .events = POLLIN};
    if (poll(&end, 1, 1) > 0) {
        ssize_t size = recv(net, message, sizeof message, MSG_DONTWAIT);
        if (size >= 0 && rand() % 2)
            (void)send(net, message, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    for (int n = rand() % 8; n > 0; n--)
        (void)send(net, message, (size_t)(rand() % (rand() % 16 ? 1519 : 4096)), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void print_said(int said) {
    char text[4096];
    off_t size = lseek(said, 0, SEEK_END);
    ssize_t n = pread(said, text, sizeof text, size > (off_t)sizeof text ? size - (off_t)sizeof text : 0);
    fwrite(text, 1, n > 0 ? (size_t)n : 0, stderr);
}

/* Whether the monitor ended as it should; counts how. */
static bool run(char **argv, uint64_t seed, unsigned counts[STATUSES]) {
    int pair[2], status = 0;
    int said = memfd_create("stderr", MFD_CLOEXEC);
    if (said < 0 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) {
        perror("monkey");
        return false;
    }
    srand((unsigned)seed);
    pid_t child = fork();
    if (child == 0)
        become(argv, seed, pair[1], said);
    close(pair[1]);
    int64_t end = now_ms() + PATIENCE_MS;
    while (waitpid(child, &status, WNOHANG) == 0 && now_ms() < end)
        play(pair[0]);
    bool good = false;
    if (now_ms() >= end) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        fprintf(stderr, "monkey: seed %llu: the monitor does not end\n", (unsigned long long)seed);
    } else if (WIFSIGNALED(status)) {
        fprintf(stderr, "monkey: seed %llu: signal %d\n", (unsigned long long)seed, WTERMSIG(status));
    } else {
        for (unsigned i = 0; i < STATUSES; i++)
            if (WEXITSTATUS(status) == statuses[i])
                good = true, counts[i]++;
        if (!good)
            fprintf(stderr, "monkey: seed %llu: exit status %d\n", (unsigned long long)seed, WEXITSTATUS(status));
    }
    if (!good)
        print_said(said);
    close(pair[0]);
    close(said);
    return good;
}

int main(int argc, char **argv) {
    unsigned counts[STATUSES] = {0};
    if (argc < 6) {
        fprintf(stderr, "usage: monkey SECONDS SEED UKVM GUEST DISK [OPTION...]\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[2], NULL, 0);
    int64_t end = now_ms() + 1000 * strtoll(argv[1], NULL, 0);
    do
        if (!run(argv + 3, seed++, counts))
            return 1;
    while (now_ms() < end);
    for (unsigned i = 0; i < STATUSES; i++)
        printf("%s%u with status %d", i ? ", " : "", counts[i], statuses[i]);
    putchar('\n');
    return 0;
}
