/* SPDX-License-Identifier: MIT */
/* Signals that a program sends itself or asks for. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static volatile sig_atomic_t got, count;

static void note(int signal) {
    got = signal;
    count++;
}

static void note_info(int signal, siginfo_t *info, void *context) {
    got = context ? info->si_signo : -1;
    count += signal == info->si_signo;
}

static void install(int signal, int flags) {
    struct sigaction action = {.sa_handler = note, .sa_flags = flags};
    sigaction(signal, &action, NULL);
    got = count = 0;
}

static void raising(void) {
    install(SIGUSR1, 0);
    raise(SIGUSR1);
    ok(got == SIGUSR1 && count == 1, "raise");
    kill(getpid(), SIGUSR1);
    ok(count == 2, "kill of itself");
    struct sigaction action = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO}, old;
    sigaction(SIGUSR1, &action, &old);
    ok(old.sa_handler == note, "sigaction gives back the old one");
    raise(SIGUSR1);
    ok(got == SIGUSR1 && count == 3, "SA_SIGINFO");
    install(SIGUSR2, SA_RESETHAND);
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &old);
    ok(count == 1 && old.sa_handler == SIG_DFL, "SA_RESETHAND");
    signal(SIGUSR2, SIG_IGN);
    ok(raise(SIGUSR2) == 0, "what is ignored does nothing");
    ok(raise(SIGCHLD) == 0 && raise(SIGWINCH) == 0, "nor does what is ignored by default");
    ok(kill(99999, 0) < 0 && errno == ESRCH, "no other process");
    ok(sigaction(SIGKILL, &action, NULL) < 0 && errno == EINVAL, "SIGKILL cannot be handled");
}

static void masks(void) {
    sigset_t set, old, pending;
    install(SIGUSR1, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    sigpending(&pending);
    ok(count == 0 && sigismember(&pending, SIGUSR1), "blocked, it is pending");
    sigprocmask(SIG_SETMASK, &old, NULL);
    ok(count == 1, "and comes when it is unblocked");
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    sigset_t none;
    sigemptyset(&none);
    ok(sigsuspend(&none) < 0 && errno == EINTR && count == 2, "sigsuspend takes it");
    raise(SIGUSR1);
    struct timespec short_time = {0, 10000000};
    ok(sigtimedwait(&set, NULL, &short_time) == SIGUSR1 && count == 2, "sigtimedwait takes it without a handler");
    ok(sigtimedwait(&set, NULL, &short_time) < 0 && errno == EAGAIN, "and gives up");
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void interrupting(void) {
    struct itimerval soon = {.it_value = {0, 10000}};
    int fds[2];
    char byte;
    if (pipe(fds) < 0)
        perror("pipe");
    install(SIGALRM, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    ok(read(fds[0], &byte, 1) < 0 && errno == EINTR && got == SIGALRM, "a read is interrupted");
    setitimer(ITIMER_REAL, &soon, NULL);
    ok(usleep(1000000) < 0 && errno == EINTR && count == 2, "a sleep is interrupted");
    setitimer(ITIMER_REAL, &soon, NULL);
    ok(pause() < 0 && errno == EINTR && count == 3, "pause ends");
    ok(alarm(100) == 0 && alarm(0) == 100, "alarm says what was left");
}

static void *write_later(void *argument) {
    usleep(30000);
    if (write(*(int *)argument, "x", 1) < 0)
        perror("write");
    return NULL;
}

static void restarting(void) {
    struct itimerval soon = {.it_value = {0, 10000}};
    pthread_t thread;
    sigset_t set;
    int fds[2];
    char byte = 0;
    if (pipe(fds) < 0)
        perror("pipe");
    install(SIGALRM, SA_RESTART);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* for the other thread, which inherits it */
    pthread_create(&thread, NULL, write_later, &fds[1]);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    ok(read(fds[0], &byte, 1) == 1 && byte == 'x' && count == 1, "SA_RESTART: the read goes on after the handler");
    pthread_join(thread, NULL);
    close(fds[0]);
    install(SIGPIPE, 0);
    ok(write(fds[1], "x", 1) < 0 && errno == EPIPE && got == SIGPIPE, "SIGPIPE and EPIPE");
}

static sigjmp_buf back;

static void jump(int signal) {
    siglongjmp(back, signal);
}

static void *sleep_long(void *argument) {
    (void)argument;
    return (void *)(long)(usleep(2000000) < 0 && errno == EINTR);
}

static void threads(void) {
    pthread_t thread;
    void *result;
    install(SIGUSR1, 0);
    pthread_create(&thread, NULL, sleep_long, NULL);
    usleep(10000);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, &result);
    ok(result && count == 1, "pthread_kill interrupts that thread");
    signal(SIGUSR2, jump);
    int jumped = sigsetjmp(back, 1);
    if (!jumped)
        raise(SIGUSR2);
    sigset_t set;
    sigprocmask(SIG_SETMASK, NULL, &set);
    ok(jumped == SIGUSR2 && !sigismember(&set, SIGUSR2), "siglongjmp out of a handler");
}

int main(void) {
    raising();
    masks();
    interrupting();
    restarting();
    threads();
    return done_testing();
}
