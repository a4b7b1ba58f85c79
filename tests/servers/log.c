/* SPDX-License-Identifier: MIT */
/* Writes to the system's log; with an argument, takes /dev/log over first, as a log daemon does. For files.t. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    struct stat st;
    char text[256] = "";
    openlog("prog", LOG_PID, LOG_DAEMON);
    if (argc > 1) {
        int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
            return 2; /* it was there */
        unlink(address.sun_path);
        if (bind(fd, (struct sockaddr *)&address, sizeof address))
            return 3;
        syslog(LOG_ERR, "to %s", argv[1]);
        ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
        printf("%s\n", n > 0 && strstr(text, "prog[1]: to ") ? strstr(text, "to ") : "nothing");
        return 0;
    }
    syslog(LOG_INFO, "line %d", 1);
    syslog(LOG_ERR, "line %d\n", 2);
    return stat(address.sun_path, &st) == 0 && S_ISSOCK(st.st_mode) ? 0 : 4;
}
