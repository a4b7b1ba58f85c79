/* SPDX-License-Identifier: MIT */
/*
 * A server on TCP port 7 that does what its client says, one connection at a time. The client sends words, each with a
 * blank behind it:
 *
 *   sN mN   send N bytes; with MSG_MORE
 *   N n     TCP_NODELAY on, off
 *   C c     TCP_CORK on, off
 *   e       close the connection
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void set(int fd, int name, int value) {
    setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value);
}

/* 0: the client is gone. */
static int next_word(int fd, char *word, size_t size) {
    size_t length = 0;
    char c;
    while (read(fd, &c, 1) == 1) {
        if (c == ' ') {
            word[length] = '\0';
            return 1;
        }
        if (length < size - 1)
            word[length++] = c;
    }
    return 0;
}

static void give(int fd, const char *size, int flags) {
    static const char data[65536];
    size_t wanted = strtoul(size, NULL, 10);
    send(fd, data, wanted < sizeof data ? wanted : sizeof data, flags | MSG_NOSIGNAL);
}

/* 0: the connection is over. */
static int obey(int fd, const char *word) {
    switch (word[0]) {
    case 's':
        give(fd, word + 1, 0);
        return 1;
    case 'm':
        give(fd, word + 1, MSG_MORE);
        return 1;
    case 'N':
    case 'n':
        set(fd, TCP_NODELAY, word[0] == 'N');
        return 1;
    case 'C':
    case 'c':
        set(fd, TCP_CORK, word[0] == 'C');
        return 1;
    default:
        return 0;
    }
}

static void serve(int fd) {
    char word[16];
    while (next_word(fd, word, sizeof word) && obey(fd, word))
        ;
    close(fd);
}

int main(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
    if (bind(listener, (struct sockaddr *)&any, sizeof any) < 0 || listen(listener, 5) < 0) {
        perror("script");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while ((fd = accept(listener, NULL, NULL)) >= 0)
        serve(fd);
    return 1;
}
