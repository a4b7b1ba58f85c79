/* SPDX-License-Identifier: MIT */
/*
 * socketpair [-l N] [-r N] [-d N] [-c N] IFNAME COMMAND...: runs COMMAND with one end of a datagram socket pair as
 * descriptor 3, and carries Ethernet frames between the other end and the TAP interface IFNAME, until COMMAND ends or a
 * signal comes. Of a thousand frames it loses -l, sends -r later than the next ones, doubles -d, and changes a byte in
 * -c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t child;

static void pass_on(int signal) {
    if (child > 0)
        kill(child, signal);
}

static int open_tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    /* The kernel takes a moment to let go of a TAP whose monitor has just ended. */
    for (int tries = 0; fd >= 0 && tries < 100; tries++) {
        if (ioctl(fd, TUNSETIFF, &request) == 0)
            return fd;
        if (errno != EBUSY)
            return -1;
        usleep(10000);
    }
    return -1;
}

static int lose, reorder, doubled, corrupt; /* of a thousand */

static struct late {
    int to;   /* -1: none */
    int wait; /* frames that go first */
    size_t size;
    char frame[65536];
} late = {.to = -1};

static bool happens(int of_a_thousand) {
    return random() % 1000 < of_a_thousand;
}

static void put(int to, const char *frame, size_t size) {
    if (write(to, frame, size) < 0)
        return; /* a network loses frames */
}

static void put_late(void) {
    if (late.to >= 0 && late.wait-- == 0) {
        put(late.to, late.frame, late.size);
        late.to = -1;
    }
}

static void hold(int to, const char *frame, size_t size) {
    late.to = to;
    late.wait = (int)(random() % 4);
    late.size = size;
    memcpy(late.frame, frame, size);
}

static void carry(int from, int to) {
    char frame[65536];
    ssize_t n = read(from, frame, sizeof frame);
    if (n <= 0 || happens(lose))
        return;
    if (happens(corrupt))
        frame[random() % n] ^= (char)(1 << random() % 8);
    if (late.to < 0 && happens(reorder)) {
        hold(to, frame, (size_t)n);
        return;
    }
    put(to, frame, (size_t)n);
    if (happens(doubled))
        put(to, frame, (size_t)n);
    put_late();
}

static int parse(int argc, char **argv) {
    int option;
    while ((option = getopt(argc, argv, "+l:r:d:c:")) != -1)
        switch (option) {
        case 'l':
            lose = atoi(optarg);
            break;
        case 'r':
            reorder = atoi(optarg);
            break;
        case 'd':
            doubled = atoi(optarg);
            break;
        case 'c':
            corrupt = atoi(optarg);
            break;
        default:
            return -1;
        }
    return optind;
}

int main(int argc, char **argv) {
    int pair[2], status, first = parse(argc, argv);
    if (first < 0 || argc - first < 2) {
        fprintf(stderr, "usage: socketpair [-l N] [-r N] [-d N] [-c N] IFNAME COMMAND...\n");
        return 2;
    }
    argv += first - 1;
    int tap = open_tap(argv[1]);
    if (tap < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0) {
        perror("socketpair");
        return 1;
    }
    child = fork();
    if (child == 0) {
        close(tap);
        close(pair[0]);
        if (pair[1] != 3) {
            dup2(pair[1], 3);
            close(pair[1]);
        }
        execv(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    close(pair[1]);
    signal(SIGTERM, pass_on);
    struct pollfd ends[2] = {{.fd = tap, .events = POLLIN}, {.fd = pair[0], .events = POLLIN}};
    while (waitpid((pid_t)child, &status, WNOHANG) == 0) {
        if (poll(ends, 2, 100) <= 0)
            continue;
        if (ends[0].revents & POLLIN)
            carry(tap, pair[0]);
        if (ends[1].revents & POLLIN)
            carry(pair[0], tap);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
