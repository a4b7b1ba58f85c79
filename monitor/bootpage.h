/* SPDX-License-Identifier: MIT */
/* The boot pages: struct ukvm_boot and what its offsets name. ABI.md, BOOT-01 to BOOT-08. */
#ifndef UKVM_BOOTPAGE_H
#define UKVM_BOOTPAGE_H

#include "base/clock.h"
#include "base/config.h"
#include "base/error.h"
#include "base/region.h"
#include "io/device.h"
#include "machine/layout.h"

/* Bytes that the boot structure and its blobs need; the number of ranges is bounded by LAYOUT_MAX_RANGES. */
uint64_t bootpage_size(const struct config *config);

struct bootpage_source {
    const struct config *config;
    const struct devices *devices;
    const struct layout *layout;
    struct clock clock;
    uint64_t wall_base; /* nanoseconds since 1970 at the clock's zero */
    uint8_t entropy[UKVM_ENTROPY_SIZE];
};

/* Writes the boot pages at layout->boot_base of the system region. They are never read back (BOOT-07). */
int bootpage_write(const struct bootpage_source *source, const struct region *system, struct error *err);

#endif
