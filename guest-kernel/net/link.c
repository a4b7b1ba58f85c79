/* SPDX-License-Identifier: MIT */
/*
 * Network devices as interfaces of lwIP. A frame that arrives is passed on where it lies, and its buffer is armed again
 * when lwIP lets go of it. A frame that leaves is copied into a buffer of the arena, once: what has not been
 * acknowledged stays in the heap, so that slow receivers cannot use the arena up.
 */
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/pbuf.h"
#include "netif/ethernet.h"
#include "stack.h"

/* Together they fit what the monitor adds to the arena for a network device of 1500 bytes MTU. */
#define RECEIVE_BUFFERS 128u
#define SEND_BUFFERS 192u

#define ETHERNET_HEADER 14u
#define MTU_MIN_IP6 1280u /* RFC 8200, 5 */

struct link;

struct received {
    struct pbuf_custom custom; /* first: lwIP passes it back */
    struct link *link;
    struct uk_frame *frame;
};

struct transmit {
    struct uk_io io;
    struct link *link;
    struct transmit *next;
    uint8_t *data;
};

struct link {
    struct netif netif;
    const struct ukvm_device *device;
    struct uk_net *net;
    struct received received[RECEIVE_BUFFERS]; /* of the frame with the same index */
    unsigned held;                             /* frames that lwIP has */
    struct transmit transmits[SEND_BUFFERS];
    unsigned transmits_made;
    bool no_more; /* the arena is used up */
    struct transmit *idle;
};

/* ---- in */

static void let_go(struct pbuf *p) {
    struct received *received = (struct received *)(void *)p;
    received->link->held--;
    uk_net_recycle(received->frame);
}

static struct pbuf *wrap(struct link *link, struct uk_frame *frame) {
    struct received *received = &link->received[frame - link->net->frames];
    received->custom.custom_free_function = let_go;
    received->link = link;
    received->frame = frame;
    link->held++;
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)frame->length, PBUF_REF, &received->custom, frame->data,
                               (u16_t)frame->capacity);
}

static struct pbuf *copy(struct uk_frame *frame) {
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)frame->length, PBUF_RAM);
    if (p)
        memcpy(p->payload, frame->data, frame->length);
    uk_net_recycle(frame);
    return p;
}

/* When readers are slow and half of the buffers are queued somewhere, the rest are kept for receiving. */
static void received(struct uk_net *net, struct uk_frame *frame) {
    struct link *link = net->context;
    uk_net_arrival();
    struct pbuf *p = link->held < net->buffers / 2 ? wrap(link, frame) : copy(frame);
    if (p && link->netif.input(p, &link->netif) != ERR_OK)
        pbuf_free(p);
}

/* ---- out */

static void sent(struct uk_io *io, int32_t result) {
    struct transmit *transmit = uk_container_of(io, struct transmit, io);
    (void)result; /* a frame that the host dropped is a frame lost */
    transmit->next = transmit->link->idle;
    transmit->link->idle = transmit;
}

static struct transmit *make_transmit(struct link *link) {
    size_t size = link->device->net.mtu + ETHERNET_HEADER;
    uint8_t *data = link->transmits_made < SEND_BUFFERS ? uk_arena_alloc(size, 1) : NULL;
    if (!data) {
        link->no_more = true;
        return NULL;
    }
    struct transmit *transmit = &link->transmits[link->transmits_made++];
    *transmit = (struct transmit){.io.done = sent, .link = link, .data = data};
    return transmit;
}

static struct transmit *take_transmit(struct link *link) {
    struct transmit *transmit = link->idle;
    if (!transmit)
        return make_transmit(link);
    link->idle = transmit->next;
    return transmit;
}

/*
 * That a frame has left is normally not worth waking up for. But when there are no more buffers, TCP may have more to
 * send, and tries again when it wakes.
 */
static uint8_t send_flags(const struct link *link) {
    bool more = link->idle || (!link->no_more && link->transmits_made < SEND_BUFFERS / 2);
    return more ? UKVM_SQE_QUIET : 0;
}

static err_t transmit(struct netif *netif, struct pbuf *p) {
    struct link *link = netif->state;
    if (p->tot_len > link->device->net.mtu + ETHERNET_HEADER)
        return ERR_IF;
    struct transmit *transmit = take_transmit(link);
    if (!transmit)
        return ERR_MEM;
    uk_net_activity();
    pbuf_copy_partial(p, transmit->data, p->tot_len, 0);
    transmit->io.sqe = (struct ukvm_sqe){
        .op = UKVM_OP_NET_SEND,
        .flags = send_flags(link),
        .device = uk_device_number(link->device),
        .length = p->tot_len,
        .arena = uk_arena_offset(transmit->data),
    };
    uk_submit(&transmit->io);
    return ERR_OK;
}

/* ---- start */

static err_t init(struct netif *netif) {
    const struct link *link = netif->state;
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = transmit;
    netif->mtu = link->device->net.mtu;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, link->device->net.mac, ETH_HWADDR_LEN);
    netif->flags =
        NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP | NETIF_FLAG_MLD6;
    return ERR_OK;
}

static ip4_addr_t address4(const uint8_t bytes[4]) {
    ip4_addr_t address;
    memcpy(&address.addr, bytes, sizeof address.addr);
    return address;
}

static void start_ip6(struct netif *netif) {
    if (netif->mtu < MTU_MIN_IP6)
        return;
    netif_create_ip6_linklocal_address(netif, 1);
    netif_set_ip6_autoconfig_enabled(netif, 1);
}

struct netif *uk_link_start(const struct ukvm_device *device) {
    const struct ukvm_net_info *info = &device->net;
    struct link *link = uk_malloc(sizeof *link);
    if (!link)
        return NULL;
    memset(link, 0, sizeof *link);
    link->device = device;
    ip4_addr_t address = address4(info->ip4), gateway = address4(info->gateway4);
    ip4_addr_t mask = {info->prefix4 ? lwip_htonl(UINT32_MAX << (32 - info->prefix4)) : 0};
    netif_add(&link->netif, &address, &mask, &gateway, link, init, ethernet_input);
    start_ip6(&link->netif);
    netif_set_up(&link->netif);
    link->net = uk_net_start(device, RECEIVE_BUFFERS, received, link);
    if (!link->net) {
        netif_remove(&link->netif);
        uk_free(link);
        return NULL;
    }
    return &link->netif;
}
