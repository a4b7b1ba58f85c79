/* SPDX-License-Identifier: MIT */
/* The ABI note of a program that has no UKVM_IMAGE. In a file of its own, so that the linker takes it only then. */
#include "ukvm.h"

UKVM_IMAGE();
