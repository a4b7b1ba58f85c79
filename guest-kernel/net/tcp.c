/* SPDX-License-Identifier: MIT */
/*
 * TCP sockets. What is written is queued in lwIP, and goes out by tcp_flush.c. What arrives is queued here, in lwIP's
 * own buffers.
 *
 * A struct tcp_pcb belongs to lwIP, which frees it when it calls failed(), and without a word once both directions have
 * ended: so it is given up before that, by uk_tcp_detach().
 */
#include "tcp.h"

#include <sys/epoll.h>

#include "lwip/priv/tcp_priv.h"

#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM)

/* lwIP takes 16 bits of length; whole segments are best. */
#define WRITE_MAX 0xf000u

static struct uk_tcp *of(struct uk_socket *socket) {
    return (struct uk_tcp *)socket;
}

static void notify(struct uk_tcp *tcp, unsigned events) {
    uk_file_notify(&tcp->socket.file, events);
}

/* ---- what lwIP tells */

static void free_received(struct uk_tcp *tcp) {
    if (tcp->first)
        pbuf_free(tcp->first);
    tcp->first = tcp->last = NULL;
    tcp->received = 0;
}

void uk_tcp_detach(struct uk_tcp *tcp) {
    struct tcp_pcb *pcb = tcp->pcb;
    if (tcp->ack_owed)
        tcp_ack_now(pcb);
    uk_tcp_leave(tcp);
    tcp->pcb = NULL;
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    uk_tcp_orphan(pcb);
}

static void both_ended(struct uk_tcp *tcp) {
    uk_tcp_detach(tcp);
    tcp->state = UK_TCP_CLOSED;
    notify(tcp, EPOLLHUP | READABLE | WRITABLE);
}

/*
 * lwIP would acknowledge every second segment as soon as we return, and a single one after 50 ms, when its sender may
 * wait for just that. One acknowledgment for all that has arrived is enough, when the guest has nothing else to do, and
 * it may travel with an answer.
 */
static void put_off_ack(struct uk_tcp *tcp) {
    if (!(tcp->pcb->flags & (TF_ACK_NOW | TF_ACK_DELAY)))
        return;
    tcp_clear_flags(tcp->pcb, TF_ACK_NOW);
    tcp_set_flags(tcp->pcb, TF_ACK_DELAY);
    tcp->ack_owed = true;
    uk_tcp_dirty(tcp);
}

static err_t arrived(void *context, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
    struct uk_tcp *tcp = context;
    (void)pcb;
    (void)error;
    if (!p) {
        tcp->ended = true;
        notify(tcp, READABLE | EPOLLRDHUP);
        if (tcp->socket.shut_write)
            both_ended(tcp);
        else
            put_off_ack(tcp);
        return ERR_OK;
    }
    put_off_ack(tcp);
    tcp->received += p->tot_len;
    if (tcp->last)
        tcp->last->next = p;
    else
        tcp->first = p;
    while (p->next)
        p = p->next;
    tcp->last = p;
    notify(tcp, READABLE);
    return ERR_OK;
}

static size_t limit(const struct uk_tcp *tcp) {
    return LWIP_MIN((size_t)tcp->socket.send_size, TCP_SND_BUF);
}

/* Bytes that may be queued now. */
static size_t room(const struct uk_tcp *tcp) {
    size_t queued = TCP_SND_BUF - tcp->pcb->snd_buf; /* tcp_sndbuf() has 16 bits */
    if (tcp->starved || queued >= limit(tcp) || tcp->pcb->snd_queuelen > TCP_SND_QUEUELEN / 2)
        return 0;
    return limit(tcp) - queued;
}

/* Not for every byte that is acknowledged: as Linux, when a third of the buffer is free. */
static bool is_writable(struct uk_tcp *tcp) {
    bool writable = room(tcp) >= limit(tcp) / 3;
    tcp->full = !writable;
    return writable;
}

static void more_room(struct uk_tcp *tcp) {
    tcp->starved = false;
    if (tcp->full && is_writable(tcp))
        notify(tcp, WRITABLE);
}

/* lwIP goes on to tcp_output(). As in Linux, an acknowledgment ends the wait that MSG_MORE asks for. */
static err_t acknowledged(void *context, struct tcp_pcb *pcb, u16_t length) {
    struct uk_tcp *tcp = context;
    (void)pcb;
    (void)length;
    tcp->more = false;
    more_room(tcp);
    return ERR_OK;
}

/* Every slow tick, before tcp_output(). */
static err_t polled(void *context, struct tcp_pcb *pcb) {
    struct uk_tcp *tcp = context;
    (void)pcb;
    uk_tcp_release(tcp);
    if (tcp->starved)
        more_room(tcp);
    return ERR_OK;
}

static int reason(const struct uk_tcp *tcp, err_t error) {
    if (error == ERR_CLSD)
        return 0;
    if (error != ERR_RST)
        return -uk_net_error(error);
    if (tcp->state == UK_TCP_CONNECTING)
        return ECONNREFUSED;
    return tcp->ended ? EPIPE : ECONNRESET; /* Linux: tcp_reset() */
}

/* The control block is gone. */
static void failed(void *context, err_t error) {
    struct uk_tcp *tcp = context;
    tcp->socket.error = reason(tcp, error);
    uk_tcp_leave(tcp);
    tcp->pcb = NULL;
    tcp->ended = true;
    tcp->state = UK_TCP_CLOSED;
    notify(tcp, READABLE | WRITABLE | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
}

/* ---- control blocks */

static void attach(struct uk_tcp *tcp, struct tcp_pcb *pcb) {
    tcp->pcb = pcb;
    tcp_arg(pcb, tcp);
    tcp_recv(pcb, arrived);
    tcp_sent(pcb, acknowledged);
    tcp_err(pcb, failed);
    tcp_poll(pcb, polled, 1);
    uk_tcp_apply_options(tcp);
}

/* The argument of one that is not established yet is its listener's. */
struct uk_tcp *uk_tcp_of(const struct tcp_pcb *pcb) {
    return pcb->recv == arrived ? pcb->callback_arg : NULL;
}

void uk_tcp_remember_ends(struct uk_tcp *tcp) {
    tcp->local_ip = tcp->pcb->local_ip;
    tcp->local_port = tcp->pcb->local_port;
    tcp->peer_ip = tcp->pcb->remote_ip;
    tcp->peer_port = tcp->pcb->remote_port;
    tcp->looped = uk_net_is_own(&tcp->peer_ip);
}

int uk_tcp_make(struct uk_tcp *tcp) {
    if (tcp->pcb)
        return 0;
    struct tcp_pcb *pcb = tcp_new_ip_type((u8_t)uk_address_type(&tcp->socket));
    if (!pcb)
        return -ENOMEM;
    attach(tcp, pcb);
    return 0;
}

void uk_tcp_adopt(struct uk_tcp *tcp, struct tcp_pcb *pcb) {
    attach(tcp, pcb);
    uk_tcp_remember_ends(tcp);
    tcp->state = UK_TCP_CONNECTED;
    uk_tcp_enter(tcp);
}

struct uk_socket *uk_tcp_new(int domain, int type, int protocol) {
    return uk_socket_new(sizeof(struct uk_tcp), &uk_tcp_ops, domain, type, protocol);
}

/* ---- operations */

static int bind_op(struct uk_socket *socket, const struct sockaddr *address, socklen_t length) {
    struct uk_tcp *tcp = of(socket);
    ip_addr_t ip;
    uint16_t port;
    int error = uk_address_get(socket, address, length, &ip, &port);
    bool any = !error && ip_addr_isany(&ip) && uk_address_type(socket) == IPADDR_TYPE_ANY;
    const ip_addr_t *own = any ? IP_ANY_TYPE : &ip;
    if (!error && (tcp->state != UK_TCP_FRESH || tcp->local_port))
        error = -EINVAL;
    if (!error)
        error = uk_net_check_local(&ip);
    if (!error)
        error = uk_tcp_check_bound(tcp, own, port);
    if (!error)
        error = uk_tcp_make(tcp);
    if (error)
        return error;
    error = uk_net_error(tcp_bind(tcp->pcb, own, port));
    if (!error)
        uk_tcp_remember_ends(tcp);
    return error;
}

static int name_op(struct uk_socket *socket, enum uk_socket_end end, struct uk_address *address) {
    const struct uk_tcp *tcp = of(socket);
    if (end == UK_LOCAL)
        uk_address_put(socket, &tcp->local_ip, tcp->local_port, address);
    else if (tcp->state == UK_TCP_CONNECTED)
        uk_address_put(socket, &tcp->peer_ip, tcp->peer_port, address);
    else
        return -ENOTCONN;
    return 0;
}

static int shut_write(struct uk_tcp *tcp) {
    tcp->socket.shut_write = true;
    uk_tcp_open_window(tcp);
    int error = uk_net_error(tcp_shutdown(tcp->pcb, 0, 1));
    if (!error && tcp->ended)
        both_ended(tcp);
    return error;
}

static int shutdown_op(struct uk_socket *socket, int how) {
    struct uk_tcp *tcp = of(socket);
    int error = 0;
    if (tcp->state == UK_TCP_LISTENING && how != SHUT_WR) {
        uk_tcp_stop_listening(tcp);
        notify(tcp, READABLE | EPOLLHUP);
        return 0;
    }
    if (tcp->state != UK_TCP_CONNECTED)
        return -ENOTCONN;
    if (how != SHUT_WR)
        socket->shut_read = true;
    if (how != SHUT_RD && !socket->shut_write)
        error = shut_write(tcp);
    notify(tcp, READABLE | WRITABLE | EPOLLRDHUP | EPOLLHUP);
    if (tcp->looped)
        uk_net_deliver_looped();
    return error;
}

/* ---- sending */

static int may_send(struct uk_tcp *tcp) {
    if (tcp->socket.error)
        return uk_socket_take_error(&tcp->socket);
    if (tcp->state == UK_TCP_CONNECTING)
        return -EAGAIN;
    return tcp->state != UK_TCP_CONNECTED || tcp->socket.shut_write ? -EPIPE : 0;
}

/* Queues one piece; returns what lwIP has taken of it, less than all when there is no memory. */
static size_t queue(struct uk_tcp *tcp, const char *data, size_t size, bool more) {
    size_t done = 0, step = WRITE_MAX;
    while (done < size) {
        u16_t length = (u16_t)LWIP_MIN(step, size - done);
        u8_t flags = TCP_WRITE_FLAG_COPY | (more || done + length < size ? TCP_WRITE_FLAG_MORE : 0);
        if (tcp_write(tcp->pcb, data + done, length, flags) == ERR_OK)
            done += length;
        else if (step > tcp_mss(tcp->pcb))
            step /= 4;
        else
            break;
    }
    return done;
}

static size_t queue_all(struct uk_tcp *tcp, const struct msghdr *message, size_t skip, size_t most, int flags) {
    size_t done = 0;
    for (int i = 0; i < (int)message->msg_iovlen && done < most; i++) {
        const struct iovec *iov = &message->msg_iov[i];
        if (skip >= iov->iov_len) {
            skip -= iov->iov_len;
            continue;
        }
        size_t size = LWIP_MIN(iov->iov_len - skip, most - done);
        bool more = i + 1 < (int)message->msg_iovlen || (flags & MSG_MORE) || tcp->cork;
        size_t taken = queue(tcp, (const char *)iov->iov_base + skip, size, more);
        done += taken;
        skip = 0;
        if (taken < size)
            break;
    }
    return done;
}

/* Nothing could be queued, for want of memory. Acknowledgments will free some; without any it is an error. */
static ssize_t starve(struct uk_tcp *tcp) {
    if (!tcp->pcb->unsent && !tcp->pcb->unacked)
        return -ENOMEM;
    tcp->starved = tcp->full = true;
    uk_tcp_push(tcp);
    return -EAGAIN;
}

static ssize_t send_op(struct uk_socket *socket, const struct msghdr *message, size_t skip, int flags) {
    struct uk_tcp *tcp = of(socket);
    int error = may_send(tcp);
    if (error)
        return error;
    size_t size = (size_t)uk_iov_length(message->msg_iov, (int)message->msg_iovlen) - skip, most = room(tcp);
    if (most == 0) {
        tcp->full = true;
        uk_tcp_push(tcp);
        return -EAGAIN;
    }
    size_t done = queue_all(tcp, message, skip, most, flags);
    if (done == 0)
        return size == 0 ? 0 : starve(tcp);
    tcp->full = done == most;
    tcp->more = flags & MSG_MORE;
    tcp->push = done < size; /* what waits for more makes room for it */
    uk_tcp_leave_soon(tcp);
    return (ssize_t)done;
}

/* ---- receiving */

static void drop_first(struct uk_tcp *tcp) {
    struct pbuf *p = tcp->first;
    tcp->first = p->next;
    if (!tcp->first)
        tcp->last = NULL;
    tcp->first_read = 0;
    p->next = NULL;
    pbuf_free(p);
}

static void consume(struct uk_tcp *tcp, size_t size) {
    tcp->received -= size;
    tcp->owed += size;
    while (size > 0) {
        size_t left = tcp->first->len - tcp->first_read;
        if (size < left) {
            tcp->first_read += size;
            break;
        }
        size -= left;
        drop_first(tcp);
    }
    if (tcp->pcb)
        uk_tcp_dirty(tcp);
}

/* Copies from the queue without changing it. */
static size_t copy_out(const struct uk_tcp *tcp, const struct msghdr *message, size_t skip) {
    size_t done = 0, from = tcp->first_read;
    for (const struct pbuf *p = tcp->first; p; p = p->next) {
        size_t want = p->len - from;
        size_t n =
            uk_iov_fill(message->msg_iov, (int)message->msg_iovlen, skip + done, (char *)p->payload + from, want);
        done += n;
        from = 0;
        if (n < want)
            break;
    }
    return done;
}

/* Why there is nothing to read. */
static ssize_t nothing(struct uk_tcp *tcp) {
    if (tcp->state == UK_TCP_FRESH || tcp->state == UK_TCP_LISTENING)
        return -ENOTCONN;
    if (tcp->socket.error)
        return uk_socket_take_error(&tcp->socket);
    return tcp->ended || tcp->socket.shut_read ? 0 : -EAGAIN;
}

static ssize_t receive_op(struct uk_socket *socket, struct msghdr *message, size_t skip, int flags) {
    struct uk_tcp *tcp = of(socket);
    message->msg_namelen = 0;
    message->msg_controllen = 0;
    if (flags & MSG_OOB)
        return -EINVAL;
    if (flags & MSG_ERRQUEUE)
        return -EAGAIN;
    if (tcp->received == 0)
        return nothing(tcp);
    size_t room_there = (size_t)uk_iov_length(message->msg_iov, (int)message->msg_iovlen) - skip;
    size_t size = LWIP_MIN(tcp->received, room_there);
    if (!(flags & MSG_TRUNC)) /* which reads without copying: tcp(7) */
        size = copy_out(tcp, message, skip);
    if (!(flags & MSG_PEEK))
        consume(tcp, size);
    return (ssize_t)size;
}

static size_t pending_op(struct uk_socket *socket) {
    return of(socket)->received;
}

/* ---- events. Linux: tcp_poll() */

static unsigned connection_events(struct uk_tcp *tcp) {
    const struct uk_socket *socket = &tcp->socket;
    bool no_more = tcp->ended || socket->shut_read;
    unsigned events = 0;
    if (tcp->received || no_more)
        events |= READABLE;
    if (no_more)
        events |= EPOLLRDHUP;
    if (socket->shut_write || !tcp->pcb || is_writable(tcp))
        events |= WRITABLE;
    if (no_more && (socket->shut_write || !tcp->pcb))
        events |= EPOLLHUP;
    return events;
}

static unsigned poll_op(struct uk_socket *socket) {
    struct uk_tcp *tcp = of(socket);
    unsigned events = socket->error ? EPOLLERR : 0;
    switch (tcp->state) {
    case UK_TCP_FRESH:
        return events | WRITABLE | EPOLLHUP;
    case UK_TCP_CONNECTING:
        return events;
    case UK_TCP_LISTENING:
        return events | (tcp->queue_first ? READABLE : 0);
    default:
        return events | connection_events(tcp);
    }
}

/* ---- the end */

void uk_tcp_close(struct uk_tcp *tcp) {
    struct tcp_pcb *pcb = tcp->pcb;
    const struct linger *linger = &tcp->socket.linger;
    uk_tcp_open_window(tcp); /* what is left of it is unread: then tcp_close() resets the connection, as Linux does */
    uk_tcp_detach(tcp);
    if (linger->l_onoff && linger->l_linger == 0)
        tcp_abort(pcb);
    else
        tcp_close(pcb);
}

static void close_op(struct uk_socket *socket) {
    struct uk_tcp *tcp = of(socket);
    uk_tcp_undirty(tcp);
    uk_tcp_forget_connect(tcp);
    if (tcp->state == UK_TCP_LISTENING)
        uk_tcp_stop_listening(tcp);
    if (tcp->pcb)
        uk_tcp_close(tcp);
    free_received(tcp);
    bool looped = tcp->looped;
    uk_free(tcp);
    if (looped)
        uk_net_deliver_looped();
}

const struct uk_socket_ops uk_tcp_ops = {
    .bind = bind_op,
    .listen = uk_tcp_listen,
    .connect = uk_tcp_connect,
    .accept = uk_tcp_accept,
    .name = name_op,
    .shutdown = shutdown_op,
    .send = send_op,
    .receive = receive_op,
    .poll = poll_op,
    .close = close_op,
    .pending = pending_op,
    .set_option = uk_tcp_set_option,
    .get_option = uk_tcp_get_option,
};
