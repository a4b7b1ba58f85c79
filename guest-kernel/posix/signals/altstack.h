/* SPDX-License-Identifier: MIT */
/*
 * The alternate stack of a thread: sigaltstack(2). A handler with SA_ONSTACK runs there, and the system calls that it
 * makes need room there, too.
 */
#ifndef UK_ALTSTACK_H
#define UK_ALTSTACK_H

#include <signal.h>

#include "posix/threads/thread.h"

/* Whether a stack pointer of the current thread is on it. */
bool uk_on_alternate_stack(uintptr_t stack_pointer);

/* Where a handler with the SA_* `flags` begins that comes at `stack_pointer`: the top of it, or 0, for where it is. */
uintptr_t uk_alternate_stack_for(uintptr_t stack_pointer, unsigned long flags);

/* What sigaltstack() says now, for uc_stack; then disarms it, if the program asked for that (SS_AUTODISARM). */
stack_t uk_alternate_stack_enter(uintptr_t stack_pointer);

/* After a handler, at the interrupted stack pointer: what uc_stack says, if it makes sense. */
void uk_alternate_stack_leave(const stack_t *stack, uintptr_t stack_pointer);

/* Calls function(argument) on the stack that ends at `top`. call_on.S */
void uk_call_on(uintptr_t top, void (*function)(void *), void *argument);

#endif
