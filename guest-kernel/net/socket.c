/* SPDX-License-Identifier: MIT */
/* The system calls on sockets: descriptors, blocking, and messages. */
#include "socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>

#include "posix/signals/signal.h"
#include "posix/time/deadline.h"

#define SOCKET_BUFFER (256 * 1024) /* SO_SNDBUF and SO_RCVBUF unless set */
#define BACKLOG_MAX 4096

/* ---- as files */

static struct uk_socket *of(struct uk_file *file) {
    return (struct uk_socket *)file;
}

static ssize_t read_op(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = count};
    (void)offset;
    return of(file)->ops->receive(of(file), &message, 0, 0);
}

/* A broken stream tells a program that does not look at results: send(2). */
static ssize_t broken(const struct uk_socket *socket, ssize_t result, int flags) {
    if (result == -EPIPE && !(flags & MSG_NOSIGNAL) && socket->type != SOCK_DGRAM)
        uk_signal_thread(uk_current, SIGPIPE);
    return result;
}

static ssize_t write_op(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = count};
    (void)offset;
    return broken(of(file), of(file)->ops->send(of(file), &message, 0, 0), 0);
}

static unsigned poll_op(struct uk_file *file) {
    return of(file)->ops->poll(of(file));
}

static void close_op(struct uk_file *file) {
    of(file)->ops->close(of(file));
}

#define S_IFSOCK_ALL 0140777u

static int stat_op(struct uk_file *file, struct uk_kstat *stat) {
    (void)file;
    stat->mode = S_IFSOCK_ALL;
    return 0;
}

static const struct uk_file_ops file_ops = {
    .name = "socket",
    .read = read_op,
    .write = write_op,
    .poll = poll_op,
    .close = close_op,
    .ioctl = uk_socket_ioctl,
    .stat = stat_op,
};

void *uk_socket_new(size_t size, const struct uk_socket_ops *ops, int domain, int type, int protocol) {
    static uint64_t made;
    struct uk_socket *socket = uk_malloc(size);
    if (!socket)
        return NULL;
    memset(socket, 0, size);
    uk_file_init(&socket->file, &file_ops, O_RDWR);
    socket->ops = ops;
    socket->domain = domain;
    socket->type = type;
    socket->protocol = protocol;
    socket->number = made++;
    socket->send_size = socket->receive_size = SOCKET_BUFFER;
    socket->ttl = 64;
    return socket;
}

int uk_socket_take_error(struct uk_socket *socket) {
    int error = socket->error;
    socket->error = 0;
    return -error;
}

int uk_socket_get(int fd, struct uk_socket **socket) {
    struct uk_file *file = uk_fd_get(fd);
    if (!file)
        return -EBADF;
    if (file->ops != &file_ops)
        return -ENOTSOCK;
    *socket = of(file);
    return 0;
}

/* ---- blocking */

static uint64_t deadline_of(uint64_t timeout) {
    return timeout ? uk_deadline_in(timeout) : UKVM_DEADLINE_NONE;
}

/* Nothing can be done now: 0 when it should be tried again. */
static int wait_for(struct uk_socket *socket, unsigned event, int flags, uint64_t deadline) {
    if ((socket->file.flags & O_NONBLOCK) || (flags & MSG_DONTWAIT)) {
        uk_poll_sometimes();
        return -EAGAIN;
    }
    return uk_file_wait(&socket->file, event, deadline);
}

/* ---- making sockets */

static int add_fd(struct uk_socket *socket, int type) {
    if (type & SOCK_NONBLOCK)
        socket->file.flags |= O_NONBLOCK;
    return uk_fd_add(&socket->file, 0, type & SOCK_CLOEXEC ? FD_CLOEXEC : 0);
}

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
#define TYPE_MASK 0xf /* Linux: SOCK_TYPE_MASK */

static const struct family {
    int domain, type, protocol; /* protocol: what 0 means */
    struct uk_socket *(*new)(int domain, int type, int protocol);
} families[] = {
    {AF_INET, SOCK_STREAM, IPPROTO_TCP, uk_tcp_new},  {AF_INET, SOCK_DGRAM, IPPROTO_UDP, uk_udp_new},
    {AF_INET6, SOCK_STREAM, IPPROTO_TCP, uk_tcp_new}, {AF_INET6, SOCK_DGRAM, IPPROTO_UDP, uk_udp_new},
    {AF_UNIX, SOCK_STREAM, 0, uk_unix_new},           {AF_UNIX, SOCK_DGRAM, 0, uk_unix_new},
    {AF_UNIX, SOCK_SEQPACKET, 0, uk_unix_new},        {AF_NETLINK, SOCK_RAW, 0, uk_netlink_new},
    {AF_NETLINK, SOCK_DGRAM, 0, uk_netlink_new},
};

static const struct family *find_family(int domain, int type, int protocol, int *error) {
    *error = -EAFNOSUPPORT;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (families[i].domain != domain)
            continue;
        if (*error == -EAFNOSUPPORT)
            *error = -ESOCKTNOSUPPORT;
        if (families[i].type != type)
            continue;
        *error = -EPROTONOSUPPORT;
        if (protocol == 0 || protocol == families[i].protocol)
            return &families[i];
    }
    return NULL;
}

long uk_sys_socket(int domain, int type, int protocol) {
    int error;
    if (type & ~(TYPE_FLAGS | TYPE_MASK))
        return -EINVAL;
    const struct family *family = find_family(domain, type & ~TYPE_FLAGS, protocol, &error);
    if (!family)
        return error;
    if (domain != AF_UNIX)
        uk_net_up();
    struct uk_socket *socket = family->new (domain, family->type, family->protocol);
    return socket ? add_fd(socket, type) : -ENOMEM;
}

long uk_sys_socketpair(int domain, int type, int protocol, int fds[2]) {
    struct uk_socket *pair[2];
    if (domain != AF_UNIX)
        return domain == AF_INET || domain == AF_INET6 ? -EOPNOTSUPP : -EAFNOSUPPORT;
    if (protocol)
        return -EPROTONOSUPPORT;
    int error = uk_unix_pair(type & ~TYPE_FLAGS, pair);
    if (error)
        return error;
    int first = add_fd(pair[0], type);
    if (first < 0) {
        uk_file_unref(&pair[1]->file);
        return first;
    }
    int second = add_fd(pair[1], type);
    if (second < 0) {
        uk_fd_close(first);
        return second;
    }
    fds[0] = first;
    fds[1] = second;
    return 0;
}

/* ---- connections */

long uk_sys_bind(int fd, const struct sockaddr *address, socklen_t length) {
    struct uk_socket *socket;
    int error = uk_socket_get(fd, &socket);
    return error ? error : socket->ops->bind(socket, address, length);
}

long uk_sys_listen(int fd, int backlog) {
    struct uk_socket *socket;
    int error = uk_socket_get(fd, &socket);
    if (error)
        return error;
    if (!socket->ops->listen)
        return -EOPNOTSUPP;
    error = socket->ops->listen(socket, (unsigned)backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog);
    socket->listens |= error == 0;
    return error;
}

static int accept_one(struct uk_socket *socket, struct uk_socket **accepted) {
    int result;
    uint64_t deadline = deadline_of(socket->file.read_timeout);
    if (!socket->ops->accept)
        return -EOPNOTSUPP;
    uk_file_ref(&socket->file);
    while ((result = socket->ops->accept(socket, accepted)) == -EAGAIN)
        if ((result = wait_for(socket, EPOLLIN, 0, deadline)) != 0)
            break;
    uk_file_unref(&socket->file);
    return result;
}

long uk_sys_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    struct uk_socket *socket, *accepted;
    struct uk_address peer;
    int error = uk_socket_get(fd, &socket);
    if (!error && (flags & ~TYPE_FLAGS))
        error = -EINVAL;
    if (!error)
        error = uk_fd_check_room(); /* a connection that gets no descriptor goes on waiting for one */
    if (!error)
        error = accept_one(socket, &accepted);
    if (error)
        return error;
    if (address && accepted->ops->name(accepted, UK_PEER, &peer) == 0)
        uk_address_copy(&peer, address, length);
    return add_fd(accepted, flags);
}

long uk_sys_accept(int fd, struct sockaddr *address, socklen_t *length) {
    return uk_sys_accept4(fd, address, length, 0);
}

/* After a signal or a timeout the attempt goes on: connect(2), EINTR. */
static int await_connection(struct uk_socket *socket) {
    int result = uk_file_wait(&socket->file, EPOLLOUT, deadline_of(socket->file.write_timeout));
    if (result == 0)
        result = uk_socket_take_error(socket);
    else
        result = result == -EAGAIN ? -EINPROGRESS : -EINTR;
    return result;
}

long uk_sys_connect(int fd, const struct sockaddr *address, socklen_t length) {
    struct uk_socket *socket;
    int error = uk_socket_get(fd, &socket);
    if (error)
        return error;
    uk_file_ref(&socket->file);
    int result = socket->ops->connect(socket, address, length);
    bool waits = !(socket->file.flags & O_NONBLOCK);
    /* A blocking socket may also join an attempt that a signal has interrupted. */
    if (waits && (result == -EINPROGRESS || result == -EALREADY))
        result = await_connection(socket);
    uk_file_unref(&socket->file);
    return result;
}

static long name(int fd, enum uk_socket_end end, struct sockaddr *address, socklen_t *length) {
    struct uk_socket *socket;
    struct uk_address own;
    int error = uk_socket_get(fd, &socket);
    if (!error)
        error = socket->ops->name(socket, end, &own);
    if (!error)
        uk_address_copy(&own, address, length);
    return error;
}

long uk_sys_getsockname(int fd, struct sockaddr *address, socklen_t *length) {
    return name(fd, UK_LOCAL, address, length);
}

long uk_sys_getpeername(int fd, struct sockaddr *address, socklen_t *length) {
    return name(fd, UK_PEER, address, length);
}

long uk_sys_shutdown(int fd, int how) {
    struct uk_socket *socket;
    int error = uk_socket_get(fd, &socket);
    if (error)
        return error;
    return how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : socket->ops->shutdown(socket, how);
}

/* ---- messages */

/* A blocking stream takes all of it; a message is taken at once or not. */
static ssize_t send_message(struct uk_socket *socket, const struct msghdr *message, int flags) {
    ssize_t total = uk_iov_length(message->msg_iov, message->msg_iovlen), result;
    uint64_t deadline = deadline_of(socket->file.write_timeout);
    size_t done = 0;
    if (total < 0)
        return total == -EINVAL && message->msg_iovlen > 1024 ? -EMSGSIZE : total;
    uk_file_ref(&socket->file);
    do {
        result = socket->ops->send(socket, message, done, flags);
        if (result > 0)
            done += (size_t)result;
        else if (result == -EAGAIN)
            result = wait_for(socket, EPOLLOUT, flags, deadline);
    } while (result >= 0 && done < (size_t)total);
    result = done ? (ssize_t)done : broken(socket, result, flags);
    uk_file_unref(&socket->file);
    return result;
}

/* MSG_WAITALL: until the buffers are full, the stream ends, or descriptors came along, which end what is received. */
static bool is_enough(const struct uk_socket *socket, const struct msghdr *message, size_t done, size_t total,
                      int flags) {
    bool all = (flags & MSG_WAITALL) && !(flags & (MSG_PEEK | MSG_DONTWAIT)) && socket->type == SOCK_STREAM;
    return !all || done >= total || message->msg_controllen || (message->msg_flags & MSG_CTRUNC);
}

static ssize_t receive_message(struct uk_socket *socket, struct msghdr *message, int flags) {
    ssize_t total = uk_iov_length(message->msg_iov, message->msg_iovlen), result;
    uint64_t deadline = deadline_of(socket->file.read_timeout);
    size_t done = 0;
    if (total < 0)
        return total;
    uk_file_ref(&socket->file);
    while (true) {
        result = socket->ops->receive(socket, message, done, flags);
        if (result > 0)
            done += (size_t)result;
        if (result != -EAGAIN) {
            if (result <= 0 || is_enough(socket, message, done, (size_t)total, flags))
                break;
        } else if ((result = wait_for(socket, EPOLLIN, flags, deadline)) != 0) {
            break;
        }
    }
    uk_file_unref(&socket->file);
    return done ? (ssize_t)done : result;
}

long uk_sys_sendmsg(int fd, const struct msghdr *message, int flags) {
    struct uk_socket *socket;
    int error = uk_socket_get(fd, &socket);
    return error ? error : send_message(socket, message, flags);
}

long uk_sys_recvmsg(int fd, struct msghdr *message, int flags) {
    struct uk_socket *socket;
    int error = uk_socket_get(fd, &socket);
    message->msg_flags = 0;
    return error ? error : receive_message(socket, message, flags);
}

long uk_sys_sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address,
                   socklen_t length) {
    struct iovec iov = {(void *)(uintptr_t)buffer, size};
    struct msghdr message = {
        .msg_name = (void *)(uintptr_t)address,
        .msg_namelen = address ? length : 0,
        .msg_iov = &iov,
        .msg_iovlen = 1,
    };
    return uk_sys_sendmsg(fd, &message, flags);
}

long uk_sys_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *length) {
    struct iovec iov = {buffer, size};
    struct msghdr message = {
        .msg_name = address,
        .msg_namelen = address && length ? *length : 0,
        .msg_iov = &iov,
        .msg_iovlen = 1,
    };
    long result = uk_sys_recvmsg(fd, &message, flags);
    if (result >= 0 && address && length)
        *length = message.msg_namelen;
    return result;
}

/* Several messages: an error counts only if it is the first's. Linux keeps it for the next call; we drop it. */
long uk_sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, unsigned flags) {
    for (unsigned i = 0; i < count; i++) {
        long result = uk_sys_sendmsg(fd, &messages[i].msg_hdr, (int)flags);
        if (result < 0)
            return i ? (long)i : result;
        messages[i].msg_len = (unsigned)result;
    }
    return (long)count;
}

long uk_sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, unsigned flags, struct timespec *timeout) {
    uint64_t deadline = UKVM_DEADLINE_NONE;
    int error = timeout ? uk_deadline_after(timeout, &deadline) : 0;
    if (error)
        return error;
    for (unsigned i = 0; i < count; i++) {
        int once = i && (flags & MSG_WAITFORONE) ? MSG_DONTWAIT : 0;
        long result = uk_sys_recvmsg(fd, &messages[i].msg_hdr, (int)(flags & ~(unsigned)MSG_WAITFORONE) | once);
        if (result < 0)
            return i ? (long)i : result;
        messages[i].msg_len = (unsigned)result;
        if (uk_clock_monotonic() >= deadline) /* looked at after each datagram, as in Linux */
            return i + 1;
    }
    return (long)count;
}
