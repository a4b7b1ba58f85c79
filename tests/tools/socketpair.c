/* SPDX-License-Identifier: MIT */
/*
 * socketpair IFNAME COMMAND...: runs COMMAND with one end of a datagram socket pair as descriptor 3, and carries
 * Ethernet frames between the other end and the TAP interface IFNAME, until COMMAND ends or a signal comes.
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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
    return fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0 ? fd : -1;
}

static void carry(int from, int to) {
    char frame[65536];
    ssize_t n = read(from, frame, sizeof frame);
    if (n > 0 && write(to, frame, (size_t)n) < 0)
        return; /* a network loses frames */
}

int main(int argc, char **argv) {
    int pair[2], status;
    if (argc < 3) {
        fprintf(stderr, "usage: socketpair IFNAME COMMAND...\n");
        return 2;
    }
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
