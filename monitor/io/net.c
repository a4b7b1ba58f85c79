/* SPDX-License-Identifier: MIT */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/range.h"
#include "io.h"
#include "uring.h"

#define ETHERNET_HEADER 14u
#define FRAME_OVERHEAD 18u /* the header and one VLAN tag */
#define MTU_DEFAULT 1500u
#define BUFFERS 256u /* that the arena has room for, both directions together */

/* A burst ends the turn when it reaches this; a guest that is never let run answers nobody. */
#define BURST_MAX 64u
#define TURN_MAX 128u

/* ---- opening ---- */

static int net_error(const char *name, const char *what, const char *why, struct error *err) {
    return error_set(err, EXIT_MONITOR, "net '%s': %s: %s", name, what, why);
}

/* What the kernel says about an interface: whether it is there, whether it is up, how large its frames are. */
static int query_interface(const char *ifname, const char *name, uint16_t *mtu, struct error *err) {
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return net_error(name, ifname, strerror(errno), err);
    strncpy(request.ifr_name, ifname, IFNAMSIZ - 1);
    int result = ioctl(fd, SIOCGIFMTU, &request);
    if (result < 0)
        net_error(name, ifname,
                  errno == ENODEV ? "there is no such interface; make it: ip tuntap add NAME mode tap"
                                  : strerror(errno),
                  err);
    else
        *mtu = (uint16_t)(request.ifr_mtu < 9000 ? request.ifr_mtu : 9000);
    if (result == 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP))
        fprintf(stderr, "ukvm: net '%s': %s is down, nothing will arrive: ip link set %s up\n", name, ifname, ifname);
    close(fd);
    return result;
}

/*
 * A guest that has just ended leaves its interface busy for some milliseconds, for as long as io_uring takes to give
 * its files back; starting it again at once must work.
 */
static int attach(int fd, struct ifreq *request) {
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    for (int tries = 0;; tries++) {
        int result = ioctl(fd, TUNSETIFF, request);
        if (result == 0 || errno != EBUSY || tries == 50)
            return result;
        nanosleep(&pause, NULL);
    }
}

static int open_tap(const char *ifname, const char *name, int *fd, uint16_t *mtu, struct error *err) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    if (query_interface(ifname, name, mtu, err))
        return -1;
    *fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return net_error(name, "/dev/net/tun",
                         errno == ENOENT || errno == ENODEV ? "load the module tun" : strerror(errno), err);
    strncpy(request.ifr_name, ifname, IFNAMSIZ - 1);
    if (attach(*fd, &request) == 0)
        return 0;
    const char *why = strerror(errno);
    if (errno == EBUSY)
        why = "in use by another program";
    else if (errno == EPERM)
        why = "no right to it; make it yours: ip tuntap add NAME mode tap user USER";
    else if (errno == EINVAL)
        why = "not a TAP interface (or one with several queues); make it: ip tuntap add NAME mode tap";
    return net_error(name, ifname, why, err);
}

/* A descriptor that somebody opened for us: a TAP without extra headers, or a socket that keeps frames apart. */
static int adopt_fd(int fd, const char *name, uint16_t *mtu, struct error *err) {
    char what[32];
    struct ifreq request;
    int type, flags = fcntl(fd, F_GETFL);
    socklen_t size = sizeof type;
    snprintf(what, sizeof what, "fd:%d", fd);
    if (flags < 0)
        return net_error(name, what, "is not open", err);
    if ((flags & O_ACCMODE) != O_RDWR)
        return net_error(name, what, "is not open for reading and writing", err);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0) {
        if (type != SOCK_DGRAM && type != SOCK_SEQPACKET)
            return net_error(name, what, "is a stream socket, which does not keep frames apart", err);
    } else if (ioctl(fd, TUNGETIFF, &request) < 0) {
        return net_error(name, what, "is neither a TAP nor a socket", err);
    } else if ((request.ifr_flags & (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)) != (IFF_TAP | IFF_NO_PI)) {
        return net_error(name, what, "is a TAP with extra headers; open it with IFF_TAP | IFF_NO_PI alone", err);
    } else if (query_interface(request.ifr_name, name, mtu, err)) {
        return -1;
    }
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return net_error(name, what, strerror(errno), err);
    return 0;
}

int net_open(const struct net_config *config, const char *name, int *fd, struct net *net, struct error *err) {
    uint16_t mtu = MTU_DEFAULT;
    *net = (struct net){.can_poll = true};
    *fd = config->fd;
    if (config->backend == NET_TAP ? open_tap(config->ifname, name, fd, &mtu, err)
                                   : adopt_fd(config->fd, name, &mtu, err))
        return -1;
    net->info.mtu = config->mtu ? config->mtu : mtu;
    memcpy(net->info.ip4, config->ip4, sizeof net->info.ip4);
    memcpy(net->info.gateway4, config->gateway4, sizeof net->info.gateway4);
    net->info.prefix4 = config->prefix4;
    if (config->has_mac) {
        memcpy(net->info.mac, config->mac, sizeof net->info.mac);
        return 0;
    }
    if (getrandom(net->info.mac, sizeof net->info.mac, 0) != (ssize_t)sizeof net->info.mac)
        return net_error(name, "getrandom", strerror(errno), err);
    net->info.mac[0] = (uint8_t)((net->info.mac[0] & ~1u) | 2u); /* unicast, locally administered: IEEE 802, 8.2 */
    return 0;
}

static uint32_t frame_max(const struct net *net) {
    return net->info.mtu + FRAME_OVERHEAD;
}

uint64_t net_arena_size(const struct net *net) {
    return BUFFERS * align_up(frame_max(net), 2048);
}

struct ukvm_net_info net_info(const struct net *net) {
    return net->info;
}

/* ---- sending ---- */

int32_t net_check_send(const struct io *io, const struct request *request) {
    (void)io;
    uint32_t length = request->sqe.length;
    return length >= ETHERNET_HEADER && length <= frame_max(&request->device->net) ? 0 : -UKVM_EINVAL;
}

void net_start_send(struct io *io, struct request *request) {
    io->coalesce.sent++;
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_write_fixed(sqe, (int)request->device->file, request_buffer(io, request), request->sqe.length, 0,
                              URING_ARENA);
    request_tag(sqe, request);
}

static int32_t net_result(int32_t result) {
    switch (-result) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
        return -UKVM_EAGAIN;
    case EIO:    /* a TAP that is down */
    case EBADFD: /* a TAP whose interface was removed */
    case ENETDOWN:
    case EPIPE:
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOTCONN:
        return -UKVM_EDOWN;
    default:
        return result < 0 ? request_error(result) : result;
    }
}

void net_finish_send(struct io *io, struct request *request, int32_t result) {
    request_complete(io, request, net_result(result));
}

/* ---- receiving ---- */

int32_t net_check_recv(const struct io *io, const struct request *request) {
    (void)io;
    return request->sqe.length >= frame_max(&request->device->net) ? 0 : -UKVM_EINVAL;
}

/* The buffer given last is used first: its cache lines are the likeliest to be still there. */
static void put_back(struct net *net, struct request *request) {
    request->next = net->waiting;
    net->waiting = request;
}

void net_start_recv(struct io *io, struct request *request) {
    (void)io;
    put_back(&request->device->net, request);
}

static struct request *take_waiting(struct net *net) {
    struct request *request = net->waiting;
    net->waiting = request->next;
    return request;
}

void net_begin_turn(struct net *net) {
    net->last_taken = net->taken;
    net->taken = 0;
    /* One frame a turn is a conversation: the next one has hardly come yet, so sleep for it at once. */
    net->burst = net->last_taken > 1 ? net->last_taken : 0;
}

void net_look_again(struct net *net) {
    if (net->burst == 0)
        net->burst = 1;
}

static void read_one(struct io *io, struct device *device, int flags) {
    struct request *request = take_waiting(&device->net);
    struct io_uring_sqe *sqe = uring_sqe(&io->uring);
    io_uring_prep_read_fixed(sqe, (int)device->file, request_buffer(io, request), request->sqe.length, 0, URING_ARENA);
    sqe->rw_flags = flags;
    request_tag(sqe, request);
    device->net.reading++;
}

/*
 * Only one read ever waits for a frame: every waiting read of a TAP is woken by every frame. When it has one, more are
 * likely there, and bursts of reads that do not wait (RWF_NOWAIT) fetch them in one call each until one finds none
 * left. One burst is in flight at a time, and io_uring works it off in order, so frames keep theirs. A file without
 * RWF_NOWAIT (a TAP before Linux 6.4) gets one waiting read after the other instead.
 */
void net_pump(struct io *io, struct device *device, enum net_arm arm) {
    struct net *net = &device->net;
    /* A turn that nothing has ended for the guest may go on for ever: all frames were dropped. */
    if (net->reading || !net->waiting || (net->taken >= TURN_MAX && arm == NET_ONLY_BURST))
        return;
    net->missed = false;
    if (net->burst && net->can_poll) {
        unsigned count = net->burst < BURST_MAX ? net->burst : BURST_MAX;
        while (count-- > 0 && net->waiting)
            read_one(io, device, RWF_NOWAIT);
    } else if (net->burst || arm == NET_MAY_ARM) {
        read_one(io, device, 0);
    }
}

/* Fewer frames have come since the last burst than before it, and an empty read costs a tenth of a frame. */
static void size_next_burst(struct net *net) {
    net->burst = net->missed ? 0 : net->burst ? net->burst / 2 + 4 : 1;
}

void net_finish_recv(struct io *io, struct request *request, int32_t result) {
    struct net *net = &request->device->net;
    net->reading--;
    if (result == -EAGAIN || result == -EINTR || (result == -EOPNOTSUPP && net->can_poll)) {
        if (result == -EOPNOTSUPP)
            net->can_poll = false;
        net->missed = true;
        put_back(net, request);
    } else if (result > 0 && (result < (int32_t)ETHERNET_HEADER || result > (int32_t)frame_max(net))) {
        net->taken++; /* dropped, but it counts: an endless row of such frames must end the turn as well */
        io->coalesce.taken++;
        put_back(net, request);
    } else if (result == 0) { /* the other end of a socket is gone, or an empty message */
        net->missed = true;
        request_complete(io, request, -UKVM_EDOWN);
    } else {
        net->missed = net->missed || result < 0;
        net->taken++;
        io->coalesce.taken++;
        request_complete(io, request, net_result(result));
    }
    if (net->reading == 0)
        size_next_burst(net);
}
