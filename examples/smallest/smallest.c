/* SPDX-License-Identifier: MIT */
/*
 * The smallest guest: no kernel and no library, only guest-abi/ukvm_abi.h. It says one line and ends with status 0.
 *
 *     build/ukvm run build/examples/smallest.elf
 *
 * docs/PORTING.md walks through it.
 */
#include "ukvm_abi.h"

/* The note by which a monitor knows the image. UKVM-IMG-05 */
static const struct __attribute__((packed)) {
    uint32_t name_size, desc_size, type;
    char name[8];
    struct ukvm_note_abi abi;
} note __attribute__((section(".note.ukvm"), used, aligned(4))) = {
    sizeof UKVM_NOTE_NAME, sizeof(struct ukvm_note_abi), UKVM_NOTE_ABI, UKVM_NOTE_NAME, {.version = UKVM_ABI_VERSION}};

/* RDI is the address of the boot page, RSP the top of a stack, aligned as a call wants it. UKVM-ENTRY-01 */
_Noreturn void guest_start(const struct ukvm_boot *boot);
__asm__(".globl _start\n"
        "_start:\n"
        "xor %ebp, %ebp\n"
        "call guest_start\n");

/* UKVM-CALL */
static void hypercall(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

/* Makes one submission, sleeps until it is complete, and returns its result. UKVM-RING-01, UKVM-CALL-02 */
static int32_t perform(const struct ukvm_boot *boot, struct ukvm_sqe sqe) {
    static uint32_t sq_tail, cq_head;
    struct ukvm_rings *rings = (struct ukvm_rings *)boot->rings_addr;
    struct ukvm_sqe *sq = (struct ukvm_sqe *)boot->sq_addr;
    const struct ukvm_cqe *cq = (const struct ukvm_cqe *)boot->cq_addr;

    sq[sq_tail++ & (boot->sq_entries - 1)] = sqe;
    __atomic_store_n(&rings->sq_tail, sq_tail, __ATOMIC_RELEASE);
    rings->deadline = UKVM_DEADLINE_NONE;
    do
        hypercall(UKVM_PORT_WAIT, 0);
    while (__atomic_load_n(&rings->cq_tail, __ATOMIC_ACQUIRE) == cq_head);
    int32_t result = cq[cq_head++ & (boot->cq_entries - 1)].result;
    __atomic_store_n(&rings->cq_head, cq_head, __ATOMIC_RELEASE);
    return result;
}

/* Volatile: the compiler makes no memcpy() of the loop, which nobody has written here. */
static void copy(volatile char *to, const char *from, uint32_t size) {
    for (uint32_t i = 0; i < size; i++)
        to[i] = from[i];
}

_Noreturn void guest_start(const struct ukvm_boot *boot) {
    static const char line[] = "Hello from a guest without a kernel.\n";
    const uint32_t length = sizeof line - 1;
    uint32_t status = 1;
    if (boot->magic == UKVM_BOOT_MAGIC) {
        copy((volatile char *)boot->arena_addr, line, length);
        /* The buffer is at offset 0 of the arena. UKVM-RING-08, UKVM-CON-01 */
        struct ukvm_sqe sqe = {.op = UKVM_OP_CONSOLE_WRITE, .device = UKVM_CONSOLE_OUT, .length = length};
        if (perform(boot, sqe) == (int32_t)length)
            status = 0;
    }
    for (;;)
        hypercall(UKVM_PORT_EXIT, status);
}
