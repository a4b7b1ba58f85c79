/* SPDX-License-Identifier: MIT */
/*
 * musl has no such file: the destructors of a thread's variables, for libstdc++ and for Rust. glibc runs them when the thread
 * ends, before those of pthread_key_create(), and for the thread that calls exit() before anything else.
 */
#include <pthread.h>
#include <stdlib.h>

struct at_exit {
	struct at_exit *before;
	void (*destroy)(void *);
	void *object;
};

static _Thread_local struct at_exit *last;
static pthread_key_t key;

/* A destructor may use other variables, which are then made, and destroyed after it. */
void __call_tls_dtors(void)
{
	while (last) {
		struct at_exit *this = last;
		last = this->before;
		this->destroy(this->object);
		free(this);
	}
}

static void end_thread(void *unused)
{
	(void)unused;
	__call_tls_dtors();
}

/* Before the program can make a key: keys are looked through in the order in which they were made. */
__attribute__((constructor(101))) static void make_key(void)
{
	if (pthread_key_create(&key, end_thread))
		abort();
}

int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library)
{
	(void)library; /* none is ever unloaded */
	struct at_exit *this = malloc(sizeof *this);
	if (!this || pthread_setspecific(key, &key))
		abort();
	*this = (struct at_exit){last, destroy, object};
	last = this;
	return 0;
}
