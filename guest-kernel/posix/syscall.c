/* SPDX-License-Identifier: MIT */
#include "syscall.h"

#include <errno.h>
#include <sys/syscall.h>

#include "posix/signals/signal.h"
#include "posix/threads/thread.h"
#include "ukvm.h"

/* Handlers have the types of their own arguments; the System V ABI passes all of them in the same six registers. */
typedef long handler(long, long, long, long, long, long);

#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#define UK_SYSCALL(name, function, state, note, tests) long function();
#define UK_SYSCALL_WEAK(name, function, state, note, tests) long function() __attribute__((weak));
#include "syscalls.def"
#undef UK_SYSCALL
#undef UK_SYSCALL_WEAK

static handler *const table[] = {
#define UK_SYSCALL(name, function, state, note, tests) [SYS_##name] = (handler *)function,
#define UK_SYSCALL_WEAK UK_SYSCALL
#include "syscalls.def"
};

#define CALLS (sizeof table / sizeof table[0])

static const char names[][24] = {
#include "syscall_names.h"
};

#define NAMES (sizeof names / sizeof names[0])

static long missing(long number) {
    static uint64_t told[(NAMES + 63) / 64];
    size_t n = (size_t)number;
    if (n >= NAMES || told[n / 64] & UINT64_C(1) << n % 64)
        return -ENOSYS;
    told[n / 64] |= UINT64_C(1) << n % 64;
    return uk_missing_call(names[n][0] ? names[n] : "an unknown system call");
}

/* The callers that are no system call say it at most a few times, each with a text of its own. */
int uk_missing_call(const char *what) {
    static const char *told[8];
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        if (told[i] == what)
            return -ENOSYS;
        if (!told[i]) {
            told[i] = what;
            uk_eprintf("ukvm: the program called %s, which this kernel does not have (ENOSYS)\n", what);
            return -ENOSYS;
        }
    }
    return -ENOSYS;
}

/* The clock is not looked at after every call. */
#define CALLS_PER_LOOK 32u

long uk_syscall(long number, long a, long b, long c, long d, long e, long f) {
    static unsigned calls;
    handler *call = (size_t)number < CALLS ? table[number] : NULL;
    if (!call)
        return missing(number);
    long result = call(a, b, c, d, e, f);
    if (__builtin_expect(++calls % CALLS_PER_LOOK == 0, false))
        uk_take_turns();
    while (__builtin_expect(uk_signals_attention, false) && uk_signals_deliver(&result))
        result = call(a, b, c, d, e, f);
    return result == -UK_ERESTART ? -EINTR : result;
}
