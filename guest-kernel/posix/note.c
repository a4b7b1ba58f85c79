/* SPDX-License-Identifier: MIT */
/*
 * What every image built by ukvm-cc says of itself: a stack that ordinary programs are content with, Linux's where
 * there is memory for it, and any number of disks, which are files in /dev. Network devices are welcome where there are
 * sockets (net/note.c). /proc/self/exe is the image's own file.
 */
#include "ukvm.h"

UKVM_IMAGE(.stack_size = 2u << 20, .features = UKVM_FEATURE_IMAGE_FILE);
UKVM_WANTS_STACK(8u << 20);
UKVM_ACCEPTS_ANY(UKVM_DEVICE_BLK);

/* The linker sees this before any library, and so finds a main() in one, too. */
int main(int argc, char **argv, char **envp);
__attribute__((used)) static int (*const program)(int, char **, char **) = main;
