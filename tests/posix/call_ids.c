/* SPDX-License-Identifier: MIT */
/* User and group IDs by the system calls themselves: what root may, what is left afterwards, and what nobody may. */
#include <sys/types.h>

#include "calls.h"

#define SAME ((unsigned)-1)

static bool users_are(unsigned real, unsigned effective, unsigned saved) {
    unsigned r = 77, e = 77, s = 77;
    long result = syscall(SYS_getresuid, &r, &e, &s);
    bool same = result == 0 && r == real && e == effective && s == saved && syscall(SYS_getuid) == r &&
                syscall(SYS_geteuid) == e;
    if (!same)
        diag("users %u %u %u", r, e, s);
    return same;
}

static bool groups_are(unsigned real, unsigned effective, unsigned saved) {
    unsigned r = 77, e = 77, s = 77;
    long result = syscall(SYS_getresgid, &r, &e, &s);
    bool same = result == 0 && r == real && e == effective && s == saved && syscall(SYS_getgid) == r &&
                syscall(SYS_getegid) == e;
    if (!same)
        diag("groups %u %u %u", r, e, s);
    return same;
}

static void anybody(void) {
    unsigned uid = (unsigned)syscall(SYS_getuid), gid = (unsigned)syscall(SYS_getgid);
    gives(syscall(SYS_setresuid, SAME, SAME, SAME), 0, "setresuid to what it is");
    gives(syscall(SYS_setresgid, SAME, SAME, SAME), 0, "setresgid to what it is");
    gives(syscall(SYS_setreuid, uid, SAME), 0, "setreuid to what it is");
    gives(syscall(SYS_setregid, gid, SAME), 0, "setregid to what it is");
    fails(syscall(SYS_setuid, SAME), EINVAL, "setuid to nobody");
    fails(syscall(SYS_setgid, SAME), EINVAL, "setgid to nobody");
    fails(syscall(SYS_getgroups, -1, NULL), EINVAL, "getgroups into less than nothing");
    ok(syscall(SYS_getgroups, 0, NULL) >= 0, "getgroups says how many");
    fails(syscall(SYS_setgroups, 1 << 20, &gid), EINVAL, "setgroups of too many");
}

static void root_and_groups(void) {
    unsigned list[3] = {7, 8, 9}, got[3] = {0};
    gives(syscall(SYS_setgroups, 3, list), 0, "setgroups");
    ok(syscall(SYS_getgroups, 3, got) == 3 && got[0] == 7 && got[1] == 8 && got[2] == 9, "getgroups");
    fails(syscall(SYS_getgroups, 2, got), EINVAL, "getgroups into too little");
    gives(syscall(SYS_setgroups, 0, NULL), 0, "setgroups of none");
    gives(syscall(SYS_getgroups, 3, got), 0, "there are none");
    ok(syscall(SYS_setresgid, 11, 12, 13) == 0 && groups_are(11, 12, 13), "setresgid");
    ok(syscall(SYS_setresgid, SAME, 21, SAME) == 0 && groups_are(11, 21, 13), "of one of them");
    ok(syscall(SYS_setregid, SAME, 31) == 0 && groups_are(11, 31, 31),
       "setregid of the effective one sets the saved one");
    ok(syscall(SYS_setregid, SAME, 11) == 0 && groups_are(11, 11, 31), "but not when it is the real one");
    ok(syscall(SYS_setregid, 41, SAME) == 0 && groups_are(41, 11, 11), "of the real one, too");
    ok(syscall(SYS_setgid, 51) == 0 && groups_are(51, 51, 51), "setgid sets all");
}

static void root_and_users(void) {
    ok(syscall(SYS_setresuid, 0, 1001, 0) == 0 && users_are(0, 1001, 0), "setresuid for a while");
    fails(syscall(SYS_setgid, 0), EPERM, "then setgid is refused");
    fails(syscall(SYS_setresuid, 5, SAME, SAME), EPERM, "and other users");
    ok(syscall(SYS_setuid, 0) == 0 && users_are(0, 0, 0), "setuid comes back");
    ok(syscall(SYS_setreuid, SAME, 1002) == 0 && users_are(0, 1002, 1002), "setreuid");
    ok(syscall(SYS_setreuid, 1002, 0) == 0 && users_are(1002, 0, 0), "exchanged");
    ok(syscall(SYS_setuid, 1003) == 0 && users_are(1003, 1003, 1003), "setuid for good");
}

static void nobody_else(void) {
    unsigned uid = (unsigned)syscall(SYS_getuid), gid = (unsigned)syscall(SYS_getgid), other = uid + 1;
    fails(syscall(SYS_setuid, other), EPERM, "setuid to another user");
    fails(syscall(SYS_setreuid, other, SAME), EPERM, "setreuid to one");
    fails(syscall(SYS_setreuid, SAME, other), EPERM, "for a while");
    fails(syscall(SYS_setresuid, SAME, SAME, other), EPERM, "setresuid to one");
    fails(syscall(SYS_setgid, gid + 1), EPERM, "setgid to another group");
    fails(syscall(SYS_setregid, gid + 1, SAME), EPERM, "setregid to one");
    fails(syscall(SYS_setresgid, SAME, gid + 1, SAME), EPERM, "setresgid to one");
    fails(syscall(SYS_setgroups, 0, NULL), EPERM, "setgroups");
    ok(syscall(SYS_setuid, uid) == 0 && syscall(SYS_setresuid, uid, uid, uid) == 0 && users_are(uid, uid, uid),
       "to oneself one may");
    ok(syscall(SYS_setgid, gid) == 0 && syscall(SYS_setregid, gid, gid) == 0 && groups_are(gid, gid, gid),
       "and to the own group");
}

int main(void) {
    if (geteuid() != 0)
        skip_all("only root can change who it is");
    anybody();
    root_and_groups();
    root_and_users();
    nobody_else();
    return done_testing();
}
