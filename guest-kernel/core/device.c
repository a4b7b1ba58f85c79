/* SPDX-License-Identifier: MIT */
/* The device table of the boot page. */
#include "device.h"

const struct ukvm_device *uk_device_find(enum ukvm_device_kind kind, const char *name) {
    const struct ukvm_device *devices = uk_boot_devices(uk_boot());
    for (uint32_t i = 0; i < uk_boot()->devices_count; i++)
        if (devices[i].kind == kind && (!name || strcmp(devices[i].name, name) == 0))
            return &devices[i];
    return NULL;
}

uint16_t uk_device_number(const struct ukvm_device *device) {
    return (uint16_t)(device - uk_boot_devices(uk_boot()));
}
