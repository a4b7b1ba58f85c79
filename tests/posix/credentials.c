/* SPDX-License-Identifier: MIT */
/* Root's rights, and how a server gives them up: for good, for a while, and with other threads about. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"

static bool users_are(uid_t real, uid_t effective, uid_t saved) {
    uid_t r, e, s;
    return getresuid(&r, &e, &s) == 0 && r == real && e == effective && s == saved && getuid() == real &&
           geteuid() == effective;
}

static bool groups_are(gid_t real, gid_t effective, gid_t saved) {
    gid_t r, e, s;
    return getresgid(&r, &e, &s) == 0 && r == real && e == effective && s == saved && getgid() == real &&
           getegid() == effective;
}

static uint64_t capabilities(bool permitted) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return 1;
    return permitted ? data[0].permitted | (uint64_t)data[1].permitted << 32
                     : data[0].effective | (uint64_t)data[1].effective << 32;
}

static void for_a_while(void) {
    uint64_t all = capabilities(true);
    ok(users_are(0, 0, 0) && groups_are(0, 0, 0), "root at the start");
    ok(capabilities(false) == all && (all & 1 << CAP_SETUID), "with capabilities");
    ok(seteuid(1000) == 0 && users_are(0, 1000, 0), "seteuid()");
    ok(capabilities(false) == 0 && capabilities(true) == all, "capabilities wait meanwhile");
    ok(setegid(5) == -1 && errno == EPERM, "setegid() is refused");
    ok(setgroups(0, NULL) == -1 && errno == EPERM, "setgroups(), too");
    ok(setresuid(-1, 2000, -1) == -1 && errno == EPERM && users_are(0, 1000, 0), "another user's ID, too");
    ok(seteuid(0) == 0 && users_are(0, 0, 0) && capabilities(false) == all, "and back");
    ok(setreuid(1000, -1) == 0 && users_are(1000, 0, 0), "setreuid()");
    ok(setreuid(0, 0) == 0 && users_are(0, 0, 0), "and back");
    ok(setreuid(-1, 1000) == 0 && users_are(0, 1000, 1000), "setreuid() sets the saved ID when it is not the real one");
    ok(setuid(0) == 0 && users_are(0, 0, 1000), "setuid() to the real one, unprivileged");
    ok(setuid(0) == 0 && users_are(0, 0, 0), "setuid(), privileged");
    ok(setuid(-1) == -1 && errno == EINVAL, "setuid(-1)");
}

static void owners(void) {
    char name[] = "credentials.XXXXXX";
    struct stat status;
    int fd = mkstemp(name);
    ok(fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() && status.st_gid == getegid(),
       "a file's owners");
    unlink(name);
    close(fd);
}

static int turn; /* 1: the other thread waits, 2: the main one has changed the user */

static void *other(void *argument) {
    (void)argument;
    __atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != 2)
        usleep(1000);
    return users_are(1000, 1000, 1000) ? "yes" : NULL;
}

static void for_good(void) {
    gid_t groups[3] = {7, 8, 9}, got[40];
    pthread_t thread;
    void *result;
    ok(setgroups(3, groups) == 0 && getgroups(0, NULL) == 3, "setgroups()");
    ok(getgroups(40, got) == 3 && got[0] + got[1] + got[2] == 24, "getgroups()");
    ok(getgroups(2, got) == -1 && errno == EINVAL, "getgroups() without room");
    ok(setregid(50, 60) == 0 && groups_are(50, 60, 60), "setregid()");
    ok(setgid(100) == 0 && groups_are(100, 100, 100), "setgid()");
    pthread_create(&thread, NULL, other, NULL);
    while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != 1)
        usleep(1000);
    ok(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1 && prctl(PR_SET_KEEPCAPS, 2) == -1,
       "PR_SET_KEEPCAPS");
    prctl(PR_SET_KEEPCAPS, 0);
    ok(setuid(1000) == 0 && users_are(1000, 1000, 1000), "setuid(): all three");
    __atomic_store_n(&turn, 2, __ATOMIC_SEQ_CST);
    pthread_join(thread, &result);
    ok(result, "in the other thread as well");
    ok(capabilities(true) == 0 && capabilities(false) == 0, "no capability is left");
    ok(setuid(0) == -1 && errno == EPERM, "no way back: setuid()");
    ok(seteuid(0) == -1 && errno == EPERM, "seteuid()");
    ok(setresuid(-1, -1, 0) == -1 && errno == EPERM, "setresuid()");
    ok(setgid(0) == -1 && errno == EPERM, "setgid()");
    ok(setregid(0, 0) == -1 && errno == EPERM && groups_are(100, 100, 100), "setregid()");
    ok(setuid(1000) == 0 && setgid(100) == 0 && setreuid(1000, 1000) == 0, "what one is, one may become");
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.permitted = 1 << CAP_SETUID}};
    ok(syscall(SYS_capset, &header, data) == -1 && errno == EPERM, "capset() adds nothing");
    data[0].permitted = 0;
    ok(syscall(SYS_capset, &header, data) == 0, "capset() takes nothing away that is not there");
}

int main(void) {
    if (geteuid() != 0 || setgroups(0, NULL) != 0)
        skip_all("not root");
    for_a_while();
    owners();
    for_good();
    return done_testing();
}
