/* SPDX-License-Identifier: MIT */
/*
 * Reads, writes or executes where the guest must not, with a stack that is of use or not:
 *
 *     build/ukvm run build/tests/hostile/access.elf write boot
 *
 * Without an argument it prints a line for each: all of them must end the guest (MEM-01 to MEM-03, BOOT-01, IMG-03),
 * also after a MEM_PROTECT.
 */
#include "ukvm.h"

UKVM_IMAGE(.features = UKVM_FEATURE_IMAGE_FILE);

#define READ 1u
#define WRITE 2u
#define EXECUTE 4u
#define RETURN 8u /* a far stack: an instruction that pushes there */
#define ANY (READ | WRITE | EXECUTE)
#define PAGE UKVM_PAGE_SIZE

static const uint64_t constant = 1;
static uint64_t variable = 1;

static uint64_t free_page(void) {
    return (uintptr_t)uk_pages_alloc(1);
}

static const struct ukvm_range *range(uint32_t number) {
    const struct ukvm_boot *boot = uk_boot();
    return uk_boot_ranges(boot) + number % boot->ranges_count;
}

static uint64_t memory_end(void) {
    const struct ukvm_range *last = range(uk_boot()->ranges_count - 1);
    return last->base + last->size;
}

/* Three supervisor pages and a guard lie below the boot page: tables, trap stack, page-table entries to be written. */
#define BOOT ((uintptr_t)uk_boot())
#define BOOT_END ((BOOT + uk_boot()->size + PAGE - 1) & ~(uint64_t)(PAGE - 1))
#define ARENA_END (uk_boot()->arena_addr + uk_boot()->arena_size)

static const struct {
    const char *name;
    uint64_t address; /* where it is the same in every guest */
    unsigned how;
} fixed[] = {
    {"null", 0, ANY},
    {"page0-end", 4095, ANY},
    {"page1", 4096, ANY},
    {"vga", 0xb8000, ANY},
    {"bios", 0xffff0, ANY},
    {"1m", 1 << 20, ANY},
    {"ioapic", 0xfec00000, ANY},
    {"hpet", 0xfed00000, ANY},
    {"apic", 0xfee00000, ANY},
    {"4g", UINT64_C(1) << 32, ANY},
    {"4g-1", UINT32_MAX, ANY},
    {"2^36-page", (UINT64_C(1) << 36) - PAGE, ANY},
    {"2^46", UINT64_C(1) << 46, ANY},
    {"lower-end", 0x00007ffffffff000, ANY},
    {"lower-last", 0x00007fffffffffff, READ | WRITE},
    {"non-canonical", 0x0000800000000000, ANY},
    {"non-canonical-end", 0xffff7fffffffffff, ANY},
    {"upper-start", 0xffff800000000000, ANY},
    {"direct-map", 0xffff888000000000, ANY},
    {"vmalloc", 0xffffc90000000000, ANY},
    {"cpu-entry", 0xfffffe0000000000, ANY},
    {"kernel-text", 0xffffffff81000000, ANY},
    {"module", 0xffffffffc0000000, ANY},
    {"vsyscall", 0xffffffffff600000, ANY},
    {"vsyscall-time", 0xffffffffff600400, EXECUTE},
    {"last-page", 0xfffffffffffff000, ANY},
    {"last", UINT64_MAX, READ | WRITE},
};

/* Where they differ from boot to boot (MEM-04). */
static uint64_t (*const no_function)(void) = NULL;

static uint64_t tables(void) {
    return BOOT - 4 * PAGE;
}
static uint64_t trap_stack(void) {
    return BOOT - 3 * PAGE;
}
static uint64_t edit(void) {
    return BOOT - 2 * PAGE;
}
static uint64_t below_boot(void) {
    return BOOT - PAGE;
}
static uint64_t boot_page(void) {
    return BOOT;
}
static uint64_t above_boot(void) {
    return BOOT_END;
}
static uint64_t below_rings(void) {
    return uk_boot()->rings_addr - 1;
}
static uint64_t rings(void) {
    return uk_boot()->rings_addr;
}
static uint64_t completions(void) {
    return uk_boot()->cq_addr;
}
static uint64_t below_arena(void) {
    return uk_boot()->arena_addr - 8;
}
static uint64_t arena(void) {
    return uk_boot()->arena_addr;
}
static uint64_t above_arena(void) {
    return ARENA_END;
}
static uint64_t page_tables(void) {
    return ARENA_END + PAGE;
}
static uint64_t page_tables_next(void) {
    return ARENA_END + 2 * PAGE;
}
static uint64_t above_system(void) {
    return ARENA_END + (UINT64_C(64) << 20);
}
static uint64_t below_memory(void) {
    return range(0)->base - 8;
}
static uint64_t above_memory(void) {
    return memory_end();
}
static uint64_t far_above_memory(void) {
    return memory_end() + (UINT64_C(1) << 30);
}
static uint64_t code(void) {
    return (uintptr_t)&code;
}
static uint64_t constants(void) {
    return (uintptr_t)&constant;
}
static uint64_t relocated(void) {
    return (uintptr_t)&no_function;
}
static uint64_t variables(void) {
    return (uintptr_t)&variable;
}
static uint64_t image_file(void) {
    return uk_boot()->image_addr;
}
static uint64_t below_image_file(void) {
    return uk_boot()->image_addr - 1;
}
static uint64_t above_image_file(void) {
    return (uk_boot()->image_addr + uk_boot()->image_size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}
static uint64_t own_stack(void) {
    return (uintptr_t)__builtin_frame_address(0);
}

/* Somewhere in the guard below the boot stack. */
static uint64_t below_stack(uint64_t distance) {
    for (uint32_t i = 0; i < uk_boot()->ranges_count; i++)
        if (range(i)->kind == UKVM_RANGE_STACK)
            return range(i)->base - distance;
    return 0;
}
static uint64_t stack_guard_end(void) {
    return below_stack(8);
}
static uint64_t stack_guard(void) {
    return below_stack(UKVM_STACK_GUARD / 2);
}
static uint64_t stack_guard_start(void) {
    return below_stack(UKVM_STACK_GUARD);
}

static const struct {
    const char *name;
    uint64_t (*address)(void);
    unsigned how;
} moving[] = {
    {"tables", tables, ANY},
    {"trap-stack", trap_stack, ANY},
    {"edit", edit, ANY},
    {"below-boot", below_boot, ANY},
    {"boot", boot_page, WRITE | EXECUTE},
    {"above-boot", above_boot, ANY},
    {"below-rings", below_rings, ANY},
    {"rings", rings, EXECUTE},
    {"completions", completions, EXECUTE},
    {"below-arena", below_arena, ANY},
    {"arena", arena, EXECUTE},
    {"above-arena", above_arena, ANY},
    {"page-tables", page_tables, ANY},
    {"page-tables-next", page_tables_next, ANY},
    {"above-system", above_system, ANY},
    {"below-memory", below_memory, ANY},
    {"above-memory", above_memory, ANY},
    {"far-above-memory", far_above_memory, ANY},
    {"code", code, WRITE},
    {"constants", constants, WRITE | EXECUTE},
    {"relocated", relocated, WRITE | EXECUTE},
    {"variables", variables, EXECUTE},
    {"image-file", image_file, WRITE | EXECUTE},
    {"below-image-file", below_image_file, ANY},
    {"above-image-file", above_image_file, ANY},
    {"stack", own_stack, EXECUTE},
    {"stack-guard-end", stack_guard_end, ANY},
    {"stack-guard", stack_guard, ANY},
    {"stack-guard-start", stack_guard_start, ANY},
    {"free", free_page, EXECUTE},
};

static const struct {
    const char *name;
    unsigned how;
} hows[] = {{"read", READ}, {"write", WRITE}, {"execute", EXECUTE}};

/* A fault with a stack pointer that leads nowhere: the trap stack is another, and the report must do without this. */
static void fault_on_stack(uint64_t stack) {
    __asm__ volatile("mov %0, %%rsp\n\t mov %0, %%rbp\n\t ud2" : : "r"(stack));
}

/* As an interrupted call would leave it: the word at RSP is no return address, and RSP is odd. */
static void jump_on_odd_stack(void) {
    __asm__ volatile("lea -13(%%rsp), %%rsp\n\t xor %%eax, %%eax\n\t jmp *%%rax" : : : "memory");
}

static void push_on_stack(uint64_t stack) {
    __asm__ volatile("mov %0, %%rsp\n\t push %%rax" : : "r"(stack));
}

static void overflow(void) {
    volatile uint8_t frame[1024];
    frame[0] = variable != 0;
    if (frame[0])
        overflow();
    frame[1] = 1; /* after the call: it must not become a jump */
}

static void touch(unsigned how, uint64_t address) {
    if (how == READ)
        (void)*(volatile uint8_t *)address;
    else if (how == WRITE)
        *(volatile uint8_t *)address = 0;
    else
        ((void (*)(void))address)();
}

/* The monitor's stub in ring 0 has run: what it touches must not be open to ring 3 from then on. */
static void protect_a_page(void) {
    struct uk_io io = {
        .sqe = {.op = UKVM_OP_MEM_PROTECT, .device = UKVM_PROT_READ, .offset = free_page(), .length = PAGE}};
    uk_submit(&io);
    if (uk_await(&io) != 0)
        uk_printf("survived: no page was protected\n");
}

static void list(void) {
    for (size_t h = 0; h < sizeof hows / sizeof hows[0]; h++) {
        for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
            if (fixed[i].how & hows[h].how)
                uk_printf("%s %s\n", hows[h].name, fixed[i].name);
        for (size_t i = 0; i < sizeof moving / sizeof moving[0]; i++)
            if (moving[i].how & hows[h].how)
                uk_printf("%s %s\n", hows[h].name, moving[i].name);
    }
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        uk_printf("fault-on-stack %s\npush-on-stack %s\n", fixed[i].name, fixed[i].name);
    for (size_t i = 0; i < sizeof moving / sizeof moving[0]; i++)
        uk_printf("fault-on-stack %s\n", moving[i].name);
    uk_printf("odd-stack -\noverflow -\n");
}

static uint64_t find(const char *name) {
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (strcmp(name, fixed[i].name) == 0)
            return fixed[i].address;
    for (size_t i = 0; i < sizeof moving / sizeof moving[0]; i++)
        if (strcmp(name, moving[i].name) == 0)
            return moving[i].address();
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        list();
        return 0;
    }
    uint64_t address = find(argv[2]);
    protect_a_page();
    for (size_t h = 0; h < sizeof hows / sizeof hows[0]; h++)
        if (strcmp(argv[1], hows[h].name) == 0)
            touch(hows[h].how, address);
    if (strcmp(argv[1], "fault-on-stack") == 0)
        fault_on_stack(address);
    if (strcmp(argv[1], "push-on-stack") == 0)
        push_on_stack(address);
    if (strcmp(argv[1], "odd-stack") == 0)
        jump_on_odd_stack();
    if (strcmp(argv[1], "overflow") == 0)
        overflow();
    uk_printf("survived %s %s\n", argv[1], argv[2]);
    return 1;
}
