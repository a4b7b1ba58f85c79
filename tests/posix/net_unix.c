/* SPDX-License-Identifier: MIT */
/* AF_UNIX: pairs, names, and descriptors in messages. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tap.h"

static int pair[2];

static int events_of(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
    poll(&p, 1, 0);
    return p.revents;
}

static void streams(void) {
    char buffer[64];
    int available;
    ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    ok(events_of(pair[0]) == POLLOUT, "writable");
    ok(write(pair[0], "ab", 2) == 2 && write(pair[0], "cd", 2) == 2, "two writes");
    ok(ioctl(pair[1], FIONREAD, &available) == 0 && available == 4, "FIONREAD");
    ok(events_of(pair[1]) == (POLLIN | POLLOUT), "readable");
    ok(recv(pair[1], buffer, 3, MSG_PEEK) == 3 && !memcmp(buffer, "abc", 3), "MSG_PEEK across both");
    ok(read(pair[1], buffer, 64) == 4 && !memcmp(buffer, "abcd", 4), "one read");
    ok(recv(pair[1], buffer, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "EAGAIN");
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    ssize_t n;
    size_t sent = 0, got = 0;
    while ((n = write(pair[0], buffer, sizeof buffer)) > 0)
        sent += (size_t)n;
    ok(errno == EAGAIN && !(events_of(pair[0]) & POLLOUT), "full");
    while (got < sent && (n = read(pair[1], buffer, sizeof buffer)) > 0)
        got += (size_t)n;
    ok(got == sent && (events_of(pair[0]) & POLLOUT), "and empty again");
    shutdown(pair[0], SHUT_WR);
    ok(read(pair[1], buffer, 1) == 0 && (events_of(pair[1]) & (POLLRDHUP | POLLHUP)) == POLLRDHUP, "half closed");
    ok(write(pair[1], "x", 1) == 1 && read(pair[0], buffer, 1) == 1, "the other direction");
    close(pair[0]);
    ok((events_of(pair[1]) & (POLLIN | POLLHUP)) == (POLLIN | POLLHUP), "closed");
    ok(send(pair[1], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "EPIPE");
    close(pair[1]);
}

static void *answer(void *unused) {
    char buffer[16];
    ssize_t n;
    (void)unused;
    while ((n = read(pair[1], buffer, sizeof buffer)) > 0)
        if (write(pair[1], buffer, (size_t)n) != n)
            break;
    return NULL;
}

static void threads(void) {
    pthread_t thread;
    char buffer[16];
    int good = 0;
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    pthread_create(&thread, NULL, answer, NULL);
    for (int i = 0; i < 1000; i++)
        good += write(pair[0], &i, sizeof i) == sizeof i && read(pair[0], buffer, 16) == sizeof i &&
                !memcmp(buffer, &i, sizeof i);
    close(pair[0]);
    pthread_join(thread, NULL);
    ok(good == 1000, "a thousand round trips between threads");
    close(pair[1]);
}

static void messages(void) {
    char buffer[64];
    ok(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "SOCK_SEQPACKET");
    write(pair[0], "one", 3);
    write(pair[0], "three", 5);
    ok(read(pair[1], buffer, 64) == 3 && recv(pair[1], buffer, 2, MSG_TRUNC) == 5, "boundaries are kept");
    close(pair[0]);
    ok(read(pair[1], buffer, 64) == 0, "the end");
    close(pair[1]);
    ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "SOCK_DGRAM");
    write(pair[0], "one", 3);
    write(pair[0], "two", 3);
    ok(read(pair[1], buffer, 64) == 3 && read(pair[1], buffer, 64) == 3 && !memcmp(buffer, "two", 3), "datagrams");
    close(pair[0]);
    ok(send(pair[1], "x", 1, 0) < 0 && errno == ECONNREFUSED, "nobody there");
    close(pair[1]);
}

static socklen_t make_name(struct sockaddr_un *name, const char *text) {
    *name = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "ukvm-test-%s-%d", text, (int)getpid());
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static void names(void) {
    struct sockaddr_un name, peer;
    socklen_t length = make_name(&name, "stream"), peer_length = sizeof peer;
    char buffer[16];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    ok(connect(client, (struct sockaddr *)&name, length) < 0 && errno == ECONNREFUSED, "no such name");
    ok(bind(fd, (struct sockaddr *)&name, length) == 0 && listen(fd, 5) == 0, "bind and listen");
    int listens = 0;
    socklen_t size = sizeof listens;
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    ok(listens == 1, "SO_ACCEPTCONN");
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    ok(bind(second, (struct sockaddr *)&name, length) < 0 && errno == EADDRINUSE, "a name is taken once");
    close(second);
    ok(connect(client, (struct sockaddr *)&name, length) == 0, "connect");
    ok(write(client, "hello", 5) == 5, "write before accept");
    int server = accept(fd, (struct sockaddr *)&peer, &peer_length);
    ok(server >= 0 && peer.sun_family == AF_UNIX && peer_length == offsetof(struct sockaddr_un, sun_path), "accept");
    ok(read(server, buffer, 16) == 5, "read");
    peer_length = sizeof peer;
    ok(getpeername(client, (struct sockaddr *)&peer, &peer_length) == 0 && peer_length == length &&
           !memcmp(&peer, &name, length),
       "getpeername");
    int third = socket(AF_UNIX, SOCK_STREAM, 0);
    ok(connect(third, (struct sockaddr *)&name, length) == 0, "a second client while the first is there");
    close(third);
    close(fd);
    close(client);
    close(server);
    length = make_name(&name, "datagram");
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    client = socket(AF_UNIX, SOCK_DGRAM, 0);
    ok(bind(fd, (struct sockaddr *)&name, length) == 0, "a name for datagrams");
    ok(sendto(client, "x", 1, 0, (struct sockaddr *)&name, length) == 1 && recv(fd, buffer, 16, 0) == 1, "sendto");
    ok(connect(client, (struct sockaddr *)&name, length) == 0 && send(client, "yy", 2, 0) == 2 &&
           recv(fd, buffer, 16, 0) == 2,
       "connect and send");
    int other = socket(AF_UNIX, SOCK_DGRAM, 0);
    ok(connect(other, (struct sockaddr *)&name, length) == 0, "two that send there");
    close(client);
    ok(send(other, "z", 1, 0) == 1 && recv(fd, buffer, 16, 0) == 1, "one of them has gone");
    ok(connect(fd, (struct sockaddr *)&name, length) == 0 && send(fd, "f", 1, 0) == 1 && recv(fd, buffer, 16, 0) == 1,
       "connected to itself");
    ok(send(other, "z", 1, 0) < 0 && errno == EPERM, "it takes nothing from others");
    close(fd);
    ok(send(other, "z", 1, 0) < 0 && errno == ECONNREFUSED, "and then who they sent to");
    close(other);
}

/* ---- paths */

static struct sockaddr_un address;

static int bind_to(int type, const char *path) {
    int fd = socket(AF_UNIX, type, 0);
    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && (type == SOCK_DGRAM || listen(fd, 5) == 0))
        return fd;
    close(fd);
    return -1;
}

static bool connects(int type, const char *path) {
    int fd = socket(AF_UNIX, type, 0);
    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    bool done = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    int error = errno;
    close(fd);
    errno = error;
    return done;
}

static void paths(void) {
    char directory[] = "/tmp/net_unix.XXXXXX", buffer[16];
    struct stat st;
    struct sockaddr_un own;
    socklen_t length = sizeof own;
    ok(mkdtemp(directory) && chdir(directory) == 0, "a directory of our own");
    int fd = bind_to(SOCK_STREAM, "socket");
    ok(fd >= 0 && stat("socket", &st) == 0 && S_ISSOCK(st.st_mode), "bind makes a file");
    ok(chmod("socket", 0600) == 0 && stat("socket", &st) == 0 && (st.st_mode & 0777) == 0600, "chmod of it");
    ok(getsockname(fd, (struct sockaddr *)&own, &length) == 0 && strcmp(own.sun_path, "socket") == 0 &&
           length == offsetof(struct sockaddr_un, sun_path) + 7,
       "getsockname");
    ok(open("socket", O_RDWR) < 0 && errno == ENXIO, "it cannot be opened");
    ok(bind_to(SOCK_STREAM, "socket") < 0 && errno == EADDRINUSE, "the path is taken");
    ok(connects(SOCK_STREAM, "socket") && connects(SOCK_STREAM, "./socket"), "connect");
    snprintf(buffer, sizeof buffer, "link");
    ok(symlink("socket", buffer) == 0 && connects(SOCK_STREAM, buffer), "by a symbolic link");
    ok(rename("socket", "moved") == 0 && connects(SOCK_STREAM, "moved"), "by another name");
    ok(!connects(SOCK_STREAM, "socket") && errno == ENOENT, "and not by the old one");
    ok(!connects(SOCK_DGRAM, "moved") && errno == EPROTOTYPE, "with another type");
    close(fd);
    ok(!connects(SOCK_STREAM, "moved") && errno == ECONNREFUSED, "closed: nobody there");
    ok(bind_to(SOCK_STREAM, "moved") < 0 && errno == EADDRINUSE, "but the path is taken until it is removed");
    ok(unlink("moved") == 0 && (fd = bind_to(SOCK_DGRAM, "moved")) >= 0, "unlink, and bind again");
    int client = socket(AF_UNIX, SOCK_DGRAM, 0);
    address = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "moved"};
    ok(sendto(client, "xyz", 3, 0, (struct sockaddr *)&address, sizeof address) == 3 && read(fd, buffer, 16) == 3,
       "sendto a path");
    close(open("file", O_CREAT | O_WRONLY, 0600));
    ok(!connects(SOCK_STREAM, "file") && errno == ECONNREFUSED, "a file that is no socket");
    ok(bind_to(SOCK_STREAM, "none/socket") < 0 && errno == ENOENT, "no such directory");
    length = sizeof own;
    sa_family_t family = AF_UNIX;
    int autobound = socket(AF_UNIX, SOCK_DGRAM, 0);
    ok(bind(autobound, (struct sockaddr *)&family, sizeof family) == 0 &&
           getsockname(autobound, (struct sockaddr *)&own, &length) == 0 && !own.sun_path[0] &&
           length == offsetof(struct sockaddr_un, sun_path) + 6,
       "a name that the system chooses");
    close(autobound);
    close(client);
    close(fd);
    unlink("moved"), unlink("link"), unlink("file");
    ok(chdir("/") == 0 && rmdir(directory) == 0, "nothing is left");
}

/* ---- descriptors in messages */

union control {
    char bytes[CMSG_SPACE(4 * sizeof(int))];
    struct cmsghdr align;
};

static ssize_t send_fds(int socket, const char *text, const int *fds, size_t count) {
    union control control = {0};
    struct iovec iov = {(char *)(uintptr_t)text, strlen(text)};
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int)),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    return sendmsg(socket, &message, 0);
}

static struct msghdr received;

/* The number of descriptors in a message, room for `room`. */
static size_t receive_fds(int socket, char *text, size_t size, int *fds, size_t room, int flags) {
    static union control control;
    static struct iovec iov;
    iov = (struct iovec){text, size};
    received = (struct msghdr){
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = room ? (socklen_t)CMSG_LEN(room * sizeof(int)) : 0,
    };
    memset(text, 0, size);
    if (recvmsg(socket, &received, flags) < 0)
        return 99;
    struct cmsghdr *header = CMSG_FIRSTHDR(&received);
    if (!header)
        return 0;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(header), count * sizeof(int));
    return header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS ? count : 98;
}

static void rights_in(int type, const char *what) {
    int pipe_fds[2], got[4];
    char text[16];
    socketpair(AF_UNIX, type, 0, pair);
    pipe(pipe_fds);
    ok(send_fds(pair[0], "two", pipe_fds, 2) == 3, what);
    ok(receive_fds(pair[1], text, sizeof text, got, 4, 0) == 2 && !strcmp(text, "two"), "two descriptors");
    ok(got[0] != pipe_fds[0] && write(got[1], "x", 1) == 1 && read(pipe_fds[0], text, 1) == 1, "of the same pipe");
    close(got[0]), close(got[1]);
    send_fds(pair[0], "one", &pipe_fds[1], 1);
    ok(receive_fds(pair[1], text, sizeof text, got, 4, MSG_CMSG_CLOEXEC) == 1 && fcntl(got[0], F_GETFD) == FD_CLOEXEC,
       "close-on-exec");
    close(got[0]);
    send_fds(pair[0], "short", pipe_fds, 2);
    ok(receive_fds(pair[1], text, sizeof text, got, 1, 0) == 1 && (received.msg_flags & MSG_CTRUNC), "room for one");
    close(got[0]);
    send_fds(pair[0], "none", &pipe_fds[1], 1);
    ok(receive_fds(pair[1], text, sizeof text, got, 0, 0) == 0 && (received.msg_flags & MSG_CTRUNC) &&
           !strcmp(text, "none"),
       "room for none");
    int bad = 1000;
    ok(send_fds(pair[0], "bad", &bad, 1) < 0 && errno == EBADF, "a descriptor that is closed");
    send_fds(pair[0], "left", &pipe_fds[1], 1);
    close(pipe_fds[1]);
    close(pair[0]), close(pair[1]);
    ok(read(pipe_fds[0], text, 1) == 0, "what nobody received is closed with the socket");
    close(pipe_fds[0]);
}

static void rights(void) {
    int got[4];
    char text[16];
    rights_in(SOCK_STREAM, "descriptors over a stream");
    rights_in(SOCK_DGRAM, "over datagrams");
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    write(pair[0], "ab", 2);
    send_fds(pair[0], "cd", pair, 1);
    write(pair[0], "ef", 2);
    ok(receive_fds(pair[1], text, 1, got, 4, 0) == 0 && text[0] == 'a', "bytes before");
    ok(receive_fds(pair[1], text, 2, got, 4, 0) == 1 && !memcmp(text, "bc", 2), "with the first byte");
    close(got[0]);
    ok(receive_fds(pair[1], text, sizeof text, got, 4, 0) == 0 && !strcmp(text, "def"), "once");
    write(pair[0], "ab", 2);
    send_fds(pair[0], "cd", pair, 1);
    write(pair[0], "ef", 2);
    ok(receive_fds(pair[1], text, sizeof text, got, 4, 0) == 1 && !strcmp(text, "abcd"), "and no bytes after them");
    close(got[0]);
    ok(receive_fds(pair[1], text, 2, got, 4, 0) == 0 && !memcmp(text, "ef", 2), "but later");
    send_fds(pair[0], "gh", pair, 1);
    write(pair[0], "ij", 2);
    ok(receive_fds(pair[1], text, 4, got, 4, MSG_WAITALL) == 1 && !memcmp(text, "gh\0", 4), "also with MSG_WAITALL");
    close(got[0]);
    close(pair[0]), close(pair[1]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    struct ucred peer;
    socklen_t length = sizeof peer;
    ok(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && length == sizeof peer &&
           peer.pid == getpid() && peer.uid == getuid() && peer.gid == getgid(),
       "SO_PEERCRED");
    close(pair[0]), close(pair[1]);
}

/* A listening socket, or -1. */
static int listening_at(struct sockaddr_un *name, socklen_t *length, const char *text, int backlog) {
    *length = make_name(name, text);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return bind(fd, (struct sockaddr *)name, *length) == 0 && listen(fd, backlog) == 0 ? fd : -1;
}

static int joins(int fd, const struct sockaddr_un *name, socklen_t length) {
    return connect(fd, (const struct sockaddr *)name, length) == 0;
}

static void connect_again(void) {
    struct sockaddr_un name, other_name;
    socklen_t length, other_length;
    char c;
    int listener = listening_at(&name, &length, "one", 5), other = listening_at(&other_name, &other_length, "other", 5);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    ok(joins(client, &name, length) && write(client, "x", 1) == 1, "a client in the queue");
    ok(!joins(listener, &other_name, other_length) && errno == EINVAL, "a socket that listens does not connect");
    ok(!joins(listener, &name, length) && errno == EINVAL, "nor to itself");
    int server = accept(listener, NULL, NULL);
    ok(server >= 0 && read(server, &c, 1) == 1 && c == 'x', "and its queue is still there");
    ok(!joins(client, &other_name, other_length) && errno == EISCONN, "a connection does not connect again");
    close(server);
    ok(!joins(client, &other_name, other_length) && errno == EISCONN, "not even when its peer has gone");
    close(client);
    close(other);
    close(listener);
}

static void *accept_later(void *listener) {
    usleep(100000);
    return (void *)(intptr_t)accept(*(int *)listener, NULL, NULL);
}

static void *close_later(void *listener) {
    usleep(100000);
    close(*(int *)listener);
    return (void *)(intptr_t)-1;
}

/* The queue is full: who does not block hears so, who does waits until something happens. */
static void full_queue(void *(*then)(void *listener), bool joined, const char *text) {
    struct sockaddr_un name;
    socklen_t length;
    int listener = listening_at(&name, &length, text, 0), first = socket(AF_UNIX, SOCK_STREAM, 0);
    int second = socket(AF_UNIX, SOCK_STREAM, 0), third = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    pthread_t thread;
    void *accepted;
    ok(joins(first, &name, length), "%s: a client fills the queue", text);
    ok(!joins(third, &name, length) && errno == EAGAIN, "%s: EAGAIN without blocking", text);
    struct timeval limit = {.tv_usec = 20000};
    setsockopt(second, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ok(!joins(second, &name, length) && errno == EAGAIN, "%s: and after SO_SNDTIMEO", text);
    limit.tv_usec = 0;
    setsockopt(second, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    pthread_create(&thread, NULL, then, &listener);
    bool joined_now = joins(second, &name, length);
    ok(joined_now == joined && (joined || errno == ECONNREFUSED), "%s: who blocks waits for it", text);
    pthread_join(thread, &accepted);
    close((int)(intptr_t)accepted);
    close(first);
    close(second);
    close(third);
    close(listener);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    streams();
    threads();
    messages();
    names();
    paths();
    rights();
    connect_again();
    full_queue(accept_later, true, "accept");
    full_queue(close_later, false, "close");
    return done_testing();
}
