/* SPDX-License-Identifier: MIT */
/*
 * Handlers of exceptions that are none, and exceptions with everything wrong (FAULT-04 to FAULT-08):
 *
 *     build/ukvm run build/tests/hostile/handler.elf at tables
 *
 * Without an argument it prints a line for each; all of them must end the guest. `storm SEED` ends by itself after some
 * thousand exceptions with registers at random; `spin` never does.
 */
#include "by_hand.h"

#define PAGE UKVM_PAGE_SIZE
#define STORM 5000

static struct ukvm_fault *shared;
static uint64_t state, storm_left, storm_wrong;

void real_handler(void);
void next_fault(uint64_t *registers);
void storm_handler(const struct ukvm_fault *fault);

static uint64_t code(void) {
    return (uintptr_t)&code;
}
static const uint64_t constant = 1;
static uint64_t variable = 1;

/* ---- where a handler may not be */

static const struct ukvm_range *range(uint32_t number) {
    const struct ukvm_boot *boot = uk_boot();
    return uk_boot_ranges(boot) + number % boot->ranges_count;
}

static uint64_t address_of(uint32_t number) {
    const struct ukvm_range *last = range(uk_boot()->ranges_count - 1);
    const uint64_t boot = (uintptr_t)uk_boot(), arena_end = uk_boot()->arena_addr + uk_boot()->arena_size;
    uint64_t code_start = 0, code_end = 0;
    for (uint32_t i = 0; i < uk_boot()->ranges_count; i++)
        if (range(i)->prot & UKVM_PROT_EXEC) {
            code_start = range(i)->base;
            code_end = range(i)->base + range(i)->size;
        }
    const uint64_t addresses[] = {
        0,
        1,
        PAGE - 1,
        PAGE,
        code_start - 1,
        code_end,
        code_end - 1, /* code, but there is no instruction */
        code() | UINT64_C(1) << 63,
        code() | UINT64_C(1) << 47,
        code() | UINT64_C(1) << 48,
        (uintptr_t)&constant,
        (uintptr_t)&variable,
        (uintptr_t)&state,
        (uintptr_t)__builtin_frame_address(0),
        range(0)->base,
        range(0)->base - 1,
        last->base + last->size,
        last->base + last->size - 1,
        boot,
        boot - 4 * PAGE,         /* descriptor tables */
        boot - 4 * PAGE + 0x2d0, /* the stubs */
        boot - 3 * PAGE,         /* the trap stack */
        boot - 2 * PAGE,         /* page-table entries to be written */
        boot - PAGE,
        uk_boot()->rings_addr,
        uk_boot()->fault_addr,
        uk_boot()->arena_addr,
        arena_end,
        arena_end + PAGE, /* page tables */
        UINT64_C(0x00007fffffffffff),
        UINT64_C(0x0000800000000000),
        UINT64_C(0xffff7fffffffffff),
        UINT64_C(0xffff800000000000),
        UINT64_C(0xfffffe0000000000),
        UINT64_C(0xffffffff81000000),
        UINT64_C(0xffffffffff600000),
        UINT64_MAX - 1,
        UINT64_MAX,
    };
    return number < sizeof addresses / sizeof addresses[0] ? addresses[number] : 0;
}
#define ADDRESSES 38u

/* ---- a handler with a stack that is none, and faults inside */

static void fault_at(uint64_t handler, uint64_t stack) {
    shared->handler = handler;
    __asm__ volatile("mov %0, %%rsp\n\t mov %0, %%rbp\n\t std\n\t ud2" : : "r"(stack));
}

/* ---- exceptions with registers at random */

/* What goes on is made up by storm_handler(): it may fault again, at once or in a while. */
__asm__(".pushsection .text\n"
        "real_handler:\n"
        "lea handler_stack+8192(%rip), %rsp\n"
        "call storm_handler\n"
        "ud2\n"
        "next_fault:\n"
        "mov 0(%rdi), %rax\n mov 8(%rdi), %rbx\n mov 16(%rdi), %rcx\n mov 24(%rdi), %rdx\n mov 32(%rdi), %rsi\n"
        "mov 40(%rdi), %rbp\n mov 48(%rdi), %r8\n mov 56(%rdi), %r9\n mov 64(%rdi), %r10\n mov 72(%rdi), %r11\n"
        "mov 80(%rdi), %r12\n mov 88(%rdi), %r13\n mov 96(%rdi), %r14\n mov 104(%rdi), %r15\n"
        "pushq 112(%rdi)\n popfq\n"
        "mov 120(%rdi), %rsp\n"
        "cmpb $0, 128(%rdi)\n je 1f\n cmpb $1, 128(%rdi)\n je 2f\n cmpb $2, 128(%rdi)\n je 3f\n"
        "cmpb $3, 128(%rdi)\n je 4f\n cmpb $4, 128(%rdi)\n je 5f\n"
        "push %rax\n jmp *%rcx\n"
        "1: ud2\n"
        "2: mov (%rbx), %al\n ud2\n"
        "3: mov %al, (%rcx)\n ud2\n"
        "4: int3\n ud2\n"
        "5: syscall\n ud2\n"
        ".popsection\n");

uint8_t handler_stack[8192] __attribute__((aligned(16)));

/* Small, huge, or near something that is there. */
static uint64_t any_value(void) {
    uint64_t value = next_random(&state);
    switch (value % 5) {
    case 0:
        return value >> 32 & 0xffff;
    case 1:
        return value;
    case 2:
        return address_of((uint32_t)(value >> 8) % ADDRESSES) & ~UINT64_C(0xfff);
    case 3:
        return UINT64_MAX - (value >> 50);
    default:
        return UINT64_C(1) << (value >> 8) % 64;
    }
}

static void fault_somehow(void) {
    static uint64_t registers[17];
    for (unsigned i = 0; i < 16; i++)
        registers[i] = any_value();
    registers[1] &= 0xfff; /* what is read: the handler's own memory must stay */
    registers[2] &= 0xfff;
    registers[14] &= ~UINT64_C(0x100); /* a single step would be in the handler's own code */
    registers[15] &= UINT64_C(0xffff800000000fff);
    registers[16] = any_value() % 6;
    memset(shared, (int)any_value(), sizeof *shared);
    shared->handler = (uintptr_t)real_handler;
    next_fault(registers);
}

void storm_handler(const struct ukvm_fault *fault) {
    storm_wrong += fault->handler != 0 || fault->reserved != 0 || fault->vector > 31;
    if (storm_left-- > 0)
        fault_somehow();
    say("survived %lu wrong\n", storm_wrong);
    uk_hypercall(UKVM_PORT_EXIT, storm_wrong != 0);
}

static void list(void) {
    for (uint32_t i = 0; i < ADDRESSES; i++)
        uk_printf("at %u\nstack %u\n", i, i);
}

int main(int argc, char **argv) {
    shared = (struct ukvm_fault *)uk_boot()->fault_addr;
    if (argc < 2) {
        list();
        return 0;
    }
    uint64_t number = 0;
    if (argc > 2 && !uk_parse_u64(argv[2], &number))
        return 2;
    if (strcmp(argv[1], "at") == 0)
        fault_at(address_of((uint32_t)number), (uintptr_t)handler_stack + sizeof handler_stack);
    if (strcmp(argv[1], "stack") == 0) /* `code` uses it, and faults with nothing armed */
        fault_at(code(), address_of((uint32_t)number));
    open_rings();
    state = number | 1;
    storm_left = strcmp(argv[1], "spin") == 0 ? UINT64_MAX : STORM;
    fault_somehow();
    return 1;
}
