/* SPDX-License-Identifier: MIT */
/* Network devices: sending, and a pool of receive buffers that are all submitted or with the program. */
#include "device.h"

/* Between a failed receive and the next attempt. NET-04. */
#define RETRY_AFTER (100 * UK_MILLISECOND)

#define CACHE_LINE 64u

const struct ukvm_device *uk_net_find(const char *name) {
    return uk_device_find(UKVM_DEVICE_NET, name);
}

void uk_net_send(const struct ukvm_device *device, const void *frame, uint32_t length, struct uk_io *io) {
    io->sqe = (struct ukvm_sqe){
        .op = UKVM_OP_NET_SEND,
        /* The next frame is worth waking for, that this one has left is not; unless somebody blocks for that. */
        .flags = io->done ? UKVM_SQE_QUIET : 0,
        .device = uk_device_number(device),
        .length = length,
        .arena = uk_arena_offset(frame),
    };
    uk_submit(io);
}

/* A device that is down fails each receive at once: trying again at once would never let the guest sleep. */
static void park(struct uk_frame *frame) {
    struct uk_net *net = frame->net;
    net->errors++;
    frame->next = net->parked;
    net->parked = frame;
    if (!net->retry.armed)
        uk_timer_start(&net->retry, uk_clock_monotonic() + RETRY_AFTER);
}

static void retry(struct uk_timer *timer) {
    struct uk_net *net = uk_container_of(timer, struct uk_net, retry);
    while (net->parked) {
        struct uk_frame *frame = net->parked;
        net->parked = frame->next;
        uk_net_recycle(frame);
    }
}

static void received(struct uk_io *io, int32_t result) {
    struct uk_frame *frame = uk_container_of(io, struct uk_frame, io);
    if (result < 0) {
        park(frame);
        return;
    }
    frame->length = (uint32_t)result;
    frame->net->received++;
    frame->net->receive(frame->net, frame);
}

void uk_net_recycle(struct uk_frame *frame) {
    frame->io.done = received;
    frame->io.sqe = (struct ukvm_sqe){
        .op = UKVM_OP_NET_RECV,
        .device = uk_device_number(frame->net->device),
        .length = frame->capacity,
        .arena = uk_arena_offset(frame->data),
    };
    uk_submit(&frame->io);
}

/* As many of `wanted` buffers as the arena has room for. */
static unsigned make_frames(struct uk_net *net, unsigned wanted) {
    uint32_t capacity = (net->device->net.mtu + 18u + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    unsigned made = 0;
    for (; made < wanted; made++) {
        uint8_t *data = uk_arena_alloc(capacity, CACHE_LINE);
        if (!data)
            break;
        net->frames[made] = (struct uk_frame){.net = net, .data = data, .capacity = capacity};
    }
    return made;
}

struct uk_net *uk_net_start(const struct ukvm_device *device, unsigned buffers,
                            void (*receive)(struct uk_net *net, struct uk_frame *frame), void *context) {
    unsigned limit = uk_boot()->cq_entries / 2;
    unsigned wanted = buffers < limit ? buffers : limit;
    struct uk_net *net = uk_malloc(sizeof *net + wanted * sizeof *net->frames);
    if (!net)
        return NULL;
    *net = (struct uk_net){.device = device, .receive = receive, .context = context};
    net->retry.fire = retry;
    net->frames = (struct uk_frame *)(net + 1);
    net->buffers = make_frames(net, wanted);
    if (net->buffers == 0) {
        uk_free(net);
        return NULL;
    }
    for (unsigned i = 0; i < net->buffers; i++)
        uk_net_recycle(&net->frames[i]);
    return net;
}
