/* SPDX-License-Identifier: MIT */
/* console DEED: uses the standard streams, and says on standard error what came of it; in a guest or on the host alike.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *text) {
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        perror("write");
}

/* ---- ends after a few words: all of them have to come out */

static void last_words(void) {
    put("written\n");
    printf("printed\n");
    fflush(stdout);
    for (int i = 0; i < 2000; i++)
        printf("line %d\n", i);
    fflush(stdout);
    put("the last, without an end of line");
}

static void end_by_fault(void) {
    last_words();
    static volatile int *volatile nowhere;
    *nowhere = 1;
}

static void end_by_division(void) {
    volatile int zero = 0;
    last_words();
    exit(7 / zero);
}

static void end_by_abort(void) {
    last_words();
    abort();
}

static void end_by_exit(void) {
    last_words();
    _exit(9);
}

static void end_by_signal(void) {
    last_words();
    raise(SIGTERM);
}

static void overflow(int depth) {
    volatile char frame[1000];
    memset((char *)frame, depth, sizeof frame);
    if (frame[999] == (char)depth) /* always */
        overflow(depth + 1);
    frame[0] = 1;
}

static void end_by_overflow(void) {
    last_words();
    overflow(0);
}

/* ---- reads */

static void tell(const char *what, long result) {
    fprintf(stderr, "%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static void copy(void) {
    char buffer[100];
    ssize_t n;
    while ((n = read(STDIN_FILENO, buffer, sizeof buffer)) > 0)
        if (write(STDOUT_FILENO, buffer, (size_t)n) != n)
            exit(1);
    tell("read", n);
}

/* A filter as most are: by stdio, a line at a time. */
static void lines(void) {
    char line[200];
    int count = 0;
    while (fgets(line, sizeof line, stdin))
        printf("%d %s", ++count, line);
    tell("end of file", feof(stdin) != 0);
}

static void read_some(void) {
    char buffer[4];
    tell("read", read(STDIN_FILENO, buffer, sizeof buffer));
}

static void read_nothing(void) {
    put("nothing was read\n");
}

/* One byte a time, each after a look whether there is one. */
static void read_when_ready(void) {
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;
    while (poll(&in, 1, -1) == 1 && read(STDIN_FILENO, &byte, 1) == 1)
        if (write(STDOUT_FILENO, &byte, 1) != 1)
            exit(1);
    tell("ready at the end", (in.revents & (POLLIN | POLLHUP)) != 0);
}

/* Of a pipe that is empty until "empty" has been said. */
static void without_waiting(void) {
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    fd_set set;
    struct timeval none = {0, 0};
    char buffer[100];
    FD_ZERO(&set);
    FD_SET(STDIN_FILENO, &set);
    tell("poll", poll(&in, 1, 0));
    tell("select", select(1, &set, NULL, NULL, &none));
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    tell("read", read(STDIN_FILENO, buffer, sizeof buffer));
    put("empty\n");
    tell("poll", poll(&in, 1, -1));
    tell("read", read(STDIN_FILENO, buffer, sizeof buffer));
}

/* What is there at the start is seen at the first look. */
static void at_once(void) {
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN};
    int fd = epoll_create1(0);
    char buffer[100];
    tell("poll", poll(&in, 1, 0));
    epoll_ctl(fd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    tell("epoll", epoll_wait(fd, &event, 1, 0));
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    tell("read", read(STDIN_FILENO, buffer, 3));
    tell("read", read(STDIN_FILENO, buffer, sizeof buffer));
}

static void *copy_in_thread(void *unused) {
    copy();
    return unused;
}

/* One thread waits for input, and the other one goes on. */
static void with_threads(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, copy_in_thread, NULL);
    for (int i = 0; i < 5; i++)
        usleep(1000);
    put("empty\n");
    pthread_join(thread, NULL);
}

/* The end does not wait for what a thread still waits for. */
static void end_before_input(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, copy_in_thread, NULL);
    usleep(1000);
    exit(6);
}

static void interrupted(int signal) {
    (void)signal;
}

/* A signal ends the read, and nothing that comes later is lost by it. */
static void read_interrupted(void) {
    struct sigaction action = {.sa_handler = interrupted};
    char buffer[100];
    sigaction(SIGALRM, &action, NULL);
    ualarm(20000, 0);
    tell("read", read(STDIN_FILENO, buffer, sizeof buffer));
    put("empty\n");
    tell("read", read(STDIN_FILENO, buffer, sizeof buffer));
}

/* ---- what the streams are */

static void kinds(void) {
    for (int fd = 0; fd < 3; fd++) {
        struct stat stat;
        int result = fstat(fd, &stat);
        fprintf(stderr, "%d: %s%s%s\n", fd, isatty(fd) ? "terminal " : "", result < 0 ? "closed" : "",
                result == 0 && S_ISCHR(stat.st_mode) ? "character device" : "");
    }
}

/* ---- writes that fail */

static void write_for_ever(void) {
    while (puts("y") >= 0)
        continue;
    fprintf(stderr, "puts: %s\n", strerror(errno));
    exit(3);
}

static void write_ignoring(void) {
    signal(SIGPIPE, SIG_IGN);
    write_for_ever();
}

/* A thousand pieces, each checked. */
static void write_checked(void) {
    static char piece[1000];
    memset(piece, 'x', sizeof piece - 1);
    piece[sizeof piece - 1] = '\n';
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 1000; i++) {
        ssize_t n = write(STDOUT_FILENO, piece, sizeof piece);
        if (n == (ssize_t)sizeof piece)
            continue;
        fprintf(stderr, "write %d: ", i);
        tell("result", n);
        tell("once more", write(STDOUT_FILENO, piece, sizeof piece));
        exit(3);
    }
}

/* A reader who takes nothing yet; everything that was accepted arrives when he does. */
static void write_without_waiting(void) {
    static char piece[1000];
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    long written = 0;
    ssize_t n;
    memset(piece, 'x', sizeof piece);
    fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    while ((n = write(STDOUT_FILENO, piece, sizeof piece)) > 0)
        written += n;
    tell("write", n);
    fprintf(stderr, "written %ld\n", written);
    tell("poll", poll(&out, 1, -1));
}

static const struct {
    const char *name;
    void (*run)(void);
} deeds[] = {
    {"fault", end_by_fault},
    {"division", end_by_division},
    {"abort", end_by_abort},
    {"exit", end_by_exit},
    {"overflow", end_by_overflow},
    {"signal", end_by_signal},
    {"copy", copy},
    {"lines", lines},
    {"some", read_some},
    {"nothing", read_nothing},
    {"ready", read_when_ready},
    {"nonblock", without_waiting},
    {"at-once", at_once},
    {"threads", with_threads},
    {"end", end_before_input},
    {"interrupted", read_interrupted},
    {"kinds", kinds},
    {"yes", write_for_ever},
    {"ignore", write_ignoring},
    {"checked", write_checked},
    {"slow", write_without_waiting},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof deeds / sizeof *deeds; i++)
        if (strcmp(argv[1], deeds[i].name) == 0) {
            deeds[i].run();
            return 0;
        }
    fprintf(stderr, "there is no such deed\n");
    return 2;
}
