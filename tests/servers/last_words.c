/* SPDX-License-Identifier: MIT */
/* Answers one client on port 7 with 200000 bytes and ends: by exit(), or by abort() if there is an argument. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    (void)argv;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    static char block[200000];
    memset(block, 'x', sizeof block);
    if (bind(listener, (struct sockaddr *)&any, sizeof any) < 0 || listen(listener, 5) < 0)
        return 1;
    puts("ready");
    fflush(stdout);
    int client = accept(listener, NULL, NULL);
    if (write(client, block, sizeof block) != (ssize_t)sizeof block)
        return 1;
    if (argc > 1)
        abort();
    return 9;
}
