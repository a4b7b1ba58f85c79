/* SPDX-License-Identifier: MIT */
/* System V semaphores: semget(2), semop(2), semctl(2). */
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x756b7365
#define MILLISECOND 1000000L

union argument {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int set;

static bool fails(int result, int error) {
    return result == -1 && errno == error;
}

static int operate(unsigned short number, short operation, short flags) {
    struct sembuf one = {number, operation, flags};
    return semop(set, &one, 1);
}

static int value(int number) {
    return semctl(set, number, GETVAL);
}

static int set_value(int number, int new_value) {
    return semctl(set, number, SETVAL, (union argument){.val = new_value});
}

static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = 100 * MILLISECOND}, NULL);
}

static void test_get(void) {
    ok(fails(semget(KEY, 3, 0600), ENOENT), "no set with that key: ENOENT");
    ok(fails(semget(KEY, 0, IPC_CREAT | 0600), EINVAL), "a set of none: EINVAL");
    ok(fails(semget(KEY, -1, IPC_CREAT | 0600), EINVAL), "of fewer: EINVAL");
    ok(fails(semget(KEY, 32001, IPC_CREAT | 0600), EINVAL), "of too many: EINVAL");
    set = semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600);
    ok(set >= 0, "one is made");
    ok(semget(KEY, 0, 0600) == set && semget(KEY, 3, 0600) == set, "and found");
    ok(fails(semget(KEY, 4, 0600), EINVAL), "with more than it has: EINVAL");
    ok(fails(semget(KEY, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST), "IPC_EXCL: EEXIST");
}

static void test_values(void) {
    unsigned short values[3] = {9, 9, 9}, large[3] = {1, 40000, 1};
    ok(semctl(set, 0, GETALL, (union argument){.array = values}) == 0 && !values[0] && !values[1] && !values[2],
       "they begin at 0");
    ok(set_value(1, 5) == 0 && value(1) == 5 && value(0) == 0, "SETVAL, GETVAL");
    ok(fails(set_value(1, 32768), ERANGE) && fails(set_value(1, -1), ERANGE), "out of range: ERANGE");
    ok(set_value(1, 32767) == 0, "the largest value");
    ok(fails(operate(1, 1, 0), ERANGE), "and one more: ERANGE");
    ok(fails(set_value(3, 1), EINVAL) && fails(semctl(set, -1, GETVAL), EINVAL), "no such semaphore: EINVAL");
    values[0] = 1, values[1] = 2, values[2] = 3;
    ok(semctl(set, 0, SETALL, (union argument){.array = values}) == 0 && value(2) == 3 && value(0) == 1, "SETALL");
    ok(fails(semctl(set, 0, SETALL, (union argument){.array = large}), ERANGE) && value(0) == 1, "out of range: none");
    ok(semctl(set, 1, GETPID) == getpid(), "GETPID");
    ok(semctl(set, 0, GETNCNT) == 0 && semctl(set, 0, GETZCNT) == 0, "nobody waits");
    ok(fails(semctl(set, 0, 99), EINVAL), "an unknown command: EINVAL");
}

static void test_operations(void) {
    struct sembuf both[] = {{0, -1, 0}, {2, -4, IPC_NOWAIT}}, undo = {0, 2, SEM_UNDO},
                  twice[] = {{1, 3, 0}, {1, -5, 0}};
    static struct sembuf many[501];
    ok(operate(0, 2, 0) == 0 && value(0) == 3, "up");
    ok(operate(0, -2, 0) == 0 && value(0) == 1, "down");
    ok(fails(operate(0, -2, IPC_NOWAIT), EAGAIN) && value(0) == 1, "too far: EAGAIN");
    ok(fails(operate(0, 0, IPC_NOWAIT), EAGAIN), "not yet 0: EAGAIN");
    ok(fails(semop(set, both, 2), EAGAIN) && value(0) == 1 && value(2) == 3, "all of them or none");
    both[1].sem_op = -3;
    ok(semop(set, both, 2) == 0 && value(0) == 0 && value(2) == 0, "all of them");
    ok(operate(0, 0, 0) == 0, "0 when it is");
    ok(semop(set, twice, 2) == 0 && value(1) == 0, "two of one semaphore, in order");
    ok(semop(set, &undo, 1) == 0 && value(0) == 2, "SEM_UNDO");
    ok(fails(operate(3, 1, 0), EFBIG), "no such semaphore: EFBIG");
    ok(fails(semop(set, both, 0), EINVAL), "no operations: EINVAL");
    ok(fails(semop(set, many, 501), E2BIG), "too many: E2BIG");
    ok(fails(semop(-1, both, 1), EINVAL) && fails(semop(0x7fffffff, both, 1), EINVAL), "no set: EINVAL");
    set_value(0, 0);
}

static void test_time_out(void) {
    struct sembuf down = {0, -1, 0}, zero = {1, 0, 0}, up = {0, 1, 0};
    struct timespec short_while = {0, 30 * MILLISECOND}, none = {0, 0}, bad = {0, 1000000000}, before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    ok(fails(semtimedop(set, &down, 1, &short_while), EAGAIN), "the time is over: EAGAIN");
    clock_gettime(CLOCK_MONOTONIC, &after);
    ok((after.tv_sec - before.tv_sec) * 1000 * MILLISECOND + after.tv_nsec - before.tv_nsec >= 30 * MILLISECOND,
       "not before");
    ok(fails(semtimedop(set, &down, 1, &none), EAGAIN), "no time at all: EAGAIN");
    ok(fails(semtimedop(set, &down, 1, &bad), EINVAL), "no time: EINVAL");
    ok(semtimedop(set, &up, 1, &none) == 0 && semtimedop(set, &down, 1, NULL) == 0, "what need not wait does not");
    set_value(1, 1);
    ok(fails(semtimedop(set, &zero, 1, &short_while), EAGAIN), "waiting for 0: EAGAIN");
    set_value(1, 0);
    ok(semctl(set, 0, GETNCNT) == 0 && semctl(set, 1, GETZCNT) == 0, "nobody waits any more");
}

/* ---- blocking */

static pthread_t thread;
static int result, error;
static struct sembuf wanted;

static void *wait_for_it(void *unused) {
    result = semop(set, &wanted, 1);
    error = result < 0 ? errno : 0;
    return unused;
}

static void start(unsigned short number, short operation) {
    wanted = (struct sembuf){number, operation, 0};
    pthread_create(&thread, NULL, wait_for_it, NULL);
    while (semctl(set, number, operation ? GETNCNT : GETZCNT) == 0)
        nap();
}

static void on_signal(int number) {
    (void)number;
}

static void test_blocking(void) {
    start(0, -2);
    ok(semctl(set, 0, GETNCNT) == 1 && semctl(set, 0, GETZCNT) == 0, "one waits for more");
    operate(0, 1, 0);
    nap();
    ok(value(0) == 1 && semctl(set, 0, GETNCNT) == 1, "one is not enough");
    operate(0, 2, 0);
    pthread_join(thread, NULL);
    ok(result == 0 && value(0) == 1, "two are");
    start(0, 0);
    ok(semctl(set, 0, GETZCNT) == 1, "one waits for 0");
    set_value(0, 0);
    pthread_join(thread, NULL);
    ok(result == 0, "SETVAL lets it go on");
}

static void test_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    start(0, -1);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, NULL);
    ok(result == -1 && error == EINTR, "a signal ends semop(): EINTR, whatever SA_RESTART says");
    ok(semctl(set, 0, GETNCNT) == 0, "and nobody waits");
}

static void test_status(void) {
    struct semid_ds status;
    struct seminfo info;
    time_t now = time(NULL);
    ok(semctl(set, 0, IPC_STAT, (union argument){.buf = &status}) == 0 && status.sem_nsems == 3, "IPC_STAT");
    ok(status.sem_otime > now - 100 && status.sem_ctime > now - 100, "when it was used and changed");
    ok(status.sem_perm.mode == 0600 && status.sem_perm.__key == KEY, "permissions");
    status.sem_perm.mode = 0666;
    ok(semctl(set, 0, IPC_SET, (union argument){.buf = &status}) == 0, "IPC_SET");
    ok(semctl(set, 0, IPC_STAT, (union argument){.buf = &status}) == 0 && status.sem_perm.mode == 0666, "changes them");
    ok(semctl(0, 0, IPC_INFO, (union argument){.info = &info}) >= 0 && info.semmsl == 32000 && info.semvmx == 32767,
       "IPC_INFO");
    int highest = semctl(0, 0, SEM_INFO, (union argument){.info = &info}), found = 0;
    ok(highest >= 0 && info.semusz >= 1 && info.semaem >= 3, "SEM_INFO");
    for (int i = 0; i <= highest; i++)
        found += semctl(i, 0, SEM_STAT, (union argument){.buf = &status}) == set;
    is_u64((uint64_t)found, 1, "SEM_STAT: it is in the list once");
}

static void test_removal(void) {
    start(0, -1);
    ok(semctl(set, 0, IPC_RMID) == 0, "IPC_RMID while one waits");
    pthread_join(thread, NULL);
    ok(result == -1 && error == EIDRM, "it gets EIDRM");
    ok(fails(operate(0, 1, 0), EINVAL) && fails(semctl(set, 0, IPC_RMID), EINVAL), "the set is gone: EINVAL");
    ok(fails(semget(KEY, 3, 0600), ENOENT), "the key is free");
}

int main(void) {
    if (semget(KEY, 1, 0600) < 0 && errno == ENOSYS)
        skip_all("this kernel has no semaphores");
    alarm(60);
    test_get();
    test_values();
    test_operations();
    test_time_out();
    test_blocking();
    test_signals();
    test_status();
    test_removal();
    return done_testing();
}
