/* SPDX-License-Identifier: MIT */
/* UDP sockets. A datagram leaves with the next exit; one that arrives waits here in lwIP's own buffers. */
#include "lwip/udp.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include "reuse.h"
#include "socket.h"

#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM)

struct udp {
    struct uk_socket socket;
    struct udp_pcb *pcb;
    struct pbuf *first, *last;
    size_t queued; /* bytes of memory, roughly */
    bool connected;
};

/*
 * What is kept of a datagram beside its contents. It lies where its headers were, in front of the contents: those of
 * IPv4 and UDP alone are 28 bytes, and the space for those of Ethernet comes before them.
 */
struct label {
    struct pbuf *next;
    ip_addr_t ip;
    uint16_t port;
} __attribute__((packed));

#define HEADERS (28 + PBUF_LINK_HLEN)
_Static_assert(sizeof(struct label) <= HEADERS, "a datagram's label does not fit where its headers were");

/* A datagram takes at least a frame's buffer. */
#define BOOKKEEPING 512u

static const struct uk_socket_ops udp_ops;

static struct udp *of(struct uk_socket *socket) {
    return (struct udp *)socket;
}

static struct label *label_of(const struct pbuf *p) {
    return (struct label *)((uintptr_t)p->payload - sizeof(struct label));
}

/* ---- in */

static void queue(struct udp *udp, struct pbuf *p, const ip_addr_t *ip, u16_t port) {
    if (udp->queued > (size_t)udp->socket.receive_size || udp->socket.shut_read) {
        pbuf_free(p);
        return;
    }
    ip_addr_t from = *ip; /* it may lie in the headers */
    *label_of(p) = (struct label){.ip = from, .port = port};
    if (udp->last)
        label_of(udp->last)->next = p;
    else
        udp->first = p;
    udp->last = p;
    udp->queued += p->tot_len + BOOKKEEPING;
    uk_file_notify(&udp->socket.file, READABLE);
}

static void arrived(void *context, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip, u16_t port);

/* NULL: one of lwIP's own. */
static struct udp *owner_of(const struct udp_pcb *pcb) {
    return pcb->recv == arrived ? pcb->recv_arg : NULL;
}

static bool shares_with(const struct udp *udp, const struct udp *other) {
    return other && other->socket.reuse_port && !other->connected && other->pcb->local_port == udp->pcb->local_port &&
           ip_addr_cmp(&other->pcb->local_ip, &udp->pcb->local_ip);
}

/* SO_REUSEPORT: of the sockets with one address, the one that gets what a peer sends. */
static struct udp *receiver_for(struct udp *udp, const ip_addr_t *ip, uint16_t port) {
    struct udp *best = udp;
    uint64_t most = 0;
    if (!shares_with(udp, udp))
        return udp;
    for (const struct udp_pcb *pcb = udp_pcbs; pcb; pcb = pcb->next) {
        struct udp *other = owner_of(pcb);
        uint64_t weight = shares_with(udp, other) ? uk_reuse_weight(&other->socket, ip, port) : 0;
        if (weight > most) {
            most = weight;
            best = other;
        }
    }
    return best;
}

/* What is for many comes to each of them. */
static bool is_for_one(void) {
    const ip_addr_t *to = ip_current_dest_addr();
    return !ip_addr_ismulticast(to) && !ip_addr_isbroadcast(to, ip_current_netif());
}

static void arrived(void *context, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip, u16_t port) {
    (void)pcb;
    queue(is_for_one() ? receiver_for(context, ip, port) : context, p, ip, port);
}

static void drop_first(struct udp *udp) {
    struct pbuf *p = udp->first;
    udp->first = label_of(p)->next;
    if (!udp->first)
        udp->last = NULL;
    udp->queued -= p->tot_len + BOOKKEEPING;
    pbuf_free(p);
}

static void put_name(const struct udp *udp, const struct label *label, struct msghdr *message) {
    struct uk_address from;
    ip_addr_t ip = label->ip;
    if (!message->msg_name)
        return;
    uk_address_put(&udp->socket, &ip, label->port, &from);
    uk_address_copy(&from, message->msg_name, &message->msg_namelen);
}

static size_t copy_out(const struct pbuf *p, const struct msghdr *message) {
    size_t done = 0;
    for (; p; p = p->next)
        done += uk_iov_fill(message->msg_iov, (int)message->msg_iovlen, done, p->payload, p->len);
    return done;
}

static ssize_t receive_op(struct uk_socket *socket, struct msghdr *message, size_t skip, int flags) {
    struct udp *udp = of(socket);
    const struct pbuf *p = udp->first;
    (void)skip;
    message->msg_controllen = 0;
    if (socket->error)
        return uk_socket_take_error(socket);
    if (!p)
        return socket->shut_read ? 0 : -EAGAIN;
    put_name(udp, label_of(p), message);
    size_t whole = p->tot_len, done = copy_out(p, message);
    if (done < whole)
        message->msg_flags |= MSG_TRUNC;
    if (!(flags & MSG_PEEK))
        drop_first(udp);
    return (ssize_t)(flags & MSG_TRUNC ? whole : done);
}

static size_t pending_op(struct uk_socket *socket) {
    return of(socket)->first ? of(socket)->first->tot_len : 0;
}

/* ---- out */

/* Who must not be blocked hears that there is no route. */
static int wait_configured(const struct udp *udp, const ip_addr_t *to, int flags) {
    bool blocks = !(udp->socket.file.flags & O_NONBLOCK) && !(flags & MSG_DONTWAIT);
    return blocks && !ip_addr_isloopback(to) ? uk_net_wait_configured() : 0;
}

static int destination(struct udp *udp, const struct msghdr *message, ip_addr_t *ip, uint16_t *port) {
    if (message->msg_name)
        return uk_address_get_peer(&udp->socket, message->msg_name, message->msg_namelen, ip, port);
    if (!udp->connected)
        return -EDESTADDRREQ;
    *ip = udp->pcb->remote_ip;
    *port = udp->pcb->remote_port;
    return 0;
}

static struct pbuf *gather(const struct msghdr *message, size_t size) {
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)size, PBUF_RAM);
    if (p)
        uk_iov_gather(message->msg_iov, (int)message->msg_iovlen, 0, p->payload, size);
    return p;
}

#define PAYLOAD_MAX 65507 /* 65535 less the headers of IPv4 and UDP */

static ssize_t send_op(struct uk_socket *socket, const struct msghdr *message, size_t skip, int flags) {
    struct udp *udp = of(socket);
    ssize_t size = uk_iov_length(message->msg_iov, (int)message->msg_iovlen);
    ip_addr_t ip;
    uint16_t port;
    (void)skip;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (socket->shut_write)
        return -EPIPE;
    if (size > PAYLOAD_MAX)
        return -EMSGSIZE;
    int error = destination(udp, message, &ip, &port);
    if (!error)
        error = wait_configured(udp, &ip, flags);
    if (error)
        return error;
    struct pbuf *p = gather(message, (size_t)size);
    if (!p)
        return -ENOBUFS;
    err_t result = udp_sendto(udp->pcb, p, &ip, port);
    pbuf_free(p);
    uk_net_deliver_looped();
    /* A full queue drops a datagram, as any router may. */
    return result == ERR_OK || result == ERR_MEM || result == ERR_BUF ? size : uk_net_error(result);
}

/* ---- addresses */

static int check_bound(const struct udp *udp, const ip_addr_t *ip, uint16_t port) {
    for (const struct udp_pcb *pcb = udp_pcbs; pcb && port; pcb = pcb->next) {
        const struct udp *other = owner_of(pcb);
        if (other && pcb->local_port == port && uk_reuse_overlaps(ip, &pcb->local_ip) &&
            !uk_reuse_allowed(&udp->socket, &other->socket))
            return -EADDRINUSE;
    }
    return 0;
}

static int bind_op(struct uk_socket *socket, const struct sockaddr *address, socklen_t length) {
    struct udp *udp = of(socket);
    ip_addr_t ip;
    uint16_t port;
    int error = uk_address_get(socket, address, length, &ip, &port);
    bool any = !error && ip_addr_isany(&ip) && uk_address_type(socket) == IPADDR_TYPE_ANY;
    const ip_addr_t *own = any ? IP_ANY_TYPE : &ip;
    if (!error && udp->pcb->local_port)
        error = -EINVAL;
    if (!error && !ip_addr_ismulticast(&ip))
        error = uk_net_check_local(&ip);
    if (!error)
        error = check_bound(udp, own, port);
    if (error)
        return error;
    return uk_net_error(udp_bind(udp->pcb, own, port));
}

static int disconnect(struct udp *udp) {
    udp->connected = false;
    udp_disconnect(udp->pcb);
    return 0;
}

/* The local address becomes the one of the route, as in Linux: getaddrinfo() sorts by it. */
static int connect_op(struct uk_socket *socket, const struct sockaddr *address, socklen_t length) {
    struct udp *udp = of(socket);
    ip_addr_t ip;
    uint16_t port;
    if (length >= sizeof address->sa_family && address->sa_family == AF_UNSPEC)
        return disconnect(udp);
    int error = uk_address_get_peer(socket, address, length, &ip, &port);
    if (!error)
        error = wait_configured(udp, &ip, 0);
    if (error)
        return error;
    struct netif *netif = ip_route(&udp->pcb->local_ip, &ip);
    if (!netif)
        return -ENETUNREACH;
    error = uk_net_error(udp_connect(udp->pcb, &ip, port));
    const ip_addr_t *own = ip_netif_get_local_ip(netif, &ip);
    if (!error && ip_addr_isany(&udp->pcb->local_ip) && own)
        ip_addr_copy(udp->pcb->local_ip, *own);
    udp->connected = !error;
    return error;
}

static int name_op(struct uk_socket *socket, enum uk_socket_end end, struct uk_address *address) {
    const struct udp *udp = of(socket);
    if (end == UK_PEER && !udp->connected)
        return -ENOTCONN;
    if (end == UK_PEER)
        uk_address_put(socket, &udp->pcb->remote_ip, udp->pcb->remote_port, address);
    else
        uk_address_put(socket, &udp->pcb->local_ip, udp->pcb->local_port, address);
    return 0;
}

static int shutdown_op(struct uk_socket *socket, int how) {
    if (!of(socket)->connected)
        return -ENOTCONN;
    socket->shut_read |= how != SHUT_WR;
    socket->shut_write |= how != SHUT_RD;
    uk_file_notify(&socket->file, READABLE | WRITABLE | EPOLLRDHUP | EPOLLHUP);
    return 0;
}

/* ---- the rest */

static unsigned poll_op(struct uk_socket *socket) {
    unsigned events = WRITABLE | (socket->error ? EPOLLERR : 0);
    if (of(socket)->first || socket->shut_read)
        events |= READABLE;
    if (socket->shut_read)
        events |= EPOLLRDHUP;
    if (socket->shut_read && socket->shut_write)
        events |= EPOLLHUP;
    return events;
}

static void close_op(struct uk_socket *socket) {
    struct udp *udp = of(socket);
    while (udp->first)
        drop_first(udp);
    udp_remove(udp->pcb);
    uk_free(udp);
}

static void apply_options(struct udp *udp) {
    struct udp_pcb *pcb = udp->pcb;
    const struct uk_socket *socket = &udp->socket;
    pcb->so_options = (u8_t)((socket->reuse_address || socket->reuse_port ? SOF_REUSEADDR : 0) |
                             (socket->broadcast ? SOF_BROADCAST : 0));
    pcb->ttl = (u8_t)socket->ttl;
    pcb->tos = (u8_t)socket->tos;
    if (!pcb->local_port)
        IP_SET_TYPE_VAL(pcb->local_ip, (u8_t)uk_address_type(socket));
}

static int set_option_op(struct uk_socket *socket, int level, int name, int value) {
    struct udp *udp = of(socket);
    if (level == IPPROTO_IP && name == IP_MULTICAST_TTL)
        udp_set_multicast_ttl(udp->pcb, (u8_t)value);
    else if (level != SOL_SOCKET)
        return -ENOPROTOOPT;
    apply_options(udp);
    return 0;
}

struct uk_socket *uk_udp_new(int domain, int type, int protocol) {
    struct udp *udp = uk_socket_new(sizeof *udp, &udp_ops, domain, type, protocol);
    if (!udp)
        return NULL;
    udp->pcb = udp_new_ip_type((u8_t)uk_address_type(&udp->socket));
    if (!udp->pcb) {
        uk_free(udp);
        return NULL;
    }
    udp_recv(udp->pcb, arrived, udp);
    apply_options(udp);
    return &udp->socket;
}

static const struct uk_socket_ops udp_ops = {
    .bind = bind_op,
    .connect = connect_op,
    .name = name_op,
    .shutdown = shutdown_op,
    .send = send_op,
    .receive = receive_op,
    .poll = poll_op,
    .close = close_op,
    .pending = pending_op,
    .set_option = set_option_op,
};
