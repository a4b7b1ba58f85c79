/* SPDX-License-Identifier: MIT */
#include "lockdown.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/trace.h"
#include "filter.h"

/*
 * Users that nobody is: above every range that Debian and systemd hand out, and below those that are negative for some.
 * One of them by chance, as the process's number is the same in many containers.
 */
#define UID_BASE 0x70000000u
#define UID_MASK 0x0fffffffu

/* Landlock rights by version; the headers at hand may know fewer. Documentation/userspace-api/landlock.rst */
#define LANDLOCK_FS_V1 ((UINT64_C(1) << 13) - 1)
#define LANDLOCK_FS_REFER (UINT64_C(1) << 13)     /* 2 */
#define LANDLOCK_FS_TRUNCATE (UINT64_C(1) << 14)  /* 3 */
#define LANDLOCK_NET_TCP UINT64_C(3)              /* 4: bind, connect */
#define LANDLOCK_FS_IOCTL_DEV (UINT64_C(1) << 15) /* 5 */
#define LANDLOCK_SCOPES UINT64_C(3)               /* 6: abstract UNIX sockets, signals */

struct landlock_rights {
    uint64_t fs, net, scoped;
};

/* A line about what this host does not give; `what` stays without it. */
static void note_missing(const char *what, const char *call) {
    fprintf(stderr, "ukvm: sandbox: no %s on this host (%s: %s); see ukvm doctor\n", what, call, strerror(errno));
}

static int step_error(const char *call, struct error *err) {
    return error_set(err, EXIT_MONITOR, "sandbox: %s: %s", call, strerror(errno));
}

/* ---- an empty root ---- */

/*
 * A file system of its own with nothing in it, mounted nowhere, as root and current directory: no path leads anywhere,
 * and without rights and without a descriptor of a directory there is no way back. A mount namespace and pivot_root()
 * come to the same and took 0.2 ms of a start of 2.2 ms; this takes 0.03 ms. The other namespaces would keep the
 * process from nothing: it can make no socket, no message queue and no child any more.
 */
static int enter_empty_root(void) {
    const unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    int root = -1, result = -1;
    if (context >= 0 && syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) == 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        root = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
    if (root >= 0 && fchdir(root) == 0)
        result = chroot(".");
    return result; /* close_rest() closes the descriptors */
}

/* A user who may not mount may in a user namespace. */
static void empty_root(void) {
    if (geteuid() != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        note_missing("empty root", "unshare");
    else if (enter_empty_root() < 0)
        note_missing("empty root", "fsmount");
}

/* ---- nobody, with no rights ---- */

static int drop_user(struct error *err) {
    uid_t user;
    if (getrandom(&user, sizeof user, 0) != (ssize_t)sizeof user)
        return step_error("getrandom", err);
    user = UID_BASE | (user & UID_MASK);
    /* The root of a user namespace, or one without CAP_SETUID, keeps its user and loses its rights all the same. */
    if (geteuid() == 0 &&
        (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0))
        note_missing("user of its own", "setresuid");
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    if (syscall(SYS_capset, &header, none) < 0)
        return step_error("capset", err);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return step_error("prctl", err);
    return 0;
}

/* No further descriptor and no core file. Not RLIMIT_NPROC: io_uring's own kernel threads count there. */
static int limit_resources(struct error *err) {
    static const int limits[] = {RLIMIT_NOFILE, RLIMIT_CORE};
    const struct rlimit none = {0, 0};
    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++)
        if (setrlimit((__rlimit_resource_t)limits[i], &none) < 0)
            return step_error("setrlimit", err);
    return 0;
}

/* ---- descriptors ---- */

static int compare_fds(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

/*
 * io_uring holds the files that it needs by itself. What stays open: standard error and the image for the report, the
 * vCPU, the ring, and the disks, whose locks a close would release; standard input and output because they may be one.
 */
static int close_rest(const struct lockdown *l, struct error *err) {
    int keep[6 + UKVM_MAX_DEVICES] = {l->devices->streams.has_stdin ? STDIN_FILENO : -1,
                                      STDOUT_FILENO,
                                      STDERR_FILENO,
                                      (int)l->values[POLICY_VCPU_FD],
                                      (int)l->values[POLICY_IMAGE_FD],
                                      l->ring_fd};
    unsigned count = 6, next = 0;
    for (unsigned i = 0; i < l->devices->count; i++)
        if (l->devices->table[i].kind == UKVM_DEVICE_BLK)
            keep[count++] = l->devices->table[i].fd;
    qsort(keep, count, sizeof *keep, compare_fds);
    for (unsigned i = 0; i < count; i++) {
        if (keep[i] < 0)
            continue;
        if ((unsigned)keep[i] > next && syscall(SYS_close_range, next, keep[i] - 1, 0) < 0)
            return step_error("close_range", err);
        next = (unsigned)keep[i] + 1;
    }
    return syscall(SYS_close_range, next, ~0u, 0) < 0 ? step_error("close_range", err) : 0;
}

/* ---- Landlock ---- */

int lockdown_landlock_version(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : (int)version;
}

/* A ruleset that handles every right and grants none. */
static int restrict_landlock(struct error *err) {
    int version = lockdown_landlock_version();
    struct landlock_rights rights = {.fs = LANDLOCK_FS_V1};
    size_t size = version >= 6 ? sizeof rights : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    if (version == 0) {
        note_missing("Landlock", "landlock_create_ruleset");
        return 0;
    }
    rights.fs |= version >= 2 ? LANDLOCK_FS_REFER : 0;
    rights.fs |= version >= 3 ? LANDLOCK_FS_TRUNCATE : 0;
    rights.fs |= version >= 5 ? LANDLOCK_FS_IOCTL_DEV : 0;
    rights.net = version >= 4 ? LANDLOCK_NET_TCP : 0;
    rights.scoped = version >= 6 ? LANDLOCK_SCOPES : 0;
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rights, size, 0);
    if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
        return step_error("Landlock", err);
    close(fd);
    return 0;
}

/* ---- seccomp ---- */

static int filter_syscalls(const struct lockdown *l, struct error *err) {
    struct sock_filter instructions[FILTER_MAX];
    struct sock_fprog program = {.len = filter_fill(l->uses, l->values, instructions), .filter = instructions};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return step_error("seccomp", err);
    return 0;
}

int lockdown(const struct lockdown *l, struct error *err) {
    empty_root();
    if (drop_user(err) || restrict_landlock(err) || close_rest(l, err) || limit_resources(err))
        return -1;
    trace(TRACE_BOOT, "locked down, but for system calls");
    return filter_syscalls(l, err);
}

unsigned lockdown_uses(const struct config *config) {
    unsigned uses = POLICY_ALWAYS | (config->trace ? POLICY_TRACE : 0);
    for (unsigned i = 0; i < config->devices_count; i++) {
        const struct device_config *device = &config->devices[i];
        if (device->kind == UKVM_DEVICE_NET)
            uses |= POLICY_NET;
        else
            uses |= POLICY_BLK_READ | (device->disk.readonly ? 0 : POLICY_BLK_WRITE);
    }
    return uses;
}
