/* SPDX-License-Identifier: MIT */
/*
 * kill_at TIMES MICROSECONDS SEED COMMAND...: starts COMMAND and kills it (SIGKILL) at a random moment of its first
 * MICROSECONDS, TIMES times, and prints how often it had ended by itself before, and with what status.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int ended = 0, failed = 0, status;
    if (argc < 5) {
        fprintf(stderr, "usage: kill_at TIMES MICROSECONDS SEED COMMAND...\n");
        return 2;
    }
    int times = atoi(argv[1]);
    long limit = atol(argv[2]);
    srandom((unsigned)atoi(argv[3]));
    for (int i = 0; i < times; i++) {
        pid_t child = fork();
        if (child == 0) {
            execv(argv[4], argv + 4);
            _exit(127);
        }
        usleep((useconds_t)(random() % limit));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        ended += WIFEXITED(status);
        failed += WIFEXITED(status) && WEXITSTATUS(status) != 0;
    }
    printf("kill_at: %d killed, %d ended before, %d of them with an error\n", times - ended, ended, failed);
    return failed > 0;
}
