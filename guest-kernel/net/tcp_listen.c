/* SPDX-License-Identifier: MIT */
/*
 * Sockets that listen. A connection becomes a socket when it is established, and waits in a queue to be accepted.
 *
 * With SO_REUSEPORT several share an address: they have one listening control block, whose argument is the first one,
 * and are linked by `sharing`.
 */
#include <sys/epoll.h>

#include "lwip/priv/tcp_priv.h"
#include "reuse.h"
#include "tcp.h"

static void inherit(struct uk_tcp *tcp, const struct uk_tcp *from) {
    struct uk_socket *socket = &tcp->socket;
    socket->reuse_address = from->socket.reuse_address;
    socket->reuse_port = from->socket.reuse_port;
    socket->keep_alive = from->socket.keep_alive;
    socket->linger = from->socket.linger;
    socket->send_size = from->socket.send_size;
    socket->receive_size = from->socket.receive_size;
    socket->file.write_timeout = from->socket.file.write_timeout;
    socket->file.read_timeout = from->socket.file.read_timeout;
    socket->only_ip6 = from->socket.only_ip6;
    socket->ttl = from->socket.ttl;
    socket->tos = from->socket.tos;
    tcp->no_delay = from->no_delay;
    tcp->cork = from->cork;
    tcp->keep_idle = from->keep_idle;
    tcp->keep_interval = from->keep_interval;
    tcp->keep_count = from->keep_count;
}

/* With an error lwIP resets the connection. */
static err_t established(void *context, struct tcp_pcb *pcb, err_t error) {
    (void)context; /* who was first when the connection began, and may have gone */
    if (error != ERR_OK || !pcb)
        return ERR_VAL;
    struct uk_tcp *first = pcb->listener->callback_arg;
    struct uk_tcp *listener = uk_tcp_listener_for(first, &pcb->remote_ip, pcb->remote_port);
    struct uk_socket *socket = uk_tcp_new(listener->socket.domain, SOCK_STREAM, listener->socket.protocol);
    if (!socket)
        return ERR_MEM;
    struct uk_tcp *tcp = (struct uk_tcp *)socket;
    inherit(tcp, listener);
    uk_tcp_adopt(tcp, pcb);
    if (listener->queue_last)
        listener->queue_last->queue_next = tcp;
    else
        listener->queue_first = tcp;
    listener->queue_last = tcp;
    listener->queued++;
    uk_file_notify(&listener->socket.file, EPOLLIN | EPOLLRDNORM);
    return ERR_OK;
}

/* ---- sharing an address */

struct uk_tcp *uk_tcp_listener_for(struct uk_tcp *first, const ip_addr_t *peer, uint16_t port) {
    struct uk_tcp *best = first;
    uint64_t most = 0;
    for (struct uk_tcp *tcp = first; tcp && first->sharing; tcp = tcp->sharing) {
        uint64_t weight = uk_reuse_weight(&tcp->socket, peer, port);
        if (weight >= most) {
            most = weight;
            best = tcp;
        }
    }
    return best;
}

/* Whom a socket that is bound may listen together with; NULL: with nobody. */
static struct uk_tcp *find_partner(const struct uk_tcp *tcp) {
    if (!tcp->socket.reuse_port)
        return NULL;
    for (struct tcp_pcb *pcb = tcp_listen_pcbs.pcbs; pcb; pcb = pcb->next) {
        struct uk_tcp *other = pcb->callback_arg;
        if (pcb->local_port == tcp->pcb->local_port && ip_addr_cmp(&pcb->local_ip, &tcp->pcb->local_ip) &&
            other->socket.reuse_port)
            return other;
    }
    return NULL;
}

static void join(struct uk_tcp *tcp, struct uk_tcp *first) {
    tcp_close(tcp->pcb);
    tcp->pcb = first->pcb;
    tcp->sharing = first->sharing;
    first->sharing = tcp;
}

/* The control block goes with the last one. */
static void leave(struct uk_tcp *tcp) {
    struct tcp_pcb *pcb = tcp->pcb;
    struct uk_tcp *first = pcb->callback_arg, **at = &first;
    while (*at != tcp)
        at = &(*at)->sharing;
    *at = tcp->sharing;
    tcp->sharing = NULL;
    tcp->pcb = NULL;
    pcb->callback_arg = first;
    if (!first)
        tcp_close(pcb);
}

static int check_bound(const struct uk_tcp *tcp, const struct tcp_pcb *pcb, const ip_addr_t *ip, uint16_t port) {
    for (; pcb; pcb = pcb->next) {
        const struct uk_tcp *other = pcb->callback_arg;
        if (pcb->local_port == port && uk_reuse_overlaps(ip, &pcb->local_ip) &&
            !uk_reuse_allowed(&tcp->socket, &other->socket))
            return -EADDRINUSE;
    }
    return 0;
}

int uk_tcp_check_bound(const struct uk_tcp *tcp, const ip_addr_t *ip, uint16_t port) {
    int error = port ? check_bound(tcp, tcp_listen_pcbs.pcbs, ip, port) : 0;
    return error || !port ? error : check_bound(tcp, tcp_bound_pcbs, ip, port);
}

/* ---- operations */

static int start(struct uk_tcp *tcp) {
    int error = uk_tcp_make(tcp);
    if (!error && tcp->pcb->local_port == 0)
        error = uk_net_error(tcp_bind(tcp->pcb, &tcp->pcb->local_ip, 0));
    if (error)
        return error;
    struct uk_tcp *partner = find_partner(tcp);
    if (partner) {
        join(tcp, partner);
    } else {
        err_t result;
        struct tcp_pcb *listening = tcp_listen_with_backlog_and_err(tcp->pcb, 0, &result);
        if (!listening)
            return uk_net_error(result);
        tcp->pcb = listening;
        tcp_accept(listening, established);
    }
    tcp->local_port = tcp->pcb->local_port;
    tcp->state = UK_TCP_LISTENING;
    return 0;
}

int uk_tcp_listen(struct uk_socket *socket, int backlog) {
    struct uk_tcp *tcp = (struct uk_tcp *)socket;
    if (tcp->state != UK_TCP_FRESH && tcp->state != UK_TCP_LISTENING)
        return -EINVAL;
    tcp->backlog = backlog;
    return tcp->state == UK_TCP_LISTENING ? 0 : start(tcp);
}

static struct uk_tcp *dequeue(struct uk_tcp *listener) {
    struct uk_tcp *tcp = listener->queue_first;
    if (!tcp)
        return NULL;
    listener->queue_first = tcp->queue_next;
    if (!listener->queue_first)
        listener->queue_last = NULL;
    tcp->queue_next = NULL;
    listener->queued--;
    return tcp;
}

int uk_tcp_accept(struct uk_socket *socket, struct uk_socket **accepted) {
    struct uk_tcp *tcp = (struct uk_tcp *)socket;
    if (tcp->state != UK_TCP_LISTENING)
        return -EINVAL;
    struct uk_tcp *connection = dequeue(tcp);
    if (!connection)
        return -EAGAIN;
    *accepted = &connection->socket;
    return 0;
}

/* Who was not accepted is reset. */
void uk_tcp_stop_listening(struct uk_tcp *tcp) {
    struct uk_tcp *connection;
    leave(tcp);
    tcp->state = UK_TCP_FRESH;
    tcp->local_port = 0;
    tcp->socket.listens = false;
    while ((connection = dequeue(tcp))) {
        connection->socket.linger = (struct linger){.l_onoff = 1};
        uk_file_unref(&connection->socket.file);
    }
}
