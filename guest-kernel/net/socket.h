/* SPDX-License-Identifier: MIT */
/*
 * Sockets: a kind of file with one more table of operations for each protocol. As with files, operations do what can be
 * done now and say -EAGAIN otherwise; the system calls in socket.c block.
 */
#ifndef UK_NET_SOCKET_H
#define UK_NET_SOCKET_H

#include <sys/socket.h>

#include "posix/files/file.h"
#include "stack.h"

struct uk_socket;

enum uk_socket_end { UK_LOCAL, UK_PEER };

/* An address of any family, with its length. */
struct uk_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

struct uk_socket_ops {
    int (*bind)(struct uk_socket *socket, const struct sockaddr *address, socklen_t length);
    int (*listen)(struct uk_socket *socket, int backlog);
    /* -EINPROGRESS: EPOLLOUT or EPOLLERR will tell. */
    int (*connect)(struct uk_socket *socket, const struct sockaddr *address, socklen_t length);
    int (*accept)(struct uk_socket *socket, struct uk_socket **accepted); /* a new reference */
    int (*name)(struct uk_socket *socket, enum uk_socket_end end, struct uk_address *address);
    int (*shutdown)(struct uk_socket *socket, int how); /* SHUT_RD, SHUT_WR, SHUT_RDWR */

    /* The message from byte `skip` on: a stream may take less. */
    ssize_t (*send)(struct uk_socket *socket, const struct msghdr *message, size_t skip, int flags);
    /* Fills the buffers from byte `skip` on; sets msg_name, msg_controllen and msg_flags. A stream's end is 0. */
    ssize_t (*receive)(struct uk_socket *socket, struct msghdr *message, size_t skip, int flags);

    unsigned (*poll)(struct uk_socket *socket);
    void (*close)(struct uk_socket *socket);     /* and frees it */
    size_t (*pending)(struct uk_socket *socket); /* FIONREAD */

    /*
     * Options that option.c does not know; -ENOPROTOOPT: neither does this protocol, NULL likewise. With SOL_SOCKET one
     * of the fields below has changed.
     */
    int (*set_option)(struct uk_socket *socket, int level, int name, int value);
    int (*get_option)(struct uk_socket *socket, int level, int name, void *value, socklen_t *length);
};

struct uk_socket {
    struct uk_file file;
    const struct uk_socket_ops *ops;
    int domain, type, protocol;
    uint64_t number; /* of all sockets ever made */
    int error;       /* SO_ERROR */
    bool shut_read, shut_write, listens;
    /* Options, as setsockopt() has them. */
    int reuse_address, reuse_port, keep_alive, broadcast, only_ip6;
    int send_size, receive_size;
    int ttl, tos;
    struct linger linger;
};

/* A zeroed structure of `size` bytes that starts with a struct uk_socket, or NULL. */
void *uk_socket_new(size_t size, const struct uk_socket_ops *ops, int domain, int type, int protocol);

/* The socket of a descriptor; -EBADF or -ENOTSOCK. */
int uk_socket_get(int fd, struct uk_socket **socket);

/* The pending error, negative or 0; it is reported once. */
int uk_socket_take_error(struct uk_socket *socket);

/* NULL: no memory. */
struct uk_socket *uk_tcp_new(int domain, int type, int protocol);
struct uk_socket *uk_udp_new(int domain, int type, int protocol);
struct uk_socket *uk_unix_new(int domain, int type, int protocol);
struct uk_socket *uk_netlink_new(int domain, int type, int protocol);
int uk_unix_pair(int type, struct uk_socket *pair[2]);

/* option.c */
int uk_socket_ioctl(struct uk_file *file, unsigned request, void *argument);

/* ---- address.c: Internet addresses. A dual-stack socket of AF_INET6 sees IPv4 as ::ffff:a.b.c.d. */

/* -EAFNOSUPPORT or -EINVAL for what this socket cannot use. */
int uk_address_get(const struct uk_socket *socket, const struct sockaddr *from, socklen_t length, ip_addr_t *ip,
                   uint16_t *port);

/* The same for a destination: "any" is this machine. */
int uk_address_get_peer(const struct uk_socket *socket, const struct sockaddr *from, socklen_t length, ip_addr_t *ip,
                        uint16_t *port);
void uk_address_put(const struct uk_socket *socket, const ip_addr_t *ip, uint16_t port, struct uk_address *to);

/* What a system call returns in a caller's buffer: as much as there is room for, and the whole length. */
void uk_address_copy(const struct uk_address *from, void *to, socklen_t *length);

/* lwIP's type of the addresses that a socket may have. */
enum lwip_ip_addr_type uk_address_type(const struct uk_socket *socket);

#endif
