/* SPDX-License-Identifier: MIT */
/*
 * Cooperative threads on the one vCPU. A thread runs until it blocks, yields or ends, or comes to the end of a system
 * call after it has run for some milliseconds. Nothing ever interrupts it inside the kernel, so that between two
 * blocking calls it has the whole kernel for itself and no lock is needed anywhere.
 *
 * When every thread is blocked, the one that blocked last waits for the monitor on its own stack (uk_wait()), and the
 * callbacks of completions and timers run there. A callback wakes threads and never blocks.
 */
#ifndef UK_THREAD_H
#define UK_THREAD_H

#include "ukvm.h"

/* A doubly linked list of threads; all zero is empty. */
struct uk_thread_list {
    struct uk_thread *first, *last;
};

/*
 * What could end a thread's sleep. When all of them wait for each other, with no timer and no signal to come, nothing
 * will ever happen again, which is reported.
 */
enum uk_waits_for { UK_WAITS_FOR_EVENT, UK_WAITS_FOR_THREAD };

struct uk_thread {
    void *stack_pointer;           /* while it does not run; see switch.S */
    struct uk_thread *next, *prev; /* in `list` */
    struct uk_thread_list *list;   /* the ready list or a list that somebody wakes from; NULL while it runs */
    struct uk_thread *all_next;    /* every thread there is */
    int tid;                       /* 1 is the main thread */
    int *clear_tid;                /* zeroed and woken as a futex when the thread ends, as in Linux; or NULL */
    int wake_result;               /* what uk_block() returns */
    enum uk_waits_for waits_for;   /* while it is blocked */
    bool blocked;
    bool dead;
    void *unmap; /* its own stack, to be unmapped once it is off it; or NULL */
    size_t unmap_size;
    uint64_t signals_blocked; /* bit N - 1 is signal N, as in a sigset_t */
    uint64_t signals_pending;
    uintptr_t alternate_stack; /* sigaltstack(): its lowest address */
    size_t alternate_size;     /* 0: there is none */
    unsigned alternate_flags;  /* SS_AUTODISARM */
    uint64_t processor_time;   /* before it was last switched to */
    struct uk_timer timer;     /* of the deadline it blocks with */
    void *robust_list;         /* what set_robust_list() has said */
    const void *futex;         /* the address that it waits at; see futex.c */
    uint32_t futex_bits;
    int policy, nice; /* remembered: every thread gets the same time */
    char name[16];
};

extern struct uk_thread *uk_current;
extern struct uk_thread *uk_threads; /* the head of the list by all_next */

/* What threads need of the layers above them; posix/start.c has the table. */
struct uk_thread_hooks {
    bool (*signal_pending)(void);            /* the current thread has a signal to take, which ends a sleep */
    bool (*signal_may_come)(void);           /* the world can send one */
    void (*before_sleep)(void);              /* every thread is blocked, and the guest is about to sleep; may submit */
    void (*ended)(struct uk_thread *thread); /* the current thread will never run again; may wake others */
    void (*unmap)(void *stack, size_t size); /* the stack of a thread that has ended */
};

/* Makes the boot thread the first one. */
void uk_threads_init(const struct uk_thread_hooks *hooks);

/*
 * What a blocking operation returns (negated) when a signal ended it: the system call is made again after a handler
 * with SA_RESTART and returns EINTR after another. Linux: ERESTARTSYS.
 */
#define UK_ERESTART 512

/*
 * Blocks the current thread until uk_unblock(), a signal for it, or until the monotonic clock reads `deadline`
 * (UKVM_DEADLINE_NONE for never). While it sleeps it is in `list`, unless that is NULL, and off it afterwards. Returns
 * 0, or the result that it was unblocked with: -ETIMEDOUT, -UK_ERESTART (a signal, see signal.h) or another.
 */
int uk_block(struct uk_thread_list *list, uint64_t deadline, enum uk_waits_for waits_for);

/* Makes a blocked thread ready again; nothing if it is not blocked. Callable from callbacks. */
void uk_unblock(struct uk_thread *thread, int result);

/* Unblocks the first thread in a list, or all of them, with result 0. Return how many there were. */
unsigned uk_unblock_first(struct uk_thread_list *list);
unsigned uk_unblock_all(struct uk_thread_list *list);

/*
 * A lock to sleep for, all zero at first; for what is not done before its holder waits for I/O. Deaf to signals. Not
 * for callbacks.
 */
struct uk_lock {
    bool held;
    struct uk_thread_list waiting;
};

void uk_lock(struct uk_lock *lock);
void uk_unlock(struct uk_lock *lock);

/* Moves a blocked thread to the end of another list to be woken from. */
void uk_thread_move(struct uk_thread *thread, struct uk_thread_list *list);

/* Lets the other ready threads run, and takes completions from the monitor when that has not happened for a while. */
void uk_yield(void);

/*
 * For calls that found nothing to do (EAGAIN) and return: a program that polls in a loop must get to see completions,
 * which appear only when the monitor is entered. Does so if that was long ago; never switches threads.
 */
void uk_poll_sometimes(void);

/* How long a thread runs before it gives way at the end of a system call. */
#define UK_SLICE (4 * UK_MILLISECOND)

/* At the end of a system call, now and then: lets the others run when this thread has had the processor for long. */
void uk_take_turns(void);

/* Nanoseconds that the program, or one thread, has had the processor. Work for the network counts for who ran last. */
uint64_t uk_processor_time(void);
uint64_t uk_thread_processor_time(const struct uk_thread *thread);

/* The thread with that id, or NULL. */
struct uk_thread *uk_thread_find(int tid);

/* clone() for a thread, and its end. `control` is as in Linux's clone(2) with the flags that pthread_create() uses. */
int uk_thread_create(int (*function)(void *), void *stack, void *argument, uintptr_t tls, int *parent_tid,
                     int *clear_tid);
_Noreturn void uk_thread_exit(void);

/* Futexes: wakes up to `count` threads that wait at `address`. futex_queue.c */
int uk_futex_wake(const void *address, int count, uint32_t bits);

/* A thread has ended: what it owned with FUTEX_LOCK_PI goes to those who wait for it. futex_pi.c */
void uk_futex_owner_ended(const struct uk_thread *ended);

#endif
