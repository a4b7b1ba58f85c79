/* SPDX-License-Identifier: MIT */
/*
 * The file that comes with the image: BOOT-08, MEM-03.
 *
 *     build/ukvm run --initrd FILE build/tests/guests/initrd.elf [MODE]
 *
 * Without a mode, prints TAP. `cat` prints the file; `last` its last byte; `late` the same, once it has said that it is
 * ready and was told to end. `write`, `execute`, `below`, `above` touch it or the pages around it as no guest may.
 */
#include "ukvm.h"

static unsigned tests, failed;

static void ok(bool passed, const char *name) {
    failed += !passed;
    uk_printf("%s %u - %s\n", passed ? "ok" : "not ok", ++tests, name);
}

static const volatile uint8_t *at(uint64_t offset) {
    return (const volatile uint8_t *)(uk_boot()->initrd_addr + offset);
}

static int32_t try_on_it(uint8_t op) {
    struct uk_io io = {.sqe = {.op = op, .offset = uk_boot()->initrd_addr, .length = UKVM_PAGE_SIZE}};
    uk_submit(&io);
    return uk_await(&io);
}

static int check(void) {
    const struct ukvm_boot *boot = uk_boot();
    const struct ukvm_range *range = uk_range_find(UKVM_RANGE_INITRD);
    uint64_t size = boot->initrd_size;
    ok(boot->features & UKVM_FEATURE_INITRD, "the feature is offered");
    if (!range) {
        ok(boot->initrd_addr == 0 && size == 0, "there is none, and the boot page says so");
        uk_printf("1..%u\n", tests);
        return failed > 0;
    }
    ok(range->base == boot->initrd_addr && range->base % UKVM_PAGE_SIZE == 0, "the boot page and its range agree");
    ok(size > 0 && range->size == (size + UKVM_PAGE_SIZE - 1) / UKVM_PAGE_SIZE * UKVM_PAGE_SIZE,
       "the range is the file in whole pages");
    ok(range->prot == UKVM_PROT_READ, "it is read-only");
    uint8_t rest = 0;
    for (uint64_t i = size; i < range->size; i++)
        rest |= *at(i);
    ok(rest == 0, "what follows the last byte is zero");
    ok(try_on_it(UKVM_OP_MEM_RETURN) == -UKVM_EINVAL, "it is not the guest's to return");
    ok(try_on_it(UKVM_OP_MEM_PROTECT) == -UKVM_EINVAL, "or to close");
    uk_printf("# initrd %lx, %lu bytes\n", boot->initrd_addr, size);
    uk_printf("1..%u\n", tests);
    return failed > 0;
}

static int cat(void) {
    uk_console_write(UKVM_CONSOLE_OUT, (const char *)uk_boot()->initrd_addr, uk_boot()->initrd_size);
    return uk_console_flush() < 0;
}

static int last(void) {
    uk_printf("%u\n", *at(uk_boot()->initrd_size - 1));
    return 0;
}

static int late(void) {
    struct uk_io signal = {.sqe = {.op = UKVM_OP_SIGNAL}};
    uk_submit(&signal);
    uk_kick();
    uk_printf("ready\n");
    uk_console_flush();
    uk_await(&signal);
    return last();
}

/* No way back from the rest but through the monitor's report. */

static int write_it(void) {
    *(volatile uint8_t *)uk_boot()->initrd_addr = 1;
    return 1;
}

static int execute(void) {
    ((void (*)(void))uk_boot()->initrd_addr)();
    return 1;
}

static int below(void) {
    return *at(-UINT64_C(1));
}

static int above(void) {
    return *at(uk_range_find(UKVM_RANGE_INITRD)->size);
}

static const struct {
    const char *name;
    int (*run)(void);
} modes[] = {
    {"cat", cat},         {"last", last},   {"late", late},   {"write", write_it},
    {"execute", execute}, {"below", below}, {"above", above},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run();
    return argc == 1 ? check() : 2;
}
