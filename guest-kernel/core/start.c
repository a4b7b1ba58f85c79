/* SPDX-License-Identifier: MIT */
/* From the first C function to main() and from there to the end. */
#include "start.h"
#include "arena.h"
#include "console.h"
#include "hypercall.h"
#include "pages.h"
#include "wait.h"

/* What a monitor that is no ukvm gets to see: there is no console yet to say more on. */
#define STATUS_NO_UKVM 134

/* Pointers that fit on the stack; more are put in pages. */
#define MAX_POINTERS_ON_STACK 256

/*
 * What %fs points at until a C library sets up its own: all the compiler asks of it is the stack canary, at the place
 * that the System V ABI for x86-64 gives it.
 */
static struct {
    uint64_t words[5];
    uint64_t canary; /* %fs:0x28 */
} first_thread;

/* Fills `pointers` with the strings of a blob (BOOT-02) and a NULL, and returns what follows. */
static char **point_at_strings(char **pointers, uint32_t offset, uint32_t count) {
    uintptr_t at = (uintptr_t)uk_boot() + offset;
    for (uint32_t i = 0; i < count; i++) {
        *pointers++ = (char *)at;
        at += strlen((const char *)at) + 1;
    }
    *pointers++ = NULL;
    return pointers;
}

static _Noreturn void run_main(char **pointers) {
    const struct ukvm_boot *boot = uk_boot();
    char **argv = pointers;
    char **envp = point_at_strings(argv, boot->args_offset, boot->args_count);
    point_at_strings(envp, boot->env_offset, boot->env_count);
    uk_main((int)boot->args_count, argv, envp);
}

static void set_up(void) {
    const struct ukvm_boot *boot = uk_boot();
    uk_pages_init(uk_boot_ranges(boot), boot->ranges_count);
    uk_wait_init(boot);
    uk_arena_init(boot);
    uk_console_init();
}

/* Not inlined: its stack frame is made after the guard is set. */
static _Noreturn __attribute__((noinline)) void start(void) {
    char *few[MAX_POINTERS_ON_STACK];
    size_t pointers = (size_t)uk_boot()->args_count + uk_boot()->env_count + 2 + UK_AUX_WORDS;
    set_up();
    if (pointers <= MAX_POINTERS_ON_STACK)
        run_main(few);
    char **many = uk_pages_alloc((pointers * sizeof *many - 1) / UKVM_PAGE_SIZE + 1);
    if (!many)
        uk_panic("no memory for %zu arguments and variables", pointers);
    run_main(many);
}

/* The guard must not change while a function that checks it is on the stack. */
__attribute__((no_stack_protector)) void uk_start(const struct ukvm_boot *boot) {
    if (boot->magic != UKVM_BOOT_MAGIC || boot->version < UKVM_ABI_VERSION)
        for (;;)
            uk_hypercall(UKVM_PORT_EXIT, STATUS_NO_UKVM);
    uk_boot_init(boot);
    /* The lowest byte is 0: a string that is copied too far ends before it. */
    __builtin_memcpy(&first_thread.canary, boot->entropy, sizeof first_thread.canary);
    first_thread.canary &= ~UINT64_C(0xff);
    __asm__ volatile("wrfsbase %0" : : "r"(&first_thread));
    start();
}
