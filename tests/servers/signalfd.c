/* SPDX-License-Identifier: MIT */
/* Takes SIGTERM and SIGINT by signalfd, twice, and then ends: for signal.t. */
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

int main(void) {
    struct signalfd_siginfo info;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready\n");
    for (int i = 0; i < 2; i++) {
        if (read(fd, &info, sizeof info) != sizeof info)
            return 1;
        printf("signal %u\n", info.ssi_signo);
    }
    return 7;
}
