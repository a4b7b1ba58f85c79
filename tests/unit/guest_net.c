/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/core/net.c guest-kernel/core/device.c guest-kernel/core/timer.c */
#include "core/timer.h"
#include "tap.h"

#define ARENA_SIZE 16384
#define MTU 1500

static struct {
    struct ukvm_boot boot;
    struct ukvm_device devices[3];
} page;
static uint8_t arena[ARENA_SIZE];
static size_t arena_used;
static uint64_t now;
static struct uk_io *submitted[64];
static unsigned submissions;

/* ---- what net.c uses */

const struct ukvm_boot *uk_boot(void) {
    return &page.boot;
}

uint64_t uk_clock_monotonic(void) {
    return now;
}

void *uk_malloc(size_t size) {
    return malloc(size);
}

void uk_free(void *block) {
    free(block);
}

void *uk_arena_alloc(size_t size, size_t align) {
    size_t at = (arena_used + align - 1) / align * align;
    if (size > ARENA_SIZE - at)
        return NULL;
    arena_used = at + size;
    return arena + at;
}

uint64_t uk_arena_offset(const void *buffer) {
    return (uint64_t)((const uint8_t *)buffer - arena);
}

void uk_submit(struct uk_io *io) {
    io->in_flight = true;
    submitted[submissions++] = io;
}

/* ---- the test */

static struct uk_frame *kept[8];
static unsigned frames;

static void receive(struct uk_net *net, struct uk_frame *frame) {
    (void)net;
    kept[frames++ % 8] = frame;
}

static void complete(struct uk_io *io, int32_t result) {
    io->in_flight = false;
    io->done(io, result);
}

static void init(void) {
    page.boot.devices_offset = offsetof(__typeof__(page), devices);
    page.boot.devices_count = 3;
    page.boot.cq_entries = 16;
    page.devices[0] = (struct ukvm_device){.kind = UKVM_DEVICE_BLK, .name = "net"};
    page.devices[1] = (struct ukvm_device){.kind = UKVM_DEVICE_NET, .name = "first", .net.mtu = MTU};
    page.devices[2] = (struct ukvm_device){.kind = UKVM_DEVICE_NET, .name = "second", .net.mtu = MTU};
}

static void finding(void) {
    ok(uk_net_find("second") == &page.devices[2], "a device is found by its name");
    ok(uk_net_find(NULL) == &page.devices[1], "without a name, the first of its kind");
    ok(!uk_net_find("net"), "a disk of that name is none");
    is_u64(uk_device_number(&page.devices[2]), 2, "its number is its place in the table");
}

static struct uk_net *starting(void) {
    struct uk_net *net = uk_net_start(uk_net_find("second"), 100, receive, &frames);
    ok(net && net->context == &frames, "receiving starts");
    is_u64(net->buffers, 8, "with half of cq_entries buffers at the most");
    is_u64(submissions, 8, "all of them wait for a frame");
    const struct ukvm_sqe *sqe = &submitted[0]->sqe;
    ok(sqe->op == UKVM_OP_NET_RECV && sqe->device == 2 && sqe->length >= MTU + 18 && sqe->offset == 0,
       "a receive names device and room for a whole frame");
    struct uk_net *none = uk_net_start(uk_net_find("first"), 8, receive, NULL);
    ok(none && none->buffers < 8, "as many as the arena has room for");
    ok(!uk_net_start(uk_net_find("first"), 8, receive, NULL), "none, when it has room for none");
    free(none);
    return net;
}

static void receiving(struct uk_net *net) {
    struct uk_io *io = submitted[0];
    submissions = 0;
    complete(io, 60);
    is_u64(frames, 1, "a frame is passed on");
    ok(kept[0]->length == 60 && net->received == 1, "with its length");
    is_u64(submissions, 0, "its buffer is the receiver's");
    kept[0]->io.done = NULL;
    uk_net_send(net->device, kept[0]->data, 60, &kept[0]->io);
    is_u64(submitted[0]->sqe.op, UKVM_OP_NET_SEND, "who can send it from where it is");
    ok(submitted[0]->sqe.flags == 0, "and be woken when it has left, if he waits for that");
    kept[0]->io.in_flight = false;
    uk_net_recycle(kept[0]);
    ok(submissions == 2 && submitted[1]->sqe.op == UKVM_OP_NET_RECV, "and then lets it wait for the next");
}

static void going_down(struct uk_net *net) {
    struct uk_io *io[8];
    for (unsigned i = 0; i < 8; i++)
        io[i] = &net->frames[i].io;
    submissions = frames = 0;
    now = 5 * UK_SECOND;
    for (unsigned i = 0; i < 8; i++)
        complete(io[i], -UKVM_EDOWN);
    ok(submissions == 0 && frames == 0, "a receive that fails is neither passed on nor tried again at once");
    is_u64(net->errors, 8, "but counted");
    is_u64(uk_timers_next(), 5 * UK_SECOND + 100 * UK_MILLISECOND, "it is tried again after 100 ms");
    uk_timers_run(uk_timers_next() - 1);
    is_u64(submissions, 0, "not before");
    uk_timers_run(uk_timers_next());
    is_u64(submissions, 8, "all of them");
    ok(!net->parked && uk_timers_next() == UKVM_DEADLINE_NONE, "then nothing is left to do");
    complete(io[3], -UKVM_EDOWN);
    ok(uk_timers_next() != UKVM_DEADLINE_NONE, "and again, while the device is down");
    uk_timer_stop(&net->retry);
}

int main(void) {
    init();
    finding();
    struct uk_net *net = starting();
    receiving(net);
    going_down(net);
    free(net);
    return done_testing();
}
