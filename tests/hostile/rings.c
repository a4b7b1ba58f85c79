/* SPDX-License-Identifier: MIT */
/*
 * Drives the rings by hand, as the ABI forbids or as no sane guest does:
 *
 *     build/ukvm run build/tests/hostile/rings.elf CASE [NUMBER]
 *
 * The cases that break RING-02 must end the guest with status 159; the others say "survived" and end with status 0.
 */
#include "by_hand.h"

UKVM_ACCEPTS_ANY(UKVM_DEVICE_BLK);
UKVM_ACCEPTS_ANY(UKVM_DEVICE_NET);

static uint64_t number = 1; /* the second argument: a seed or a count */

static uint64_t any(void) {
    static uint64_t state;
    if (state == 0)
        state = number;
    return next_random(&state);
}

/* ---- indices */

static void sq_ahead(void) {
    rings->sq_tail += sq_entries + 1;
    kick();
}

static void sq_back(void) {
    rings->sq_tail -= 1;
    kick();
}

static void sq_half(void) {
    rings->sq_tail += UINT32_C(1) << 31;
    kick();
}

static void sq_last(void) {
    rings->sq_tail = UINT32_MAX;
    wait();
}

static void cq_ahead(void) {
    rings->cq_head = rings->cq_tail + 1;
    kick();
}

static void cq_back(void) {
    rings->cq_head = rings->cq_tail - cq_entries - 1;
    wait();
}

static void cq_half(void) {
    rings->cq_head += UINT32_C(1) << 31;
    kick();
}

static void at_exit(void) {
    rings->sq_tail += sq_entries + 1;
    uk_hypercall(UKVM_PORT_EXIT, 0);
}

/* All of the shared page but the deadline, over and over: ended sooner or later. */
static void noise(void) {
    uint64_t *words = (uint64_t *)rings;
    for (unsigned i = 0; i < 100000; i++) {
        for (size_t at = 0; at < sizeof *rings / sizeof *words; at++)
            if (at != 1 && any() % 2)
                words[at] = any();
        for (unsigned at = 0; at < 64; at++)
            ((uint64_t *)sq)[any() % (sq_entries * sizeof *sq / 8)] = any();
        kick();
    }
}

/* The monitor's own indices and the completion ring are the guest's to spoil, for itself (RING-01). */
static void foreign(void) {
    uint32_t tail = rings->cq_tail;
    for (unsigned i = 0; i < 300; i++) {
        rings->sq_head = (uint32_t)any();
        rings->cq_tail = (uint32_t)any();
        memset((void *)(uintptr_t)cq, (int)any(), cq_entries * sizeof *cq);
        put((struct ukvm_sqe){.op = 0});
        kick();
        rings->cq_head = ++tail;
    }
}

/* Submissions once around the ring and more, completions never taken: the rest waits in the ring (RING-04). */
static void hoard(void) {
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < sq_entries; i++)
            put((struct ukvm_sqe){.op = 0});
        kick();
    }
    for (unsigned i = 0; i < 100; i++)
        kick();
    while (outstanding > 0) {
        take();
        kick();
    }
}

/* ---- storms and floods */

static void storm(void) {
    for (uint64_t i = 0; i < number; i++)
        kick();
}

static void wait_storm(void) {
    for (uint64_t left = number; left > 0; left--) {
        rings->deadline = left % 3 ? left : 0; /* long past */
        wait();
    }
    rings->deadline = UKVM_DEADLINE_NONE;
}

/* `number` of them, as many as fit into the ring each time. */
static void flood(struct ukvm_sqe sqe) {
    uint64_t errors = 0;
    for (uint64_t left = number; left > 0 || outstanding > 0;) {
        for (; left > 0 && has_room(); left--)
            put(sqe);
        wait();
        errors += take();
    }
    say("flood: %lu errors\n", errors);
}

static const struct ukvm_device *need(const struct ukvm_device *device) {
    if (!device)
        uk_panic("no device");
    return device;
}

static void flood_console(void) {
    flood((struct ukvm_sqe){.op = UKVM_OP_CONSOLE_WRITE, .device = UKVM_CONSOLE_OUT, .length = 16384});
}

static void flood_net(void) {
    uint16_t device = uk_device_number(need(uk_net_find(NULL)));
    flood((struct ukvm_sqe){.op = UKVM_OP_NET_SEND, .device = device, .length = 1514});
}

/* Receives whatever comes, into one buffer that all submissions share. */
static void flood_receive(void) {
    uint16_t device = uk_device_number(need(uk_net_find(NULL)));
    flood((struct ukvm_sqe){.op = UKVM_OP_NET_RECV, .device = device, .length = 2048});
}

static void flood_discard(void) {
    const struct ukvm_device *disk = need(uk_blk_find(NULL));
    flood((struct ukvm_sqe){
        .op = UKVM_OP_BLK_DISCARD, .device = uk_device_number(disk), .length = (uint32_t)disk->blk.capacity});
}

static void flood_flush(void) {
    flood((struct ukvm_sqe){.op = UKVM_OP_BLK_FLUSH, .device = uk_device_number(need(uk_blk_find(NULL)))});
}

/* 256 transfers at once between one buffer and one place of the disk, reads and writes by turns. */
static void flood_disk(void) {
    const struct ukvm_device *disk = need(uk_blk_find(NULL));
    struct ukvm_sqe sqe = {.device = uk_device_number(disk), .length = disk->blk.block_size * 8};
    for (uint64_t round = 0; round < number; round++) {
        while (has_room()) {
            sqe.op = any() % 2 ? UKVM_OP_BLK_READ : UKVM_OP_BLK_WRITE;
            put(sqe);
        }
        memset((void *)uk_boot()->arena_addr, (int)round, sqe.length); /* RING-07: while they are in flight */
        wait();
        take();
    }
    while (outstanding > 0) {
        wait();
        take();
    }
}

static void flood_return(void) {
    flood(
        (struct ukvm_sqe){.op = UKVM_OP_MEM_RETURN, .length = UKVM_PAGE_SIZE, .offset = (uintptr_t)uk_pages_alloc(1)});
}

/* The most entries that one of them changes, all in tables of 4 KiB pages, 256 times a hypercall. */
static void flood_protect(void) {
    struct ukvm_sqe sqe = {.op = UKVM_OP_MEM_PROTECT, .device = UKVM_PROT_READ, .length = UKVM_PAGE_SIZE};
    sqe.offset = (uintptr_t)uk_pages_alloc(UKVM_PROTECT_MAX / UKVM_PAGE_SIZE);
    for (uint64_t at = 0; at < UKVM_PROTECT_MAX; at += UINT64_C(1) << 20, sqe.offset += UINT64_C(1) << 20)
        put(sqe);
    sqe.offset -= UKVM_PROTECT_MAX;
    sqe.length = UKVM_PROTECT_MAX;
    flood(sqe);
}

/* The same when a signal comes for the guest meanwhile, which it waits for. */
static void told_protect(void) {
    put((struct ukvm_sqe){.op = UKVM_OP_SIGNAL});
    kick();
    say("ready\n");
    flood_protect();
}

/* ---- until told to end */

static void spin_kick(void) {
    say("ready\n");
    for (;;)
        kick();
}

static void spin_quiet(void) {
    say("ready\n");
    for (;;)
        __asm__ volatile("pause");
}

static void spin_flood(void) {
    number = UINT64_MAX;
    say("ready\n");
    flood_return();
}

static void spin_protect(void) {
    number = UINT64_MAX;
    say("ready\n");
    flood_protect();
}

/* ---- memory */

static void exhaust(void) {
    size_t pages = 0, buffers = 0;
    for (volatile uint8_t *page; (page = uk_pages_alloc(1)); pages++)
        *page = 1;
    for (volatile uint8_t *buffer; (buffer = uk_arena_alloc(512, 512)); buffers++)
        *buffer = 1;
    say("exhaust: %zu pages, %zu buffers\n", pages, buffers);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"sq-ahead", sq_ahead},
    {"sq-back", sq_back},
    {"sq-half", sq_half},
    {"sq-last", sq_last},
    {"cq-ahead", cq_ahead},
    {"cq-back", cq_back},
    {"cq-half", cq_half},
    {"at-exit", at_exit},
    {"noise", noise},
    {"foreign", foreign},
    {"hoard", hoard},
    {"storm", storm},
    {"wait-storm", wait_storm},
    {"flood-console", flood_console},
    {"flood-net", flood_net},
    {"flood-receive", flood_receive},
    {"flood-discard", flood_discard},
    {"flood-flush", flood_flush},
    {"flood-disk", flood_disk},
    {"flood-return", flood_return},
    {"flood-protect", flood_protect},
    {"told-protect", told_protect},
    {"spin-kick", spin_kick},
    {"spin-quiet", spin_quiet},
    {"spin-flood", spin_flood},
    {"spin-protect", spin_protect},
    {"exhaust", exhaust},
};

int main(int argc, char **argv) {
    open_rings();
    if (argc < 2 || (argc > 2 && !uk_parse_u64(argv[2], &number)))
        return 2;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(argv[1], cases[i].name) != 0)
            continue;
        cases[i].run();
        take();
        say("survived\n");
        end(0);
    }
    return 2;
}
