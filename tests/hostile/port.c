/* SPDX-License-Identifier: MIT */
/*
 * Touches one I/O port: CALL-05.
 *
 *     build/ukvm run build/tests/hostile/port.elf out 4 0x3f8
 *
 * HOW is out, in, outs or ins, a repeated string instruction that would never end; WIDTH is 1, 2 or 4 bytes.
 */
#include "ukvm.h"

static uint8_t bytes[64];

static void out(unsigned width, uint16_t port) {
    if (width == 1)
        __asm__ volatile("outb %%al, %%dx" : : "a"(0), "d"(port) : "memory");
    else if (width == 2)
        __asm__ volatile("outw %%ax, %%dx" : : "a"(0), "d"(port) : "memory");
    else
        __asm__ volatile("outl %%eax, %%dx" : : "a"(0), "d"(port) : "memory");
}

static void in(unsigned width, uint16_t port) {
    uint32_t value;
    if (width == 1)
        __asm__ volatile("inb %%dx, %%al" : "=a"(value) : "d"(port) : "memory");
    else if (width == 2)
        __asm__ volatile("inw %%dx, %%ax" : "=a"(value) : "d"(port) : "memory");
    else
        __asm__ volatile("inl %%dx, %%eax" : "=a"(value) : "d"(port) : "memory");
}

/* Until the end of memory at the latest. */
static void outs(unsigned width, uint16_t port) {
    const uint8_t *at = bytes;
    uint64_t count = UINT64_MAX;
    if (width == 1)
        __asm__ volatile("rep outsb" : "+S"(at), "+c"(count) : "d"(port) : "memory");
    else if (width == 2)
        __asm__ volatile("rep outsw" : "+S"(at), "+c"(count) : "d"(port) : "memory");
    else
        __asm__ volatile("rep outsl" : "+S"(at), "+c"(count) : "d"(port) : "memory");
}

static void ins(unsigned width, uint16_t port) {
    uint8_t *at = bytes;
    uint64_t count = UINT64_MAX;
    if (width == 1)
        __asm__ volatile("rep insb" : "+D"(at), "+c"(count) : "d"(port) : "memory");
    else if (width == 2)
        __asm__ volatile("rep insw" : "+D"(at), "+c"(count) : "d"(port) : "memory");
    else
        __asm__ volatile("rep insl" : "+D"(at), "+c"(count) : "d"(port) : "memory");
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*touch)(unsigned width, uint16_t port);
    } hows[] = {{"out", out}, {"in", in}, {"outs", outs}, {"ins", ins}};
    uint64_t width, port;
    if (argc != 4 || !uk_parse_u64(argv[2], &width) || !uk_parse_u64(argv[3], &port)) {
        uk_eprintf("usage: port HOW WIDTH PORT\n");
        return 2;
    }
    ((struct ukvm_rings *)uk_boot()->rings_addr)->deadline = 0; /* of WAIT: no sleep */
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++)
        if (strcmp(argv[1], hows[i].name) == 0)
            hows[i].touch((unsigned)width, (uint16_t)port);
    uk_printf("survived\n");
    return 1;
}
