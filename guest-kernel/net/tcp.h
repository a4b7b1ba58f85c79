/* SPDX-License-Identifier: MIT */
#ifndef UK_NET_TCP_H
#define UK_NET_TCP_H

#include "lwip/tcp.h"
#include "socket.h"

enum uk_tcp_state {
    UK_TCP_FRESH, /* perhaps bound */
    UK_TCP_CONNECTING,
    UK_TCP_CONNECTED, /* until both directions have ended, or an error */
    UK_TCP_LISTENING,
    UK_TCP_CLOSED,
};

struct uk_tcp {
    struct uk_socket socket;
    enum uk_tcp_state state;
    struct tcp_pcb *pcb; /* lwIP's; NULL: not there yet, or no longer ours */
    ip_addr_t local_ip, peer_ip;
    uint16_t local_port, peer_port;

    /* Received and not read: single buffers, linked by `next`. lwIP's `tot_len` means nothing here: it is too short. */
    struct pbuf *first, *last;
    size_t first_read; /* bytes of the first that have been read */
    size_t received;   /* bytes in all */
    size_t owed;       /* bytes read that lwIP has not been told of: the window opens at the next flush */

    bool looped; /* the peer is in this guest */
    bool in_table;
    bool ended;   /* the peer sends no more */
    bool full;    /* somebody waits for room to send */
    bool starved; /* there was no memory to send */
    bool ack_owed;
    bool dirty; /* in the list of those to be flushed */
    struct uk_tcp *dirty_next;
    struct uk_tcp *table_next; /* in tcp_find.c's table */

    /* Options of TCP's own */
    int no_delay, cork, user_timeout;
    int keep_idle, keep_interval, keep_count; /* seconds, 0: as it is */

    /* Connections that nobody has accepted yet, while LISTENING */
    struct uk_tcp *queue_first, *queue_last, *queue_next;
    int queued, backlog;
};

/* Makes sure there is a control block; -ENOMEM. */
int uk_tcp_make(struct uk_tcp *tcp);

/* A new socket takes over a connection that lwIP has made. */
void uk_tcp_adopt(struct uk_tcp *tcp, struct tcp_pcb *pcb);

/* Passes the options on to lwIP. */
void uk_tcp_apply_options(struct uk_tcp *tcp);

/* Queues the socket for the next flush. */
void uk_tcp_dirty(struct uk_tcp *tcp);

/* Lets lwIP finish the connection by itself. */
void uk_tcp_detach(struct uk_tcp *tcp);

/* Ends the connection in an orderly way, or as SO_LINGER says; lwIP sends what is queued. */
void uk_tcp_close(struct uk_tcp *tcp);

/* tcp_find.c: from now on segments find the connection, which has its control block and its ends, fast. */
void uk_tcp_enter(struct uk_tcp *tcp);

/* Before the control block is given up; also for one that is not in the table. */
void uk_tcp_leave(struct uk_tcp *tcp);

/* tcp_end.c: the program ends. */
void uk_tcp_end(void);

/* tcp_listen.c */
int uk_tcp_listen(struct uk_socket *socket, int backlog);
int uk_tcp_accept(struct uk_socket *socket, struct uk_socket **accepted);
void uk_tcp_stop_listening(struct uk_tcp *tcp);

/* tcp_option.c */
int uk_tcp_set_option(struct uk_socket *socket, int level, int name, int value);
int uk_tcp_get_option(struct uk_socket *socket, int level, int name, void *value, socklen_t *length);

extern const struct uk_socket_ops uk_tcp_ops;

#endif
