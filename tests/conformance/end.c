/* SPDX-License-Identifier: MIT */
/*
 * Does something that must end the guest, named by its arguments; says so before, and that it is still there
 * afterwards:
 *
 *     read|write|exec PLACE      see `places`
 *     instruction NAME           see `instructions`
 *     out|in BYTES PORT          BYTES is 1, 2 or 4
 *     outs|ins BYTES PORT        the same with a repeated string instruction, 4 times
 *     index NAME SIGN N PORT     moves sq_tail or cq_head, then an `out` to PORT; SIGN is + or - for N entries, ++ or
 *                                -- for N entries more than the ring has
 *     protect N ACCESS STEP...   N pages of free memory go through the steps in one hypercall; ACCESS, to the last of
 *                                them, is read, write or exec. A STEP is the number of a protection, `return`, or
 *                                `open`, which makes the first page writable
 *     handler PLACE              an invalid instruction, whose handler would be there
 *     exit STATUS                EXIT
 *     spin, sleep                for ever
 */
#include "guest.h"

static uint64_t hidden(uint64_t value) {
    __asm__ volatile("" : "+r"(value));
    return value;
}

/* ---- places ---- */

#define RET 0xc3

static uint8_t data[16] = {RET};
static uint8_t bss[16];
static const uint8_t rodata[16] = {RET};
static const uint8_t *const relro = rodata;

static uint64_t page_up(uint64_t address) {
    return (address + UKVM_PAGE_SIZE - 1) & ~(uint64_t)(UKVM_PAGE_SIZE - 1);
}

static const struct ukvm_range *last_range(uint32_t kind) {
    for (unsigned i = boot->ranges_count; i > 0; i--)
        if (ranges()[i - 1].kind == kind)
            return &ranges()[i - 1];
    return NULL;
}

static uint64_t rings_end(void) {
    uint64_t ends[] = {boot->rings_addr + sizeof(struct ukvm_rings),
                       boot->sq_addr + boot->sq_entries * sizeof(struct ukvm_sqe),
                       boot->cq_addr + boot->cq_entries * sizeof(struct ukvm_cqe)};
    uint64_t end_of_all = 0;
    for (unsigned i = 0; i < COUNT(ends); i++)
        end_of_all = ends[i] > end_of_all ? ends[i] : end_of_all;
    return page_up(end_of_all);
}

static uint64_t rings_start(void) {
    uint64_t start = boot->rings_addr;
    start = boot->sq_addr < start ? boot->sq_addr : start;
    start = boot->cq_addr < start ? boot->cq_addr : start;
    return start & ~(uint64_t)(UKVM_PAGE_SIZE - 1);
}

static void function(void) {
    __asm__ volatile("");
}

/* Where the third argument is. */
static uint64_t place(void) {
    const struct ukvm_range *stack = range_of(entry_registers[RSP] - 1), *free = last_range(UKVM_RANGE_FREE);
    const struct ukvm_range *first = ranges(), *last = &ranges()[boot->ranges_count - 1];
    const uint64_t page = (uintptr_t)boot, arena_end = boot->arena_addr + boot->arena_size;
    const struct {
        const char *name;
        uint64_t address;
    } places[] = {
        {"null", 0},
        {"null-last", UKVM_PAGE_SIZE - 1},
        {"noncanonical", UINT64_C(1) << 63},
        {"noncanonical-high", UINT64_C(0x0000800000000000)},
        {"kernel-half", UINT64_C(0xffff800000000000)},
        {"text", (uintptr_t)function},
        {"rodata", (uintptr_t)rodata},
        {"relro", (uintptr_t)&relro},
        {"data", (uintptr_t)data},
        {"bss", (uintptr_t)bss},
        {"stack", stack ? stack->base + stack->size / 2 : 0},
        {"below-stack", stack ? stack->base - 1 : 0},
        {"far-below-stack", stack ? stack->base - UKVM_STACK_GUARD / 2 : 0},
        {"farthest-below-stack", stack ? stack->base - UKVM_STACK_GUARD : 0},
        {"free", free ? free->base : 0},
        {"below-ranges", first->base - 1},
        {"above-ranges", last->base + last->size},
        {"boot", page},
        {"boot-arena-size", (uintptr_t)&boot->arena_size},
        {"boot-last", page + boot->size - 1},
        {"boot-argument", (uintptr_t)argument(4)},
        {"below-boot", page - 1},
        {"far-below-boot", page - UKVM_PAGE_SIZE - 1},
        {"farther-below-boot", page - 2 * UKVM_PAGE_SIZE - 1},
        {"farthest-below-boot", page - 3 * UKVM_PAGE_SIZE - 1},
        {"above-boot", page_up(page + boot->size)},
        {"rings", boot->sq_addr},
        {"below-rings", rings_start() - 1},
        {"above-rings", rings_end()},
        {"arena", boot->arena_addr + ARENA_FREE},
        {"initrd", boot->initrd_addr},
        {"initrd-last", boot->initrd_addr + boot->initrd_size - 1},
        {"below-initrd", boot->initrd_addr - 1},
        {"above-initrd", page_up(boot->initrd_addr + boot->initrd_size)},
        {"image-file", boot->image_addr},
        {"image-file-last", boot->image_addr + boot->image_size - 1},
        {"below-image-file", boot->image_addr - 1},
        {"above-image-file", page_up(boot->image_addr + boot->image_size)},
        {"below-arena", boot->arena_addr - 1},
        {"above-arena", arena_end},
        {"far-above-arena", arena_end + 4 * UKVM_PAGE_SIZE},
    };
    for (unsigned i = 0; i < COUNT(places) && argument(3); i++)
        if (same(places[i].name, argument(3)))
            return hidden(places[i].address);
    say("there is no such place");
    end(2);
}

static void do_read(void) {
    (void)*(volatile uint8_t *)place();
}

static void do_write(void) {
    *(volatile uint8_t *)place() = RET;
}

/* Where it can be written, there is an instruction that returns. */
static void do_exec(void) {
    const struct ukvm_range *range = range_of(place());
    if (same(argument(3), "rings") || same(argument(3), "arena") || (range && (range->prot & UKVM_PROT_WRITE)))
        do_write();
    ((void (*)(void))place())();
}

/* ---- instructions ---- */

#define INSTRUCTION(name, ...)         \
    static void do_##name(void) {      \
        __asm__ volatile(__VA_ARGS__); \
    }

INSTRUCTION(ud2, "ud2")
INSTRUCTION(divide, "xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" : : : "rax", "rcx", "rdx")
INSTRUCTION(int3, "int3")
INSTRUCTION(int80, "int $0x80" : : "a"(1), "b"(0))
INSTRUCTION(int13, "int $13")
INSTRUCTION(syscall, "syscall" : : "a"(60), "D"(0) : "rcx", "r11", "memory")
INSTRUCTION(sysenter, "sysenter")
INSTRUCTION(hlt, "hlt")
INSTRUCTION(cr0, "mov %%cr0, %%rax" : : : "rax")
INSTRUCTION(cr3, "mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax")
INSTRUCTION(cr4, "mov %%rax, %%cr4" : : "a"(0))
INSTRUCTION(dr7, "mov %%rax, %%dr7" : : "a"(0))
INSTRUCTION(rdmsr, "rdmsr" : : "c"(0xc0000080) : "rax", "rdx")
INSTRUCTION(wrmsr, "wrmsr" : : "c"(0xc0000080), "a"(0), "d"(0))
INSTRUCTION(lgdt, "lgdt (%0)" : : "r"(data))
INSTRUCTION(lidt, "lidt (%0)" : : "r"(data))
INSTRUCTION(ltr, "ltr %%ax" : : "a"(0x40))
INSTRUCTION(invlpg, "invlpg (%0)" : : "r"(data))
INSTRUCTION(wbinvd, "wbinvd")
INSTRUCTION(clts, "clts")
INSTRUCTION(swapgs, "swapgs")
INSTRUCTION(iretq_to_0, "push $0; push %%rsp; pushfq; push $0x10; lea 1f(%%rip), %%rax; push %%rax; iretq; 1:"
            :
            :
            : "rax")
INSTRUCTION(trap_flag, "pushfq; orq $0x100, (%%rsp); popfq; nop; nop" : : : "memory", "cc")
INSTRUCTION(stack_segment, "mov %0, %%rbp; mov (%%rbp), %%rax" : : "r"(UINT64_C(1) << 62) : "rax")

static void do_simd(void) {
    uint32_t unmasked = 0x1f80 & ~0x200u; /* MXCSR without the mask of division by zero */
    float one = 1, zero = 0;
    __asm__ volatile("ldmxcsr %1\n\tdivss %2, %0" : "+x"(one) : "m"(unmasked), "x"(zero));
}

static void do_x87(void) {
    uint16_t unmasked = 0x37f & ~4u; /* the control word without the mask of division by zero */
    __asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(unmasked));
}

static const struct {
    const char *name;
    void (*run)(void);
} instructions[] = {
    {"ud2", do_ud2},
    {"divide", do_divide},
    {"int3", do_int3},
    {"int80", do_int80},
    {"int13", do_int13},
    {"syscall", do_syscall},
    {"sysenter", do_sysenter},
    {"hlt", do_hlt},
    {"cr0", do_cr0},
    {"cr3", do_cr3},
    {"cr4", do_cr4},
    {"dr7", do_dr7},
    {"rdmsr", do_rdmsr},
    {"wrmsr", do_wrmsr},
    {"lgdt", do_lgdt},
    {"lidt", do_lidt},
    {"ltr", do_ltr},
    {"invlpg", do_invlpg},
    {"wbinvd", do_wbinvd},
    {"clts", do_clts},
    {"swapgs", do_swapgs},
    {"iretq-to-0", do_iretq_to_0},
    {"trap-flag", do_trap_flag},
    {"stack-segment", do_stack_segment},
    {"simd", do_simd},
    {"x87", do_x87},
};

static void do_instruction(void) {
    for (unsigned i = 0; i < COUNT(instructions) && argument(3); i++)
        if (same(instructions[i].name, argument(3)))
            return instructions[i].run();
    say("there is no such instruction");
    end(2);
}

/* ---- ports ---- */

static void do_out(void) {
    uint16_t port = (uint16_t)number_argument(4);
    switch (number_argument(3)) {
    case 1:
        __asm__ volatile("outb %%al, %%dx" : : "a"(0), "d"(port) : "memory");
        break;
    case 2:
        __asm__ volatile("outw %%ax, %%dx" : : "a"(0), "d"(port) : "memory");
        break;
    default:
        __asm__ volatile("outl %%eax, %%dx" : : "a"(0), "d"(port) : "memory");
    }
}

static void do_in(void) {
    uint16_t port = (uint16_t)number_argument(4);
    uint32_t value;
    switch (number_argument(3)) {
    case 1:
        __asm__ volatile("inb %%dx, %%al" : "=a"(value) : "d"(port) : "memory");
        break;
    case 2:
        __asm__ volatile("inw %%dx, %%ax" : "=a"(value) : "d"(port) : "memory");
        break;
    default:
        __asm__ volatile("inl %%dx, %%eax" : "=a"(value) : "d"(port) : "memory");
    }
}

static uint32_t words[4];

static void do_outs(void) {
    uint64_t count = COUNT(words);
    const uint32_t *at = words;
    uint16_t port = (uint16_t)number_argument(4);
    if (number_argument(3) == 4)
        __asm__ volatile("rep outsl" : "+S"(at), "+c"(count) : "d"(port) : "memory");
    else
        __asm__ volatile("rep outsb" : "+S"(at), "+c"(count) : "d"(port) : "memory");
}

static void do_ins(void) {
    uint64_t count = COUNT(words);
    uint32_t *at = words;
    uint16_t port = (uint16_t)number_argument(4);
    __asm__ volatile("rep insl" : "+D"(at), "+c"(count) : "d"(port) : "memory");
}

/* ---- protections ---- */

/* The last page is written before, so that the processor knows it. */
static void do_protect(void) {
    const uint64_t large = UINT64_C(2) << 20, start = (largest_free()->base + large - 1) & ~(large - 1);
    const uint32_t size = (uint32_t)number_argument(3) * UKVM_PAGE_SIZE;
    volatile uint8_t *last = (volatile uint8_t *)(start + size - UKVM_PAGE_SIZE);
    *last = RET;
    for (unsigned i = 5; argument(i); i++) {
        struct ukvm_sqe sqe = {.op = UKVM_OP_MEM_PROTECT, .length = size, .offset = start};
        if (same(argument(i), "return"))
            sqe.op = UKVM_OP_MEM_RETURN;
        else if (same(argument(i), "open"))
            sqe.device = UKVM_PROT_READ | UKVM_PROT_WRITE, sqe.length = UKVM_PAGE_SIZE;
        else
            sqe.device = (uint16_t)number_argument(i);
        push(sqe);
    }
    kick();
    if (same(argument(4), "read"))
        (void)*last;
    else if (same(argument(4), "write"))
        *last = RET;
    else
        ((void (*)(void))hidden((uintptr_t)last))();
}

/* ---- rings and the end ---- */

static void do_index(void) {
    bool submissions = same(argument(3), "sq_tail");
    uint32_t *index = submissions ? &rings()->sq_tail : &rings()->cq_head, before = *index;
    const char *sign = argument(4);
    uint32_t delta = (uint32_t)number_argument(5);
    if (sign[1])
        delta += submissions ? boot->sq_entries : boot->cq_entries;
    *index = *sign == '+' ? before + delta : before - delta;
    rings()->deadline = 0;
    switch (number_argument(6)) {
    case UKVM_PORT_KICK:
        hypercall(UKVM_PORT_KICK, 0);
        break;
    case UKVM_PORT_WAIT:
        hypercall(UKVM_PORT_WAIT, 0);
        break;
    default:
        hypercall(UKVM_PORT_EXIT, 7);
    }
    *index = before; /* for what is said next */
}

/* An exception with a handler that is none. FAULT-05. */
static void do_handler(void) {
    if (boot->features & UKVM_FEATURE_FAULT)
        ((volatile struct ukvm_fault *)boot->fault_addr)->handler = place();
    do_ud2();
}

static void do_exit(void) {
    hypercall(UKVM_PORT_EXIT, (uint32_t)number_argument(3));
}

static void do_spin(void) {
    for (;;)
        __asm__ volatile("pause");
}

static void do_sleep(void) {
    for (;;)
        wait_until(UKVM_DEADLINE_NONE);
}

static const struct {
    const char *name;
    void (*run)(void);
} deeds[] = {
    {"read", do_read},       {"write", do_write},     {"exec", do_exec}, {"instruction", do_instruction},
    {"out", do_out},         {"in", do_in},           {"outs", do_outs}, {"ins", do_ins},
    {"index", do_index},     {"exit", do_exit},       {"spin", do_spin}, {"sleep", do_sleep},
    {"protect", do_protect}, {"handler", do_handler},
};

static void commit(void) {
    for (unsigned i = 0; i < COUNT(deeds) && argument(2); i++) {
        if (!same(deeds[i].name, argument(2)))
            continue;
        say("before");
        flush();
        deeds[i].run();
        say("after");
        return;
    }
    say("there is no such deed");
    end(2);
}

/* Text in the ring that no hypercall has pointed at, in two pieces and then as one that was lengthened; and a deed. */
static void commit_with_last_words(void) {
    static const char text[] = "last words\n";
    struct ukvm_sqe sqe = {.op = UKVM_OP_CONSOLE_WRITE, .device = UKVM_CONSOLE_OUT, .arena = ARENA_FREE};
    memcpy(arena(ARENA_FREE), text, sizeof text - 1);
    say("before");
    flush();
    uint32_t at = rings()->sq_tail;
    sqe.length = 5;
    push(sqe);
    ((struct ukvm_sqe *)boot->sq_addr)[at & (boot->sq_entries - 1)].length = sizeof text - 1;
    for (unsigned i = 0; i < COUNT(deeds) && argument(2); i++)
        if (same(deeds[i].name, argument(2)))
            deeds[i].run();
}

const struct check checks[] = {
    {"end", commit},
    {"last", commit_with_last_words},
    {NULL, NULL},
};
