/* SPDX-License-Identifier: MIT */
/*
 * What the files of the guest kernel have from each other and a program does not see. Set up in this order by start.c;
 * each layer uses only those above it.
 */
#ifndef UK_KERNEL_H
#define UK_KERNEL_H

#include "ukvm.h"

/* Pages. Takes the UKVM_RANGE_FREE ones among the ranges. */
void uk_pages_init(const struct ukvm_range *ranges, size_t count);

/*
 * A word for whoever allocated the page at `address`, 0 at first; NULL if no page of ours is there. The heap keeps in
 * it what kind of block the page belongs to.
 */
uint32_t *uk_pages_tag(const void *address);

/* Takes the next run of pages that are free but still hold memory of the host, `max` at most; NULL if there is none. */
void *uk_pages_take_dirty(size_t max, size_t *count);
enum uk_pages_state { UK_PAGES_DIRTY, UK_PAGES_CLEAN };

/* Makes a run so taken free again. */
void uk_pages_put_back(void *pages, size_t count, enum uk_pages_state state);

/* Rings. */
void uk_wait_init(const struct ukvm_boot *boot);

/* Submissions in the hands of the monitor or on the way to it. */
size_t uk_in_flight(void);

/* Monotonic time of the last exit to the monitor. */
uint64_t uk_last_exit(void);

/* I/O arena and console. */
void uk_arena_init(const struct ukvm_boot *boot);
void uk_console_init(void);

/* Submits what has been gathered. No exit, no waiting. */
void uk_console_push(void);

/* Timers, from uk_wait(). UKVM_DEADLINE_NONE: no timer is running. */
uint64_t uk_timers_next(void);

/* Fires what is due at `now`; returns how many. */
unsigned uk_timers_run(uint64_t now);

/* The device of that kind and name, the first of its kind for a NULL name; NULL if there is none. */
const struct ukvm_device *uk_device_find(enum ukvm_device_kind kind, const char *name);

/* Called by entry.S. */
_Noreturn void uk_start(const struct ukvm_boot *boot);

/* Called by what the compiler puts into every function that has a buffer (-fstack-protector-strong). */
extern uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

#endif
