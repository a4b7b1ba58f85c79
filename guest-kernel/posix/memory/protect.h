/* SPDX-License-Identifier: MIT */
/* Protection of pages, where the monitor offers it: guard pages and mprotect(). */
#ifndef UK_PROTECT_H
#define UK_PROTECT_H

#include "ukvm.h"

/*
 * Gives allocated pages the protection `prot` (PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE). 0, or a negative errno:
 * -ENOSYS where the monitor cannot.
 */
int uk_protect(void *pages, size_t count, int prot);

/* Pages just mapped with PROT_NONE. */
void uk_protect_new(void *pages, size_t count);

/* From now on uk_protect_new() puts nothing off: the program handles its faults, and could tell. */
void uk_protect_at_once(void);

/* Before the program sleeps: what uk_protect_new() has put off. */
void uk_protect_flush(void);

/* What all of some pages allow, as PROT_*; -EFAULT if it is not the same for all of them. */
int uk_protection(const void *pages, size_t count);

/* Whether the page at `address` is one that cannot be written. */
bool uk_is_protected(const void *address);

/*
 * Frees allocated pages of any protection. Those that are not open are taken until the monitor has opened them; freeing
 * them again does nothing.
 */
void uk_protect_free(void *pages, size_t count);

/* Before it is asked which pages are taken: makes those free that wait for the monitor. Calls others back. */
void uk_protect_settle(void);

#endif
