/* SPDX-License-Identifier: MIT */
/* UDP over the loopback interface, IPv4 and IPv6 on one socket, and several messages in one call. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tap.h"

static int socket4(struct sockaddr_in *own) {
    socklen_t length = sizeof *own;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    *own = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)own, sizeof *own) < 0 || getsockname(fd, (struct sockaddr *)own, &length) < 0)
        perror("socket4");
    return fd;
}

static ssize_t send_to(int fd, const void *data, size_t size, const struct sockaddr_in *to) {
    return sendto(fd, data, size, 0, (const struct sockaddr *)to, sizeof *to);
}

static void datagrams(void) {
    struct sockaddr_in a_name, b_name, from = {0};
    socklen_t length = sizeof from;
    int a = socket4(&a_name), b = socket4(&b_name), available = -1;
    char buffer[3000];
    ok(recv(b, buffer, 10, MSG_DONTWAIT) < 0 && errno == EAGAIN, "nothing there: EAGAIN");
    ok(send_to(a, "hello", 5, &b_name) == 5, "sendto");
    ok(recvfrom(b, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length) == 5 && !memcmp(buffer, "hello", 5),
       "recvfrom");
    ok(length == sizeof from && from.sin_port == a_name.sin_port && from.sin_addr.s_addr == a_name.sin_addr.s_addr,
       "knows the sender");
    ok(send_to(b, "", 0, &from) == 0 && recv(a, buffer, 10, 0) == 0, "an empty datagram");
    send_to(a, "0123456789", 10, &b_name);
    send_to(a, "next", 4, &b_name);
    struct pollfd p = {.fd = b, .events = POLLIN | POLLOUT};
    ok(poll(&p, 1, 1000) == 1 && p.revents == (POLLIN | POLLOUT), "poll()");
    ok(ioctl(b, FIONREAD, &available) == 0 && available == 10, "FIONREAD: the first datagram");
    ok(recv(b, buffer, 4, MSG_PEEK) == 4 && recv(b, buffer, 4, MSG_PEEK | MSG_TRUNC) == 10, "MSG_PEEK, MSG_TRUNC");
    struct iovec iov = {buffer, 4};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    ok(recvmsg(b, &message, 0) == 4 && (message.msg_flags & MSG_TRUNC), "what does not fit is lost");
    ok(recv(b, buffer, 10, 0) == 4 && !memcmp(buffer, "next", 4), "the next one is whole");
    memset(buffer, 'x', sizeof buffer);
    ok(send_to(a, buffer, 3000, &b_name) == 3000 && recv(b, buffer, sizeof buffer, 0) == 3000, "3000 bytes");
    static char big[70000];
    ok(send_to(a, big, sizeof big, &b_name) < 0 && errno == EMSGSIZE, "too much: EMSGSIZE");
    ok(send_to(a, big, 65507, &b_name) == 65507 && recv(b, big, sizeof big, 0) == 65507, "the most there can be");
    ok(send(a, "x", 1, 0) < 0 && errno == EDESTADDRREQ, "no destination: EDESTADDRREQ");
    struct timeval time = {.tv_usec = 20000};
    setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    ok(recv(b, buffer, 1, 0) < 0 && errno == EAGAIN, "SO_RCVTIMEO");
    close(a);
    close(b);
}

static void connected(void) {
    struct sockaddr_in a_name, b_name, c_name, peer;
    socklen_t length = sizeof peer;
    int a = socket4(&a_name), b = socket4(&b_name), c = socket4(&c_name);
    char buffer[10];
    ok(getpeername(a, (struct sockaddr *)&peer, &length) < 0 && errno == ENOTCONN, "no peer yet");
    ok(connect(a, (struct sockaddr *)&b_name, sizeof b_name) == 0, "connect");
    ok(getpeername(a, (struct sockaddr *)&peer, &length) == 0 && peer.sin_port == b_name.sin_port, "getpeername");
    ok(send(a, "x", 1, 0) == 1 && recv(b, buffer, 10, 0) == 1, "send");
    ok(write(a, "yy", 2) == 2 && read(b, buffer, 10) == 2, "write and read");
    send_to(c, "stranger", 8, &a_name);
    send_to(b, "friend", 6, &a_name);
    ok(recv(a, buffer, 10, 0) == 6 && !memcmp(buffer, "friend", 6), "only the peer is heard");
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    ok(connect(a, &nobody, sizeof nobody) == 0 && send(a, "x", 1, 0) < 0 && errno == EDESTADDRREQ, "disconnect");
    int d = socket(AF_INET, SOCK_DGRAM, 0);
    ok(connect(d, (struct sockaddr *)&b_name, sizeof b_name) == 0, "connect without bind");
    length = sizeof peer;
    getsockname(d, (struct sockaddr *)&peer, &length);
    ok(peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && peer.sin_port, "gives a local address and port");
    close(a);
    close(b);
    close(c);
    close(d);
}

static void several(void) {
    struct sockaddr_in a_name, b_name;
    int a = socket4(&a_name), b = socket4(&b_name);
    char buffers[4][8] = {{0}};
    struct iovec out[3] = {{"one", 3}, {"two", 3}, {"three", 5}}, in[4];
    struct mmsghdr sent[3] = {0}, got[4] = {0};
    for (int i = 0; i < 3; i++)
        sent[i].msg_hdr =
            (struct msghdr){.msg_name = &b_name, .msg_namelen = sizeof b_name, .msg_iov = &out[i], .msg_iovlen = 1};
    for (int i = 0; i < 4; i++) {
        in[i] = (struct iovec){buffers[i], sizeof buffers[i]};
        got[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
    }
    ok(sendmmsg(a, sent, 3, 0) == 3 && sent[2].msg_len == 5, "sendmmsg");
    struct pollfd p = {.fd = b, .events = POLLIN};
    poll(&p, 1, 1000);
    ok(recvmmsg(b, got, 4, MSG_WAITFORONE, NULL) == 3, "recvmmsg, MSG_WAITFORONE");
    ok(got[0].msg_len == 3 && got[2].msg_len == 5 && !strcmp(buffers[1], "two"), "each with its length");
    close(a);
    close(b);
}

static void both_families(void) {
    struct sockaddr_in6 own = {.sin6_family = AF_INET6}, from;
    socklen_t length = sizeof own;
    int dual = socket(AF_INET6, SOCK_DGRAM, 0), off = 0, on = 1;
    char buffer[10], text[INET6_ADDRSTRLEN];
    setsockopt(dual, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    ok(bind(dual, (struct sockaddr *)&own, sizeof own) == 0, "bind to ::");
    getsockname(dual, (struct sockaddr *)&own, &length);
    struct sockaddr_in a_name,
        to = {.sin_family = AF_INET, .sin_port = own.sin6_port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int a = socket4(&a_name);
    ok(send_to(a, "four", 4, &to) == 4, "from IPv4");
    length = sizeof from;
    ok(recvfrom(dual, buffer, 10, 0, (struct sockaddr *)&from, &length) == 4, "arrives");
    ok(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr) && from.sin6_port == a_name.sin_port, "from a mapped address: %s",
       inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text));
    ok(sendto(dual, "back", 4, 0, (struct sockaddr *)&from, length) == 4 && recv(a, buffer, 10, 0) == 4, "and back");
    struct sockaddr_in6 self = {
        .sin6_family = AF_INET6, .sin6_port = own.sin6_port, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    ok(sendto(dual, "six", 3, 0, (struct sockaddr *)&self, sizeof self) == 3, "to ::1");
    length = sizeof from;
    ok(recvfrom(dual, buffer, 10, 0, (struct sockaddr *)&from, &length) == 3, "arrives");
    ok(IN6_IS_ADDR_LOOPBACK(&from.sin6_addr), "from ::1");
    close(dual);
    dual = socket(AF_INET6, SOCK_DGRAM, 0);
    ok(setsockopt(dual, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0, "IPV6_V6ONLY");
    ok(sendto(dual, "x", 1, 0, (struct sockaddr *)&from, 3) < 0 && errno == EINVAL, "too short an address");
    close(dual);
    close(a);
}

static void waiting(void) {
    struct sockaddr_in a_name, b_name;
    int a = socket4(&a_name), b = socket4(&b_name);
    struct timeval time = {.tv_usec = 10000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(b, &set);
    ok(select(b + 1, &set, NULL, NULL, &time) == 0, "select: nothing");
    send_to(a, "x", 1, &b_name);
    FD_SET(b, &set);
    time = (struct timeval){.tv_sec = 1};
    ok(select(b + 1, &set, NULL, NULL, &time) == 1 && FD_ISSET(b, &set), "select: a datagram");
    close(a);
    close(b);
}

int main(void) {
    datagrams();
    connected();
    several();
    both_families();
    waiting();
    return done_testing();
}
