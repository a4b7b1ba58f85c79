/* SPDX-License-Identifier: MIT */
/*
 * frame_peer dgram|seqpacket COMMAND...: runs COMMAND with one end of a socket pair as descriptor 3, sends back every
 * Ethernet frame that arrives at the other end, and does what frames of type FRAME_COMMAND ask for. Ends with COMMAND,
 * and with its status.
 */
#include "frame_peer.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int end = -1;
static uint32_t counted;

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Blocks while the queue is full; a reader that is gone is seen by the caller's waitpid(). */
static void put(const uint8_t *frame, size_t length) {
    (void)!send(end, frame, length, MSG_NOSIGNAL);
}

static void answer(uint32_t value) {
    uint8_t frame[FRAME_COMMAND_SIZE] = {[12] = FRAME_COMMAND >> 8, [13] = FRAME_COMMAND & 0xff};
    memcpy(frame + 16, &value, sizeof value);
    put(frame, sizeof frame);
}

static void send_burst(uint32_t count) {
    uint8_t frame[2048] = {[12] = 0x08};
    for (uint32_t number = 0; number < count; number++) {
        memcpy(frame + 16, &number, sizeof number);
        for (uint32_t i = 20; i < frame_burst_length(number); i++)
            frame[i] = (uint8_t)(number + i);
        put(frame, frame_burst_length(number));
    }
}

static void send_bad(uint32_t longest) {
    static const uint8_t frame[65536];
    put(frame, 1);
    put(frame, 13);
    put(frame, longest + 1);
    put(frame, 9000);
    answer(FRAME_GOOD);
}

static void flood(uint32_t ms) {
    static const uint8_t frame[13];
    for (uint64_t limit = now_ms() + ms; now_ms() < limit;)
        put(frame, sizeof frame);
}

static void obey(const uint8_t *frame) {
    uint32_t value;
    memcpy(&value, frame + 16, sizeof value);
    switch ((enum frame_command)frame[14]) {
    case FRAME_NOTHING:
        counted++;
        break;
    case FRAME_BURST:
        send_burst(value);
        break;
    case FRAME_BAD:
        send_bad(value);
        break;
    case FRAME_CLOSE:
        close(end);
        end = -1;
        break;
    case FRAME_DELAY:
        usleep(value * 1000);
        answer(FRAME_GOOD);
        break;
    case FRAME_DEAF:
        usleep(value * 1000);
        break;
    case FRAME_FLOOD:
        flood(value);
        break;
    case FRAME_COUNT:
        answer(counted);
        break;
    }
}

static void serve(void) {
    uint8_t frame[65536];
    ssize_t n = recv(end, frame, sizeof frame, MSG_DONTWAIT);
    if (n >= (ssize_t)FRAME_COMMAND_SIZE && frame[12] == FRAME_COMMAND >> 8 && frame[13] == (FRAME_COMMAND & 0xff)) {
        obey(frame);
    } else if (n > 0) {
        counted++;
        put(frame, (size_t)n);
    }
}

static void run(char **command, int fd) {
    if (fd != 3) {
        dup2(fd, 3);
        close(fd);
    }
    execv(command[0], command);
    perror(command[0]);
    _exit(127);
}

int main(int argc, char **argv) {
    int pair[2], status;
    if (argc < 3) {
        fprintf(stderr, "usage: frame_peer dgram|seqpacket COMMAND...\n");
        return 2;
    }
    int type = strcmp(argv[1], "seqpacket") == 0 ? SOCK_SEQPACKET : SOCK_DGRAM;
    if (socketpair(AF_UNIX, type, 0, pair) < 0) {
        perror("frame_peer");
        return 1;
    }
    pid_t child = fork();
    if (child == 0) {
        close(pair[0]);
        run(argv + 2, pair[1]);
    }
    close(pair[1]);
    end = pair[0];
    while (waitpid(child, &status, WNOHANG) == 0) {
        struct pollfd ready = {.fd = end, .events = POLLIN};
        if (poll(&ready, 1, 5) > 0)
            serve();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
