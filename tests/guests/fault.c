/* SPDX-License-Identifier: MIT */
/*
 * Does something that must end the guest, in a function of that name:
 *
 *     build/ukvm run build/tests/guests/fault.elf null
 *
 * Without an argument, or with an unknown one, it lists them. It says what it is about to do first, which is still to
 * come out when it does it, and, with status 1, that it is still there afterwards.
 */
#include "ukvm.h"

/* Each is a frame of its own in a backtrace, under its own name. */
#define FAULT static __attribute__((noinline)) void

/* A compiler gives a function that calls nobody no frame, unless it asks where that is. */
#define WITH_FRAME() __asm__ volatile("" : : "r"(__builtin_frame_address(0)))

/* A value that the compiler knows nothing about. */
static uintptr_t hidden(uintptr_t value) {
    __asm__ volatile("" : "+r"(value));
    return value;
}

static void write_to(uintptr_t address) {
    *(volatile uint8_t *)hidden(address) = 0x90;
}

static void call(uintptr_t address) {
    ((void (*)(void))hidden(address))();
    __asm__ volatile(""); /* after the call: it must not become a jump */
}

/* ---- memory */

FAULT fault_null(void) {
    WITH_FRAME();
    (void)*(volatile uint8_t *)hidden(0);
}

FAULT fault_noncanonical(void) {
    WITH_FRAME();
    (void)*(volatile uint8_t *)hidden(UINT64_C(1) << 63);
}

FAULT fault_guard(void) {
    WITH_FRAME();
    (void)*(volatile uint8_t *)hidden(uk_boot()->rings_addr - 1);
}

FAULT fault_write_text(void) {
    WITH_FRAME();
    write_to((uintptr_t)&fault_write_text);
}

FAULT fault_write_rodata(void) {
    WITH_FRAME();
    write_to((uintptr_t) "a constant");
}

FAULT fault_write_relro(void) {
    WITH_FRAME();
    static void (*const pointer)(void) = fault_write_relro;
    write_to((uintptr_t)&pointer);
}

FAULT fault_write_boot(void) {
    WITH_FRAME();
    write_to((uintptr_t)uk_boot());
}

static void put_ret(void *at) {
    *(volatile uint8_t *)at = 0xc3; /* ret: where it runs, it does no harm */
}

FAULT fault_exec_data(void) {
    WITH_FRAME();
    static uint8_t data[16];
    put_ret(data);
    call((uintptr_t)data);
}

FAULT fault_exec_stack(void) {
    WITH_FRAME();
    uint8_t data[16];
    put_ret(data);
    call((uintptr_t)data);
}

FAULT fault_exec_heap(void) {
    WITH_FRAME();
    void *data = uk_malloc(16);
    put_ret(data);
    call((uintptr_t)data);
}

FAULT fault_exec_arena(void) {
    WITH_FRAME();
    void *data = uk_arena_alloc(16, 16);
    put_ret(data);
    call((uintptr_t)data);
}

FAULT fault_jump_null(void) {
    WITH_FRAME();
    call(0);
}

FAULT fault_stack(void) {
    WITH_FRAME();
    volatile uint8_t frame[512];
    frame[0] = 1;
    if (hidden(1))
        fault_stack();
    (void)frame[0]; /* after the call: it must not become a jump */
}

FAULT fault_smash(void) {
    WITH_FRAME();
    char buffer[16];
    for (uintptr_t i = 0; i < hidden(64); i++)
        *(volatile char *)hidden((uintptr_t)buffer + i) = 'x';
}

/* ---- instructions */

FAULT fault_ud(void) {
    WITH_FRAME();
    __asm__ volatile("ud2");
}

FAULT fault_div(void) {
    WITH_FRAME();
    uint32_t low = 1, high = 0;
    __asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"((uint32_t)hidden(0)));
}

FAULT fault_simd(void) {
    WITH_FRAME();
    uint32_t unmasked = 0x1f80 & ~0x200u; /* MXCSR without the mask of division by zero */
    float one = 1, zero = 0;
    __asm__ volatile("ldmxcsr %1\n\tdivss %2, %0" : "+x"(one) : "m"(unmasked), "x"(zero));
}

FAULT fault_int3(void) {
    WITH_FRAME();
    __asm__ volatile("int3");
}

FAULT fault_int80(void) {
    WITH_FRAME();
    __asm__ volatile("int $0x80" : : "a"(1), "b"(0));
}

FAULT fault_privileged(void) {
    WITH_FRAME();
    __asm__ volatile("mov %%cr3, %%rax" : : : "rax");
}

FAULT fault_hlt(void) {
    WITH_FRAME();
    __asm__ volatile("hlt");
}

FAULT fault_syscall(void) {
    WITH_FRAME();
    __asm__ volatile("syscall" : : "a"(60), "D"(0) : "rcx", "r11", "memory");
}

FAULT fault_sysenter(void) {
    WITH_FRAME();
    __asm__ volatile("sysenter");
}

/* ---- ports, CALL-05 */

FAULT fault_port(void) {
    WITH_FRAME();
    __asm__ volatile("outl %%eax, %%dx" : : "a"(0), "d"(0x3f8));
}

FAULT fault_trap_port(void) {
    WITH_FRAME();
    __asm__ volatile("outl %%eax, %%dx" : : "a"(0), "d"(UKVM_PORT_TRAP + 6));
}

FAULT fault_outb(void) {
    WITH_FRAME();
    __asm__ volatile("outb %%al, %%dx" : : "a"(0), "d"(UKVM_PORT_KICK));
}

FAULT fault_in(void) {
    WITH_FRAME();
    uint32_t value;
    __asm__ volatile("inl %%dx, %%eax" : "=a"(value) : "d"(UKVM_PORT_KICK));
}

FAULT fault_outs(void) {
    WITH_FRAME();
    uint32_t words[4] = {0};
    const uint32_t *at = words;
    uint64_t count = 4;
    __asm__ volatile("rep outsl" : "+S"(at), "+c"(count) : "d"(UKVM_PORT_KICK) : "memory");
}

/* ---- rings, RING-02 */

static struct ukvm_rings *rings(void) {
    return (struct ukvm_rings *)uk_boot()->rings_addr;
}

FAULT fault_sq_tail(void) {
    WITH_FRAME();
    rings()->sq_tail += uk_boot()->sq_entries + 1;
    uk_kick();
}

FAULT fault_cq_ahead(void) {
    WITH_FRAME();
    rings()->cq_head++;
    uk_kick();
}

FAULT fault_cq_behind(void) {
    WITH_FRAME();
    rings()->cq_head -= uk_boot()->cq_entries + 1;
    uk_kick();
}

FAULT fault_panic(void) {
    WITH_FRAME();
    uk_panic("asked for");
}

/* ---- the table */

static const struct {
    const char *name;
    void (*commit)(void);
} faults[] = {
    {"null", fault_null},
    {"noncanonical", fault_noncanonical},
    {"guard", fault_guard},
    {"write-text", fault_write_text},
    {"write-rodata", fault_write_rodata},
    {"write-relro", fault_write_relro},
    {"write-boot", fault_write_boot},
    {"exec-data", fault_exec_data},
    {"exec-stack", fault_exec_stack},
    {"exec-heap", fault_exec_heap},
    {"exec-arena", fault_exec_arena},
    {"jump-null", fault_jump_null},
    {"stack", fault_stack},
    {"smash", fault_smash},
    {"ud", fault_ud},
    {"div", fault_div},
    {"simd", fault_simd},
    {"int3", fault_int3},
    {"int80", fault_int80},
    {"privileged", fault_privileged},
    {"hlt", fault_hlt},
    {"syscall", fault_syscall},
    {"sysenter", fault_sysenter},
    {"port", fault_port},
    {"trap-port", fault_trap_port},
    {"outb", fault_outb},
    {"in", fault_in},
    {"outs", fault_outs},
    {"sq-tail", fault_sq_tail},
    {"cq-ahead", fault_cq_ahead},
    {"cq-behind", fault_cq_behind},
    {"panic", fault_panic},
};
#define FAULTS (sizeof faults / sizeof faults[0])

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < FAULTS; i++) {
        if (strcmp(argv[1], faults[i].name) != 0)
            continue;
        uk_printf("fault: about to commit %s\n", argv[1]);
        faults[i].commit();
        uk_printf("fault: survived %s\n", argv[1]);
        return 1;
    }
    for (size_t i = 0; i < FAULTS; i++)
        uk_eprintf("%s\n", faults[i].name);
    return 2;
}
