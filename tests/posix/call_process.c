/* SPDX-License-Identifier: MIT */
/* What a process is, has and may: its number, its group and session, its limits, and the children that it has not. */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "calls.h"

#define NOBODY 99999999 /* above any pid_max */

static void numbers(void) {
    pid_t pid = (pid_t)syscall(SYS_getpid);
    ok(pid > 0 && pid == getpid(), "getpid");
    ok(syscall(SYS_getppid) >= 0 && getppid() == syscall(SYS_getppid), "getppid");
    gives(syscall(SYS_gettid), pid, "the first thread has the number of the process");
    gives(syscall(SYS_getpgrp), syscall(SYS_getpgid, 0), "getpgrp is getpgid of oneself");
    gives(syscall(SYS_getpgid, pid), getpgrp(), "by number, too");
    ok(syscall(SYS_getsid, 0) >= 0 && getsid(pid) == getsid(0), "getsid");
    fails(syscall(SYS_getpgid, NOBODY), ESRCH, "getpgid of nobody");
    fails(syscall(SYS_getpgid, -1), ESRCH, "of a negative number");
    fails(syscall(SYS_getsid, NOBODY), ESRCH, "getsid of nobody");
    fails(syscall(SYS_setpgid, 0, -1), EINVAL, "setpgid: a negative group");
    fails(syscall(SYS_setpgid, NOBODY, 0), ESRCH, "setpgid: a process that there is not");
    if (getpgrp() == pid)
        fails(syscall(SYS_setsid), EPERM, "setsid: the leader of a group cannot");
    else
        ok(setpgid(0, 0) == 0 && getpgrp() == pid && syscall(SYS_setsid) == -1 && errno == EPERM,
           "setsid: the leader of a group cannot");
    ok(setpgid(0, 0) == (getsid(0) == pid ? -1 : 0), "setpgid: what it is, unless it leads a session");
}

static void *other_thread(void *argument) {
    (void)argument;
    ok(syscall(SYS_gettid) != getpid() && getpid() == syscall(SYS_getpid), "another thread has a number of its own");
    gives(syscall(SYS_getpgid, syscall(SYS_gettid)), getpgrp(), "which stands for the process, too");
    return NULL;
}

static volatile int end_word = 1;
static volatile int passed_exit;

/*
 * exit() of one thread: the others go on, the word is cleared and a futex on it is woken. The C library never learns
 * that this thread is gone.
 */
static void *exits(void *argument) {
    (void)argument;
    gives(syscall(SYS_set_tid_address, &end_word), syscall(SYS_gettid), "set_tid_address gives the number");
    ok(end_word == 1, "and clears nothing yet");
    syscall(SYS_exit, 3);
    passed_exit = 1;
    return NULL;
}

static void threads(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, other_thread, NULL);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, exits, NULL);
    while (end_word)
        syscall(SYS_futex, &end_word, 0 /* FUTEX_WAIT */, 1, NULL, NULL, 0);
    ok(passed_exit == 0, "exit ends a thread, clears its word and wakes who waits for it");
}

static void children(void) {
    int status = 7;
    siginfo_t info;
    struct rusage usage;
    fails(syscall(SYS_wait4, -1, &status, 0, NULL), ECHILD, "wait4 without children");
    fails(syscall(SYS_wait4, -1, NULL, WNOHANG | WUNTRACED, &usage), ECHILD, "not even without waiting");
    fails(syscall(SYS_wait4, NOBODY, &status, 0, NULL), ECHILD, "wait4 for nobody");
    fails(syscall(SYS_wait4, 0, &status, 0, NULL), ECHILD, "of the own group");
    fails(syscall(SYS_wait4, -1, &status, 0x40, NULL), EINVAL, "wait4: a flag that there is not");
    fails(syscall(SYS_wait4, INT_MIN, &status, 0, NULL), ESRCH, "wait4: a group that cannot be");
    ok(status == 7, "and the status is left alone");
    fails(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, NULL), ECHILD, "waitid without children");
    fails(syscall(SYS_waitid, P_PID, NOBODY, &info, WEXITED | WNOHANG, NULL), ECHILD, "waitid for nobody");
    fails(syscall(SYS_waitid, P_ALL, 0, &info, 0, NULL), EINVAL, "waitid for nothing");
    fails(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | 0x100, NULL), EINVAL, "waitid: a flag that there is not");
    fails(syscall(SYS_waitid, 9, 0, &info, WEXITED, NULL), EINVAL, "waitid: a kind that there is not");
    fails(syscall(SYS_waitid, P_PID, 0, &info, WEXITED, NULL), EINVAL, "waitid: process 0");
    fails(syscall(SYS_waitid, P_PGID, -1, &info, WEXITED, NULL), EINVAL, "waitid: a negative group");
}

static void names(void) {
    struct utsname name;
    struct sysinfo info;
    char text[16];
    memset(&name, 'x', sizeof name);
    gives(syscall(SYS_uname, &name), 0, "uname");
    is_str(name.sysname, "Linux", "the system");
    is_str(name.machine, "x86_64", "the machine");
    ok(strlen(name.nodename) > 0 && strlen(name.nodename) < sizeof name.nodename && strlen(name.version) > 0,
       "it has a name and a version");
    ok(name.release[0] >= '5' && strchr(name.release, '.'), "and a release");
    gives(syscall(SYS_sysinfo, &info), 0, "sysinfo");
    ok(info.mem_unit >= 1 && info.totalram > 0 && info.freeram <= info.totalram && info.procs >= 1,
       "it has memory, and us");
    gives(syscall(SYS_prctl, PR_SET_NAME, "a name that is too long"), 0, "prctl: a thread's name");
    memset(text, 'x', sizeof text);
    ok(prctl(PR_GET_NAME, text) == 0 && strcmp(text, "a name that is ") == 0, "is cut off at 15 bytes");
    fails(syscall(SYS_prctl, -1, 0, 0, 0, 0), EINVAL, "prctl: an option that there is not");
}

static void settings(void) {
    int signal = -1;
    ok(prctl(PR_GET_DUMPABLE) >= 0 && prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0,
       "what is set is remembered: PR_SET_DUMPABLE");
    ok(prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(PR_GET_DUMPABLE) == 1, "and back");
    fails(prctl(PR_SET_DUMPABLE, 7), EINVAL, "which takes 0 and 1");
    ok(prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGTERM,
       "PR_SET_PDEATHSIG");
    fails(prctl(PR_SET_PDEATHSIG, 65), EINVAL, "which takes signals");
    ok(prctl(PR_SET_PDEATHSIG, 0) == 0 && prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == 0, "or none");
    ok(prctl(PR_SET_TIMERSLACK, 12345) == 0 && prctl(PR_GET_TIMERSLACK) == 12345, "PR_SET_TIMERSLACK");
    ok(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0 &&
           prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1,
       "PR_SET_THP_DISABLE");
    ok(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
       "PR_SET_NO_NEW_PRIVS");
    fails(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL, "for good");
    gives(prctl(PR_SET_CHILD_SUBREAPER, 1), 0, "PR_SET_CHILD_SUBREAPER");
    ok(prctl(PR_GET_CHILD_SUBREAPER, &signal) == 0 && signal == 1, "is remembered");
    gives(prctl(PR_GET_SECCOMP), prctl(PR_GET_SECCOMP), "PR_GET_SECCOMP");
    gives(prctl(PR_CAPBSET_READ, 0), 1, "PR_CAPBSET_READ");
    fails(prctl(PR_CAPBSET_READ, 64), EINVAL, "of a capability that there is not");
}

static void limits(void) {
    struct rlimit limit, same, low;
    int all = 0;
    for (int resource = 0; resource < 16; resource++)
        all += getrlimit(resource, &limit) == 0 && limit.rlim_cur <= limit.rlim_max;
    ok(all == 16, "there are sixteen limits");
    fails(syscall(SYS_getrlimit, 16, &limit), EINVAL, "getrlimit: and no more");
    fails(syscall(SYS_setrlimit, 16, &limit), EINVAL, "setrlimit: and no more");
    fails(syscall(SYS_prlimit64, 0, 16, NULL, NULL), EINVAL, "prlimit: and no more");
    fails(syscall(SYS_prlimit64, NOBODY, RLIMIT_CORE, NULL, &limit), ESRCH, "prlimit of nobody");
    gives(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL), 0, "prlimit asks for nothing");
    syscall(SYS_getrlimit, RLIMIT_FSIZE, &limit);
    ok(syscall(SYS_prlimit64, getpid(), RLIMIT_FSIZE, NULL, &same) == 0 && same.rlim_cur == limit.rlim_cur &&
           same.rlim_max == limit.rlim_max,
       "prlimit says what getrlimit says");
    low = (struct rlimit){1000, 500};
    fails(syscall(SYS_setrlimit, RLIMIT_FSIZE, &low), EINVAL, "a soft limit above the hard one");
    low = (struct rlimit){1 << 20, limit.rlim_max};
    ok(syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, &low, &same) == 0 && same.rlim_cur == limit.rlim_cur,
       "prlimit gives the old one and sets a new one");
    ok(syscall(SYS_getrlimit, RLIMIT_FSIZE, &same) == 0 && same.rlim_cur == 1 << 20, "which holds");
    gives(syscall(SYS_setrlimit, RLIMIT_FSIZE, &limit), 0, "and back");
}

static void use(void) {
    struct rusage self, thread, none;
    struct tms times_now;
    unsigned cpu = 77, node = 77;
    ok(syscall(SYS_getrusage, RUSAGE_SELF, &self) == 0 && self.ru_maxrss > 0, "getrusage: the process has memory");
    gives(syscall(SYS_getrusage, RUSAGE_THREAD, &thread), 0, "RUSAGE_THREAD");
    ok(syscall(SYS_getrusage, RUSAGE_CHILDREN, &none) == 0 && none.ru_utime.tv_sec == 0 && none.ru_utime.tv_usec == 0,
       "RUSAGE_CHILDREN: none");
    fails(syscall(SYS_getrusage, 5, &self), EINVAL, "of something else");
    ok(syscall(SYS_times, &times_now) > 0 && times_now.tms_cutime == 0 && times_now.tms_cstime == 0, "times");
    ok(syscall(SYS_times, NULL) > 0, "of nothing");
    ok(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && cpu < 4096 && node < 1024, "getcpu");
    gives(syscall(SYS_getcpu, NULL, NULL, NULL), 0, "of nothing");
    ok(syscall(SYS_membarrier, 0, 0, 0) >= 0, "membarrier says what it can");
    fails(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL, "and cannot do anything else");
    fails(syscall(SYS_membarrier, 0, 1, 0), EINVAL, "nor knows flags for it");
}

static void *leave_all(void *argument) {
    (void)argument;
    ok(1, "exit_group by another thread ends all, with its status");
    int status = done_testing();
    fflush(NULL);
    syscall(SYS_exit_group, status | 0x100); /* the lowest eight bits count */
    return NULL;
}

int main(void) {
    pthread_t thread;
    numbers();
    threads();
    children();
    names();
    settings();
    limits();
    use();
    pthread_create(&thread, NULL, leave_all, NULL);
    pthread_join(thread, NULL);
    return 1;
}
