/* SPDX-License-Identifier: MIT */
/* Options that all sockets have, and ioctl(). */
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "interface.h"
#include "socket.h"

/* ---- options that are a number in struct uk_socket */

enum kind { FLAG, BYTE };

static const struct number {
    int level, name;
    enum kind kind;
    size_t offset;
} numbers[] = {
    {SOL_SOCKET, SO_REUSEADDR, FLAG, offsetof(struct uk_socket, reuse_address)},
    {SOL_SOCKET, SO_REUSEPORT, FLAG, offsetof(struct uk_socket, reuse_port)},
    {SOL_SOCKET, SO_KEEPALIVE, FLAG, offsetof(struct uk_socket, keep_alive)},
    {SOL_SOCKET, SO_BROADCAST, FLAG, offsetof(struct uk_socket, broadcast)},
    {IPPROTO_IPV6, IPV6_V6ONLY, FLAG, offsetof(struct uk_socket, only_ip6)},
    {IPPROTO_IP, IP_TTL, BYTE, offsetof(struct uk_socket, ttl)},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, BYTE, offsetof(struct uk_socket, ttl)},
    {IPPROTO_IP, IP_TOS, BYTE, offsetof(struct uk_socket, tos)},
    {IPPROTO_IPV6, IPV6_TCLASS, BYTE, offsetof(struct uk_socket, tos)},
};

/* Accepted, and of no effect here. */
static const struct ignored {
    int level, name;
} ignored[] = {
    {SOL_SOCKET, SO_DONTROUTE},    {SOL_SOCKET, SO_OOBINLINE},         {SOL_SOCKET, SO_PRIORITY},
    {SOL_SOCKET, SO_RCVLOWAT},     {SOL_SOCKET, SO_TIMESTAMP},         {SOL_SOCKET, SO_MARK},
    {SOL_SOCKET, SO_BUSY_POLL},    {SOL_SOCKET, SO_INCOMING_CPU},      {SOL_SOCKET, SO_PASSCRED},
    {IPPROTO_IP, IP_RECVERR},      {IPPROTO_IP, IP_MTU_DISCOVER},      {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT},
    {IPPROTO_IP, IP_FREEBIND},     {IPPROTO_IPV6, IPV6_RECVERR},       {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
    {IPPROTO_IPV6, IPV6_DONTFRAG}, {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL},
};

static int *number_of(struct uk_socket *socket, int level, int name, enum kind *kind) {
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].level == level && numbers[i].name == name) {
            *kind = numbers[i].kind;
            return (int *)(void *)((char *)socket + numbers[i].offset);
        }
    return NULL;
}

static bool is_ignored(int level, int name) {
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        if (ignored[i].level == level && ignored[i].name == name)
            return true;
    return false;
}

/* Internet options are nothing to a socket of another family. */
static bool has_level(const struct uk_socket *socket, int level) {
    if (level == IPPROTO_IPV6)
        return socket->domain == AF_INET6;
    if (level == IPPROTO_IP)
        return socket->domain == AF_INET || socket->domain == AF_INET6;
    return true;
}

/* ---- set */

static int set_timeout(uint64_t *timeout, const void *value, socklen_t length) {
    struct timeval time;
    if (length < sizeof time)
        return -EINVAL;
    memcpy(&time, value, sizeof time);
    if (time.tv_usec < 0 || time.tv_usec >= 1000000)
        return -EDOM;
    *timeout = time.tv_sec < 0 ? 1 : (uint64_t)time.tv_sec * UK_SECOND + (uint64_t)time.tv_usec * UK_MICROSECOND;
    return 0;
}

static int set_linger(struct linger *linger, const void *value, socklen_t length) {
    if (length < sizeof *linger)
        return -EINVAL;
    memcpy(linger, value, sizeof *linger);
    return 0;
}

/* Linux doubles it, for its bookkeeping, and has a lower limit: socket(7). */
static int set_size(int *size, int value) {
    const int least = 2304, most = 8 << 20;
    *size = value < least / 2 ? least : value > most / 2 ? most : value * 2;
    return 0;
}

static int set_number(struct uk_socket *socket, int level, int name, int value) {
    enum kind kind;
    int *number = number_of(socket, level, name, &kind);
    if (is_ignored(level, name))
        return 0;
    if (!number && level != SOL_SOCKET && socket->ops->set_option)
        return socket->ops->set_option(socket, level, name, value);
    if (!number)
        return -ENOPROTOOPT;
    if (kind == BYTE && (value < -1 || value > 255))
        return -EINVAL;
    *number = kind == FLAG ? value != 0 : value < 0 ? 64 : value;
    return socket->ops->set_option ? socket->ops->set_option(socket, SOL_SOCKET, name, value) : 0;
}

static long set(struct uk_socket *socket, int level, int name, const void *value, socklen_t length) {
    if (level == SOL_SOCKET) {
        if (name == SO_RCVTIMEO)
            return set_timeout(&socket->file.read_timeout, value, length);
        if (name == SO_SNDTIMEO)
            return set_timeout(&socket->file.write_timeout, value, length);
        if (name == SO_LINGER)
            return set_linger(&socket->linger, value, length);
    }
    int number = 0;
    if (length < 1 || (length < sizeof number && level == SOL_SOCKET))
        return -EINVAL;
    memcpy(&number, value, length < sizeof number ? length : sizeof number);
    if (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_SNDBUFFORCE))
        return set_size(&socket->send_size, number);
    if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_RCVBUFFORCE))
        return set_size(&socket->receive_size, number);
    return set_number(socket, level, name, number);
}

long uk_sys_setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
    struct uk_socket *socket;
    int error = uk_socket_get(fd, &socket);
    if (error)
        return error;
    return has_level(socket, level) ? set(socket, level, name, value, length) : -ENOPROTOOPT;
}

/* ---- get */

static int give(const void *from, size_t size, void *value, socklen_t *length) {
    if (*length > size)
        *length = (socklen_t)size;
    memcpy(value, from, *length);
    return 0;
}

static int give_timeout(uint64_t timeout, void *value, socklen_t *length) {
    struct timeval time = {
        .tv_sec = (time_t)(timeout / UK_SECOND),
        .tv_usec = (suseconds_t)(timeout % UK_SECOND / UK_MICROSECOND),
    };
    return give(&time, sizeof time, value, length);
}

static int get_socket_number(struct uk_socket *socket, int name, int *number) {
    switch (name) {
    case SO_ERROR:
        *number = -uk_socket_take_error(socket);
        return 0;
    case SO_TYPE:
        *number = socket->type;
        return 0;
    case SO_DOMAIN:
        *number = socket->domain;
        return 0;
    case SO_PROTOCOL:
        *number = socket->protocol;
        return 0;
    case SO_ACCEPTCONN:
        *number = socket->listens;
        return 0;
    case SO_SNDBUF:
        *number = socket->send_size;
        return 0;
    case SO_RCVBUF:
        *number = socket->receive_size;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static long get(struct uk_socket *socket, int level, int name, void *value, socklen_t *length) {
    enum kind kind;
    int number = 0, *field = number_of(socket, level, name, &kind);
    if (level == SOL_SOCKET && name == SO_RCVTIMEO)
        return give_timeout(socket->file.read_timeout, value, length);
    if (level == SOL_SOCKET && name == SO_SNDTIMEO)
        return give_timeout(socket->file.write_timeout, value, length);
    if (level == SOL_SOCKET && name == SO_LINGER)
        return give(&socket->linger, sizeof socket->linger, value, length);
    if (field)
        return give(field, sizeof *field, value, length);
    if (level == SOL_SOCKET && get_socket_number(socket, name, &number) == 0)
        return give(&number, sizeof number, value, length);
    int error = socket->ops->get_option ? socket->ops->get_option(socket, level, name, value, length) : -ENOPROTOOPT;
    return error == -ENOPROTOOPT && is_ignored(level, name) ? give(&number, sizeof number, value, length) : error;
}

long uk_sys_getsockopt(int fd, int level, int name, void *value, socklen_t *length) {
    struct uk_socket *socket;
    int error = uk_socket_get(fd, &socket);
    if (error)
        return error;
    if (*length > INT32_MAX)
        return -EINVAL;
    return has_level(socket, level) ? get(socket, level, name, value, length) : -ENOPROTOOPT;
}

/* ---- ioctl() */

int uk_socket_ioctl(struct uk_file *file, unsigned request, void *argument) {
    struct uk_socket *socket = (struct uk_socket *)file;
    switch (request) {
    case FIONREAD:
        *(int *)argument = socket->ops->pending ? (int)socket->ops->pending(socket) : 0;
        return 0;
    default:
        return uk_interface_ioctl(request, argument);
    }
}
