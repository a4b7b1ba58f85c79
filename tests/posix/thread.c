/* SPDX-License-Identifier: MIT */
/* Threads, their locks and their local variables. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define THREADS 8

static _Thread_local int local = 7;
static _Thread_local char zeroed[100];
static int shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *count(void *argument) {
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        int before = shared;
        if (i % 10 == 0)
            sched_yield();
        shared = before + 1;
        pthread_mutex_unlock(&mutex);
    }
    local += (int)(long)argument;
    zeroed[50]++;
    return (void *)(long)(local + zeroed[50]);
}

static void mutexes(void) {
    pthread_t threads[THREADS];
    bool right = true;
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, (void *)i);
    for (long i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        right = right && (long)result == 8 + i;
    }
    ok(right, "every thread has its own variables, and a result");
    ok(shared == THREADS * 1000, "a mutex lets in one at a time, also when its holder yields");
    ok(local == 7, "the main thread's variable is its own");
    ok(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_trylock(&mutex) == EBUSY, "trylock");
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec = (soon.tv_nsec + 20000000) % 1000000000;
    soon.tv_sec += soon.tv_nsec < 20000000;
    ok(pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT, "timedlock gives up");
    pthread_mutex_unlock(&mutex);

    pthread_mutexattr_t attributes;
    pthread_mutex_t recursive;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&recursive, &attributes);
    ok(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&recursive) == 0, "a recursive mutex is taken twice");
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_t checked;
    pthread_mutex_init(&checked, &attributes);
    pthread_mutex_lock(&checked);
    ok(pthread_mutex_lock(&checked) == EDEADLK, "a checking one says EDEADLK");
}

/* A queue of one place between two threads. */
static int place, produced, consumed;

static void *produce(void *argument) {
    (void)argument;
    for (int i = 1; i <= 100; i++) {
        pthread_mutex_lock(&mutex);
        while (place)
            pthread_cond_wait(&condition, &mutex);
        place = i;
        produced += i;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void conditions(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, produce, NULL);
    for (int i = 1; i <= 100; i++) {
        pthread_mutex_lock(&mutex);
        while (!place)
            pthread_cond_wait(&condition, &mutex);
        consumed += place;
        place = 0;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    pthread_join(thread, NULL);
    ok(produced == 5050 && consumed == 5050, "a condition variable: everything produced is consumed");

    struct timespec past = {1, 0};
    pthread_mutex_lock(&mutex);
    ok(pthread_cond_timedwait(&condition, &mutex, &past) == ETIMEDOUT, "timedwait into the past");
    pthread_mutex_unlock(&mutex);
}

static sem_t semaphore;
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int initialised, destroyed, serial;

static void initialise(void) {
    initialised++;
}

static void destroy(void *value) {
    __atomic_add_fetch(&destroyed, (int)(long)value, __ATOMIC_SEQ_CST); /* those of all threads run at once */
}

static void *meet(void *argument) {
    pthread_once(&once, initialise);
    pthread_setspecific(key, argument);
    sem_wait(&semaphore);
    pthread_rwlock_rdlock(&rwlock);
    sched_yield();
    pthread_rwlock_unlock(&rwlock);
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
        serial++;
    return NULL;
}

static void meeting(void) {
    pthread_t threads[THREADS];
    sem_init(&semaphore, 0, 0);
    pthread_barrier_init(&barrier, NULL, THREADS);
    pthread_key_create(&key, destroy);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, meet, (void *)1L);
    pthread_rwlock_wrlock(&rwlock);
    for (int i = 0; i < THREADS; i++)
        sem_post(&semaphore);
    sched_yield();
    pthread_rwlock_unlock(&rwlock);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ok(initialised == 1, "pthread_once: once");
    ok(serial == 1, "a barrier: one serial thread");
    ok(destroyed == THREADS, "the destructors of thread-specific data ran");
}

static int cleaned;

static void clean(void *argument) {
    cleaned += *(int *)argument;
}

static void *wait_forever(void *argument) {
    int *ends = argument, value = 3;
    char byte;
    pthread_cleanup_push(clean, &value);
    if (read(ends[0], &byte, 1) < 0)
        cleaned = -1;
    pthread_cleanup_pop(0);
    return NULL;
}

static void *detached(void *argument) {
    __atomic_add_fetch((int *)argument, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void ends(void) {
    int fds[2], count_detached = 0;
    pthread_t thread;
    void *result;
    if (pipe(fds) < 0)
        perror("pipe");
    pthread_create(&thread, NULL, wait_forever, fds);
    usleep(1000);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    ok(result == PTHREAD_CANCELED && cleaned == 3, "a thread that reads is cancelled, and cleans up");
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 65536);
    for (int i = 0; i < 500; i++) {
        int error = pthread_create(&thread, &attributes, detached, &count_detached);
        if (error)
            diag("thread %d: %s", i, strerror(error));
        if (i % 50 == 0)
            usleep(100);
    }
    for (int i = 0; i < 1000 && __atomic_load_n(&count_detached, __ATOMIC_SEQ_CST) < 500; i++)
        usleep(1000);
    ok(count_detached == 500, "500 detached threads");
}

static int start_c11(void *argument) {
    return *(int *)argument + 1;
}

static void c11(void) {
    thrd_t thread;
    int argument = 41, result = 0;
    thrd_create(&thread, start_c11, &argument);
    thrd_join(thread, &result);
    ok(result == 42, "C11 threads");
}

static pthread_mutex_t robust;

static void *lock_and_end(void *unused) {
    (void)unused;
    pthread_mutex_lock(&robust);
    return NULL;
}

static void let_it_die(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, lock_and_end, NULL);
    pthread_join(thread, NULL);
}

static void robust_mutexes(void) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    ok(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0, "robust mutexes");
    pthread_mutex_init(&robust, &attributes);
    let_it_die();
    ok(pthread_mutex_lock(&robust) == EOWNERDEAD, "whose owner has ended");
    ok(pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0, "are made consistent");
    ok(pthread_mutex_lock(&robust) == 0 && pthread_mutex_unlock(&robust) == 0, "and go on");
    let_it_die();
    ok(pthread_mutex_trylock(&robust) == EOWNERDEAD && pthread_mutex_unlock(&robust) == 0 &&
           pthread_mutex_lock(&robust) == ENOTRECOVERABLE,
       "or are lost");
}

int main(void) {
    robust_mutexes();
    mutexes();
    conditions();
    meeting();
    ends();
    c11();
    return done_testing();
}
