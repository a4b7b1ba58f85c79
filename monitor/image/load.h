/* SPDX-License-Identifier: MIT */
#ifndef UKVM_LOAD_H
#define UKVM_LOAD_H

#include "base/region.h"
#include "image.h"

/*
 * Reads the segments into `ram`, moved by `bias`, and applies the relative relocations (ABI.md, IMG-04). The layout has
 * made sure that the segments lie within the region.
 */
int image_load(const struct image *image, const struct region *ram, uint64_t bias, struct error *err);

#endif
