/* SPDX-License-Identifier: MIT */
#include "altstack.h"

#include <errno.h>

/* Linux: include/uapi/linux/signal.h */
#define SS_AUTODISARM_BIT (1u << 31)

bool uk_on_alternate_stack(uintptr_t stack_pointer) {
    const struct uk_thread *self = uk_current;
    return !(self->alternate_flags & SS_AUTODISARM_BIT) && stack_pointer > self->alternate_stack &&
           stack_pointer - self->alternate_stack <= self->alternate_size;
}

uintptr_t uk_alternate_stack_for(uintptr_t stack_pointer, unsigned long flags) {
    if (!(flags & SA_ONSTACK) || uk_current->alternate_size == 0 || uk_on_alternate_stack(stack_pointer))
        return 0;
    return uk_current->alternate_stack + uk_current->alternate_size;
}

static stack_t describe(uintptr_t stack_pointer) {
    const struct uk_thread *self = uk_current;
    unsigned mode = self->alternate_size == 0 ? SS_DISABLE : uk_on_alternate_stack(stack_pointer) ? SS_ONSTACK : 0;
    return (stack_t){
        .ss_sp = (void *)self->alternate_stack,
        .ss_size = self->alternate_size,
        .ss_flags = (int)(mode | self->alternate_flags),
    };
}

static int set(const stack_t *stack, uintptr_t stack_pointer) {
    unsigned flags = (unsigned)stack->ss_flags & SS_AUTODISARM_BIT;
    unsigned mode = (unsigned)stack->ss_flags & ~SS_AUTODISARM_BIT;
    if (uk_on_alternate_stack(stack_pointer))
        return -EPERM;
    if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
        return -EINVAL;
    if (mode != SS_DISABLE && stack->ss_size < MINSIGSTKSZ)
        return -ENOMEM;
    uk_current->alternate_stack = mode == SS_DISABLE ? 0 : (uintptr_t)stack->ss_sp;
    uk_current->alternate_size = mode == SS_DISABLE ? 0 : stack->ss_size;
    uk_current->alternate_flags = flags;
    return 0;
}

stack_t uk_alternate_stack_enter(uintptr_t stack_pointer) {
    stack_t stack = describe(stack_pointer);
    if (uk_current->alternate_flags & SS_AUTODISARM_BIT) {
        uk_current->alternate_stack = 0;
        uk_current->alternate_size = 0;
        uk_current->alternate_flags = 0;
    }
    return stack;
}

void uk_alternate_stack_leave(const stack_t *stack, uintptr_t stack_pointer) {
    set(stack, stack_pointer);
}

long uk_sys_sigaltstack(const stack_t *stack, stack_t *old) {
    uintptr_t stack_pointer = (uintptr_t)__builtin_frame_address(0);
    stack_t before = describe(stack_pointer);
    int result = stack ? set(stack, stack_pointer) : 0;
    if (result == 0 && old)
        *old = before;
    return result;
}
