/* SPDX-License-Identifier: MIT */
/*
 * AF_NETLINK sockets of NETLINK_ROUTE, for programs that list interfaces and their addresses, as getifaddrs() does:
 * RTM_GETLINK and RTM_GETADDR. Nothing can be changed, and no news come. rtnetlink(7), netlink(7).
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>

#include "interface.h"
#include "socket.h"

#define REPLY_SIZE 4096u /* of one datagram: no program's buffer is smaller */

struct reply {
    struct reply *next;
    size_t size;
    char data[REPLY_SIZE];
};

struct netlink {
    struct uk_socket socket;
    struct reply *first, *last;
    struct sockaddr_nl address;
};

static struct netlink *of(struct uk_socket *socket) {
    return (struct netlink *)socket;
}

/* ---- writing replies: messages with attributes, each padded to 4 bytes */

struct writer {
    struct netlink *netlink;
    const struct nlmsghdr *request;
    uint16_t flags;
    struct nlmsghdr *message; /* the one being written */
    bool failed;              /* no memory */
};

/* Zeroed room behind what is there, which the caller has made sure of. */
static void *append(struct reply *reply, size_t size) {
    void *at = reply->data + reply->size;
    memset(at, 0, NLMSG_ALIGN(size));
    reply->size += NLMSG_ALIGN(size);
    return at;
}

static struct reply *room_for(struct netlink *netlink, size_t size) {
    struct reply *reply = netlink->last;
    if (reply && REPLY_SIZE - reply->size >= size)
        return reply;
    reply = uk_malloc(sizeof *reply);
    if (!reply)
        return NULL;
    reply->next = NULL;
    reply->size = 0;
    if (netlink->last)
        netlink->last->next = reply;
    else
        netlink->first = reply;
    netlink->last = reply;
    return reply;
}

#define MESSAGE_MAX 256u /* with all of its attributes */

/* Starts a message with a payload of `size` bytes, which is returned; NULL: no memory. */
static void *begin(struct writer *writer, uint16_t type, size_t size) {
    struct reply *reply = room_for(writer->netlink, MESSAGE_MAX);
    if (!reply) {
        writer->failed = true;
        return NULL;
    }
    writer->message = append(reply, sizeof *writer->message);
    *writer->message = (struct nlmsghdr){
        .nlmsg_len = (uint32_t)(sizeof *writer->message + size),
        .nlmsg_type = type,
        .nlmsg_flags = writer->flags,
        .nlmsg_seq = writer->request->nlmsg_seq,
        .nlmsg_pid = writer->netlink->address.nl_pid,
    };
    return append(reply, size);
}

static void attribute(struct writer *writer, uint16_t type, const void *value, size_t size) {
    struct rtattr *at = append(writer->netlink->last, sizeof *at + size);
    *at = (struct rtattr){.rta_len = (uint16_t)(sizeof *at + size), .rta_type = type};
    memcpy(at + 1, value, size);
    writer->message->nlmsg_len += (uint32_t)NLMSG_ALIGN(sizeof *at + size);
}

static void give_error(struct writer *writer, int error) {
    struct nlmsgerr *body = begin(writer, NLMSG_ERROR, sizeof *body);
    if (body)
        *body = (struct nlmsgerr){.error = error, .msg = *writer->request};
}

/* ---- what there is */

static void give_link(struct writer *writer, const struct netif *netif) {
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, none[6];
    char name[IFNAMSIZ];
    uint32_t mtu = uk_interface_mtu(netif);
    struct ifinfomsg *link = begin(writer, RTM_NEWLINK, sizeof *link);
    if (!link)
        return;
    *link = (struct ifinfomsg){
        .ifi_type = uk_interface_type(netif),
        .ifi_index = netif_get_index(netif),
        .ifi_flags = uk_interface_flags(netif),
    };
    uk_interface_name(netif, name);
    attribute(writer, IFLA_IFNAME, name, strlen(name) + 1);
    attribute(writer, IFLA_MTU, &mtu, sizeof mtu);
    attribute(writer, IFLA_ADDRESS, netif->hwaddr_len ? netif->hwaddr : none, sizeof none);
    attribute(writer, IFLA_BROADCAST, netif->hwaddr_len ? broadcast : none, sizeof none);
}

static struct ifaddrmsg *begin_address(struct writer *writer, const struct netif *netif, uint8_t family) {
    struct ifaddrmsg *address = begin(writer, RTM_NEWADDR, sizeof *address);
    if (address)
        *address =
            (struct ifaddrmsg){.ifa_family = family, .ifa_flags = IFA_F_PERMANENT, .ifa_index = netif_get_index(netif)};
    return address;
}

static void give_ip4(struct writer *writer, const struct netif *netif) {
    const ip4_addr_t *ip = netif_ip4_addr(netif), *mask = netif_ip4_netmask(netif);
    ip4_addr_t broadcast = {ip->addr | ~mask->addr};
    char name[IFNAMSIZ];
    struct ifaddrmsg *address = ip4_addr_isany(ip) ? NULL : begin_address(writer, netif, AF_INET);
    if (!address)
        return;
    address->ifa_prefixlen = (uint8_t)__builtin_popcount(mask->addr);
    address->ifa_scope = ip4_addr_isloopback(ip) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
    attribute(writer, IFA_ADDRESS, ip, sizeof *ip);
    attribute(writer, IFA_LOCAL, ip, sizeof *ip);
    if (!ip4_addr_isloopback(ip))
        attribute(writer, IFA_BROADCAST, &broadcast, sizeof broadcast);
    uk_interface_name(netif, name);
    attribute(writer, IFA_LABEL, name, strlen(name) + 1);
}

static uint8_t scope_of(const ip6_addr_t *ip) {
    if (ip6_addr_isloopback(ip))
        return RT_SCOPE_HOST;
    return ip6_addr_islinklocal(ip) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

static void give_ip6(struct writer *writer, const struct netif *netif, int8_t i) {
    const ip6_addr_t *ip = netif_ip6_addr(netif, i);
    bool is_there = ip6_addr_isvalid(netif_ip6_addr_state(netif, i));
    struct ifaddrmsg *address = is_there ? begin_address(writer, netif, AF_INET6) : NULL;
    if (!address)
        return;
    address->ifa_prefixlen = ip6_addr_isloopback(ip) ? 128 : 64;
    address->ifa_scope = scope_of(ip);
    attribute(writer, IFA_ADDRESS, ip->addr, sizeof ip->addr);
}

static void give_addresses(struct writer *writer, const struct netif *netif, uint8_t family) {
    if (family == AF_UNSPEC || family == AF_INET)
        give_ip4(writer, netif);
    for (int8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES && (family == AF_UNSPEC || family == AF_INET6); i++)
        give_ip6(writer, netif, i);
}

/* lwIP's list begins with what was added last; programs see the interfaces by number. */
static const struct netif *next_interface(const struct netif *before) {
    const struct netif *netif, *next = NULL;
    NETIF_FOREACH(netif)
    if ((!before || netif_get_index(netif) > netif_get_index(before)) &&
        (!next || netif_get_index(netif) < netif_get_index(next)))
        next = netif;
    return next;
}

static void dump(struct writer *writer, uint8_t family) {
    const struct netif *netif = NULL;
    writer->flags = NLM_F_MULTI;
    while ((netif = next_interface(netif)))
        if (writer->request->nlmsg_type == RTM_GETLINK)
            give_link(writer, netif);
        else
            give_addresses(writer, netif, family);
    int *result = begin(writer, NLMSG_DONE, sizeof *result);
    if (result)
        *result = 0;
}

static void give_one_link(struct writer *writer, const struct nlmsghdr *request) {
    struct ifinfomsg wanted;
    const struct netif *netif = NULL;
    if (request->nlmsg_len >= NLMSG_LENGTH(sizeof wanted)) {
        memcpy(&wanted, NLMSG_DATA(request), sizeof wanted);
        netif = wanted.ifi_index > 0 && wanted.ifi_index < 256 ? netif_get_by_index((u8_t)wanted.ifi_index) : NULL;
    }
    if (netif)
        give_link(writer, netif);
    else
        give_error(writer, -ENODEV);
}

/* `request` is whole: there are nlmsg_len bytes of it. */
static void answer(struct writer *writer, const struct nlmsghdr *request) {
    bool is_dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    uint8_t family = request->nlmsg_len > sizeof *request ? *(const uint8_t *)NLMSG_DATA(request) : AF_UNSPEC;
    bool is_known = request->nlmsg_type == RTM_GETLINK || request->nlmsg_type == RTM_GETADDR;
    if (is_known && is_dump)
        dump(writer, family);
    else if (request->nlmsg_type == RTM_GETLINK)
        give_one_link(writer, request);
    else
        give_error(writer, -EOPNOTSUPP);
}

/* ---- the socket */

static int bind_op(struct uk_socket *socket, const struct sockaddr *address, socklen_t length) {
    struct sockaddr_nl wanted;
    if (length < sizeof wanted || address->sa_family != AF_NETLINK)
        return -EINVAL;
    memcpy(&wanted, address, sizeof wanted);
    if (of(socket)->address.nl_pid == 0)
        of(socket)->address.nl_pid = wanted.nl_pid ? wanted.nl_pid : 1;
    of(socket)->address.nl_groups = wanted.nl_groups;
    return 0;
}

/* To the kernel, where it sends to anyway. */
static int connect_op(struct uk_socket *socket, const struct sockaddr *address, socklen_t length) {
    (void)socket;
    return length >= sizeof(struct sockaddr_nl) && address->sa_family == AF_NETLINK ? 0 : -EINVAL;
}

static int name_op(struct uk_socket *socket, enum uk_socket_end end, struct uk_address *address) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    address->length = sizeof kernel;
    memcpy(&address->storage, end == UK_PEER ? &kernel : &of(socket)->address, sizeof kernel);
    return 0;
}

static ssize_t send_op(struct uk_socket *socket, const struct msghdr *message, size_t skip, int flags) {
    size_t size = (size_t)uk_iov_length(message->msg_iov, (int)message->msg_iovlen), at = 0;
    (void)skip, (void)flags;
    if (size > REPLY_SIZE)
        return -EMSGSIZE;
    char *requests = uk_malloc(size + 1);
    if (!requests)
        return -ENOMEM;
    uk_iov_gather(message->msg_iov, (int)message->msg_iovlen, 0, requests, size);
    if (of(socket)->address.nl_pid == 0)
        of(socket)->address.nl_pid = 1;
    struct writer writer = {.netlink = of(socket)};
    while (size - at >= sizeof(struct nlmsghdr)) {
        const struct nlmsghdr *request = (const void *)(requests + at);
        if (request->nlmsg_len < sizeof *request || request->nlmsg_len > size - at)
            break;
        writer.request = request;
        writer.flags = 0;
        answer(&writer, request);
        size_t step = NLMSG_ALIGN(request->nlmsg_len);
        at = step < size - at ? at + step : size;
    }
    uk_free(requests);
    uk_file_notify(&socket->file, EPOLLIN);
    return writer.failed ? -ENOBUFS : (ssize_t)size;
}

static void drop_first(struct netlink *netlink) {
    struct reply *reply = netlink->first;
    netlink->first = reply->next;
    if (!netlink->first)
        netlink->last = NULL;
    uk_free(reply);
}

static ssize_t receive_op(struct uk_socket *socket, struct msghdr *message, size_t skip, int flags) {
    struct netlink *netlink = of(socket);
    struct uk_address kernel = {.length = sizeof(struct sockaddr_nl)};
    (void)skip;
    if (!netlink->first)
        return -EAGAIN;
    size_t whole = netlink->first->size;
    size_t done = uk_iov_fill(message->msg_iov, (int)message->msg_iovlen, 0, netlink->first->data, whole);
    message->msg_controllen = 0;
    message->msg_flags |= done < whole ? MSG_TRUNC : 0;
    kernel.storage.ss_family = AF_NETLINK;
    if (message->msg_name)
        uk_address_copy(&kernel, message->msg_name, &message->msg_namelen);
    if (!(flags & MSG_PEEK))
        drop_first(netlink);
    return (ssize_t)(flags & MSG_TRUNC ? whole : done);
}

static unsigned poll_op(struct uk_socket *socket) {
    return (of(socket)->first ? EPOLLIN | EPOLLRDNORM : 0u) | EPOLLOUT | EPOLLWRNORM;
}

static void close_op(struct uk_socket *socket) {
    while (of(socket)->first)
        drop_first(of(socket));
    uk_free(socket);
}

static int shutdown_op(struct uk_socket *socket, int how) {
    (void)socket, (void)how;
    return -EOPNOTSUPP;
}

static const struct uk_socket_ops netlink_ops = {
    .bind = bind_op,
    .connect = connect_op,
    .name = name_op,
    .shutdown = shutdown_op,
    .send = send_op,
    .receive = receive_op,
    .poll = poll_op,
    .close = close_op,
};

struct uk_socket *uk_netlink_new(int domain, int type, int protocol) {
    struct netlink *netlink = uk_socket_new(sizeof *netlink, &netlink_ops, domain, type, protocol);
    if (!netlink)
        return NULL;
    netlink->address.nl_family = AF_NETLINK;
    return &netlink->socket;
}
