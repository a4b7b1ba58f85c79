/* SPDX-License-Identifier: MIT */
/* Console output. console.c */
#ifndef UK_CORE_CONSOLE_H
#define UK_CORE_CONSOLE_H

#include "ukvm.h"

/* Takes buffers from the arena; without room for them, output is lost. */
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

#endif
