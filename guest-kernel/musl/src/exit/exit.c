/* SPDX-License-Identifier: MIT */
/*
 * Lies over the file of this name. The calling thread's variables of C++ are destroyed before anything that lives as long as
 * the program, whichever was made first: C++20, [basic.start.term].
 */
#include <stdint.h>
#include <stdlib.h>
#include "libc.h"

static void nothing(void)
{
}

/* In the files that need them: __cxa_thread_atexit_impl.c, atexit.c, stdio/__stdio_exit.c, and the start files. */
weak_alias(nothing, __call_tls_dtors);
weak_alias(nothing, __funcs_on_exit);
weak_alias(nothing, __stdio_exit);
weak_alias(nothing, _fini);

typedef void destructor(void);
/* The linker's: two ends of one array, which the compiler must not take for two. */
extern weak hidden destructor *const __fini_array_start[], *const __fini_array_end[];

static void run_destructors(void)
{
	destructor *const *at = __fini_array_end;
	while ((uintptr_t)at > (uintptr_t)__fini_array_start)
		(*--at)();
	_fini();
}

weak_alias(run_destructors, __libc_exit_fini);

_Noreturn void exit(int status)
{
	__call_tls_dtors();
	__funcs_on_exit();
	__libc_exit_fini();
	__stdio_exit();
	_Exit(status);
}
