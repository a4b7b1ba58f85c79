/* SPDX-License-Identifier: MIT */
/* resolve NAME...: how many IPv4 addresses each name has, by getaddrinfo() and by res_query(). */
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <sys/socket.h>

static int count(const char *name) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *all;
    int number = 0;
    if (getaddrinfo(name, "80", &hints, &all) != 0)
        return -1;
    for (const struct addrinfo *at = all; at; at = at->ai_next)
        number++;
    freeaddrinfo(all);
    return number;
}

static int count_records(const char *name) {
    unsigned char answer[8192];
    int size = res_query(name, 1, 1, answer, sizeof answer);
    return size < 12 ? -1 : answer[6] * 256 + answer[7];
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        printf("%s: %d, %d\n", argv[i], count(argv[i]), count_records(argv[i]));
    return 0;
}
