/* SPDX-License-Identifier: MIT */
/*
 * What every image built by ukvm-cc says of itself: a stack that ordinary programs are content with, and any number of
 * disks, which are files in /dev. Network devices are welcome where there are sockets (net/note.c). /proc/self/exe is
 * the image's own file.
 */
#include "ukvm.h"

UKVM_IMAGE(.stack_size = 2u << 20, .features = UKVM_FEATURE_IMAGE_FILE);
UKVM_ACCEPTS_ANY(UKVM_DEVICE_BLK);
