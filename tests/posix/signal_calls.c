/* SPDX-License-Identifier: MIT */
/* Signals as the kernel has them: every error, and what masks, waiting and sending do with each other. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define SIZE 8 /* of a set, for the kernel */
#define NO_THREAD 0x3ffffff0

static int try(long result) {
    return result == -1 ? errno : 0;
}
#define TRY(call, ...) ((unsigned)(errno = 0, try(syscall(call, ##__VA_ARGS__))))

static volatile sig_atomic_t calls, last;

static void count(int signal) {
    last = signal;
    calls++;
}

static void handle(int signal, int flags) {
    struct sigaction action = {.sa_handler = count, .sa_flags = flags};
    sigaction(signal, &action, NULL);
    calls = 0;
}

static uint64_t bit(int signal) {
    return UINT64_C(1) << (signal - 1);
}

static uint64_t mask(int how, uint64_t set) {
    uint64_t old = 0;
    syscall(SYS_rt_sigprocmask, how, &set, &old, SIZE);
    return old;
}

static void sizes_and_numbers(void) {
    uint64_t set = 0, action[4] = {0};
    siginfo_t info;
    is_u64(TRY(SYS_rt_sigaction, SIGUSR1, NULL, action, 4), EINVAL, "rt_sigaction: a set of another size");
    is_u64(TRY(SYS_rt_sigaction, 0, NULL, action, SIZE), EINVAL, "rt_sigaction: no signal");
    is_u64(TRY(SYS_rt_sigaction, 65, NULL, action, SIZE), EINVAL, "rt_sigaction: a signal that there is not");
    is_u64(TRY(SYS_rt_sigaction, SIGKILL, action, NULL, SIZE), EINVAL, "rt_sigaction: SIGKILL");
    is_u64(TRY(SYS_rt_sigaction, SIGSTOP, action, NULL, SIZE), EINVAL, "rt_sigaction: SIGSTOP");
    is_u64(TRY(SYS_rt_sigaction, SIGKILL, NULL, action, SIZE), 0, "rt_sigaction: SIGKILL can be asked for");
    is_u64(TRY(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL, "rt_sigprocmask: a set of another size");
    is_u64(TRY(SYS_rt_sigprocmask, 99, &set, NULL, SIZE), EINVAL, "rt_sigprocmask: a way that there is not");
    is_u64(TRY(SYS_rt_sigprocmask, 99, NULL, &set, SIZE), 0, "rt_sigprocmask: asking needs none");
    is_u64(TRY(SYS_rt_sigpending, &set, 16), EINVAL, "rt_sigpending: a set that is too large");
    is_u64(TRY(SYS_rt_sigsuspend, &set, 4), EINVAL, "rt_sigsuspend: a set of another size");
    is_u64(TRY(SYS_rt_sigtimedwait, &set, &info, NULL, 4), EINVAL, "rt_sigtimedwait: a set of another size");
    is_u64(TRY(SYS_signalfd4, -1, &set, 4, 0), EINVAL, "signalfd4: a set of another size");
    is_u64(TRY(SYS_signalfd4, -1, &set, SIZE, 1), EINVAL, "signalfd4: a flag that there is not");
    is_u64(TRY(SYS_signalfd4, 999, &set, SIZE, 0), EBADF, "signalfd4: no descriptor");
    is_u64(TRY(SYS_signalfd4, 0, &set, SIZE, 0), EINVAL, "signalfd4: of something else");
}

static void never_blocked(void) {
    uint64_t before = mask(SIG_SETMASK, UINT64_MAX);
    uint64_t all = mask(SIG_SETMASK, before);
    ok(!(all & (bit(SIGKILL) | bit(SIGSTOP))) && (all & bit(SIGUSR1)) && (all & bit(64)),
       "SIGKILL and SIGSTOP are never blocked");
    mask(SIG_BLOCK, bit(SIGUSR1));
    mask(SIG_BLOCK, bit(SIGUSR2));
    ok((mask(SIG_UNBLOCK, bit(SIGUSR1)) & (bit(SIGUSR1) | bit(SIGUSR2))) == (bit(SIGUSR1) | bit(SIGUSR2)),
       "SIG_BLOCK adds");
    ok((mask(SIG_SETMASK, before) & (bit(SIGUSR1) | bit(SIGUSR2))) == bit(SIGUSR2), "SIG_UNBLOCK takes away");
}

static void *nothing(void *argument) {
    *(int *)argument = (int)syscall(SYS_gettid);
    mask(SIG_BLOCK, bit(SIGUSR1));
    kill((int)syscall(SYS_gettid), SIGUSR1);
    return NULL;
}

static void sending(void) {
    pid_t pid = getpid();
    int tid = (int)syscall(SYS_gettid), other = 0;
    siginfo_t info = {.si_code = SI_QUEUE};
    handle(SIGUSR1, 0);
    is_u64(TRY(SYS_kill, pid, 65), EINVAL, "kill: a signal that there is not");
    is_u64(TRY(SYS_kill, NO_THREAD, 0), ESRCH, "kill: a process that there is not");
    is_u64(TRY(SYS_kill, pid, 0), 0, "kill: no signal");
    is_u64(TRY(SYS_tkill, 0, SIGUSR1), EINVAL, "tkill: no thread");
    is_u64(TRY(SYS_tkill, -5, SIGUSR1), EINVAL, "tkill: less than none");
    is_u64(TRY(SYS_tkill, NO_THREAD, SIGUSR1), ESRCH, "tkill: a thread that there is not");
    is_u64(TRY(SYS_tkill, tid, 65), EINVAL, "tkill: a signal that there is not");
    is_u64(TRY(SYS_tgkill, 0, tid, SIGUSR1), EINVAL, "tgkill: no process");
    is_u64(TRY(SYS_tgkill, pid, 0, SIGUSR1), EINVAL, "tgkill: no thread");
    is_u64(TRY(SYS_tgkill, NO_THREAD, tid, SIGUSR1), ESRCH, "tgkill: a process that there is not");
    is_u64(TRY(SYS_tgkill, pid, NO_THREAD, SIGUSR1), ESRCH, "tgkill: a thread that there is not");
    is_u64(TRY(SYS_tgkill, pid, tid, 0), 0, "tgkill: no signal");
    is_u64(TRY(SYS_rt_sigqueueinfo, NO_THREAD, SIGUSR1, &info), ESRCH, "rt_sigqueueinfo: a process that there is not");
    is_u64(TRY(SYS_rt_sigqueueinfo, pid, 65, &info), EINVAL, "rt_sigqueueinfo: a signal that there is not");
    is_u64(TRY(SYS_rt_tgsigqueueinfo, pid, 0, SIGUSR1, &info), EINVAL, "rt_tgsigqueueinfo: no thread");
    is_u64(TRY(SYS_rt_tgsigqueueinfo, 0, tid, SIGUSR1, &info), EINVAL, "rt_tgsigqueueinfo: no process");
    is_u64(TRY(SYS_rt_tgsigqueueinfo, pid, NO_THREAD, SIGUSR1, &info), ESRCH,
           "rt_tgsigqueueinfo: a thread that there is not");
    is_u64((unsigned)calls, 0, "none of these has sent anything");
    is_u64(TRY(SYS_tkill, tid, SIGUSR1), 0, "tkill");
    is_u64(TRY(SYS_tgkill, pid, tid, SIGUSR1), 0, "tgkill");
    is_u64(TRY(SYS_rt_tgsigqueueinfo, pid, tid, SIGUSR1, &info), 0, "rt_tgsigqueueinfo");
    is_u64(TRY(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), 0, "rt_sigqueueinfo");
    is_u64((unsigned)calls, 4, "each of them sends one");
    pthread_t thread;
    pthread_create(&thread, NULL, nothing, &other);
    pthread_join(thread, NULL);
    for (int i = 0; i < 1000 && calls < 5; i++)
        usleep(1000);
    ok(calls == 5 && other != tid, "kill of a thread's id is one of the process");
}

static void pending(void) {
    uint64_t before = mask(SIG_BLOCK, bit(SIGUSR1) | bit(SIGUSR2)), set = 0;
    handle(SIGUSR1, 0);
    handle(SIGUSR2, 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    syscall(SYS_rt_sigpending, &set, SIZE);
    ok((set & (bit(SIGUSR1) | bit(SIGUSR2))) == bit(SIGUSR1), "rt_sigpending");
    signal(SIGUSR1, SIG_IGN);
    syscall(SYS_rt_sigpending, &set, SIZE);
    ok(!(set & bit(SIGUSR1)), "what is ignored from now on is pending no more");
    handle(SIGUSR1, 0);
    mask(SIG_SETMASK, before);
    is_u64((unsigned)calls, 0, "and does not come");
    mask(SIG_BLOCK, bit(SIGUSR1));
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    mask(SIG_SETMASK, before);
    is_u64((unsigned)calls, 1, "what is sent twice comes once");
}

static void waiting(void) {
    struct timespec bad = {0, 1000000000}, none = {0}, soon = {0, 5000000};
    uint64_t before = mask(SIG_BLOCK, bit(SIGUSR1)), set = bit(SIGUSR1);
    siginfo_t info = {0};
    is_u64(TRY(SYS_rt_sigtimedwait, &set, &info, &bad, SIZE), EINVAL, "rt_sigtimedwait: no time");
    is_u64(TRY(SYS_rt_sigtimedwait, &set, &info, &none, SIZE), EAGAIN, "rt_sigtimedwait: nothing is there");
    is_u64(TRY(SYS_rt_sigtimedwait, &set, &info, &soon, SIZE), EAGAIN, "rt_sigtimedwait: nothing comes");
    kill(getpid(), SIGUSR1);
    ok(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, SIZE) == SIGUSR1 && info.si_signo == SIGUSR1 &&
           info.si_code == SI_USER && info.si_pid == getpid(),
       "rt_sigtimedwait takes it");
    struct itimerval timer = {.it_value = {.tv_usec = 10000}};
    handle(SIGALRM, SA_RESTART);
    setitimer(ITIMER_REAL, &timer, NULL);
    is_u64(TRY(SYS_rt_sigtimedwait, &set, &info, NULL, SIZE), EINTR, "rt_sigtimedwait: another one ends it");
    setitimer(ITIMER_REAL, &timer, NULL);
    is_u64(TRY(SYS_pause), EINTR, "pause");
    setitimer(ITIMER_REAL, &timer, NULL);
    set = 0;
    is_u64(TRY(SYS_rt_sigsuspend, &set, SIZE), EINTR, "rt_sigsuspend");
    is_u64((unsigned)calls, 3, "each after its handler");
    ok(mask(SIG_SETMASK, before) & bit(SIGUSR1), "and with the mask from before");
}

static void descriptors(void) {
    uint64_t set = bit(SIGUSR1) | bit(SIGUSR2), before = mask(SIG_BLOCK, set);
    struct signalfd_siginfo info[3];
    int fd = (int)syscall(SYS_signalfd4, -1, &set, SIZE, SFD_NONBLOCK | SFD_CLOEXEC);
    ok(fd >= 0, "signalfd4");
    is_u64(TRY(SYS_read, fd, info, 16), EINVAL, "read of less than one");
    is_u64(TRY(SYS_read, fd, info, sizeof info), EAGAIN, "read of none");
    kill(getpid(), SIGUSR2);
    syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1);
    ok(read(fd, info, sizeof info) == 2 * sizeof *info, "read of two");
    ok((info[0].ssi_signo == SIGUSR1 && info[1].ssi_signo == SIGUSR2) && info[0].ssi_code == SI_TKILL &&
           info[1].ssi_code == SI_USER && info[1].ssi_pid == (uint32_t)getpid(),
       "and what came with them");
    set = bit(SIGUSR2);
    is_u64(TRY(SYS_signalfd, fd, &set, SIZE), 0, "signalfd changes the set");
    kill(getpid(), SIGUSR1);
    is_u64(TRY(SYS_read, fd, info, sizeof info), EAGAIN, "what is not in it stays");
    handle(SIGUSR1, 0);
    mask(SIG_SETMASK, before);
    is_u64((unsigned)calls, 1, "for the handler");
    close(fd);
}

int main(void) {
    sizes_and_numbers();
    never_blocked();
    sending();
    pending();
    waiting();
    descriptors();
    return done_testing();
}
