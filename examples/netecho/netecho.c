/* SPDX-License-Identifier: MIT */
/*
 * Answers ARP, ping and UDP echo (port 7) without a network stack and without a copy: the answer is made in the receive
 * buffer and sent from there.
 *
 *     ip tuntap add tap0 mode tap && ip addr add 10.0.0.1/24 dev tap0 && ip link set tap0 up
 *     build/ukvm run --net net=tap:tap0,ip=10.0.0.2/24 build/examples/netecho.elf
 *     ping 10.0.0.2
 *
 * `--any-port` answers UDP on every port. `--count N` ends it after N UDP echoes.
 */
#include "echo.h"
#include "ukvm.h"

UKVM_NEEDS_NET("net");

#define BUFFERS 256

struct server {
    struct echo_host host;
    uint64_t wanted; /* UDP echoes until the end; 0: there is no end */
    uint64_t echoes; /* UDP answers made */
    uint64_t sending;
    uint64_t dropped; /* answers that could not be sent */
};

static struct server server;

static void sent(struct uk_io *io, int32_t result) {
    server.sending--;
    server.dropped += result < 0;
    uk_net_recycle(uk_container_of(io, struct uk_frame, io));
}

static bool is_finished(void) {
    return server.wanted > 0 && server.echoes >= server.wanted;
}

static void receive(struct uk_net *net, struct uk_frame *frame) {
    size_t length = frame->length;
    enum echo_kind kind = is_finished() ? ECHO_NONE : echo_reply(&server.host, frame->data, &length);
    if (kind == ECHO_NONE) {
        uk_net_recycle(frame);
        return;
    }
    server.echoes += kind == ECHO_UDP;
    server.sending++;
    frame->io.done = sent;
    uk_net_send(net->device, frame->data, (uint32_t)length, &frame->io);
}

static void announce(const struct ukvm_net_info *net) {
    uk_printf("netecho: %u.%u.%u.%u on %02x:%02x:%02x:%02x:%02x:%02x\n", net->ip4[0], net->ip4[1], net->ip4[2],
              net->ip4[3], net->mac[0], net->mac[1], net->mac[2], net->mac[3], net->mac[4], net->mac[5]);
}

static void report(uint64_t exits) {
    uint64_t thousandths = exits * 1000 / (server.echoes ? server.echoes : 1);
    uk_printf("netecho: %lu UDP echoes, %lu answers dropped, %lu exits, %lu.%03lu exits/echo\n", server.echoes,
              server.dropped, exits, thousandths / 1000, thousandths % 1000);
}

static uint64_t exits(void) {
    return uk_stats().kicks + uk_stats().waits;
}

static bool parse(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--any-port") == 0)
            server.host.any_port = true;
        else if (strcmp(argv[i], "--count") != 0 || ++i == argc || !uk_parse_u64(argv[i], &server.wanted))
            return false;
    }
    return true;
}

int main(int argc, char **argv) {
    const struct ukvm_device *device = uk_net_find("net");
    const struct ukvm_net_info *net = &device->net;
    if (!parse(argc, argv)) {
        uk_eprintf("usage: netecho [--any-port] [--count N]\n");
        return 2;
    }
    memcpy(server.host.mac, net->mac, sizeof net->mac);
    memcpy(server.host.ip, net->ip4, sizeof net->ip4);
    if (net->ip4[0] == 0) {
        uk_eprintf("netecho: device 'net' has no address; give it one: --net net=...,ip=10.0.0.2/24\n");
        return 1;
    }
    if (!uk_net_start(device, BUFFERS, receive, NULL)) {
        uk_eprintf("netecho: no memory for receive buffers\n");
        return 1;
    }
    announce(net);
    uint64_t before = exits();
    while (!is_finished())
        uk_wait(UKVM_DEADLINE_NONE);
    while (server.sending > 0) /* which wakes nobody */
        uk_wait(uk_clock_monotonic() + UK_MILLISECOND);
    report(exits() - before);
    return 0;
}
