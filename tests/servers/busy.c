/* SPDX-License-Identifier: MIT */
/*
 * A program that computes for longer than a tick of TCP's timers before each of its writes: on a network that loses
 * frames, so that there is something to send again. To each client on port 7 it sends 50 times 1000 bytes.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void compute(long ms) {
    long until = now_ms() + ms;
    while (now_ms() < until)
        ;
}

int main(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    char block[1000];
    memset(block, 'x', sizeof block);
    if (bind(listener, (struct sockaddr *)&any, sizeof any) < 0 || listen(listener, 5) < 0) {
        perror("busy");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        for (int i = 0; i < 50 && send(client, block, sizeof block, MSG_NOSIGNAL) > 0; i++) {
            usleep(1000); /* a turn of the timers */
            compute(60);
        }
        close(client);
    }
}
