/* SPDX-License-Identifier: MIT */
/*
 * A network device whose other end is tests/tools/frame_peer.c: it sends every frame back as it came, but for those of
 * type FRAME_COMMAND, which ask it for something. ABI.md, NET, and what CALL and RING say about operations that wait.
 */
#include "../tools/frame_peer.h"
#include "guest.h"

NOTE(note_net, UKVM_NOTE_DEVICE, ukvm_note_device, .kind = UKVM_DEVICE_NET, .flags = UKVM_NOTE_ANY);

enum { BUFFERS = 64, BUFFER = 2048, SENDING = ARENA_FREE, RECEIVING = ARENA_FREE + 2 * BUFFER };

static uint16_t net;
static uint32_t frame_max;

static void find_net(void) {
    net = first_device(UKVM_DEVICE_NET);
    frame_max = devices()[net].net.mtu + 18u;
    if (frame_max > BUFFER || boot->arena_size < RECEIVING + BUFFERS * BUFFER) {
        say("the MTU is too large, or the arena too small");
        end(2);
    }
}

static struct ukvm_sqe sending(uint32_t length) {
    return (struct ukvm_sqe){
        .op = UKVM_OP_NET_SEND, .device = net, .arena = SENDING, .length = length, .user_data = 1000};
}

static struct ukvm_sqe receiving(uint64_t buffer) {
    return (struct ukvm_sqe){.op = UKVM_OP_NET_RECV,
                             .device = net,
                             .arena = RECEIVING + buffer % BUFFERS * BUFFER,
                             .length = frame_max,
                             .user_data = buffer};
}

static uint8_t *received(uint64_t buffer) {
    return arena(RECEIVING + buffer % BUFFERS * BUFFER);
}

/* A frame to be sent back. */
static void put_frame(uint32_t length, uint64_t seed) {
    fill(arena(SENDING), length, seed);
    arena(SENDING)[12] = 0x08;
}

static struct ukvm_sqe command(enum frame_command what, uint32_t value) {
    memset(arena(SENDING), 0, FRAME_COMMAND_SIZE);
    arena(SENDING)[12] = FRAME_COMMAND >> 8;
    arena(SENDING)[13] = FRAME_COMMAND & 0xff;
    arena(SENDING)[14] = (uint8_t)what;
    memcpy(arena(SENDING + 16), &value, sizeof value);
    return sending(FRAME_COMMAND_SIZE);
}

/* Takes the one completion that is awaited. */
static struct ukvm_cqe next(void) {
    struct ukvm_cqe cqe = {.user_data = UINT64_MAX, .result = LOST};
    if (await(1))
        take(&cqe);
    return cqe;
}

static void clear(void) {
    struct ukvm_cqe cqe;
    while (take(&cqe))
        continue;
}

/* ---- NET ---- */

static void sizes(void) {
    static const uint32_t lengths[] = {14, 15, 60, 64, 1000, 1514};
    uint32_t count;
    find_net();
    is(perform(sending(0)), -UKVM_EINVAL, "a frame of 0 bytes");
    is(perform(sending(13)), -UKVM_EINVAL, "a frame of 13 bytes");
    is(perform(sending(frame_max + 1)), -UKVM_EINVAL, "a frame of mtu + 19 bytes");
    for (unsigned i = 0; i <= COUNT(lengths); i++) {
        uint32_t length = i < COUNT(lengths) ? lengths[i] : frame_max;
        memset(received(0), 0, BUFFER);
        put_frame(length, i);
        push(receiving(0));
        is(perform(sending(length)), (int32_t)length, "a frame is sent");
        is(next().result, (int32_t)length, "and comes back with its length");
        ok(memcmp(received(0), arena(SENDING), length) == 0, "and its content");
        ok(all_bytes(received(0) + length, 0, BUFFER - length), "and nothing behind it");
    }
    push(receiving(0));
    perform(command(FRAME_COUNT, 0));
    next();
    memcpy(&count, received(0) + 16, sizeof count);
    is(count, COUNT(lengths) + 1, "the others have not been sent");
}

/* Frames are sent in the order of their submissions, as they are taken. */
static void send_order(void) {
    enum { FRAMES = 8 };
    bool right = true;
    find_net();
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < FRAMES; i++)
            push(receiving(i));
        kick();
        for (unsigned i = 0; i < FRAMES; i++) {
            struct ukvm_sqe sqe = sending(64);
            sqe.arena = SENDING + i * 64;
            memset(arena(sqe.arena), (int)(i + 1), 64);
            push(sqe);
        }
        uint8_t expected = 1;
        for (unsigned i = 0; i < 2 * FRAMES; i++) {
            struct ukvm_cqe cqe = next();
            right = right && (cqe.user_data == 1000 || *received(cqe.user_data) == expected++);
        }
    }
    ok(right, "submissions are taken in order");
}

/* While nobody reads on the other side, frames wait or are dropped; which of them arrive is what their results say. */
static void full(void) {
    uint32_t sent = 0, dropped = 0, others = 0, count;
    find_net();
    perform(command(FRAME_DEAF, 200));
    struct ukvm_sqe frame = command(FRAME_NOTHING, 0);
    frame.length = 1514;
    for (unsigned i = 0; i < 1000; i++) {
        int32_t result = perform(frame);
        sent += result == 1514;
        dropped += result == -UKVM_EAGAIN;
        others += result != 1514 && result != -UKVM_EAGAIN;
    }
    note("dropped", dropped);
    ok(others == 0, "a frame is sent whole, or dropped with -UKVM_EAGAIN");
    do {
        spin_until(now() + 5 * MILLISECOND);
    } while (perform(command(FRAME_COUNT, 0)) == -UKVM_EAGAIN);
    push(receiving(0));
    next();
    memcpy(&count, received(0) + 16, sizeof count);
    is(count, sent, "those arrive whose result is their length, and no others");
}

static bool is_of_burst(const struct ukvm_cqe *cqe, uint32_t number) {
    const uint8_t *frame = received(cqe->user_data);
    uint32_t length = frame_burst_length(number), got;
    memcpy(&got, frame + 16, sizeof got);
    if (cqe->result != (int32_t)length || got != number)
        return false;
    for (uint32_t i = 20; i < length; i++)
        if (frame[i] != (uint8_t)(number + i))
            return false;
    return true;
}

static void burst(void) {
    enum { FRAMES = 400 };
    unsigned right = 0;
    find_net();
    for (unsigned i = 0; i < BUFFERS; i++)
        push(receiving(i));
    kick();
    push(command(FRAME_BURST, FRAMES));
    for (unsigned number = 0, lost = 0; number < FRAMES && !lost;) {
        struct ukvm_cqe cqe = next();
        lost = cqe.result == LOST;
        if (cqe.user_data >= BUFFERS)
            continue;
        right += is_of_burst(&cqe, number++);
        push(receiving(cqe.user_data));
    }
    is(right, FRAMES, "frames come in their order, with their lengths and contents");
}

static void receive_rules(void) {
    find_net();
    struct ukvm_sqe shorter = receiving(0);
    shorter.length = frame_max - 1;
    is(perform(shorter), -UKVM_EINVAL, "a buffer shorter than mtu + 18");
    for (unsigned i = 0; i < 4; i++)
        push(receiving(i));
    kick();
    push(command(FRAME_BAD, frame_max));
    unsigned wrong = 0;
    struct ukvm_cqe cqe;
    do {
        cqe = next();
        /* one that is too long may come cut off */
        wrong += cqe.user_data != 1000 && cqe.result != FRAME_COMMAND_SIZE && cqe.result != (int32_t)frame_max;
    } while (cqe.result != LOST && (cqe.user_data == 1000 || cqe.result != FRAME_COMMAND_SIZE));
    ok(wrong == 0, "frames that are too short are dropped, and none is longer than mtu + 18");
    ok(cqe.user_data < 4 && received(cqe.user_data)[16] == FRAME_GOOD, "the next good one comes");
    wait_until(now() + 20 * MILLISECOND);
    is(ready(), 0, "and nothing else");
}

static void goes_down(void) {
    enum { WAITING = 4 };
    unsigned counts[WAITING] = {0}, total = 0, wrong = 0;
    struct ukvm_cqe cqe;
    find_net();
    for (unsigned i = 0; i < WAITING; i++)
        push(receiving(i));
    kick();
    perform(command(FRAME_CLOSE, 0));
    for (uint64_t limit = now() + 200 * MILLISECOND; now() < limit;) {
        wait_until(limit);
        while (take(&cqe)) {
            wrong += cqe.user_data >= WAITING || cqe.result != -UKVM_EDOWN;
            counts[cqe.user_data % WAITING]++;
            total++;
        }
    }
    note("completions", total);
    ok(wrong == 0, "receives complete with -UKVM_EDOWN");
    ok(counts[0] <= 1 && counts[1] <= 1 && counts[2] <= 1 && counts[3] <= 1, "at most once for each buffer");
    put_frame(60, 1);
    push(sending(60));
    is(next().result, -UKVM_EDOWN, "a frame is dropped with -UKVM_EDOWN");
    say("still here");
}

/* ---- CALL and RING ---- */

static void kick_with_receive(void) {
    find_net();
    push(receiving(0));
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t began = now();
        rings()->deadline = began + SECOND / 2;
        kick();
        best = now() - began < best ? now() - began : best;
    }
    ok(best < SECOND / 10, "KICK does not wait for a frame");
}

static void wait_with_receive(void) {
    find_net();
    push(receiving(0));
    uint64_t began = now();
    wait_until(began + 30 * MILLISECOND);
    ok(now() - began >= 30 * MILLISECOND && ready() == 0, "WAIT with a receive in flight sleeps until the deadline");
    perform(command(FRAME_DELAY, 100));
    began = now();
    wait_until(began + 3 * SECOND);
    ok(now() - began < 2 * SECOND && ready() == 1, "a frame ends it");
}

static void quiet_memory(void) {
    find_net();
    push(receiving(0));
    perform(command(FRAME_DELAY, 20));
    uint32_t tail = rings()->cq_tail;
    memset(received(1), 0x55, BUFFER);
    spin_until(now() + 100 * MILLISECOND);
    ok(rings()->cq_tail == tail, "a frame that arrives completes nothing by itself");
    is(next().result, 60, "the next hypercall does");
    ok(all_bytes(received(1), 0x55, BUFFER), "a buffer that is not in flight stays as it is");
}

static void copies(void) {
    struct ukvm_sqe *slots = (struct ukvm_sqe *)boot->sq_addr;
    find_net();
    memset(received(0), 0, BUFFERS * BUFFER);
    push(receiving(0));
    kick();
    slots[0] = (struct ukvm_sqe){.op = UKVM_OP_CONSOLE_WRITE,
                                 .flags = UKVM_SQE_QUIET,
                                 .device = 7,
                                 .length = 1,
                                 .arena = RECEIVING + BUFFER,
                                 .user_data = 77};
    perform(command(FRAME_DELAY, 1));
    struct ukvm_cqe cqe = next();
    is((int64_t)cqe.user_data, 0, "user_data is the one that was submitted");
    is(cqe.result, 60, "so is the operation");
    ok(received(0)[16] == FRAME_GOOD && all_bytes(received(1), 0, BUFFER), "so is the buffer");
}

/* Receives in flight count as much as completions that are not taken. */
static void in_flight(void) {
    find_net();
    perform(command(FRAME_DELAY, 300));
    uint32_t head = rings()->sq_head, pushed = 0;
    while (pushed < boot->cq_entries) {
        for (unsigned i = 0; i < boot->sq_entries; i++)
            push(receiving(pushed++));
        kick();
    }
    push((struct ukvm_sqe){.op = UINT8_MAX, .user_data = UINT64_C(1) << 40});
    kick();
    is(rings()->sq_head, head + boot->cq_entries, "no more than cq_entries are in flight");
    is(ready(), 0, "the next one is not looked at");
    is(next().result, 60, "until there is room");
    is((int64_t)next().user_data, INT64_C(1) << 40, "then it is");
}

/* Must end the guest: with a receive in flight, there cannot be cq_entries completions that it has not taken. */
static void behind(void) {
    find_net();
    push(receiving(0));
    kick();
    rings()->cq_head -= boot->cq_entries;
    kick();
}

static struct ukvm_sqe quietly(struct ukvm_sqe sqe) {
    sqe.flags = UKVM_SQE_QUIET;
    return sqe;
}

static uint64_t time_of_wait(void) {
    uint64_t began = now();
    wait_until(began + 2 * SECOND);
    return now() - began;
}

static void quiet(void) {
    find_net();
    push(receiving(0));
    push(quietly(command(FRAME_DELAY, 150)));
    ok(time_of_wait() < SECOND, "a frame ends the sleep");
    is(ready(), 2, "the quiet submission's success has not ended it before");
    clear();

    push(receiving(0));
    push(command(FRAME_DELAY, 150));
    ok(time_of_wait() < SECOND && ready() == 1, "one that is not quiet does");
    wait_until(now() + 2 * SECOND);
    clear();
    await(1);
    clear();

    push(quietly(command(FRAME_NOTHING, 0)));
    ok(time_of_wait() < SECOND && ready() == 1, "so does a quiet one when nothing else is in flight");
    clear();

    push(receiving(0));
    push(quietly(sending(5)));
    ok(time_of_wait() < SECOND && ready() == 1, "so does a quiet one that fails");
    clear();

    for (unsigned left = boot->cq_entries - 2; left > 0;) {
        unsigned batch = left < boot->sq_entries ? left : boot->sq_entries;
        for (unsigned i = 0; i < batch; i++)
            push(receiving(i));
        kick();
        left -= batch;
    }
    push(quietly(command(FRAME_NOTHING, 0)));
    push((struct ukvm_sqe){.op = UINT8_MAX});
    ok(time_of_wait() < SECOND && ready() == 1, "so does one in whose place another waits");
    clear();
    kick();
    ok(await(1), "which is then taken");
}

/* A SIGNAL in flight is one that is not quiet. */
static void quiet_with_signal(void) {
    find_net();
    push((struct ukvm_sqe){.op = UKVM_OP_SIGNAL});
    push(quietly(command(FRAME_NOTHING, 0)));
    uint64_t began = now();
    wait_until(began + SECOND / 5);
    ok(now() - began >= SECOND / 5 && ready() == 1, "while it is in flight, a quiet success does not end a sleep");
}

static void rules(void) {
    find_net();
    const struct bad bad[] = {
        {"a frame with an offset",
         {.op = UKVM_OP_NET_SEND, .device = net, .arena = SENDING, .length = 64, .offset = 1}},
        {"a receive with an offset",
         {.op = UKVM_OP_NET_RECV, .device = net, .arena = RECEIVING, .length = BUFFER, .offset = 1}},
        {"a quiet receive",
         {.op = UKVM_OP_NET_RECV, .flags = UKVM_SQE_QUIET, .device = net, .arena = RECEIVING, .length = BUFFER}},
        {"a frame with flag 4", {.op = UKVM_OP_NET_SEND, .flags = 4, .device = net, .arena = SENDING, .length = 64}},
        {"a read from a network", {.op = UKVM_OP_BLK_READ, .device = net, .arena = RECEIVING, .length = 4096}},
        {"a flush of a network", {.op = UKVM_OP_BLK_FLUSH, .device = net}},
        {"a frame to the next device",
         {.op = UKVM_OP_NET_SEND, .device = (uint16_t)(net + 1), .arena = SENDING, .length = 64}},
        {"a frame over the end of the arena",
         {.op = UKVM_OP_NET_SEND, .device = net, .arena = boot->arena_size - 63, .length = 64}},
        {"a receive over the end of the arena",
         {.op = UKVM_OP_NET_RECV, .device = net, .arena = boot->arena_size - frame_max + 1, .length = frame_max}},
    };
    refused(bad, COUNT(bad));
}

/* Frames that break NET-01, without end: they are work of the monitor that no completion comes of. */
static void flood(void) {
    uint64_t longest = 0, kicks = 0;
    find_net();
    push(receiving(0));
    perform(command(FRAME_FLOOD, 400));
    for (uint64_t limit = now() + 300 * MILLISECOND; now() < limit; kicks++) {
        uint64_t began = now();
        kick();
        longest = now() - began > longest ? now() - began : longest;
    }
    note("longest", longest);
    note("kicks", kicks);
    ok(kicks > 3, "a flood of frames to drop does not keep the guest from running");
    is(ready(), 0, "and completes nothing");
}

const struct check checks[] = {
    {"UKVM-NET-01", sizes},
    {"UKVM-NET-02", full},
    {"UKVM-NET-03 order", burst},
    {"UKVM-NET-03 rules", receive_rules},
    {"UKVM-NET-04", goes_down},
    {"UKVM-CALL-01", kick_with_receive},
    {"UKVM-CALL-02", wait_with_receive},
    {"UKVM-CALL-04", quiet_memory},
    {"UKVM-RING-02", behind},
    {"UKVM-RING-03 copies", copies},
    {"UKVM-RING-03 order", send_order},
    {"UKVM-RING-04", in_flight},
    {"UKVM-RING-06", rules},
    {"UKVM-RING-09", flood},
    {"UKVM-RING-10", quiet},
    {"UKVM-SIG-03", quiet_with_signal},
    {NULL, NULL},
};
