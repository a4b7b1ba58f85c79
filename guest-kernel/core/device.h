/* SPDX-License-Identifier: MIT */
/* The device table of the boot page. device.c */
#ifndef UK_CORE_DEVICE_H
#define UK_CORE_DEVICE_H

#include "ukvm.h"

/* The device of that kind and name, the first of its kind for a NULL name; NULL if there is none. */
const struct ukvm_device *uk_device_find(enum ukvm_device_kind kind, const char *name);

#endif
