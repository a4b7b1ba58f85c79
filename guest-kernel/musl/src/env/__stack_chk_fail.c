/* SPDX-License-Identifier: MIT */
/*
 * The canary is set before musl starts (guest-kernel/start.c) and goes from thread control block to thread control block:
 * there is nothing left to do, and failing is the guest kernel's.
 */
#include "pthread_impl.h"

void __init_ssp(void *entropy)
{
	(void)entropy;
}
