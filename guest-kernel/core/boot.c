/* SPDX-License-Identifier: MIT */
/* The boot page and its table of memory. device.c has the table of devices. ABI.md, BOOT. */
#include "start.h"

static const struct ukvm_boot *boot_page;

void uk_boot_init(const struct ukvm_boot *boot) {
    boot_page = boot;
}

const struct ukvm_boot *uk_boot(void) {
    return boot_page;
}

const struct ukvm_range *uk_range_at(uintptr_t address) {
    const struct ukvm_range *ranges = uk_boot_ranges(boot_page);
    for (uint32_t i = 0; i < boot_page->ranges_count; i++)
        if (address >= ranges[i].base && address - ranges[i].base < ranges[i].size)
            return &ranges[i];
    return NULL;
}

const struct ukvm_range *uk_range_find(enum ukvm_range_kind kind) {
    const struct ukvm_range *ranges = uk_boot_ranges(boot_page);
    for (uint32_t i = 0; i < boot_page->ranges_count; i++)
        if (ranges[i].kind == kind)
            return &ranges[i];
    return NULL;
}
