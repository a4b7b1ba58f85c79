/* SPDX-License-Identifier: MIT */
/*
 * A stack that overflows is a fault, and nothing else has changed: with small frames and with frames that are larger
 * than any guard page. The threads' functions are built with -fstack-clash-protection, which ukvm-cc does by itself.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "tap.h"

#define KIB 1024u

/* What lies next to a stack: here the data of the image, and there the stack of another thread. */
static volatile unsigned char data[4 << 20];
static sigjmp_buf back;
static void *fault_address;

static void caught(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)context;
    fault_address = info->si_addr;
    siglongjmp(back, 1);
}

static void catch_on_another_stack(char *stack, size_t size) {
    stack_t alternate = {.ss_sp = stack, .ss_size = size};
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&alternate, NULL);
    sigaction(SIGSEGV, &action, NULL);
}

#define PROBED __attribute__((noinline, optimize("stack-clash-protection")))
#define UNPROBED __attribute__((noinline, optimize("no-stack-clash-protection")))

/* Recursion that touches only the lowest byte of each frame. */
#define RECURSION(name, attributes, size)                                  \
    attributes static unsigned name(unsigned levels) {                     \
        volatile unsigned char frame[(size)];                              \
        frame[0] = (unsigned char)levels;                                  \
        return levels ? name(levels - 1) + (frame[0] == levels % 256) : 0; \
    }

RECURSION(small, UNPROBED, 1 * KIB)
RECURSION(beyond_a_page, UNPROBED, 33 * KIB)
RECURSION(beyond_many_pages, UNPROBED, 700 * KIB)
RECURSION(probed, PROBED, 33 * KIB)
RECURSION(probed_far, PROBED, 700 * KIB)

static bool overflows(unsigned (*recursion)(unsigned)) {
    static volatile unsigned without_end = 1u << 30;
    if (sigsetjmp(back, 1))
        return true;
    recursion(without_end);
    return false;
}

static bool is_intact(const volatile unsigned char *at, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (at[i])
            return false;
    return true;
}

static void size_of_the_first(void) {
    pthread_attr_t attr;
    struct rlimit limit;
    void *stack = NULL;
    size_t size = 0;
    char here;
    getrlimit(RLIMIT_STACK, &limit);
    ok(limit.rlim_cur >= 2048 * KIB, "RLIMIT_STACK");
    ok(pthread_getattr_np(pthread_self(), &attr) == 0 && pthread_attr_getstack(&attr, &stack, &size) == 0,
       "the first thread knows its stack");
    ok((uintptr_t)&here - (uintptr_t)stack < size && size > 1024 * KIB && size <= limit.rlim_cur + 1024 * KIB,
       "which is as large as that");
}

static void first_thread(void) {
    static char stack[64 * KIB];
    char here;
    catch_on_another_stack(stack, sizeof stack);
    ok(overflows(small), "the first thread's stack overflows by small frames");
    ok((uintptr_t)fault_address < (uintptr_t)&here, "below it");
    ok(overflows(beyond_a_page), "by frames of 33 KiB");
    ok(overflows(beyond_many_pages), "by frames of 700 KiB");
    ok(overflows(probed), "by frames that are probed");
    ok(overflows(probed_far), "by large ones that are probed");
    ok(is_intact(data, sizeof data), "the image's data is what it was");
}

/* ---- threads */

static pthread_barrier_t both;
static bool neighbour_intact[2];

static void *neighbour(void *number) {
    unsigned char local[64 * KIB];
    memset(local, 0, sizeof local);
    __asm__ volatile("" : : "r"(local) : "memory");
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    neighbour_intact[(uintptr_t)number] = is_intact(local, sizeof local);
    return NULL;
}

struct deed {
    unsigned (*recursion)(unsigned);
    bool overflowed;
};

static void *overflow_thread(void *argument) {
    struct deed *deed = argument;
    static char stack[64 * KIB];
    catch_on_another_stack(stack, sizeof stack);
    pthread_barrier_wait(&both);
    deed->overflowed = overflows(deed->recursion);
    pthread_barrier_wait(&both);
    return NULL;
}

/* Between two others, so that one of them lies next to it. */
static void between(unsigned (*recursion)(unsigned), size_t guard, const char *name) {
    struct deed deed = {.recursion = recursion};
    pthread_t threads[3];
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * KIB);
    if (guard)
        pthread_attr_setguardsize(&attr, guard);
    pthread_barrier_init(&both, NULL, 3);
    pthread_create(&threads[0], &attr, neighbour, (void *)0);
    pthread_create(&threads[1], &attr, overflow_thread, &deed);
    pthread_create(&threads[2], &attr, neighbour, (void *)1);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ok(deed.overflowed, "a thread's stack overflows %s", name);
    ok(neighbour_intact[0] && neighbour_intact[1], "its neighbours are what they were");
}

int main(void) {
    size_of_the_first();
    first_thread();
    between(small, 0, "by small frames");
    between(probed, 0, "by frames of 33 KiB that are probed");
    between(probed_far, 0, "by frames that are larger than all of it");
    between(beyond_a_page, 64 * KIB, "into a guard as wide as it asked for");
    return done_testing();
}
