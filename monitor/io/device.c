/* SPDX-License-Identifier: MIT */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/range.h"

/* The console's buffers; a guest with devices may use theirs for it too. */
#define CONSOLE_ARENA (4u * UKVM_PAGE_SIZE)

bool devices_name_fd(const struct config *config, int fd) {
    for (unsigned i = 0; i < config->devices_count; i++) {
        const struct device_config *device = &config->devices[i];
        if (device->kind == UKVM_DEVICE_NET && device->net.backend == NET_FD && device->net.fd == fd)
            return true;
    }
    return false;
}

static int check_inherited(const struct config *config, const struct device_config *device, struct error *err) {
    int fd = device->net.fd;
    if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
        return error_set(err, EXIT_MONITOR, "net '%s': fd:%d: is the guest's console", device->name, fd);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return error_set(err, EXIT_MONITOR, "net '%s': fd:%d: is not open", device->name, fd);
    for (const struct device_config *other = config->devices; other < device; other++)
        if (other->kind == UKVM_DEVICE_NET && other->net.backend == NET_FD && other->net.fd == fd)
            return error_set(err, EXIT_MONITOR, "net '%s': fd:%d: is also net '%s'", device->name, fd, other->name);
    return 0;
}

int devices_claim_inherited(const struct config *config, struct error *err) {
    int highest = STDERR_FILENO;
    for (unsigned i = 0; i < config->devices_count; i++) {
        const struct device_config *device = &config->devices[i];
        if (device->kind != UKVM_DEVICE_NET || device->net.backend != NET_FD)
            continue;
        if (check_inherited(config, device, err))
            return -1;
        if (device->net.fd > highest)
            highest = device->net.fd;
    }
    for (int fd = STDERR_FILENO + 1; fd < highest; fd++)
        if (!devices_name_fd(config, fd))
            close(fd);
    syscall(SYS_close_range, highest + 1, ~0u, 0);
    return 0;
}

/* The locks keep other processes away; one guest's own disks are its own matter, unless both would write. */
static int check_sharing(const struct devices *devices, const struct device *new, struct error *err) {
    for (unsigned i = 0; i < devices->count; i++) {
        const struct device *other = &devices->table[i];
        if (new->kind == UKVM_DEVICE_BLK && other->kind == UKVM_DEVICE_BLK &&
            !(new->blk.readonly && other->blk.readonly) && blk_is_same_file(&new->blk, &other->blk))
            return error_set(err, EXIT_MONITOR,
                             "disk '%s' is the same file as disk '%s'; only readers (',ro') can share it", new->name,
                             other->name);
    }
    return 0;
}

int devices_open(const struct config *config, struct devices *devices, struct error *err) {
    devices->count = 0;
    for (unsigned i = 0; i < config->devices_count; i++) {
        const struct device_config *wanted = &config->devices[i];
        struct device *device = &devices->table[i];
        *device = (struct device){.kind = wanted->kind, .fd = -1};
        memcpy(device->name, wanted->name, sizeof device->name);
        int result = wanted->kind == UKVM_DEVICE_BLK
                         ? blk_open(&wanted->disk, device->name, &device->fd, &device->blk, err)
                         : net_open(&wanted->net, device->name, &device->fd, &device->net, err);
        if (result || check_sharing(devices, device, err))
            return -1;
        devices->count++;
    }
    return 0;
}

uint64_t devices_arena_size(const struct devices *devices) {
    uint64_t size = CONSOLE_ARENA;
    for (unsigned i = 0; i < devices->count; i++) {
        const struct device *device = &devices->table[i];
        size += device->kind == UKVM_DEVICE_BLK ? BLK_ARENA_SIZE : net_arena_size(&device->net);
    }
    return align_up(size, UKVM_PAGE_SIZE);
}

void device_describe(const struct device *device, struct ukvm_device *entry) {
    *entry = (struct ukvm_device){.kind = device->kind};
    memcpy(entry->name, device->name, sizeof entry->name);
    if (device->kind == UKVM_DEVICE_BLK)
        entry->blk = blk_info(&device->blk);
    else
        entry->net = net_info(&device->net);
}
