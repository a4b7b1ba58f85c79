/* SPDX-License-Identifier: MIT */
/*
 * The rings and the boot page as a guest sees them. Prints TAP; the arguments are printed back.
 *
 *     build/ukvm run -e KEY=VALUE build/tests/guests/ring.elf one '' 'two words'
 *
 * `--lines N` prints N numbered lines instead, and every hundredth on standard error too.
 */
#include "ukvm.h"

static unsigned tests, failed;

static void ok(bool passed, const char *name) {
    failed += !passed;
    uk_printf("%s %u - %s\n", passed ? "ok" : "not ok", ++tests, name);
}

static void is_error(int32_t result, int32_t want, const char *name) {
    ok(result == want, name);
    if (result != want)
        uk_printf("# got %d (%s), want %d (%s)\n", result, uk_error_name(result), want, uk_error_name(want));
}

/* ---- the boot page */

static void print_boot(const struct ukvm_boot *boot) {
    uk_printf("# version %u, features 0x%lx, generation %lu, %u bytes\n", boot->version, boot->features,
              boot->generation, boot->size);
    uk_printf("# sq %u entries at 0x%lx, cq %u entries at 0x%lx, rings at 0x%lx\n", boot->sq_entries, boot->sq_addr,
              boot->cq_entries, boot->cq_addr, boot->rings_addr);
    uk_printf("# arena 0x%lx bytes at 0x%lx\n", boot->arena_size, boot->arena_addr);
    uk_printf("# tsc_mult %lu, wall_base %lu\n", boot->tsc_mult, boot->wall_base);
}

static bool ranges_are_sound(const struct ukvm_range *ranges, uint32_t count) {
    uint64_t end = UKVM_PAGE_SIZE; /* page 0 is never mapped */
    for (uint32_t i = 0; i < count; i++) {
        const struct ukvm_range *range = &ranges[i];
        uk_printf("# range 0x%lx + 0x%lx kind %u %s%s%s\n", range->base, range->size, range->kind,
                  range->prot & UKVM_PROT_READ ? "r" : "-", range->prot & UKVM_PROT_WRITE ? "w" : "-",
                  range->prot & UKVM_PROT_EXEC ? "x" : "-");
        if (range->base < end || range->base % UKVM_PAGE_SIZE || range->size % UKVM_PAGE_SIZE || range->size == 0 ||
            range->prot == (UKVM_PROT_READ | UKVM_PROT_WRITE | UKVM_PROT_EXEC))
            return false;
        end = range->base + range->size;
    }
    return count > 0;
}

static bool range_is(uintptr_t address, uint32_t kind, uint32_t prot) {
    const struct ukvm_range *range = uk_range_at(address);
    return range && range->kind == kind && range->prot == prot;
}

/* `count` strings that end in NUL fill the blob to its last byte. */
static bool blob_is_sound(uint32_t offset, uint32_t size, uint32_t count) {
    const char *blob = (const char *)uk_boot() + offset;
    uint32_t nuls = 0;
    for (uint32_t i = 0; i < size; i++)
        nuls += blob[i] == '\0';
    return nuls == count && (size == 0 || blob[size - 1] == '\0') && offset + size <= uk_boot()->size;
}

static bool is_power_of_two(uint32_t n) {
    return n > 0 && (n & (n - 1)) == 0;
}

static void boot_page(int argc, char **argv, char **envp) {
    static const uint64_t constant = 1;
    static uint64_t variable = 1;
    const struct ukvm_boot *boot = uk_boot();
    uint64_t local = variable, words[UKVM_ENTROPY_SIZE / 8];
    print_boot(boot);
    for (int i = 0; i < argc; i++)
        uk_printf("# argv[%d]='%s'\n", i, argv[i]);
    for (; *envp; envp++)
        uk_printf("# env '%s'\n", *envp);
    ok((uintptr_t)boot % UKVM_PAGE_SIZE == 0, "the boot page is page-aligned");
    ok(is_power_of_two(boot->sq_entries) && is_power_of_two(boot->cq_entries), "ring sizes are powers of two");
    ok(boot->cq_entries >= boot->sq_entries, "the completion ring is no smaller than the submission ring");
    ok(blob_is_sound(boot->args_offset, boot->args_size, boot->args_count), "the argument blob holds its strings");
    ok(blob_is_sound(boot->env_offset, boot->env_size, boot->env_count), "so does the environment's");
    ok(argc >= 1 && !argv[argc], "argv ends in NULL");
    ok(ranges_are_sound(uk_boot_ranges(boot), boot->ranges_count),
       "ranges rise, do not overlap, and none is writable and executable");
    ok(range_is((uintptr_t)&boot_page, UKVM_RANGE_IMAGE, UKVM_PROT_READ | UKVM_PROT_EXEC), "code is r-x");
    ok(range_is((uintptr_t)&constant, UKVM_RANGE_IMAGE, UKVM_PROT_READ), "constants are r--");
    ok(range_is((uintptr_t)&variable, UKVM_RANGE_IMAGE, UKVM_PROT_READ | UKVM_PROT_WRITE), "variables are rw-");
    ok(range_is((uintptr_t)&local, UKVM_RANGE_STACK, UKVM_PROT_READ | UKVM_PROT_WRITE), "the stack is rw-");
    ok(!uk_range_at((uintptr_t)boot) && !uk_range_at(boot->arena_addr), "boot page and arena are no ranges");
    memcpy(words, boot->entropy, sizeof words);
    uint64_t all = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        all |= words[i] == 0 || (i > 0 && words[i] == words[i - 1]);
    ok(all == 0, "entropy looks random");
}

/* ---- submissions that break a rule */

static int32_t try_sqe(struct ukvm_sqe sqe) {
    struct uk_io io = {.sqe = sqe};
    uk_submit(&io);
    return uk_await(&io);
}

static void refusals(void) {
    char *text = uk_arena_alloc(512, 512);
    uint64_t at = uk_arena_offset(text), size = uk_boot()->arena_size;
    uint64_t page = (uintptr_t)uk_pages_alloc(1), image = (uintptr_t)&refusals & ~(uint64_t)(UKVM_PAGE_SIZE - 1);
    memcpy(text, "# a console write by hand\n", 26);
    const struct {
        const char *name;
        struct ukvm_sqe sqe;
    } bad[] = {
        {"all zero", {0}},
        {"an unknown operation", {.op = UKVM_OP_COUNT, .device = 1, .arena = at, .length = 26}},
        {"operation 255", {.op = UINT8_MAX}},
        {"an unknown flag", {.op = UKVM_OP_CONSOLE_WRITE, .flags = 2, .device = 1, .arena = at, .length = 26}},
        {"console stream 0", {.op = UKVM_OP_CONSOLE_WRITE, .device = 0, .arena = at, .length = 26}},
        {"console stream 3", {.op = UKVM_OP_CONSOLE_WRITE, .device = 3, .arena = at, .length = 26}},
        {"a length of 0", {.op = UKVM_OP_CONSOLE_WRITE, .device = 1, .arena = at}},
        {"a field that is not the operation's",
         {.op = UKVM_OP_CONSOLE_WRITE, .device = 1, .arena = at, .length = 26, .offset = 1}},
        {"one byte behind the arena", {.op = UKVM_OP_CONSOLE_WRITE, .device = 1, .arena = size, .length = 1}},
        {"over the end of the arena", {.op = UKVM_OP_CONSOLE_WRITE, .device = 1, .arena = size - 1, .length = 2}},
        {"the longest length", {.op = UKVM_OP_CONSOLE_WRITE, .device = 1, .arena = 0, .length = UINT32_MAX}},
        {"an offset that wraps", {.op = UKVM_OP_CONSOLE_WRITE, .device = 1, .arena = UINT64_MAX, .length = 2}},
        {"a block device that is not there",
         {.op = UKVM_OP_BLK_READ, .device = UKVM_MAX_DEVICES, .arena = at, .length = 512}},
        {"a network device that is not there",
         {.op = UKVM_OP_NET_SEND, .device = UKVM_MAX_DEVICES, .arena = at, .length = 64}},
        {"half a page returned", {.op = UKVM_OP_MEM_RETURN, .offset = page, .length = UKVM_PAGE_SIZE / 2}},
        {"an unaligned page returned", {.op = UKVM_OP_MEM_RETURN, .offset = page + 512, .length = UKVM_PAGE_SIZE}},
        {"code returned", {.op = UKVM_OP_MEM_RETURN, .offset = image, .length = UKVM_PAGE_SIZE}},
        {"page 0 returned", {.op = UKVM_OP_MEM_RETURN, .offset = 0, .length = UKVM_PAGE_SIZE}},
        {"the arena returned", {.op = UKVM_OP_MEM_RETURN, .offset = uk_boot()->arena_addr, .length = UKVM_PAGE_SIZE}},
        {"memory that wraps returned",
         {.op = UKVM_OP_MEM_RETURN, .offset = -(uint64_t)UKVM_PAGE_SIZE, .length = 2 * UKVM_PAGE_SIZE}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        is_error(try_sqe(bad[i].sqe), -UKVM_EINVAL, bad[i].name);
    ok(try_sqe((struct ukvm_sqe){.op = UKVM_OP_CONSOLE_WRITE, .device = 1, .arena = at, .length = 26}) == 26,
       "a good one still works");
    uk_arena_free(text, 512);
    uk_pages_free((void *)page, 1);
}

/* ---- deadlines */

static void deadlines(void) {
    static const uint64_t sleeps[] = {0, 50 * UK_MICROSECOND, UK_MILLISECOND, 20 * UK_MILLISECOND};
    bool early = false;
    for (size_t i = 0; i < sizeof sleeps / sizeof sleeps[0]; i++) {
        uk_console_flush(); /* a line that completes would end the wait */
        uint64_t began = uk_clock_monotonic();
        uk_wait(began + sleeps[i]);
        uint64_t took = uk_clock_monotonic() - began;
        uk_printf("# slept %lu ns of %lu\n", took, sleeps[i]);
        early = early || took < sleeps[i];
    }
    ok(!early, "no wait ends before its deadline");
    uint64_t began = uk_clock_monotonic(), wall = uk_clock_wall();
    uk_sleep(5 * UK_MILLISECOND);
    uint64_t took = uk_clock_monotonic() - began, passed = uk_clock_wall() - wall;
    ok(took >= 5 * UK_MILLISECOND && took < UK_SECOND, "a sleep of 5 ms takes 5 ms");
    ok(passed >= 5 * UK_MILLISECOND && passed < UK_SECOND, "on the wall too");
    ok(wall > UINT64_C(1700000000) * UK_SECOND, "the year is a likely one");
    struct uk_stats before = uk_stats();
    uk_poll();
    ok(uk_stats().waits == before.waits, "uk_poll() does not wait");
}

static unsigned fired;

static void fire(struct uk_timer *timer) {
    if (++fired < 5)
        uk_timer_start(timer, timer->due + UK_MILLISECOND);
}

static void timers(void) {
    struct uk_timer timer = {.fire = fire}, stopped = {.fire = fire};
    uk_timer_start(&timer, uk_clock_monotonic() + UK_MILLISECOND);
    uk_timer_start(&stopped, uk_clock_monotonic() + 2 * UK_MILLISECOND);
    uk_timer_stop(&stopped);
    uk_sleep(10 * UK_MILLISECOND);
    ok(fired == 5, "a timer fires during a sleep, each time it is started");
}

/* ---- many submissions */

/* Failing operations: each is a round through both rings that does nothing. */
struct nothing {
    struct uk_io io;
    bool pending;
};

static unsigned completed, wrong;

static void done(struct uk_io *io, int32_t result) {
    struct nothing *nothing = uk_container_of(io, struct nothing, io);
    wrong += !nothing->pending || result != -UKVM_EINVAL;
    nothing->pending = false;
    completed++;
}

static void submit(struct nothing *nothing) {
    nothing->io.done = done;
    nothing->io.sqe = (struct ukvm_sqe){.op = UKVM_OP_COUNT};
    nothing->pending = true;
    uk_submit(&nothing->io);
}

/* In batches, until the indices have wrapped in 16 bits and the rings many times. */
static void wrap_around(void) {
    enum { BATCH = 64, TOTAL = 70000 };
    static struct nothing batch[BATCH];
    struct uk_stats before = uk_stats();
    unsigned submitted = 0;
    completed = wrong = 0;
    while (submitted < TOTAL) {
        for (unsigned i = 0; i < BATCH; i++)
            submit(&batch[i]);
        submitted += BATCH;
        while (completed < submitted)
            uk_wait(UKVM_DEADLINE_NONE);
    }
    uk_printf("# %u submissions, %lu exits\n", submitted, uk_stats().waits - before.waits);
    ok(wrong == 0, "70000 submissions complete once each");
    ok(uk_stats().waits - before.waits + uk_stats().kicks - before.kicks <= TOTAL / BATCH + 10,
       "with one exit for a batch");
}

/* Three times what the monitor has in flight at most. */
static void backpressure(void) {
    unsigned count = 3 * uk_boot()->cq_entries + uk_boot()->sq_entries;
    struct nothing *all = uk_malloc(count * sizeof *all);
    completed = wrong = 0;
    memset(all, 0, count * sizeof *all);
    for (unsigned i = 0; i < count; i++)
        submit(&all[i]);
    while (completed < count)
        uk_wait(UKVM_DEADLINE_NONE);
    uk_printf("# %u at once\n", count);
    ok(wrong == 0, "more submissions than both rings hold complete once each");
    uk_console_flush(); /* its completions would count, too */
    ok(uk_poll() == 0, "and nothing else does");
    uk_free(all);
}

/* Completions that nobody takes: the monitor must stop and lose none. */
static void untaken(void) {
    unsigned count = 2 * uk_boot()->cq_entries;
    struct nothing *all = uk_malloc(count * sizeof *all);
    completed = wrong = 0;
    memset(all, 0, count * sizeof *all);
    for (unsigned i = 0; i < count; i++)
        submit(&all[i]);
    for (unsigned i = 0; i < 10; i++)
        uk_kick();
    ok(completed == 0, "kicking takes no completion");
    while (completed < count)
        uk_wait(UKVM_DEADLINE_NONE);
    ok(wrong == 0, "kicking with a full completion ring loses nothing");
    uk_free(all);
}

static int print_lines(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uk_printf("out %lu\n", i);
        if (i % 100 == 0)
            uk_eprintf("err %lu\n", i);
    }
    return uk_console_flush() < 0;
}

int main(int argc, char **argv, char **envp) {
    uint64_t lines;
    if (argc == 3 && strcmp(argv[1], "--lines") == 0 && uk_parse_u64(argv[2], &lines))
        return print_lines(lines);
    boot_page(argc, argv, envp);
    refusals();
    deadlines();
    timers();
    wrap_around();
    backpressure();
    untaken();
    uk_printf("1..%u\n", tests);
    return failed > 0;
}
