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

    /* tcp_output.c: what the last segment waits for */
    bool more;           /* what was written last came with MSG_MORE */
    bool push;           /* what is queued leaves all the same */
    uint64_t held_since; /* it waits for data and for nothing else; 0: it does not */
    uint32_t small_end;  /* the sequence number behind the last segment that left and was not full */

    bool dirty; /* in the list of those to be flushed */
    struct uk_tcp *dirty_next;
    struct uk_tcp *table_next; /* in tcp_find.c's table */

    bool waits; /* in tcp_connect.c's list of those that wait for an address of this guest */
    struct uk_tcp *waiting_next;

    /* Options of TCP's own */
    int no_delay, cork, user_timeout;
    int keep_idle, keep_interval, keep_count; /* seconds, 0: as it is */

    /* Connections that nobody has accepted yet, while LISTENING */
    struct uk_tcp *queue_first, *queue_last, *queue_next;
    int queued, backlog;
    struct uk_tcp *sharing; /* the next one with the same address */
};

/* Makes sure there is a control block; -ENOMEM. */
int uk_tcp_make(struct uk_tcp *tcp);

/* Takes the addresses and ports from the control block. */
void uk_tcp_remember_ends(struct uk_tcp *tcp);

/* A new socket takes over a connection that lwIP has made. */
void uk_tcp_adopt(struct uk_tcp *tcp, struct tcp_pcb *pcb);

/* The socket of a control block that does not listen; NULL: nobody has it yet, or lwIP finishes it by itself. */
struct uk_tcp *uk_tcp_of(const struct tcp_pcb *pcb);

/* Passes the options on to lwIP. */
void uk_tcp_apply_options(struct uk_tcp *tcp);

/* tcp_flush.c: queues the socket for the next flush. */
void uk_tcp_dirty(struct uk_tcp *tcp);

/* Takes it out of that queue again. */
void uk_tcp_undirty(struct uk_tcp *tcp);

/* Tells lwIP what the program has read. */
void uk_tcp_open_window(struct uk_tcp *tcp);

/* From a system call: what is queued leaves with the next exit, and at once if it is for this guest. */
void uk_tcp_leave_soon(struct uk_tcp *tcp);

/* tcp_output.c: what is queued by now waits for nothing but the windows. */
void uk_tcp_push(struct uk_tcp *tcp);

/* In each slow tick: a segment that has waited for data long enough waits no longer. */
void uk_tcp_release(struct uk_tcp *tcp);

/* Lets lwIP finish the connection by itself. */
void uk_tcp_detach(struct uk_tcp *tcp);

/* Ends the connection in an orderly way, or as SO_LINGER says; lwIP sends what is queued. */
void uk_tcp_close(struct uk_tcp *tcp);

/* tcp_find.c: from now on segments find the connection, which has its control block and its ends, fast. */
void uk_tcp_enter(struct uk_tcp *tcp);

/* Before the control block is given up; also for one that is not in the table. */
void uk_tcp_leave(struct uk_tcp *tcp);

/* tcp_orphan.c: nobody has the control block any more; it must not stay for ever. */
void uk_tcp_orphan(struct tcp_pcb *pcb);

/* tcp_end.c: the program ends. */
void uk_tcp_end(void);

/* tcp_connect.c */
int uk_tcp_connect(struct uk_socket *socket, const struct sockaddr *address, socklen_t length);

/* It waits for no address any more. */
void uk_tcp_forget_connect(struct uk_tcp *tcp);

/* tcp_listen.c */
int uk_tcp_listen(struct uk_socket *socket, int backlog);
int uk_tcp_accept(struct uk_socket *socket, struct uk_socket **accepted);
void uk_tcp_stop_listening(struct uk_tcp *tcp);

/* Of those that listen at one address: who gets the connections of a peer. */
struct uk_tcp *uk_tcp_listener_for(struct uk_tcp *first, const ip_addr_t *peer, uint16_t port);

/* -EADDRINUSE: another socket is bound to the address and does not share it. lwIP looks at the others. */
int uk_tcp_check_bound(const struct uk_tcp *tcp, const ip_addr_t *ip, uint16_t port);

/* tcp_option.c */
int uk_tcp_set_option(struct uk_socket *socket, int level, int name, int value);
int uk_tcp_get_option(struct uk_socket *socket, int level, int name, void *value, socklen_t *length);

extern const struct uk_socket_ops uk_tcp_ops;

#endif
