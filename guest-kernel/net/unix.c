/* SPDX-License-Identifier: MIT */
/*
 * AF_UNIX sockets, within the guest. A path is that of a file, which bind() makes and only unlink() removes. What is
 * sent to /dev/log, by syslog(), goes to the console.
 *
 * What is sent lies in the receiver's queue. A pair holds no references to each other: who closes first cuts the tie.
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/un.h>

#include "posix/fs/path.h"
#include "posix/process/credentials.h"
#include "posix/threads/thread.h"
#include "posix/time/deadline.h"
#include "unix_rights.h"

#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM)

enum state { FRESH, CONNECTED, LISTENING, CLOSED };

struct piece {
    struct piece *next;
    size_t size, read;
    struct uk_rights *rights; /* that go with its first byte; or NULL */
    struct uk_address from;   /* of a datagram */
    char data[];
};

struct local {
    struct uk_socket socket;
    enum state state;
    struct local *peer; /* of a stream: the other end; of a datagram socket: where it sends to */
    struct piece *first, *last;
    size_t queued;
    struct uk_address address, peer_address;
    bool is_log;                                         /* the kernel's own: what it receives is shown */
    bool bound;                                          /* it is what is found by its address */
    struct uk_inode *inode;                              /* of the file that is its address, if it is one; or NULL */
    struct local *next_bound;                            /* in that list */
    struct local *next_directed;                         /* in that list */
    struct local *queue_first, *queue_last, *queue_next; /* while LISTENING */
    int waiting, backlog;
};

static struct local *bound;              /* what has a name */
static struct uk_thread_list connecting; /* whoever waits for room in the queue of a listener */
static struct local *directed;           /* datagram sockets with a peer, which need not know of them */
static const struct uk_socket_ops unix_ops;

static struct local *of(struct uk_socket *socket) {
    return (struct local *)socket;
}

static bool is_stream(const struct local *local) {
    return local->socket.type == SOCK_STREAM;
}

static bool has_connections(const struct local *local) {
    return local->socket.type != SOCK_DGRAM;
}

static void notify(struct local *local, unsigned events) {
    uk_file_notify(&local->socket.file, events);
}

/* ---- names */

#define NAMELESS offsetof(struct sockaddr_un, sun_path)

static int check_name(const struct sockaddr *address, socklen_t length, struct uk_address *name) {
    if (length <= NAMELESS || length > sizeof(struct sockaddr_un))
        return -EINVAL;
    if (address->sa_family != AF_UNIX)
        return -EINVAL;
    memset(name, 0, sizeof *name);
    memcpy(&name->storage, address, length);
    const char *path = ((struct sockaddr_un *)&name->storage)->sun_path;
    /* A path ends at its NUL, which counts; an abstract name, which starts with one, is as long as it is said to be. */
    name->length = path[0] ? (socklen_t)(NAMELESS + strlen(path) + 1) : length;
    return 0;
}

static bool is_path(const struct uk_address *name) {
    return ((const struct sockaddr_un *)&name->storage)->sun_path[0];
}

static struct local *find_abstract(const struct uk_address *name) {
    for (struct local *local = bound; local; local = local->next_bound)
        if (local->address.length == name->length && memcmp(&local->address.storage, &name->storage, name->length) == 0)
            return local;
    return NULL;
}

static int find_path(const char *path, struct local **found) {
    struct uk_inode *inode;
    int error = uk_path_find(AT_FDCWD, path, UK_FOLLOW, &inode);
    if (error)
        return error;
    struct local *local = bound;
    while (local && local->inode != inode)
        local = local->next_bound;
    uk_inode_unref(inode);
    *found = local;
    return local ? 0 : -ECONNREFUSED;
}

/* The socket that a program means, and the name that it says. */
static int find(const struct sockaddr *address, socklen_t length, struct uk_address *name, struct local **found) {
    int error = check_name(address, length, name);
    if (error)
        return error;
    if (is_path(name))
        return find_path(((struct sockaddr_un *)&name->storage)->sun_path, found);
    *found = find_abstract(name);
    return *found ? 0 : -ECONNREFUSED;
}

/* bind() without a name: unix(7), autobind. */
static int find_name(struct uk_address *name) {
    static unsigned last;
    for (unsigned i = 0; i < 0x100000; i++) {
        struct sockaddr_un *address = (struct sockaddr_un *)&name->storage;
        *name = (struct uk_address){.storage.ss_family = AF_UNIX, .length = NAMELESS + 6};
        uk_snprintf(address->sun_path + 1, 6, "%05x", ++last & 0xfffff);
        if (!find_abstract(name))
            return 0;
    }
    return -ENOSPC;
}

static void become_bound(struct local *local) {
    local->bound = true;
    local->next_bound = bound;
    bound = local;
}

static int bind_op(struct uk_socket *socket, const struct sockaddr *address, socklen_t length) {
    struct local *local = of(socket);
    struct uk_address name;
    int error;
    if (length == NAMELESS && address->sa_family == AF_UNIX) {
        if (local->bound)
            return 0;
        error = find_name(&name);
    } else {
        error = check_name(address, length, &name);
    }
    if (!error && local->bound)
        error = -EINVAL;
    if (!error && is_path(&name)) {
        error = uk_path_make(((struct sockaddr_un *)&name.storage)->sun_path, S_IFSOCK | 0777, &local->inode);
        error = error == -EEXIST ? -EADDRINUSE : error;
    } else if (!error && find_abstract(&name)) {
        error = -EADDRINUSE;
    }
    if (error)
        return error;
    local->address = name;
    become_bound(local);
    return 0;
}

static int name_op(struct uk_socket *socket, enum uk_socket_end end, struct uk_address *address) {
    const struct local *local = of(socket);
    if (end == UK_PEER && local->state != CONNECTED)
        return -ENOTCONN;
    *address = end == UK_PEER ? local->peer_address : local->address;
    address->storage.ss_family = AF_UNIX;
    if (address->length == 0)
        address->length = NAMELESS;
    return 0;
}

/* ---- connections */

static void set_peer(struct local *local, struct local *peer) {
    if (!local->peer && !has_connections(local)) {
        local->next_directed = directed;
        directed = local;
    }
    local->peer = peer;
}

static void join(struct local *a, struct local *b) {
    set_peer(a, b);
    set_peer(b, a);
    a->state = b->state = CONNECTED;
    a->peer_address = b->address;
    b->peer_address = a->address;
}

static struct local *make(int type) {
    return uk_socket_new(sizeof(struct local), &unix_ops, AF_UNIX, type, 0);
}

/* For who sends to it, not for who wants to be there itself, and removes it first as on any system. */
static void make_log(void) {
    static bool made;
    struct local *log = made ? NULL : make(SOCK_DGRAM);
    made = true;
    if (!log)
        return;
    log->is_log = true;
    if (uk_path_make("/dev/log", S_IFSOCK | 0777, &log->inode) == 0)
        become_bound(log);
    else
        uk_file_unref(&log->socket.file);
}

struct uk_socket *uk_unix_new(int domain, int type, int protocol) {
    (void)domain;
    (void)protocol;
    make_log();
    struct local *local = make(type);
    return local ? &local->socket : NULL;
}

int uk_unix_pair(int type, struct uk_socket *pair[2]) {
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return -ESOCKTNOSUPPORT;
    struct local *a = make(type), *b = a ? make(type) : NULL;
    if (!b) {
        if (a)
            uk_file_unref(&a->socket.file);
        return -ENOMEM;
    }
    join(a, b);
    pair[0] = &a->socket;
    pair[1] = &b->socket;
    return 0;
}

static int listen_op(struct uk_socket *socket, int backlog) {
    struct local *local = of(socket);
    if (!has_connections(local))
        return -EOPNOTSUPP;
    if (local->state > LISTENING || local->state == CONNECTED || local->address.length <= NAMELESS)
        return -EINVAL;
    local->state = LISTENING;
    local->backlog = backlog;
    return 0;
}

static int connect_stream(struct local *local, struct local *listener) {
    if (listener->state != LISTENING)
        return -ECONNREFUSED;
    if (listener->waiting > listener->backlog)
        return -EAGAIN;
    if (local->state == LISTENING)
        return -EINVAL;
    if (local->state != FRESH)
        return -EISCONN;
    struct local *end = make(local->socket.type);
    if (!end)
        return -ENOMEM;
    end->address = listener->address;
    join(local, end);
    if (listener->queue_last)
        listener->queue_last->queue_next = end;
    else
        listener->queue_first = end;
    listener->queue_last = end;
    listener->waiting++;
    notify(listener, READABLE);
    return 0;
}

static int try_to_connect(struct local *local, const struct sockaddr *address, socklen_t length) {
    struct uk_address wanted;
    struct local *target;
    int error = find(address, length, &wanted, &target);
    if (error)
        return error;
    if (target->socket.type != local->socket.type)
        return -EPROTOTYPE;
    if (has_connections(local))
        return connect_stream(local, target);
    set_peer(local, target);
    local->peer_address = wanted;
    local->state = CONNECTED;
    return 0;
}

/* While the listener's queue is full, who may be blocked is. */
static int connect_op(struct uk_socket *socket, const struct sockaddr *address, socklen_t length) {
    uint64_t timeout = socket->file.write_timeout;
    uint64_t deadline = timeout ? uk_deadline_in(timeout) : UKVM_DEADLINE_NONE;
    int result, wait = 0;
    while ((result = try_to_connect(of(socket), address, length)) == -EAGAIN && wait == 0) {
        if (socket->file.flags & O_NONBLOCK)
            break;
        wait = uk_block(&connecting, deadline, UK_WAITS_FOR_EVENT);
    }
    return result == -EAGAIN && wait && wait != -ETIMEDOUT ? wait : result;
}

static struct local *dequeue(struct local *listener) {
    struct local *end = listener->queue_first;
    if (!end)
        return NULL;
    listener->queue_first = end->queue_next;
    if (!listener->queue_first)
        listener->queue_last = NULL;
    end->queue_next = NULL;
    listener->waiting--;
    uk_unblock_all(&connecting);
    return end;
}

static int accept_op(struct uk_socket *socket, struct uk_socket **accepted) {
    struct local *local = of(socket);
    if (local->state != LISTENING)
        return has_connections(local) ? -EINVAL : -EOPNOTSUPP;
    struct local *end = dequeue(local);
    if (!end)
        return -EAGAIN;
    *accepted = &end->socket;
    return 0;
}

static int shutdown_op(struct uk_socket *socket, int how) {
    struct local *local = of(socket);
    if (local->state != CONNECTED && local->state != CLOSED)
        return -ENOTCONN;
    socket->shut_read |= how != SHUT_WR;
    socket->shut_write |= how != SHUT_RD;
    if (local->peer && has_connections(local)) {
        local->peer->socket.shut_read |= how != SHUT_RD;
        local->peer->socket.shut_write |= how != SHUT_WR;
        notify(local->peer, READABLE | WRITABLE | EPOLLRDHUP | EPOLLHUP);
    }
    notify(local, READABLE | WRITABLE | EPOLLRDHUP | EPOLLHUP);
    return 0;
}

/* ---- transfer */

static bool has_room(const struct local *from, const struct local *to) {
    return to->queued < (size_t)from->socket.send_size;
}

/* A datagram socket with a peer takes nothing from others. */
static int check_peer(const struct local *from, const struct local *to) {
    return !has_connections(to) && to->peer && to->peer != from ? -EPERM : 0;
}

static int target_of(struct local *local, const struct msghdr *message, struct local **target) {
    struct uk_address wanted;
    *target = local->peer;
    if (message->msg_name && message->msg_namelen && !has_connections(local)) {
        int error = find(message->msg_name, message->msg_namelen, &wanted, target);
        if (error)
            return error;
        return has_connections(*target) ? -EPROTOTYPE : check_peer(local, *target);
    }
    if (local->socket.shut_write || (local->state == CLOSED && has_connections(local)))
        return -EPIPE;
    if (!*target)
        return local->state == CLOSED ? -ECONNREFUSED : has_connections(local) ? -ENOTCONN : -EDESTADDRREQ;
    return check_peer(local, *target);
}

#define LOG_LINE 1024u /* a longer one is cut, as syslog() does */

/* "<13>Nov 26 12:00:00 name: text": all but the number, which is the priority, as a line. RFC 3164 */
static void show(const struct msghdr *message) {
    char line[LOG_LINE], *text = line, *end;
    size_t size = uk_iov_gather(message->msg_iov, (int)message->msg_iovlen, 0, line, sizeof line - 1);
    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\0'))
        size--;
    line[size] = '\0';
    if (line[0] == '<' && (end = strchr(line, '>')))
        text = end + 1;
    uk_eprintf("%s\n", text);
}

static ssize_t send_op(struct uk_socket *socket, const struct msghdr *message, size_t skip, int flags) {
    struct local *local = of(socket), *target;
    int count = (int)message->msg_iovlen;
    size_t size = (size_t)uk_iov_length(message->msg_iov, count) - skip;
    (void)flags;
    int error = target_of(local, message, &target);
    if (error)
        return error;
    if (!is_stream(local) && size > (size_t)socket->send_size)
        return -EMSGSIZE;
    if (target->is_log) {
        show(message);
        return (ssize_t)size;
    }
    if (!has_room(local, target))
        return -EAGAIN;
    if (is_stream(local) && size > (size_t)socket->send_size - target->queued)
        size = (size_t)socket->send_size - target->queued;
    if (is_stream(local) && size == 0)
        return 0;
    struct uk_rights *rights = NULL;
    if (skip == 0 && (error = uk_rights_gather(message, &rights)))
        return error;
    struct piece *piece = uk_malloc(sizeof *piece + size);
    if (!piece) {
        uk_rights_free(rights);
        return -ENOMEM;
    }
    *piece = (struct piece){.size = size, .rights = rights, .from = local->address};
    uk_iov_gather(message->msg_iov, count, skip, piece->data, size);
    if (target->last)
        target->last->next = piece;
    else
        target->first = piece;
    target->last = piece;
    target->queued += sizeof *piece + size;
    notify(target, READABLE);
    return (ssize_t)size;
}

static void drop_first(struct local *local) {
    struct piece *piece = local->first;
    local->first = piece->next;
    if (!local->first)
        local->last = NULL;
    local->queued -= sizeof *piece + piece->size;
    uk_rights_free(piece->rights);
    uk_free(piece);
}

/* Whoever sends to it may go on. Of datagram sockets that may be anybody. */
static void tell_senders(struct local *local) {
    if (has_connections(local)) {
        if (local->peer)
            notify(local->peer, WRITABLE);
        return;
    }
    for (struct local *other = directed; other; other = other->next_directed)
        if (other->peer == local)
            notify(other, WRITABLE);
}

/* What of the piece comes with its first byte; with MSG_PEEK it comes again. */
static void deliver(struct piece *piece, struct msghdr *message, int flags) {
    uk_rights_deliver(piece->rights, message, flags);
    if (flags & MSG_PEEK)
        return;
    uk_rights_free(piece->rights);
    piece->rights = NULL;
}

/* As in Linux, what is received together ends with the bytes that the first descriptors came with. */
static ssize_t receive_stream(struct local *local, struct msghdr *message, size_t skip, int flags) {
    size_t done = 0;
    bool with_rights = false;
    for (struct piece *piece = local->first, *next; piece && !with_rights; piece = next) {
        size_t left = piece->size - piece->read;
        next = piece->next;
        with_rights = piece->rights;
        if (with_rights && skip > 0)
            break;
        size_t n =
            uk_iov_fill(message->msg_iov, (int)message->msg_iovlen, skip + done, piece->data + piece->read, left);
        done += n;
        if (with_rights)
            deliver(piece, message, flags);
        if (!(flags & MSG_PEEK)) {
            piece->read += n;
            if (n == left)
                drop_first(local);
        }
        if (n < left)
            break;
    }
    if (!with_rights && skip == 0)
        uk_rights_deliver(NULL, message, flags);
    return (ssize_t)done;
}

static ssize_t receive_message(struct local *local, struct msghdr *message, int flags) {
    struct piece *piece = local->first;
    size_t whole = piece->size;
    size_t done = uk_iov_fill(message->msg_iov, (int)message->msg_iovlen, 0, piece->data, whole);
    if (done < whole)
        message->msg_flags |= MSG_TRUNC;
    if (message->msg_name && piece->from.length > NAMELESS)
        uk_address_copy(&piece->from, message->msg_name, &message->msg_namelen);
    else
        message->msg_namelen = 0;
    deliver(piece, message, flags);
    if (!(flags & MSG_PEEK))
        drop_first(local);
    return (ssize_t)(flags & MSG_TRUNC ? whole : done);
}

static ssize_t receive_op(struct uk_socket *socket, struct msghdr *message, size_t skip, int flags) {
    struct local *local = of(socket);
    if (!local->first) {
        if (socket->error)
            return uk_socket_take_error(socket);
        if (socket->shut_read || (local->state == CLOSED && has_connections(local))) {
            uk_rights_deliver(NULL, message, flags);
            return 0;
        }
        return local->state == CONNECTED || !has_connections(local) ? -EAGAIN : is_stream(local) ? -EINVAL : -ENOTCONN;
    }
    ssize_t result;
    if (is_stream(local)) {
        message->msg_namelen = 0;
        result = receive_stream(local, message, skip, flags);
    } else {
        result = receive_message(local, message, flags);
    }
    tell_senders(local);
    return result;
}

static size_t pending_op(struct uk_socket *socket) {
    const struct local *local = of(socket);
    size_t total = 0;
    for (const struct piece *piece = local->first; piece; piece = is_stream(local) ? piece->next : NULL)
        total += piece->size - piece->read;
    return total;
}

static unsigned poll_op(struct uk_socket *socket) {
    const struct local *local = of(socket);
    bool gone = has_connections(local) && local->state == CLOSED;
    unsigned events = socket->error ? EPOLLERR : 0;
    if (local->state == LISTENING)
        return local->queue_first ? READABLE : 0;
    if (has_connections(local) && local->state == FRESH)
        return WRITABLE | EPOLLHUP;
    if (local->first || socket->shut_read || gone)
        events |= READABLE;
    if (socket->shut_read || gone)
        events |= EPOLLRDHUP;
    if ((socket->shut_read && socket->shut_write) || gone)
        events |= EPOLLHUP;
    if (!local->peer || has_room(local, local->peer))
        events |= WRITABLE;
    return events;
}

/* ---- the end */

static void hang_up(struct local *local, int error) {
    local->peer = NULL;
    local->state = CLOSED;
    if (error)
        local->socket.error = error;
    notify(local, READABLE | WRITABLE | EPOLLRDHUP | EPOLLHUP);
}

static void forget_name(struct local *local) {
    struct local **at = &bound;
    if (!local->bound)
        return;
    while (*at != local)
        at = &(*at)->next_bound;
    *at = local->next_bound;
}

/* Itself, and those that send to it. */
static void forget_directed(struct local *local) {
    struct local **at = &directed;
    while (*at) {
        struct local *other = *at;
        if (other != local && other->peer != local) {
            at = &other->next_directed;
            continue;
        }
        *at = other->next_directed;
        if (other != local)
            hang_up(other, 0);
    }
}

static void cut_ties(struct local *local) {
    forget_name(local);
    if (!has_connections(local))
        forget_directed(local);
    else if (local->peer)
        hang_up(local->peer, local->first ? ECONNRESET : 0);
}

static void close_op(struct uk_socket *socket) {
    struct local *local = of(socket), *end;
    cut_ties(local);
    uk_unblock_all(&connecting);
    while ((end = dequeue(local)))
        uk_file_unref(&end->socket.file);
    while (local->first)
        drop_first(local);
    uk_inode_unref(local->inode);
    uk_free(local);
}

static int get_option_op(struct uk_socket *socket, int level, int name, void *value, socklen_t *length) {
    struct ucred peer = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
    if (level != SOL_SOCKET || name != SO_PEERCRED)
        return -ENOPROTOOPT;
    if (of(socket)->state != FRESH)
        peer = (struct ucred){.pid = 1, .uid = uk_user_ids.effective, .gid = uk_group_ids.effective};
    *length = *length < sizeof peer ? *length : sizeof peer;
    memcpy(value, &peer, *length);
    return 0;
}

static const struct uk_socket_ops unix_ops = {
    .bind = bind_op,
    .listen = listen_op,
    .connect = connect_op,
    .accept = accept_op,
    .name = name_op,
    .shutdown = shutdown_op,
    .send = send_op,
    .receive = receive_op,
    .poll = poll_op,
    .close = close_op,
    .pending = pending_op,
    .get_option = get_option_op,
};
