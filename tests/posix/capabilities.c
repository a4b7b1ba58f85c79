/* SPDX-License-Identifier: MIT */
/* Capabilities that outlive the user ID of root, as of a server that opens a port or changes its user later. */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"

static uint64_t capabilities(bool permitted) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return 1;
    return permitted ? data[0].permitted | (uint64_t)data[1].permitted << 32
                     : data[0].effective | (uint64_t)data[1].effective << 32;
}

static void refused_versions(void) {
    struct __user_cap_header_struct header = {.version = 1};
    struct __user_cap_data_struct data[2];
    ok(syscall(SYS_capget, &header, NULL) == 0 && header.version == _LINUX_CAPABILITY_VERSION_3,
       "capget() says its version");
    header.version = 2;
    ok(syscall(SYS_capget, &header, data) == -1 && errno == EINVAL, "and refuses another");
}

static void keep_one(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.permitted = 1 << CAP_SETUID, .effective = 1 << CAP_SETUID}};
    prctl(PR_SET_KEEPCAPS, 1);
    ok(setresuid(1000, 1000, 1000) == 0 && capabilities(true) != 0 && capabilities(false) == 0,
       "capabilities are kept");
    ok(syscall(SYS_capset, &header, data) == 0 && capabilities(false) == 1 << CAP_SETUID, "one of them");
    ok(setgid(3) == -1 && errno == EPERM, "which is not for groups");
    ok(setuid(0) == 0 && getuid() == 0 && geteuid() == 0, "but for users");
    ok(capabilities(false) == 1 << CAP_SETUID && capabilities(true) == 1 << CAP_SETUID, "root again, with that one");
}

int main(void) {
    if (geteuid() != 0 || setgroups(0, NULL) != 0)
        skip_all("not root");
    refused_versions();
    keep_one();
    return done_testing();
}
