/* SPDX-License-Identifier: MIT */
/* The file of --initrd, which the guest finds in its memory. Its content is the guest's matter. ABI.md, BOOT-08. */
#ifndef UKVM_INITRD_H
#define UKVM_INITRD_H

#include <stdint.h>

#include "base/error.h"

struct initrd {
    const char *path; /* NULL: there is none, and size is 0 */
    int fd;
    uint64_t size; /* bytes */
};

/* Opens the file at `path`; does nothing if that is NULL. */
int initrd_open(const char *path, struct initrd *initrd, struct error *err);

#endif
