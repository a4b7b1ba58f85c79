/* SPDX-License-Identifier: MIT */
#include "bootpage.h"

#include <stddef.h>
#include <string.h>

#include "base/range.h"
#include "io/ring.h"

static uint64_t strings_size(const char *const *strings, unsigned count) {
    uint64_t size = 0;
    for (unsigned i = 0; i < count; i++)
        size += strlen(strings[i]) + 1;
    return size;
}

static const char *const *args_of(const struct config *config) {
    return (const char *const *)config->args;
}

uint64_t bootpage_size(const struct config *config) {
    return sizeof(struct ukvm_boot) + LAYOUT_MAX_RANGES * sizeof(struct ukvm_range) +
           config->devices_count * sizeof(struct ukvm_device) + strings_size(args_of(config), config->args_count) +
           strings_size(config->env, config->env_count);
}

/* Appends bytes behind the structure; returns their offset. bootpage_size() has made room. */
static uint32_t append(uint8_t *pages, uint32_t *size, const void *bytes, size_t length) {
    uint32_t offset = *size;
    memcpy(pages + offset, bytes, length);
    *size += (uint32_t)length;
    return offset;
}

static uint32_t append_strings(uint8_t *pages, uint32_t *size, const char *const *strings, unsigned count) {
    uint32_t offset = *size;
    for (unsigned i = 0; i < count; i++)
        append(pages, size, strings[i], strlen(strings[i]) + 1);
    return offset;
}

int bootpage_write(const struct bootpage_source *source, const struct region *system, struct error *err) {
    const struct layout *layout = source->layout;
    const struct config *config = source->config;
    uint8_t *pages = region_at_address(system, layout->boot_base, layout->boot_size);
    if (!pages || bootpage_size(config) > layout->boot_size)
        return error_set(err, EXIT_MONITOR, "internal error: the boot pages do not fit");

    struct ukvm_boot boot = {
        .magic = UKVM_BOOT_MAGIC,
        .version = UKVM_ABI_VERSION,
        .features = UKVM_FEATURES_V1,
        .generation = 1,
        .tsc_base = source->clock.tsc_base,
        .tsc_mult = source->clock.tsc_mult,
        .wall_base = source->wall_base,
        .rings_addr = layout->rings_base + offsetof(struct ring_memory, index),
        .sq_addr = layout->rings_base + offsetof(struct ring_memory, sq),
        .cq_addr = layout->rings_base + offsetof(struct ring_memory, cq),
        .sq_entries = RING_SQ_ENTRIES,
        .cq_entries = RING_CQ_ENTRIES,
        .arena_addr = layout->arena_base,
        .arena_size = layout->arena_size,
        .args_count = config->args_count,
        .env_count = config->env_count,
        .ranges_count = layout->ranges_count,
        .devices_count = source->devices->count,
        .initrd_addr = layout->initrd_base,
        .initrd_size = layout->initrd_size,
        .fault_addr = layout->rings_base + offsetof(struct ring_memory, fault),
        .image_addr = layout->file_base,
        .image_size = layout->file_size,
    };
    memcpy(boot.streams, source->devices->streams.kind, sizeof boot.streams);
    memcpy(boot.entropy, source->entropy, sizeof boot.entropy);

    uint32_t size = sizeof boot;
    boot.ranges_offset = append(pages, &size, layout->ranges, layout->ranges_count * sizeof *layout->ranges);
    boot.devices_offset = size;
    for (unsigned i = 0; i < source->devices->count; i++) {
        struct ukvm_device entry;
        device_describe(&source->devices->table[i], &entry);
        append(pages, &size, &entry, sizeof entry);
    }
    boot.args_offset = append_strings(pages, &size, args_of(config), config->args_count);
    boot.args_size = size - boot.args_offset;
    boot.env_offset = append_strings(pages, &size, config->env, config->env_count);
    boot.env_size = size - boot.env_offset;
    boot.size = size;
    memcpy(pages, &boot, sizeof boot);
    return 0;
}
