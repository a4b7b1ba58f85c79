/* SPDX-License-Identifier: MIT */
/*
 * Submissions with each field at its extremes, for every operation, and then at random, each against this file's own
 * reading of ABI.md, RING-06 to RING-10, CON-06, CON-07, BLK-01, BLK-04, BLK-05, NET-01 to NET-03, MEM-05, MEM-06 and
 * SIG-03, with /dev/null as standard input:
 *
 *     build/ukvm run --disk rw=disk.img --disk ro=disk2.img,ro --net net=fd:3 build/tests/hostile/fields.elf SEED COUNT
 *
 * Prints a line for each surprise and a summary on standard error; standard output gets what the submissions write.
 */
#include "by_hand.h"

UKVM_ACCEPTS_ANY(UKVM_DEVICE_BLK);
UKVM_ACCEPTS_ANY(UKVM_DEVICE_NET);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct ukvm_boot *boot;
static const struct ukvm_device *devices;
static uint64_t state, tried, refused, accepted, waiting, wrong;
static uint64_t spare; /* a page that may be returned and protected */
static bool asked;     /* a SIGNAL is in flight, and stays so */

static uint64_t any(void) {
    return next_random(&state);
}

/* ---- what the ABI says */

static bool is_block(const struct ukvm_sqe *s, bool buffer) {
    const struct ukvm_blk_info *blk = &devices[s->device].blk;
    uint64_t unaligned = (s->offset | s->length | (buffer ? s->arena : 0)) % blk->block_size;
    return !unaligned && s->length <= blk->capacity && s->offset <= blk->capacity - s->length &&
           (!buffer || s->length <= blk->max_transfer);
}

static bool is_returnable(const struct ukvm_sqe *s) {
    const struct ukvm_range *range = uk_boot_ranges(boot);
    for (uint32_t i = 0; i < boot->ranges_count; i++)
        if (range[i].kind == UKVM_RANGE_FREE && s->offset >= range[i].base && s->length <= range[i].size &&
            s->offset - range[i].base <= range[i].size - s->length)
            return (s->offset | s->length) % UKVM_PAGE_SIZE == 0;
    return false;
}

static bool is_protection(uint16_t number) {
    return number == 0 || number == UKVM_PROT_READ || number == (UKVM_PROT_READ | UKVM_PROT_WRITE);
}

static bool has_device(const struct ukvm_sqe *s, uint32_t kind) {
    return s->device < boot->devices_count && devices[s->device].kind == kind;
}

static bool has_buffer(const struct ukvm_sqe *s) {
    return s->length > 0 && s->length <= boot->arena_size && s->arena <= boot->arena_size - s->length;
}

/* 0, or the error that it must complete with. */
static int32_t expected(const struct ukvm_sqe *s) {
    bool right = false, writes = s->op == UKVM_OP_BLK_WRITE || s->op == UKVM_OP_BLK_DISCARD;
    uint32_t frame = has_device(s, UKVM_DEVICE_NET) ? devices[s->device].net.mtu + 18u : 0;
    switch (s->op) {
    case UKVM_OP_CONSOLE_WRITE:
        right = (s->device == UKVM_CONSOLE_OUT || s->device == UKVM_CONSOLE_ERR) && has_buffer(s) && !s->offset;
        break;
    case UKVM_OP_BLK_READ:
    case UKVM_OP_BLK_WRITE:
        right = has_device(s, UKVM_DEVICE_BLK) && has_buffer(s) && is_block(s, true);
        break;
    case UKVM_OP_BLK_FLUSH:
        right = has_device(s, UKVM_DEVICE_BLK) && !s->arena && !s->length && !s->offset;
        break;
    case UKVM_OP_BLK_DISCARD:
        right = has_device(s, UKVM_DEVICE_BLK) && !s->arena && s->length > 0 && is_block(s, false);
        break;
    case UKVM_OP_NET_SEND:
        right = has_buffer(s) && !s->offset && s->length >= 14 && s->length <= frame;
        break;
    case UKVM_OP_NET_RECV:
        right = frame && has_buffer(s) && !s->offset && s->length >= frame;
        break;
    case UKVM_OP_MEM_RETURN:
        right = !s->device && !s->arena && s->length > 0 && is_returnable(s);
        break;
    case UKVM_OP_MEM_PROTECT:
        right =
            is_protection(s->device) && !s->arena && s->length > 0 && s->length <= UKVM_PROTECT_MAX && is_returnable(s);
        break;
    case UKVM_OP_CONSOLE_READ:
        right = s->device == UKVM_CONSOLE_IN && has_buffer(s) && !s->offset;
        break;
    case UKVM_OP_CONSOLE_POLL:
        right = s->device == UKVM_CONSOLE_IN && !s->arena && !s->length && !s->offset;
        break;
    case UKVM_OP_SIGNAL:
        right = !s->device && !s->arena && !s->length && !s->offset && !asked;
        break;
    default:
        break;
    }
    if (!right || s->flags & ~(s->op == UKVM_OP_NET_SEND ? UKVM_SQE_QUIET : 0u))
        return -UKVM_EINVAL;
    return writes && devices[s->device].blk.flags & UKVM_BLK_READONLY ? -UKVM_EROFS : 0;
}

/* ---- one submission */

static void complain(const struct ukvm_sqe *s, const char *what, int32_t result) {
    if (wrong++ < 20)
        say("fields: %s: op %u flags %u device %u length %u arena 0x%lx offset 0x%lx: %d, expected %d\n", what, s->op,
            s->flags, s->device, s->length, s->arena, s->offset, result, expected(s));
}

static bool result_is_right(const struct ukvm_sqe *s, int32_t result) {
    int32_t want = expected(s);
    if (want)
        return result == want;
    switch (s->op) {
    case UKVM_OP_CONSOLE_WRITE:
    case UKVM_OP_BLK_READ:
    case UKVM_OP_BLK_WRITE:
        return result == (int32_t)s->length;
    case UKVM_OP_BLK_DISCARD:
        return result == 0 || result == -UKVM_ENOTSUP;
    case UKVM_OP_CONSOLE_POLL: /* of /dev/null, which is at its end */
        return result == UKVM_POLL_IN;
    case UKVM_OP_NET_SEND: /* nobody need read it */
        return result == (int32_t)s->length || result == -UKVM_EAGAIN;
    default:
        return result == 0;
    }
}

static void try(const struct ukvm_sqe *s) {
    /* These stay in flight: neither a frame nor a signal ever comes. */
    bool stays = (s->op == UKVM_OP_NET_RECV || s->op == UKVM_OP_SIGNAL) && expected(s) == 0;
    if (stays && s->op == UKVM_OP_NET_RECV && waiting >= 64)
        return;
    tried++;
    put(*s);
    if (stays) {
        kick();
        waiting++;
        asked = asked || s->op == UKVM_OP_SIGNAL;
        return;
    }
    /* RING-10: a sleep would not end */
    bool quiet = s->op == UKVM_OP_NET_SEND && s->flags == UKVM_SQE_QUIET;
    do
        uk_hypercall(quiet ? UKVM_PORT_KICK : UKVM_PORT_WAIT, 0);
    while (quiet && rings->cq_tail == rings->cq_head);
    uint32_t completions = rings->cq_tail - rings->cq_head;
    struct ukvm_cqe done = cq[rings->cq_head % cq_entries];
    take();
    if (completions != 1)
        complain(s, "no completion, or several", (int32_t)completions);
    if (done.user_data != s->user_data || done.reserved)
        complain(s, "not its completion", done.result);
    if (!result_is_right(s, done.result))
        complain(s, "result", done.result);
    *(done.result < 0 ? &refused : &accepted) += 1;
}

/* ---- which ones */

/* A right one, where there is a device for it. */
static struct ukvm_sqe right_sqe(uint8_t op) {
    struct ukvm_sqe s = {.op = op, .user_data = any()};
    uint16_t rw = uk_blk_find("rw") ? uk_device_number(uk_blk_find("rw")) : 0;
    uint16_t net = uk_net_find(NULL) ? uk_device_number(uk_net_find(NULL)) : 0;
    switch (op) {
    case UKVM_OP_CONSOLE_WRITE:
        s.device = UKVM_CONSOLE_OUT;
        s.length = 1;
        break;
    case UKVM_OP_CONSOLE_READ:
        s.length = 1;
        break;
    case UKVM_OP_BLK_READ:
    case UKVM_OP_BLK_WRITE:
    case UKVM_OP_BLK_DISCARD:
        s.length = 512;
        s.device = rw;
        break;
    case UKVM_OP_BLK_FLUSH:
        s.device = rw;
        break;
    case UKVM_OP_NET_SEND:
        s.length = 60;
        s.device = net;
        break;
    case UKVM_OP_NET_RECV:
        s.length = 2048;
        s.device = net;
        break;
    case UKVM_OP_MEM_RETURN:
        s.length = UKVM_PAGE_SIZE;
        s.offset = spare;
        break;
    case UKVM_OP_MEM_PROTECT:
        s.length = UKVM_PAGE_SIZE;
        s.offset = spare;
        s.device = UKVM_PROT_READ;
        break;
    default:
        break;
    }
    return s;
}

static uint64_t values[128];
static size_t values_count;

static void add_around(uint64_t value) {
    static const int64_t near[] = {-4096, -512, -1, 0, 1, 512, 4096};
    for (size_t i = 0; i < COUNT(near) && values_count < COUNT(values); i++)
        values[values_count++] = value + (uint64_t)near[i];
}

static void choose_values(void) {
    add_around(0);
    add_around(boot->arena_size);
    for (uint32_t i = 0; i < boot->devices_count; i++)
        if (devices[i].kind == UKVM_DEVICE_BLK)
            add_around(devices[i].blk.capacity), add_around(devices[i].blk.max_transfer);
        else
            add_around(devices[i].net.mtu + 18u);
    add_around(INT32_MAX);
    add_around(UINT64_C(1) << 32);
    add_around(INT64_MAX);
    add_around(spare);
    add_around(boot->arena_addr);
    add_around((uintptr_t)boot);
    add_around(UKVM_PROT_READ);
    add_around(UKVM_PROTECT_MAX);
}

static void set(struct ukvm_sqe *s, unsigned field, uint64_t value) {
    switch (field) {
    case 0:
        s->flags = (uint8_t)value;
        break;
    case 1:
        s->device = (uint16_t)value;
        break;
    case 2:
        s->length = (uint32_t)value;
        break;
    case 3:
        s->arena = value;
        break;
    case 4:
        s->offset = value;
        break;
    default:
        s->user_data = value;
    }
}

#define FIELDS 6u

/* Nothing that a submission may return or close is in use: not what the stack, the image or this file's page are in. */
static bool is_harmless(const struct ukvm_sqe *s) {
    return (s->op != UKVM_OP_MEM_RETURN && s->op != UKVM_OP_MEM_PROTECT) || expected(s) < 0 ||
           (s->offset == spare && s->length == UKVM_PAGE_SIZE);
}

static void try_all(void) {
    for (unsigned op = 0; op < 256; op++) {
        struct ukvm_sqe right = right_sqe((uint8_t)op);
        for (unsigned field = 0; op < UKVM_OP_COUNT + 1 && field < FIELDS; field++) {
            for (size_t i = 0; i < values_count; i++) {
                struct ukvm_sqe s = right;
                set(&s, field, values[i]);
                if (is_harmless(&s))
                    try(&s);
            }
        }
        try(&right);
    }
}

static void try_random(uint64_t count) {
    while (count--) {
        struct ukvm_sqe s = right_sqe((uint8_t)(any() % 8 ? any() % UKVM_OP_COUNT : any()));
        for (uint64_t changes = any() % 3; changes > 0; changes--)
            set(&s, (unsigned)(any() % FIELDS), any() % 4 ? values[any() % values_count] : any() >> any() % 64);
        if (is_harmless(&s))
            try(&s);
    }
}

int main(int argc, char **argv) {
    uint64_t count;
    boot = uk_boot();
    open_rings();
    devices = uk_boot_devices(boot);
    if (argc != 3 || !uk_parse_u64(argv[1], &state) || !uk_parse_u64(argv[2], &count) || state == 0)
        return 2;
    spare = (uintptr_t)uk_pages_alloc(1);
    choose_values();
    try_all();
    try_random(count);
    say("fields: tried %lu, accepted %lu, refused %lu, waiting %lu, wrong %lu\n", tried, accepted, refused, waiting,
        wrong);
    end(wrong > 0);
}
