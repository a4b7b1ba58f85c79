/* SPDX-License-Identifier: MIT */
/*
 * What every image built by ukvm-cc says of itself: a stack that ordinary programs are content with, and any number of
 * disks, which are files in /dev. Network devices are welcome where there are sockets (net/note.c).
 */
#include "ukvm.h"

UKVM_IMAGE(.stack_size = 2u << 20);
UKVM_ACCEPTS_ANY(UKVM_DEVICE_BLK);
