/* SPDX-License-Identifier: MIT */
/*
 * A guest that throws dice: random submissions, random moves of its indices within and outside the rules, random
 * hypercalls. The same seed is the same guest, but for what the devices do and for how far it gets.
 *
 *     build/ukvm run --disk data=DISK --net net=fd:3 build/tests/guests/fuzz.elf SEED MILLISECONDS
 *
 * Ends with 0 when the time is over, or before that by a breach of the rules that it means to make.
 */
#include "core/hypercall.h"
#include "ukvm.h"

UKVM_IMAGE(.features = UKVM_FEATURE_IMAGE_FILE);
UKVM_ACCEPTS_ANY(UKVM_DEVICE_BLK);
UKVM_ACCEPTS_ANY(UKVM_DEVICE_NET);

static struct {
    const struct ukvm_boot *boot;
    struct ukvm_rings *rings;
    struct ukvm_sqe *sq;
    uint64_t state, end;
} guest;

/* xorshift64*; the seed is not 0 */
static uint64_t dice(void) {
    guest.state ^= guest.state >> 12;
    guest.state ^= guest.state << 25;
    guest.state ^= guest.state >> 27;
    return guest.state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static bool one_in(uint64_t n) {
    return dice() % n == 0;
}

/* A number as programs have it: small, near a power of two, or anything. */
static uint64_t number(void) {
    switch (dice() % 4) {
    case 0:
        return dice() % 64;
    case 1:
        return (UINT64_C(1) << dice() % 64) + dice() % 3 - 1;
    case 2:
        return dice() % 64 * 4096;
    default:
        return dice() << 16 ^ dice();
    }
}

/* ---- submissions */

static struct ukvm_sqe any_submission(void) {
    return (struct ukvm_sqe){.op = (uint8_t)number(),
                             .flags = (uint8_t)(one_in(2) ? 0 : number()),
                             .device = (uint16_t)number(),
                             .length = (uint32_t)number(),
                             .arena = number(),
                             .offset = number()};
}

static uint64_t free_page(void) {
    const struct ukvm_range *ranges = uk_boot_ranges(guest.boot);
    const struct ukvm_range *range = &ranges[dice() % guest.boot->ranges_count];
    return range->base + dice() % (range->size / UKVM_PAGE_SIZE) * UKVM_PAGE_SIZE;
}

/* One that the monitor may well accept. */
static struct ukvm_sqe good_submission(void) {
    struct ukvm_sqe sqe = {.op = (uint8_t)(dice() % UKVM_OP_COUNT)};
    bool disk = sqe.op >= UKVM_OP_BLK_READ && sqe.op <= UKVM_OP_BLK_DISCARD;
    sqe.device = (uint16_t)(dice() % (guest.boot->devices_count + 1));
    if (sqe.op != UKVM_OP_BLK_FLUSH)
        sqe.length = (uint32_t)(dice() % 64 + 1) * (one_in(4) ? 4096 : 512);
    if (sqe.op == UKVM_OP_CONSOLE_WRITE)
        sqe.device = UKVM_CONSOLE_OUT;
    if (sqe.op == UKVM_OP_NET_SEND || sqe.op == UKVM_OP_NET_RECV)
        sqe.length = (uint32_t)(dice() % 2048);
    if (sqe.op == UKVM_OP_NET_SEND)
        sqe.flags = dice() % 2;
    if (sqe.op != UKVM_OP_BLK_FLUSH && sqe.op != UKVM_OP_BLK_DISCARD && sqe.op != UKVM_OP_MEM_RETURN)
        sqe.arena = dice() % (guest.boot->arena_size / 512) * 512;
    if (disk && sqe.op != UKVM_OP_BLK_FLUSH)
        sqe.offset = dice() % 4096 * 512;
    if (sqe.op == UKVM_OP_MEM_RETURN) {
        sqe.device = 0;
        sqe.offset = free_page();
    }
    return sqe;
}

static void submit(void) {
    for (uint64_t n = one_in(16) ? guest.boot->sq_entries : dice() % 16; n > 0; n--) {
        struct ukvm_sqe sqe = one_in(8) ? any_submission() : good_submission();
        sqe.user_data = dice();
        if (guest.rings->sq_tail - guest.rings->sq_head < guest.boot->sq_entries)
            guest.sq[guest.rings->sq_tail++ % guest.boot->sq_entries] = sqe;
    }
}

/* ---- everything else */

static void take_completions(void) {
    uint32_t ready = guest.rings->cq_tail - guest.rings->cq_head;
    if (ready <= guest.boot->cq_entries)
        guest.rings->cq_head += one_in(4) ? (uint32_t)(dice() % (ready + 1)) : ready;
}

/* What the guest may write and the monitor must not believe. */
static void scribble(void) {
    uint64_t *sq = (uint64_t *)(void *)guest.sq;
    uint64_t *arena = (uint64_t *)guest.boot->arena_addr;
    for (uint64_t n = dice() % 32; n > 0; n--) {
        sq[dice() % (guest.boot->sq_entries * sizeof *guest.sq / sizeof *sq)] = number();
        arena[dice() % (guest.boot->arena_size / sizeof *arena)] = number();
    }
    ((uint32_t *)guest.boot->cq_addr)[dice() % 64] = (uint32_t)number();
}

/* The monitor's own index is put right again, because this program counts by it too. */
static void lie_about_indices(void) {
    uint32_t sq_head = guest.rings->sq_head, cq_tail = guest.rings->cq_tail;
    guest.rings->sq_head = (uint32_t)number();
    guest.rings->cq_tail = (uint32_t)number();
    uk_hypercall(UKVM_PORT_KICK, 0);
    if (guest.rings->sq_head == sq_head)
        guest.rings->cq_tail = cq_tail;
}

static void break_the_rings(void) {
    if (one_in(2))
        guest.rings->sq_tail += (uint32_t)number();
    else
        guest.rings->cq_head += (uint32_t)number();
}

static void any_port(void) {
    uint16_t port = (uint16_t)number();
    if (port != UKVM_PORT_EXIT)
        uk_hypercall(port, (uint32_t)number());
}

static void enter(void) {
    uint64_t soon = uk_clock_monotonic() + dice() % 1000000;
    guest.rings->deadline = soon < guest.end && one_in(2) ? soon : one_in(2) ? 0 : guest.end;
    uk_hypercall(one_in(2) ? UKVM_PORT_KICK : UKVM_PORT_WAIT, (uint32_t)number());
}

int main(int argc, char **argv) {
    uint64_t seed, milliseconds;
    if (argc != 3 || !uk_parse_u64(argv[1], &seed) || !uk_parse_u64(argv[2], &milliseconds) || seed == 0) {
        uk_eprintf("usage: fuzz SEED MILLISECONDS\n");
        return 2;
    }
    guest.boot = uk_boot();
    guest.rings = (struct ukvm_rings *)guest.boot->rings_addr;
    guest.sq = (struct ukvm_sqe *)guest.boot->sq_addr;
    guest.state = seed * UINT64_C(0x9e3779b97f4a7c15);
    guest.end = uk_clock_monotonic() + milliseconds * UK_MILLISECOND;
    /* From here on the rings are this program's, and the kernel's own I/O is not used. */
    while (uk_clock_monotonic() < guest.end) {
        submit();
        if (one_in(8))
            scribble();
        if (one_in(512))
            lie_about_indices();
        if (one_in(4096))
            break_the_rings();
        if (one_in(8192))
            any_port();
        enter();
        take_completions();
    }
    for (;;)
        uk_hypercall(UKVM_PORT_EXIT, 0);
}
