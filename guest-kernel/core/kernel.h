/* SPDX-License-Identifier: MIT */
/*
 * What the files of the guest kernel have from each other and a program does not see. Set up in this order by start.c;
 * each layer uses only those above it.
 */
#ifndef UK_KERNEL_H
#define UK_KERNEL_H

#include "ukvm.h"

/* The boot page. What uk_boot() gives from now on. */
void uk_boot_init(const struct ukvm_boot *boot);

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

/* Zeroes what is not zero of pages just allocated: those that were used before. */
void uk_pages_clear(void *pages, size_t count);

/* Gives the host's memory behind allocated pages back; they read as zero afterwards. Blocks. False if it cannot. */
bool uk_pages_discard(void *pages, size_t count);

/* Whether all of them are allocated. */
bool uk_pages_are_taken(const void *pages, size_t count);

/* The first page from `pages` on that is allocated, among `count`; NULL if none is. */
void *uk_pages_next_taken(const void *pages, size_t count);

/* Takes just these pages, if all of them are free. */
bool uk_pages_take(void *pages, size_t count);

/* Freed pages that still hold memory of the host, roughly: what uk_pages_return() may give back. */
size_t uk_pages_dirty(void);

/* Makes a run so taken free again. */
void uk_pages_put_back(void *pages, size_t count, enum uk_pages_state state);

/*
 * The heap. Kernel and program have slabs of their own; uk_free() frees blocks of both. Aligned to 16 bytes at least; a
 * size of 0 is as good as 1; NULL when memory is used up.
 */
enum uk_heap { UK_HEAP_KERNEL, UK_HEAP_PROGRAM, UK_HEAPS };
void *uk_heap_alloc(enum uk_heap heap, size_t align, size_t size);

/* As in C. `heap` is that of the block if it moves. */
void *uk_heap_realloc(enum uk_heap heap, void *block, size_t size);

/* The bytes that a block really has. Panics when it is not allocated. */
size_t uk_heap_capacity(void *block);

/* Zeroes a block of whole pages, those of them that may not be zero. False, and nothing is done, for a smaller one. */
bool uk_heap_clear_large(void *block);

/* Rings. */
void uk_wait_init(const struct ukvm_boot *boot);

/* The submission of `io` has changed. False if it is not in the ring, where the monitor will find it: see ring.h. */
bool uk_amend(const struct uk_io *io);

/* Takes the completions that are there: no exit, no callback. */
void uk_reap(void);

/* The same with callbacks and timers. Returns how many. */
unsigned uk_dispatch(void);

/* Submissions in the hands of the monitor or on the way to it. */
size_t uk_in_flight(void);

/* Where there are threads: lets the others run while `io` is in flight, as far as it can. NULL: there are none. */
extern void (*uk_await_hook)(struct uk_io *io);

/*
 * Called before each exit to the monitor: submits what has been put off to be sent together. Calls nobody back, but may
 * start a timer that is due. NULL: nothing is put off.
 */
extern void (*uk_exit_hook)(void);

/* Monotonic time of the last exit to the monitor. */
uint64_t uk_last_exit(void);

/* I/O arena and console. */
void uk_arena_init(const struct ukvm_boot *boot);
void uk_console_init(void);

/* The monitor is about to be entered and takes what has been gathered: more text goes into another submission. */
void uk_console_seal(void);

/* Where a stream leads to; a monitor that does not say has no input and a pipe. */
enum ukvm_stream_kind uk_console_kind(unsigned stream);

/* Bytes that can be written to a stream now without waiting, and when nothing is in flight. */
size_t uk_console_room(unsigned stream);
size_t uk_console_capacity(void);

/* Writes as much as there is room for, and returns how much that is. `hurry`: afterwards, with the last byte. */
size_t uk_console_put(unsigned stream, const char *text, size_t length);
void uk_console_hurry(unsigned stream, char last);

/* The error that text met which a stream had accepted, as -UKVM_EPIPE; told once. 0: none. */
int32_t uk_console_error(unsigned stream);

/* Blocks until all that a stream has accepted is out, or has failed. Returns the bytes that were lost since last time.
 */
size_t uk_console_settle(unsigned stream);

/* Looks which writes have completed; from uk_wait(). Calls the hook, if there is one, for a stream that has more room.
 */
void uk_console_look(void);
extern void (*uk_console_hook)(unsigned stream);

/* The end of everything: also what was said while a thread was writing, which never goes on. */
void uk_console_end(void);

/* Timers, from uk_wait(). UKVM_DEADLINE_NONE: no timer is running. */
uint64_t uk_timers_next(void);

/* The wall clock was set forward by so many nanoseconds, or back: what stands for a time of it is due earlier. */
void uk_timers_shift(int64_t by);

/* Fires what is due at `now`; returns how many. */
unsigned uk_timers_run(uint64_t now);

/* The device of that kind and name, the first of its kind for a NULL name; NULL if there is none. */
const struct ukvm_device *uk_device_find(enum ukvm_device_kind kind, const char *name);

/* Called by entry.S. */
_Noreturn void uk_start(const struct ukvm_boot *boot);

/*
 * The program, once everything is set up: main.c, or posix/start.c for one with a C library. `argv` and `envp` lie
 * behind each other and end in NULL, and UK_AUX_WORDS words follow.
 */
_Noreturn void uk_main(int argc, char **argv, char **envp);

#define UK_AUX_WORDS 32u

/* Called by what the compiler puts into every function that has a buffer (-fstack-protector-strong). */
_Noreturn void __stack_chk_fail(void);

#endif
