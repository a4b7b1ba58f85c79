/* SPDX-License-Identifier: MIT */
/* The guest as a whole: its memory, its tables, its vCPU at the first instruction. */
#ifndef UKVM_GUEST_H
#define UKVM_GUEST_H

#include "base/config.h"
#include "base/region.h"
#include "image/image.h"
#include "image/initrd.h"
#include "io/device.h"
#include "machine/layout.h"
#include "machine/paging.h"
#include "machine/vm.h"

struct guest {
    const struct image *image;
    struct layout layout;
    struct region ram;    /* --mem */
    struct region system; /* what the monitor provides: see layout.h */
    struct paging paging; /* in the system region */
    struct region initrd; /* a file of the host's; no memory if there is none */
    struct region file;   /* the image's; no memory if its note does not ask for it */
    struct vm vm;
    struct clock clock;
};

/* guest->vm is open; everything else is made here. */
int guest_build(struct guest *guest, const struct config *config, const struct image *image,
                const struct initrd *initrd, const struct devices *devices, struct error *err);

#endif
