/* SPDX-License-Identifier: MIT */
/*
 * Lies over the file of this name. An initializer that is left by an exception of C++, as std::call_once lets it, has not
 * run: musl knows only one that is left by pthread_exit() or by cancellation.
 */
#include "pthread_impl.h"

enum state { NEW, RUNNING, DONE, RUNNING_AWAITED };

static void leave(volatile int *control, enum state state)
{
	if (a_swap(control, state) == RUNNING_AWAITED)
		__wake(control, -1, 1);
}

struct run {
	volatile int *control;
	enum state end;
};

static void end(struct run *run)
{
	leave(run->control, run->end);
}

static void cancelled(void *control)
{
	leave(control, NEW);
}

static void run(pthread_once_t *control, void (*init)(void))
{
	__attribute__((cleanup(end))) struct run run = {control, NEW};
	pthread_cleanup_push(cancelled, control);
	init();
	pthread_cleanup_pop(0);
	run.end = DONE;
}

hidden int __pthread_once_full(pthread_once_t *control, void (*init)(void))
{
	for (;;)
		switch (a_cas(control, NEW, RUNNING)) {
		case NEW:
			run(control, init);
			return 0;
		case DONE:
			return 0;
		default:
			/* If this fails, it is no longer running, and the wait is none. */
			a_cas(control, RUNNING, RUNNING_AWAITED);
			__wait(control, 0, RUNNING_AWAITED, 1);
		}
}

int __pthread_once(pthread_once_t *control, void (*init)(void))
{
	if (*(volatile int *)control == DONE) {
		a_barrier();
		return 0;
	}
	return __pthread_once_full(control, init);
}

weak_alias(__pthread_once, pthread_once);
