/* SPDX-License-Identifier: MIT */
/*
 * What free memory allows, changed by MEM_PROTECT: MEM-06 to MEM-08.
 *
 *     build/ukvm run build/tests/guests/protect.elf [MODE]
 *
 * Without a mode, prints TAP. `closed-read`, `closed-write`, `closed-execute`, `readonly-write` and `split-write` do
 * what a protection forbids; `exhaust` protects a page in block after block until the monitor says no, and goes on
 * then.
 */
#include "ukvm.h"

#define PAGE ((uint64_t)UKVM_PAGE_SIZE)
#define LARGE (UINT64_C(2) << 20)
#define READ_WRITE (UKVM_PROT_READ | UKVM_PROT_WRITE)

static unsigned tests, failed;

static void ok(bool passed, const char *name) {
    failed += !passed;
    uk_printf("%s %u - %s\n", passed ? "ok" : "not ok", ++tests, name);
}

static struct ukvm_sqe make(const void *at, uint64_t length, unsigned prot) {
    return (struct ukvm_sqe){
        .op = UKVM_OP_MEM_PROTECT, .device = (uint16_t)prot, .offset = (uintptr_t)at, .length = (uint32_t)length};
}

static int32_t try_sqe(struct ukvm_sqe sqe) {
    struct uk_io io = {.sqe = sqe};
    uk_submit(&io);
    return uk_await(&io);
}

static int32_t protect(const void *at, uint64_t length, unsigned prot) {
    return try_sqe(make(at, length, prot));
}

/* A word of its own for each page, and all of them still there? */

static void fill(uint8_t *at, uint64_t length) {
    for (uint64_t i = 0; i < length; i += PAGE)
        *(volatile uint64_t *)(void *)(at + i) = (uintptr_t)at + i;
}

static bool is_filled(const uint8_t *at, uint64_t length) {
    bool right = true;
    for (uint64_t i = 0; i < length; i += PAGE)
        right = right && *(const volatile uint64_t *)(const void *)(at + i) == (uintptr_t)at + i;
    return right;
}

static void refusals(uint8_t *page) {
    const struct ukvm_range *range = uk_range_at((uintptr_t)page);
    const uint8_t *end = (const uint8_t *)(range->base + range->size);
    static const unsigned bad[] = {
        UKVM_PROT_WRITE,    UKVM_PROT_EXEC, UKVM_PROT_READ | UKVM_PROT_EXEC, READ_WRITE | UKVM_PROT_EXEC, 8,
        READ_WRITE | 0x8000};
    bool refused = true;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused = refused && protect(page, PAGE, bad[i]) == -UKVM_EINVAL;
    ok(refused, "nothing executable, write-only or unknown");
    struct ukvm_sqe arena = make(page, PAGE, 0);
    arena.arena = PAGE;
    ok(try_sqe(arena) == -UKVM_EINVAL, "no field that is not its own");
    ok(protect(page, 0, 0) == -UKVM_EINVAL, "not nothing");
    ok(protect(page, PAGE / 2, 0) == -UKVM_EINVAL && protect(page + 8, PAGE, 0) == -UKVM_EINVAL, "whole pages");
    ok(protect(page, UKVM_PROTECT_MAX + PAGE, UKVM_PROT_READ) == -UKVM_EINVAL, "not more than UKVM_PROTECT_MAX");
    ok(protect(end - PAGE, 2 * PAGE, 0) == -UKVM_EINVAL && protect(end, PAGE, 0) == -UKVM_EINVAL,
       "not over the end of the range");
    ok(protect((const void *)((uintptr_t)&refusals & ~(PAGE - 1)), PAGE, READ_WRITE) == -UKVM_EINVAL, "not code");
    ok(protect((const void *)((uintptr_t)&range & ~(PAGE - 1)), PAGE, 0) == -UKVM_EINVAL, "not the boot stack");
    ok(protect(uk_boot(), PAGE, READ_WRITE) == -UKVM_EINVAL, "not the boot page");
    ok(protect((const void *)uk_boot()->arena_addr, PAGE, 0) == -UKVM_EINVAL, "not the arena");
    ok(protect(NULL, PAGE, READ_WRITE) == -UKVM_EINVAL, "not page 0");
    ok(protect((const void *)-PAGE, 2 * PAGE, 0) == -UKVM_EINVAL, "not what wraps");
    fill(page, PAGE);
    ok(is_filled(page, PAGE), "and none of it has changed anything");
}

static void changes(uint8_t *block) {
    fill(block, 4 * LARGE);
    ok(protect(block + 3 * PAGE, PAGE, UKVM_PROT_READ) == 0 && is_filled(block, LARGE), "a read-only page can be read");
    fill(block, 3 * PAGE);
    fill(block + 4 * PAGE, LARGE - 4 * PAGE);
    ok(is_filled(block, LARGE), "its neighbours can be written");
    ok(protect(block + 3 * PAGE, PAGE, READ_WRITE) == 0, "and made writable again");
    fill(block, LARGE);
    ok(protect(block + PAGE, 5 * PAGE, 0) == 0 && protect(block + PAGE, 5 * PAGE, READ_WRITE) == 0 &&
           is_filled(block, LARGE),
       "closed and opened, pages have their contents");
    ok(protect(block + LARGE, 2 * LARGE, 0) == 0 && is_filled(block, LARGE) && is_filled(block + 3 * LARGE, LARGE),
       "two whole blocks closed, those around them are not");
    ok(protect(block + LARGE + PAGE, PAGE, UKVM_PROT_READ) == 0 && is_filled(block + LARGE + PAGE, PAGE),
       "one page of them opened for reading");
    ok(protect(block + LARGE - 7 * PAGE, 2 * LARGE + 14 * PAGE, UKVM_PROT_READ) == 0 && is_filled(block, 4 * LARGE),
       "all of them, over both edges");
    ok(protect(block, 4 * LARGE, READ_WRITE) == 0, "and all writable again");
    fill(block, 4 * LARGE);
    ok(is_filled(block, 4 * LARGE), "and written");
}

static void returned(uint8_t *block) {
    fill(block, LARGE);
    protect(block, PAGE, UKVM_PROT_READ);
    protect(block + PAGE, PAGE, 0);
    ok(try_sqe((struct ukvm_sqe){.op = UKVM_OP_MEM_RETURN, .offset = (uintptr_t)block, .length = 2 * UKVM_PAGE_SIZE}) ==
               0 &&
           *(volatile uint64_t *)(void *)block == 0,
       "protected pages go back to the host");
    ok(protect(block, 2 * PAGE, READ_WRITE) == 0 && *(volatile uint64_t *)(void *)(block + PAGE) == 0,
       "and read as zero when they are opened");
}

/* As many as the ring holds, in one hypercall, each undoing the one before. */
static void batch(uint8_t *block) {
    enum { COUNT = 200 };
    static struct uk_io ios[COUNT];
    unsigned wrong = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        ios[i] = (struct uk_io){.sqe = make(block, PAGE, i % 2 ? READ_WRITE : 0)};
        uk_submit(&ios[i]);
    }
    uint64_t began = uk_clock_monotonic();
    for (unsigned i = 0; i < COUNT; i++)
        wrong += uk_await(&ios[i]) != 0;
    uk_printf("# %lu ns each\n", (uk_clock_monotonic() - began) / COUNT);
    fill(block, PAGE);
    ok(wrong == 0 && is_filled(block, PAGE), "200 in one hypercall, in order");
}

/*
 * Every register holds a value of its own over the hypercall that does the work: general ones, flags, both bases, SSE.
 * The stack pointer is among them: a stub that used the guest's stack would be seen in the red zone.
 */
struct state {
    uint64_t general[13]; /* rbx, rcx, rsi, rdi, rbp, r8 to r15; rax and rdx hold port and value */
    uint64_t flags, red_zone, rsp_moved;
    uint8_t sse[16];
};

struct state before, after;

void kick_with_state(void);
__asm__(".pushsection .text\n"
        ".type kick_with_state, @function\n"
        "kick_with_state:\n"
        "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
        "mov before+0(%rip), %rbx\n mov before+8(%rip), %rcx\n mov before+16(%rip), %rsi\n"
        "mov before+24(%rip), %rdi\n mov before+32(%rip), %rbp\n mov before+40(%rip), %r8\n"
        "mov before+48(%rip), %r9\n mov before+56(%rip), %r10\n mov before+64(%rip), %r11\n"
        "mov before+72(%rip), %r12\n mov before+80(%rip), %r13\n mov before+88(%rip), %r14\n"
        "mov before+96(%rip), %r15\n movdqu before+128(%rip), %xmm5\n"
        "mov before+112(%rip), %rax\n mov %rax, -8(%rsp)\n"
        "mov %rsp, after+120(%rip)\n"
        "mov $0x10, %edx\n"
        "stc\n std\n" /* two flags that are clear otherwise */
        "out %eax, %dx\n"
        "mov %rsp, %rdx\n"
        "mov -8(%rsp), %rax\n"
        "pushfq\n cld\n popq after+104(%rip)\n"
        "mov %rax, after+112(%rip)\n"
        "sub after+120(%rip), %rdx\n mov %rdx, after+120(%rip)\n"
        "mov %rbx, after+0(%rip)\n mov %rcx, after+8(%rip)\n mov %rsi, after+16(%rip)\n"
        "mov %rdi, after+24(%rip)\n mov %rbp, after+32(%rip)\n mov %r8, after+40(%rip)\n"
        "mov %r9, after+48(%rip)\n mov %r10, after+56(%rip)\n mov %r11, after+64(%rip)\n"
        "mov %r12, after+72(%rip)\n mov %r13, after+80(%rip)\n mov %r14, after+88(%rip)\n"
        "mov %r15, after+96(%rip)\n movdqu %xmm5, after+128(%rip)\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
        "ret\n"
        ".size kick_with_state, .-kick_with_state\n"
        ".popsection\n");
_Static_assert(offsetof(struct state, flags) == 104 && offsetof(struct state, sse) == 128, "as the code above has it");

static void registers(uint8_t *block) {
    static const uint64_t fs = 0x123456789000, gs = 0x7ffffffff000;
    struct uk_io io = {.sqe = make(block, PAGE, UKVM_PROT_READ)};
    uint64_t fs_own, gs_own, fs_after, gs_after;
    for (unsigned i = 0; i < sizeof before; i++)
        ((uint8_t *)&before)[i] = (uint8_t)(i * 37 + 11);
    uk_console_flush();
    uk_submit(&io);
    /* The compiler's own code counts on FS: only assembly runs while it is another. */
    __asm__ volatile("rdfsbase %0\n\trdgsbase %1" : "=r"(fs_own), "=r"(gs_own));
    __asm__ volatile("wrfsbase %0\n\twrgsbase %1" : : "r"(fs), "r"(gs));
    kick_with_state();
    __asm__ volatile("rdfsbase %0\n\trdgsbase %1" : "=r"(fs_after), "=r"(gs_after));
    __asm__ volatile("wrfsbase %0\n\twrgsbase %1" : : "r"(fs_own), "r"(gs_own));
    ok(uk_await(&io) == 0, "a hypercall that changes a protection");
    ok(memcmp(before.general, after.general, sizeof before.general) == 0, "leaves the general registers");
    ok((after.flags & 0x401) == 0x401, "the flags");
    ok(after.rsp_moved == 0 && after.red_zone == before.red_zone, "the stack and what is below it");
    ok(memcmp(before.sse, after.sse, sizeof before.sse) == 0, "SSE");
    ok(fs_after == fs && gs_after == gs, "and both bases");
    protect(block, PAGE, READ_WRITE);
}

static int exhaust(uint8_t *block) {
    int32_t result = 0;
    unsigned count = 0;
    const struct ukvm_range *range = uk_range_at((uintptr_t)block);
    uint64_t end = range->base + range->size;
    for (uint8_t *at = block; result == 0 && (uintptr_t)at + LARGE <= end; at += LARGE)
        count += (result = protect(at + PAGE, PAGE, 0)) == 0;
    uk_printf("# %u blocks, then %s\n", count, uk_error_name(result));
    ok(count >= 256, "at least 256 blocks can be taken apart");
    ok(result == -UKVM_ENOSPC, "then there is no table left");
    uint8_t *last = block + count * LARGE;
    fill(last, LARGE);
    ok(is_filled(last, LARGE), "which changes nothing");
    ok(protect(block + PAGE, PAGE, READ_WRITE) == 0, "a block that is apart can be changed");
    ok(protect(last, LARGE, UKVM_PROT_READ) == 0, "and a whole block");
    uk_printf("1..%u\n", tests);
    return failed > 0;
}

/* ---- what ends the guest */

static int closed_read(uint8_t *block) {
    protect(block + PAGE, PAGE, 0);
    return *(volatile uint8_t *)(block + PAGE);
}

static int closed_write(uint8_t *block) {
    protect(block + PAGE, PAGE, 0);
    block[PAGE - 1] = 1; /* the last byte before it is fine */
    *(volatile uint8_t *)(block + PAGE) = 1;
    return 1;
}

static int closed_execute(uint8_t *block) {
    protect(block, LARGE, 0);
    ((void (*)(void))(uintptr_t)block)();
    return 1;
}

static int readonly_write(uint8_t *block) {
    *(volatile uint8_t *)block = 1; /* what the processor remembers of the page is to be forgotten */
    protect(block, LARGE, UKVM_PROT_READ);
    *(volatile uint8_t *)block = 2;
    return 1;
}

static int split_write(uint8_t *block) {
    fill(block, LARGE);
    protect(block + 100 * PAGE, PAGE, UKVM_PROT_READ);
    *(volatile uint8_t *)(block + 100 * PAGE) = 2;
    return 1;
}

static const struct {
    const char *name;
    int (*run)(uint8_t *block);
} modes[] = {
    {"exhaust", exhaust},
    {"closed-read", closed_read},
    {"closed-write", closed_write},
    {"closed-execute", closed_execute},
    {"readonly-write", readonly_write},
    {"split-write", split_write},
};

int main(int argc, char **argv) {
    uint8_t *block = uk_pages_alloc_aligned(4 * LARGE / PAGE, LARGE);
    for (size_t i = 0; argc == 2 && i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run(block);
    ok(uk_boot()->features & UKVM_FEATURE_MEM_PROTECT, "the feature is offered");
    ok(block, "four blocks of 2 MiB");
    refusals(block);
    changes(block);
    returned(block);
    batch(block);
    registers(block);
    uk_printf("1..%u\n", tests);
    return failed > 0;
}
