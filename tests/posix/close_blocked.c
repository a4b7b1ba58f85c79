/* SPDX-License-Identifier: MIT */
/* A descriptor is closed while another thread is blocked in a call on it: the call goes on with the file that it has.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MUCH 300000

static pthread_t thread;
static int input, output;
static char sent[MUCH], received[MUCH];
static long result;
static int error;

static void done(long value) {
    result = value;
    error = value < 0 ? errno : 0;
}

static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
}

/* Takes over what was freed, if somebody uses it still. */
static void reuse_memory(void) {
    static char *blocks[2000];
    for (unsigned i = 0; i < 2000; i++) {
        blocks[i] = malloc(16 + i % 60 * 16);
        memset(blocks[i], 0x5a, 16 + i % 60 * 16);
    }
    for (unsigned i = 0; i < 2000; i++)
        free(blocks[i]);
}

static void fill(void) {
    for (unsigned i = 0; i < MUCH; i++)
        sent[i] = (char)(i * 7 + i / 1000);
}

static int unnamed_file(void) {
    char name[] = "/tmp/close-blocked-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    return fd;
}

/* Once there is something to read, whoever writes it is in the call, and blocked or about to be. */
static void wait_until_begun(int fd) {
    int available = 0;
    while (ioctl(fd, FIONREAD, &available) == 0 && available == 0)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    nap();
}

static size_t drain(int pipe) {
    size_t total = 0;
    ssize_t n;
    while (total < MUCH && (n = read(pipe, received + total, MUCH - total)) > 0)
        total += (size_t)n;
    return total;
}

static void start(void *(*run)(void *)) {
    pthread_create(&thread, NULL, run, NULL);
}

/* ---- full pipes and sockets */

static void *run_sendfile(void *unused) {
    off_t offset = 0;
    done(sendfile(output, input, &offset, MUCH));
    return unused;
}

static void *run_sendfile_position(void *unused) {
    done(sendfile(output, input, NULL, MUCH));
    return unused;
}

static void *run_write(void *unused) {
    done(write(output, sent, MUCH));
    return unused;
}

static void *run_writev(void *unused) {
    struct iovec iov[] = {{sent, 1000}, {sent + 1000, MUCH - 1000}};
    done(writev(output, iov, 2));
    return unused;
}

enum channel { PIPE, SOCKET };

static void into(enum channel channel, const char *name, void *(*run)(void *)) {
    int fds[2];
    memset(received, 0, sizeof received);
    input = unnamed_file();
    if ((channel == PIPE ? pipe(fds) : socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) < 0 ||
        write(input, sent, MUCH) != MUCH || lseek(input, 0, SEEK_SET) < 0)
        perror(name);
    output = fds[1];
    start(run);
    wait_until_begun(fds[0]);
    ok(close(input) == 0 && close(output) == 0, "%s: what it uses is closed", name);
    reuse_memory();
    is_u64(drain(fds[0]), MUCH, "%s: all of it comes", name);
    pthread_join(thread, NULL);
    is_u64((uint64_t)result, MUCH, "%s: as the call says", name);
    ok(memcmp(sent, received, MUCH) == 0, "%s: and it is right", name);
    close(fds[0]);
}

/* sendfile(2) to a pipe is as splice(2): it waits for some room, not for all. */
static void what_fits(void) {
    int fds[2];
    off_t offset = 0;
    input = unnamed_file();
    if (pipe(fds) < 0 || write(input, sent, MUCH) != MUCH)
        perror("pipe");
    is_u64((uint64_t)sendfile(fds[1], input, &offset, MUCH), 65536, "sendfile() to a pipe: what fits");
    is_u64((uint64_t)offset, 65536, "sendfile() to a pipe: goes on from there");
    close(input);
    ok(read(fds[0], received, MUCH) == 65536 && memcmp(sent, received, 65536) == 0,
       "sendfile() to a pipe: it is right");
    close(fds[0]);
    close(fds[1]);
}

/* ---- empty pipes */

static char small[16];

static void *run_read(void *unused) {
    done(read(input, small, sizeof small));
    return unused;
}

static void *run_readv(void *unused) {
    struct iovec iov[] = {{small, 2}, {small + 2, sizeof small - 2}};
    done(readv(input, iov, 2));
    return unused;
}

static void from_pipe(const char *name, void *(*run)(void *)) {
    int fds[2];
    memset(small, 0, sizeof small);
    if (pipe(fds) < 0)
        perror(name);
    input = fds[0];
    start(run);
    nap();
    close(input);
    reuse_memory();
    ok(write(fds[1], "hello", 5) == 5, "%s: the reader is still there", name);
    pthread_join(thread, NULL);
    ok(result == 5 && memcmp(small, "hello", 5) == 0, "%s: gets what is written", name);
    close(fds[1]);
}

static void *run_epoll(void *unused) {
    struct epoll_event event;
    done(epoll_wait(input, &event, 1, -1));
    return unused;
}

static void epolls(void) {
    struct epoll_event event = {.events = EPOLLIN};
    int fds[2];
    if (pipe(fds) < 0)
        perror("epoll");
    input = epoll_create1(0);
    ok(epoll_ctl(input, EPOLL_CTL_ADD, fds[0], &event) == 0, "epoll_wait(): an epoll");
    start(run_epoll);
    nap();
    close(input);
    reuse_memory();
    ok(write(fds[1], "x", 1) == 1, "epoll_wait(): something to read");
    pthread_join(thread, NULL);
    is_u64((uint64_t)result, 1, "epoll_wait(): hears of it though it is closed");
    close(fds[0]);
    close(fds[1]);
}

/* ---- sockets */

static void *run_receive(void *unused) {
    done(recv(input, small, sizeof small, 0));
    return unused;
}

static void receive(void) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
        perror("socketpair");
    input = fds[0];
    start(run_receive);
    nap();
    close(input);
    reuse_memory();
    ok(send(fds[1], "hello", 5, MSG_NOSIGNAL) == 5, "recv(): the receiver is still there");
    pthread_join(thread, NULL);
    is_u64((uint64_t)result, 5, "recv(): gets what is sent");
    close(fds[1]);
}

static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/tmp/close-blocked.sock"};

static int listener(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 0) < 0)
        perror("listen");
    return fd;
}

static void *run_accept(void *unused) {
    done(accept(input, NULL, NULL));
    return unused;
}

static void accepting(void) {
    input = listener();
    start(run_accept);
    nap();
    close(input);
    reuse_memory();
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    ok(connect(client, (struct sockaddr *)&address, sizeof address) == 0, "accept(): the listener is still there");
    pthread_join(thread, NULL);
    ok(result >= 0, "accept(): takes the client");
    close((int)result);
    close(client);
    unlink(address.sun_path);
}

int main(void) {
    alarm(60);
    fill();
    into(SOCKET, "sendfile()", run_sendfile);
    into(SOCKET, "sendfile() at the position", run_sendfile_position);
    into(SOCKET, "write() to a socket", run_write);
    into(PIPE, "write()", run_write);
    into(PIPE, "writev()", run_writev);
    what_fits();
    from_pipe("read()", run_read);
    from_pipe("readv()", run_readv);
    epolls();
    receive();
    accepting();
    return done_testing();
}
