/* SPDX-License-Identifier: MIT */
/* links: monitor/bootpage.c monitor/io/device.c monitor/base/error.c */
#include "bootpage.h"

#include <stddef.h>

#include "io/ring.h"
#include "tap.h"

#define SYSTEM_BASE UINT64_C(0x100000000000)

/* Devices are opened by code that is not under test here. */
int blk_open(const struct disk_config *config, const char *name, int *fd, struct blk *blk, struct error *err) {
    (void)config, (void)name, (void)fd, (void)blk, (void)err;
    return -1;
}

int net_open(const struct net_config *config, const char *name, int *fd, struct net *net, struct error *err) {
    (void)config, (void)name, (void)fd, (void)net, (void)err;
    return -1;
}

bool blk_is_same_file(const struct blk *a, const struct blk *b) {
    (void)a, (void)b;
    return false;
}

uint64_t net_arena_size(const struct net *net) {
    (void)net;
    return 1;
}

struct ukvm_blk_info blk_info(const struct blk *blk) {
    return (struct ukvm_blk_info){.capacity = blk->capacity, .block_size = blk->block_size, .flags = blk->readonly};
}

struct ukvm_net_info net_info(const struct net *net) {
    return net->info;
}

static char arg0[] = "dir/image.elf", arg1[] = "", arg2[] = "two words";
static char *args[] = {arg0, arg1, arg2};
static const char *env[] = {"A=1", "B="};
static struct config config;
static struct devices devices;
static struct layout layout;

/* The most of everything: as many ranges and devices as there may be. */
static void fill_source(struct bootpage_source *source) {
    config =
        (struct config){.args = args, .args_count = 3, .env = env, .env_count = 2, .devices_count = UKVM_MAX_DEVICES};
    devices.count = UKVM_MAX_DEVICES;
    for (unsigned i = 0; i < UKVM_MAX_DEVICES; i++) {
        struct device *device = &devices.table[i];
        *device = (struct device){.kind = i % 2 ? UKVM_DEVICE_NET : UKVM_DEVICE_BLK, .fd = 99};
        snprintf(device->name, sizeof device->name, "device-%u", i);
        if (device->kind == UKVM_DEVICE_BLK)
            device->blk = (struct blk){.capacity = 4096 * i, .block_size = 512, .readonly = i == 2};
        else
            device->net = (struct net){.info = {.mac = {2, (uint8_t)i}, .mtu = 1500, .prefix4 = 24}, .reading = 3};
    }
    devices.streams = (struct streams){.kind = {UKVM_STREAM_PIPE, UKVM_STREAM_FILE, UKVM_STREAM_TERMINAL}};
    layout = (struct layout){
        .boot_base = SYSTEM_BASE + 0x5000,
        .boot_size = bootpage_size(&config),
        .rings_base = SYSTEM_BASE + 0x40000,
        .arena_base = SYSTEM_BASE + 0x80000,
        .arena_size = 0x7000,
        .initrd_base = 0x200000000000,
        .initrd_size = 12345,
        .file_base = 0x210000000000,
        .file_size = 54321,
        .ranges_count = LAYOUT_MAX_RANGES,
    };
    for (unsigned i = 0; i < LAYOUT_MAX_RANGES; i++)
        layout.ranges[i] = (struct ukvm_range){.base = 0x1000 * (i + 1), .size = 0x1000, .kind = 1 + i % 3, .prot = 4};
    *source = (struct bootpage_source){
        .config = &config,
        .devices = &devices,
        .layout = &layout,
        .clock = {.tsc_base = 0x1122334455667788, .tsc_mult = 0x55555555},
        .wall_base = 1700000000000000000,
    };
    for (unsigned i = 0; i < sizeof source->entropy; i++)
        source->entropy[i] = (uint8_t)(i * 7);
}

static const void *named(const struct ukvm_boot *boot, uint32_t offset, uint64_t length) {
    if (!range_within(offset, length, boot->size) || offset < sizeof *boot)
        abort();
    return (const uint8_t *)boot + offset;
}

static void test_header(const struct ukvm_boot *boot, const struct bootpage_source *source) {
    ok(memcmp(boot, "UKVMBOOT", 8) == 0, "magic");
    is_u64(boot->version, UKVM_ABI_VERSION, "version");
    is_u64(boot->features, UKVM_FEATURES_V1, "features");
    ok(boot->size <= layout.boot_size, "size covers no more than the pages (BOOT-01)");
    is_u64(boot->tsc_base, source->clock.tsc_base, "tsc_base");
    is_u64(boot->tsc_mult, source->clock.tsc_mult, "tsc_mult");
    is_u64(boot->wall_base, source->wall_base, "wall_base");
    ok(memcmp(boot->entropy, source->entropy, UKVM_ENTROPY_SIZE) == 0, "entropy");
    is_u64(boot->rings_addr, layout.rings_base, "rings");
    ok(boot->sq_addr >= boot->rings_addr + sizeof(struct ukvm_rings) && is_aligned(boot->sq_addr, 32), "submissions");
    ok(boot->cq_addr >= boot->sq_addr + RING_SQ_ENTRIES * sizeof(struct ukvm_sqe) && is_aligned(boot->cq_addr, 16),
       "completions");
    ok(boot->fault_addr >= boot->cq_addr + RING_CQ_ENTRIES * sizeof(struct ukvm_cqe) &&
           is_aligned(boot->fault_addr, 16),
       "what an exception leaves (FAULT-04)");
    is_u64(boot->fault_addr + sizeof(struct ukvm_fault), layout.rings_base + sizeof(struct ring_memory),
           "to the end of the rings");
    is_u64(boot->sq_entries, RING_SQ_ENTRIES, "sq_entries");
    is_u64(boot->cq_entries, RING_CQ_ENTRIES, "cq_entries");
    is_u64(boot->arena_addr, layout.arena_base, "arena");
    is_u64(boot->arena_size, layout.arena_size, "its size");
    is_u64(boot->initrd_addr, layout.initrd_base, "initrd");
    is_u64(boot->initrd_size, layout.initrd_size, "its size, to the byte (BOOT-08)");
    is_u64(boot->image_addr, layout.file_base, "the image's file");
    is_u64(boot->image_size, layout.file_size, "its size, to the byte (BOOT-09)");
    ok(memcmp(boot->streams, devices.streams.kind, UKVM_STREAMS) == 0, "the kinds of the streams (CON-05)");
}

static void test_tables(const struct ukvm_boot *boot) {
    is_u64(boot->ranges_count, LAYOUT_MAX_RANGES, "all ranges");
    ok(is_aligned(boot->ranges_offset, 8) && is_aligned(boot->devices_offset, 8), "tables are aligned");
    ok(memcmp(named(boot, boot->ranges_offset, sizeof layout.ranges), layout.ranges, sizeof layout.ranges) == 0,
       "the ranges are the layout's (BOOT-03)");
    is_u64(boot->devices_count, UKVM_MAX_DEVICES, "all devices (BOOT-04)");
    const struct ukvm_device *table = named(boot, boot->devices_offset, UKVM_MAX_DEVICES * sizeof *table);
    unsigned wrong = 0;
    for (unsigned i = 0; i < UKVM_MAX_DEVICES; i++) {
        struct ukvm_device want = {.kind = devices.table[i].kind};
        snprintf(want.name, sizeof want.name, "device-%u", i);
        if (want.kind == UKVM_DEVICE_BLK)
            want.blk = (struct ukvm_blk_info){.capacity = 4096 * i, .block_size = 512, .flags = i == 2};
        else
            want.net = (struct ukvm_net_info){.mac = {2, (uint8_t)i}, .mtu = 1500, .prefix4 = 24};
        wrong += memcmp(&table[i], &want, sizeof want) != 0;
    }
    is_u64(wrong, 0, "each device as it is, and nothing of the monitor's own");
}

static void test_strings(const struct ukvm_boot *boot) {
    static const char want_args[] = "dir/image.elf\0\0two words", want_env[] = "A=1\0B=";
    is_u64(boot->args_count, 3, "args_count (BOOT-02)");
    is_u64(boot->args_size, sizeof want_args, "args_size, with each NUL");
    ok(memcmp(named(boot, boot->args_offset, boot->args_size), want_args, sizeof want_args) == 0, "args");
    is_u64(boot->env_count, 2, "env_count");
    is_u64(boot->env_size, sizeof want_env, "env_size");
    ok(memcmp(named(boot, boot->env_offset, boot->env_size), want_env, sizeof want_env) == 0, "env");
}

/* `room` bytes from the heap, where the sanitizer sees a write behind them. */
static unsigned write_into(struct bootpage_source *source, uint64_t boot_size, uint64_t room, uint8_t **bytes) {
    static struct error err;
    uint64_t before = layout.boot_base - SYSTEM_BASE;
    layout.boot_size = boot_size;
    *bytes = calloc(1, before + room);
    const struct region system = {.base = SYSTEM_BASE, .size = before + room, .host = *bytes};
    err = (struct error){0};
    int result = bootpage_write(source, &system, &err);
    return result == 0 ? 0 : (unsigned)err.status;
}

int main(void) {
    struct bootpage_source source;
    uint8_t *bytes;
    fill_source(&source);
    uint64_t size = layout.boot_size;
    is_u64(write_into(&source, size, size, &bytes), 0, "it fits when there is just enough room");
    const struct ukvm_boot *boot = (const void *)(bytes + (layout.boot_base - SYSTEM_BASE));
    is_u64(boot->size, size, "and then fills it");
    test_header(boot, &source);
    test_tables(boot);
    test_strings(boot);
    unsigned before = 0;
    for (const uint8_t *byte = bytes; byte < (const uint8_t *)boot; byte++)
        before |= *byte;
    is_u64(before, 0, "nothing was written before it");
    free(bytes);

    is_u64(write_into(&source, size - 1, size, &bytes), EXIT_MONITOR, "a byte less of boot pages is refused");
    free(bytes);
    is_u64(write_into(&source, size, size - 1, &bytes), EXIT_MONITOR, "and so is a region that ends in them");
    free(bytes);

    struct ukvm_device entry;
    memset(&entry, 0xff, sizeof entry);
    device_describe(&devices.table[1], &entry);
    unsigned rest = entry.reserved;
    for (unsigned i = sizeof entry.net; i < sizeof entry.raw; i++)
        rest |= entry.raw[i];
    is_u64(rest, 0, "what an entry does not say is 0, and nothing that the monitor had on its stack");

    config.args_count = 1;
    config.env_count = config.devices_count = devices.count = 0;
    layout.ranges_count = 1;
    is_u64(write_into(&source, bootpage_size(&config), bootpage_size(&config), &bytes), 0, "the least");
    boot = (const void *)(bytes + (layout.boot_base - SYSTEM_BASE));
    is_u64(boot->size, sizeof *boot + sizeof(struct ukvm_range) + sizeof arg0, "one range and one argument");
    ok(boot->devices_count == 0 && boot->env_count == 0 && boot->env_size == 0, "and nothing else");
    free(bytes);
    return done_testing();
}
