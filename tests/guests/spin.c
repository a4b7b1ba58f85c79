/* SPDX-License-Identifier: MIT */
/*
 * Never ends: without an argument it computes for ever and never enters the monitor, with `sleep` it waits for ever.
 *
 *     build/ukvm run build/tests/guests/spin.elf [sleep]
 */
#include "ukvm.h"

UKVM_ACCEPTS_ANY(UKVM_DEVICE_BLK);
UKVM_ACCEPTS_ANY(UKVM_DEVICE_NET);

int main(int argc, char **argv) {
    uk_printf("spin: ready\n");
    uk_console_flush();
    while (argc > 1 && strcmp(argv[1], "sleep") == 0)
        uk_wait(UKVM_DEADLINE_NONE);
    for (;;)
        __asm__ volatile("pause");
}
