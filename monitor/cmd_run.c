/* SPDX-License-Identifier: MIT */
/* `ukvm run`: the life of a guest, phase by phase. */
#include <stdio.h>

#include "base/trace.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "guest.h"
#include "host_limits.h"
#include "image/initrd.h"
#include "io/device.h"
#include "io/io.h"
#include "io/signals.h"
#include "lockdown.h"
#include "run.h"

/* What the process holds open, all of it until it ends. Static: large, zeroed, and touched only where it is used. */
static struct {
    struct config config;
    struct image image;
    struct initrd initrd;
    struct devices devices;
    struct signals signals;
    struct guest guest;
    struct io io;
} vmm;

static int open_everything(struct error *err) {
    if (streams_open(&vmm.config, &vmm.devices.streams, err) || limits_check(&vmm.config, err) ||
        devices_claim_inherited(&vmm.config, err))
        return -1;
    if (image_open(vmm.config.image, &vmm.image, err) || image_check_devices(&vmm.image, &vmm.config, err) ||
        initrd_open(vmm.config.initrd, &vmm.initrd, err) || vm_open(&vmm.guest.vm, err) ||
        devices_open(&vmm.config, &vmm.devices, err))
        return -1;
    trace(TRACE_BOOT, "opened: image, %u devices, KVM", vmm.devices.count);
    return 0;
}

static int build_guest(struct error *err) {
    /* Signals after the image, whose loading may take its time: until then a Ctrl-C simply ends the process. */
    if (guest_build(&vmm.guest, &vmm.config, &vmm.image, &vmm.initrd, &vmm.devices, err) ||
        signals_open(&vmm.signals, err) || vm_set_signal_mask(&vmm.guest.vm, &vmm.signals.let_through, err))
        return -1;
    struct io_config io = {
        .layout = &vmm.guest.layout,
        .system = &vmm.guest.system,
        .ram = &vmm.guest.ram,
        .devices = &vmm.devices,
        .signals = &vmm.signals,
        .uses = lockdown_uses(&vmm.config),
        .clock = vmm.guest.clock,
    };
    if (io_open(&vmm.io, &io, err))
        return -1;
    trace(TRACE_BOOT, "built: guest at 0x%llx, rings, I/O", (unsigned long long)vmm.guest.layout.entry);
    return 0;
}

static int lock_down(struct error *err) {
    if (vmm.config.sandbox == SANDBOX_OFF) {
        fputs("ukvm: --no-sandbox: the monitor keeps all of its rights; for debugging only\n", stderr);
        return 0;
    }
    const struct io_uring *uring = &vmm.io.uring;
    struct lockdown rights = {
        .uses = lockdown_uses(&vmm.config),
        .devices = &vmm.devices,
        .ring_fd = uring->enter_ring_fd == uring->ring_fd ? uring->ring_fd : -1,
    };
    rights.values[POLICY_VCPU_FD] = (uint64_t)vmm.guest.vm.vcpu_fd;
    rights.values[POLICY_IMAGE_FD] = (uint64_t)vmm.image.fd;
    rights.values[POLICY_RING_FD] = (uint64_t)uring->enter_ring_fd;
    rights.values[POLICY_RING_SLOTS] = RING_CQ_ENTRIES + SIGNALS_MAX + 1; /* see uring.c */
    rights.values[POLICY_RAM_BLOCK] = (uintptr_t)vmm.guest.ram.host;
    rights.values[POLICY_RAM_SIZE] = vmm.guest.ram.size;
    if (lockdown(&rights, err))
        return -1;
    trace(TRACE_BOOT, "locked down");
    return 0;
}

int cmd_run(int argc, char **argv, struct error *err) {
    switch (options_parse_run(argc, argv, &vmm.config, err)) {
    case OPTIONS_ERROR:
        return -1;
    case OPTIONS_HELP:
        fputs(options_run_help, stdout);
        return 0;
    case OPTIONS_RUN:
        break;
    }
    trace_enable(vmm.config.trace);
    if (open_everything(err) || build_guest(err) || lock_down(err))
        return -1;
    return run_guest(&vmm.guest, &vmm.io, err);
}
