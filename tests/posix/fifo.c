/* SPDX-License-Identifier: MIT */
/* Named pipes: who waits for whom, and when the end comes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static int events_of(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    poll(&p, 1, 0);
    return p.revents;
}

static void without_waiting(void) {
    char text[16];
    struct stat st;
    ok(mkfifo("fifo", 0600) == 0 && stat("fifo", &st) == 0 && S_ISFIFO(st.st_mode), "mkfifo");
    ok(mkfifo("fifo", 0600) < 0 && errno == EEXIST, "once");
    ok(open("fifo", O_WRONLY | O_NONBLOCK) < 0 && errno == ENXIO, "nobody to write to");
    int in = open("fifo", O_RDONLY | O_NONBLOCK);
    ok(in >= 0 && events_of(in) == 0 && read(in, text, 1) == 0, "nobody to read from");
    int out = open("fifo", O_WRONLY | O_NONBLOCK);
    ok(out >= 0 && events_of(out) == POLLOUT && read(in, text, 1) < 0 && errno == EAGAIN, "both sides");
    ok(write(out, "hello", 5) == 5 && events_of(in) == POLLIN && read(in, text, 16) == 5 && !memcmp(text, "hello", 5),
       "what is written is read");
    ok(fstat(in, &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0600, "fstat");
    int second = open("fifo", O_WRONLY);
    ok(second >= 0 && write(second, "2", 1) == 1 && write(out, "1", 1) == 1 && read(in, text, 16) == 2, "two writers");
    close(out);
    ok(events_of(in) == 0 && read(in, text, 1) < 0 && errno == EAGAIN, "one of them is left");
    write(second, "last", 4);
    close(second);
    ok((events_of(in) & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP) && read(in, text, 16) == 4, "what they left");
    ok((events_of(in) & POLLHUP) && read(in, text, 16) == 0, "and the end");
    out = open("fifo", O_WRONLY);
    ok(out >= 0 && events_of(in) == 0, "until there is another one");
    close(in);
    signal(SIGPIPE, SIG_IGN);
    ok(write(out, "x", 1) < 0 && errno == EPIPE && (events_of(out) & POLLERR), "no reader any more");
    close(out);
    int both = open("fifo", O_RDWR);
    ok(both >= 0 && write(both, "me", 2) == 2 && read(both, text, 16) == 2 && events_of(both) == POLLOUT,
       "both in one");
    close(both);
    ok(unlink("fifo") == 0, "unlink");
}

static volatile int step;

static void *write_later(void *unused) {
    (void)unused;
    usleep(20000);
    step = 1;
    int out = open("fifo", O_WRONLY);
    if (write(out, "from a thread", 13) != 13)
        step = -1;
    close(out);
    return NULL;
}

static void *read_later(void *unused) {
    char text[16];
    (void)unused;
    usleep(20000);
    step = 1;
    int in = open("fifo", O_RDONLY);
    step = read(in, text, 16) == 2 && read(in, text, 16) == 0 ? 2 : -1;
    close(in);
    return NULL;
}

static void nothing(int signal) {
    (void)signal;
}

static void waiting(void) {
    pthread_t thread;
    char text[16];
    mkfifo("fifo", 0600);
    pthread_create(&thread, NULL, write_later, NULL);
    int in = open("fifo", O_RDONLY);
    ok(in >= 0 && step == 1, "open to read waits for a writer");
    ok(read(in, text, 16) == 13 && !memcmp(text, "from a thread", 13) && read(in, text, 16) == 0,
       "and reads to the end");
    pthread_join(thread, NULL);
    close(in);
    step = 0;
    pthread_create(&thread, NULL, read_later, NULL);
    int out = open("fifo", O_WRONLY);
    ok(out >= 0 && step == 1, "open to write waits for a reader");
    ok(write(out, "ok", 2) == 2, "and writes");
    close(out);
    pthread_join(thread, NULL);
    ok(step == 2, "which is read");
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    ualarm(20000, 20000);
    ok(open("fifo", O_RDONLY) < 0 && errno == EINTR, "a signal ends waiting");
    ualarm(0, 0);
    ok(open("fifo", O_WRONLY | O_NONBLOCK) < 0 && errno == ENXIO, "and nobody is there");
    unlink("fifo");
}

int main(void) {
    char directory[] = "/tmp/fifo.XXXXXX";
    ok(mkdtemp(directory) && chdir(directory) == 0, "a directory of our own");
    without_waiting();
    waiting();
    ok(chdir("/") == 0 && rmdir(directory) == 0, "nothing is left");
    return done_testing();
}
