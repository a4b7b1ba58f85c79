/* SPDX-License-Identifier: MIT */
/*
 * socket_peer HOW COMMAND...: runs COMMAND with one end of a SOCK_SEQPACKET pair as descriptor 3, the other end being
 *
 *     deaf     open, and never read
 *     reader   read, whatever comes
 *     closed   closed
 *     writer   written to without a pause: frames of every length, a few too short or too long for any network, and
 *              never read
 *
 * until COMMAND ends, whose status it hands on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void deaf(int fd) {
    (void)fd;
}

static void reader(int fd) {
    char frame[65536];
    while (recv(fd, frame, sizeof frame, 0) > 0)
        ;
}

static void writer(int fd) {
    static char frame[4096];
    for (size_t length = 0;; length = (length + 37) % sizeof frame)
        if (send(fd, frame, length, MSG_NOSIGNAL) < 0)
            return;
}

static void closed(int fd) {
    close(fd);
}

static const struct {
    const char *name;
    void (*serve)(int fd);
} hows[] = {{"deaf", deaf}, {"reader", reader}, {"closed", closed}, {"writer", writer}};

int main(int argc, char **argv) {
    int pair[2], status;
    if (argc < 3 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0) {
        fprintf(stderr, "usage: socket_peer deaf|reader|closed|writer COMMAND...\n");
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        close(pair[0]);
        dup2(pair[1], 3);
        execv(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    close(pair[1]);
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++)
        if (strcmp(argv[1], hows[i].name) == 0)
            hows[i].serve(pair[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
