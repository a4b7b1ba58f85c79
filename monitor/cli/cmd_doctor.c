/* SPDX-License-Identifier: MIT */
/* `ukvm doctor`: whether this host can run guests, what it lacks, and what that costs. Changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "lockdown.h"
#include "machine/vm.h"

/* What a missing thing means: nothing runs, or it runs with less. */
enum finding { FOUND, LESS, FATAL };

static enum finding check_kernel(char *text, size_t size) {
    struct utsname name;
    int major = 0, minor = 0;
    uname(&name);
    sscanf(name.release, "%d.%d", &major, &minor);
    snprintf(text, size, "Linux %s%s", name.release,
             major > 6 || (major == 6 && minor >= 1) ? "" : ": older than 6.1, which is what is tested");
    return major > 6 || (major == 6 && minor >= 1) ? FOUND : LESS;
}

static enum finding check_kvm(char *text, size_t size) {
    static struct vm vm;
    struct error err = {0};
    if (vm_open(&vm, &err) || vm_add_vcpu(&vm, &err)) {
        snprintf(text, size, "%.400s", err.text);
        return FATAL;
    }
    snprintf(text, size, "/dev/kvm, %u-bit guest addresses", vm.cpu.address_bits);
    return FOUND;
}

static enum finding check_uring(char *text, size_t size) {
    struct io_uring ring;
    struct io_uring_params params = {.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN};
    int result = io_uring_queue_init_params(8, &ring, &params);
    if (result == 0) {
        io_uring_queue_exit(&ring);
        snprintf(text, size, "io_uring");
        return FOUND;
    }
    snprintf(text, size, "io_uring: %s%s", strerror(-result),
             result == -EINVAL ? ": older than 6.1, completions cost more"
                               : ": allow it (sysctl kernel.io_uring_disabled, the container's seccomp profile)");
    return result == -EINVAL ? LESS : FATAL;
}

static enum finding check_landlock(char *text, size_t size) {
    int version = lockdown_landlock_version();
    if (version) {
        snprintf(text, size, "Landlock, version %d", version);
        return FOUND;
    }
    snprintf(text, size, "no Landlock: one layer less between a broken monitor and files (boot with lsm=landlock,...)");
    return LESS;
}

/* In a child: the namespace is for that process alone. */
static enum finding check_user_namespace(char *text, size_t size) {
    int status = 0;
    if (geteuid() == 0) {
        snprintf(text, size, "an empty root: you are root");
        return FOUND;
    }
    pid_t child = fork();
    if (child == 0)
        _exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 ? 0 : 1);
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0) {
        snprintf(text, size, "an empty root, by a user namespace");
        return FOUND;
    }
    snprintf(text, size,
             "no user namespaces: the monitor keeps the host's root directory, though no way to open "
             "anything in it (sysctl kernel.unprivileged_userns_clone=1)");
    return LESS;
}

static enum finding check_tun(char *text, size_t size) {
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        snprintf(text, size, "/dev/net/tun");
        return FOUND;
    }
    snprintf(text, size, "/dev/net/tun: %s: no TAP interfaces (--net NAME=tap:...); load the module tun",
             strerror(errno));
    return LESS;
}

static enum finding check_memlock(char *text, size_t size) {
    struct rlimit limit;
    getrlimit(RLIMIT_MEMLOCK, &limit);
    if (geteuid() == 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= (4u << 20)) {
        snprintf(text, size, "locked memory for I/O buffers");
        return FOUND;
    }
    snprintf(text, size, "locked memory: %llu KiB is too little for several devices (ulimit -l)",
             (unsigned long long)(limit.rlim_cur >> 10));
    return LESS;
}

static enum finding (*const checks[])(char *text, size_t size) = {
    check_kernel, check_kvm, check_uring, check_landlock, check_user_namespace, check_tun, check_memlock,
};

int cmd_doctor(int argc, char **argv, struct error *err) {
    static const char *const names[] = {[FOUND] = "ok", [LESS] = "less", [FATAL] = "missing"};
    enum finding worst = FOUND;
    if (argc > 1) {
        if (strcmp(argv[1], "--help") != 0)
            return error_set(err, EXIT_MONITOR, "doctor: unexpected '%s', see ukvm doctor --help", argv[1]);
        puts("Usage: ukvm doctor\n"
             "Check this host: 'ok'; 'less', with what it costs; 'missing', and no guest can run.\n"
             "Exit status: 0, or 125 if something is missing.");
        return 0;
    }
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        char text[512];
        enum finding finding = checks[i](text, sizeof text);
        printf("%-8s %s\n", names[finding], text);
        worst = finding > worst ? finding : worst;
    }
    return worst == FATAL ? EXIT_MONITOR : 0;
}
