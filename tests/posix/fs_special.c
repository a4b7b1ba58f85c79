/* SPDX-License-Identifier: MIT */
/* /dev and /proc, as far as programs rely on them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tap.h"

static bool is_device(const char *path, unsigned want_major, unsigned want_minor) {
    struct stat stat_;
    return stat(path, &stat_) == 0 && S_ISCHR(stat_.st_mode) && major(stat_.st_rdev) == want_major &&
           minor(stat_.st_rdev) == want_minor;
}

static void test_devices(void) {
    char bytes[100], again[100];
    int fd = open("/dev/null", O_RDWR);
    ok(write(fd, bytes, sizeof bytes) == sizeof bytes && read(fd, bytes, 1) == 0, "/dev/null");
    close(fd);
    fd = open("/dev/zero", O_RDWR);
    memset(bytes, 1, sizeof bytes);
    ok(read(fd, bytes, sizeof bytes) == sizeof bytes && bytes[0] == 0 && bytes[99] == 0, "/dev/zero");
    close(fd);
    fd = open("/dev/full", O_RDWR);
    ok(write(fd, bytes, 1) == -1 && errno == ENOSPC, "/dev/full");
    close(fd);
    fd = open("/dev/urandom", O_RDONLY);
    ok(read(fd, bytes, sizeof bytes) == sizeof bytes && read(fd, again, sizeof again) == sizeof again &&
           memcmp(bytes, again, sizeof bytes) != 0,
       "/dev/urandom");
    close(fd);
    ok(is_device("/dev/null", 1, 3) && is_device("/dev/zero", 1, 5) && is_device("/dev/random", 1, 8), "their numbers");
    ok(getrandom(bytes, sizeof bytes, 0) == sizeof bytes && memcmp(bytes, again, sizeof bytes) != 0, "getrandom");
    ok(getentropy(again, sizeof again) == 0 && memcmp(bytes, again, sizeof bytes) != 0, "getentropy");
    ok(truncate("/dev/null", 0) == -1 && errno == EINVAL, "truncate of a device");
}

static void test_descriptors(void) {
    char text[PATH_MAX] = "", path[64];
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ok(readlink(path, text, sizeof text - 1) == 4 && strcmp(text, "/tmp") == 0, "/proc/self/fd/N: its path");
    struct stat a, b;
    ok(stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_ino == b.st_ino, "the same file");
    close(fd);
    ok(readlink(path, text, sizeof text) == -1 && errno == ENOENT, "gone when closed");
    int pipe_fds[2];
    if (pipe(pipe_fds))
        return;
    snprintf(path, sizeof path, "/dev/fd/%d", pipe_fds[1]);
    fd = open(path, O_WRONLY);
    ok(fd >= 0 && write(fd, "x", 1) == 1 && read(pipe_fds[0], text, 10) == 1, "a pipe through /dev/fd");
    memset(text, 0, sizeof text);
    ok(readlink(path, text, sizeof text) > 0 && strncmp(text, "pipe:[", 6) == 0, "the name of a pipe");
    fd = open("/dev/stdout", O_WRONLY | O_APPEND);
    ok(fd >= 0, "/dev/stdout");
    close(fd);
}

static bool has_line(const char *path, const char *start) {
    char line[256];
    bool found = false;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        found |= strncmp(line, start, strlen(start)) == 0;
    if (file)
        fclose(file);
    return found;
}

static void test_proc(void) {
    char text[4096] = "", name[32], state;
    int pid = 0;
    unsigned long size = 0, resident = 0;
    ok(has_line("/proc/meminfo", "MemTotal:") && has_line("/proc/meminfo", "MemAvailable:"), "/proc/meminfo");
    ok(has_line("/proc/cpuinfo", "processor\t: 0"), "/proc/cpuinfo");
    ok(has_line("/proc/self/status", "VmRSS:") && has_line("/proc/self/status", "Threads:\t1"), "/proc/self/status");
    ok(has_line("/proc/self/limits", "Max open files"), "/proc/self/limits");
    ok(has_line("/proc/version", "Linux version "), "/proc/version");
    ok(has_line("/proc/stat", "btime "), "/proc/stat");
    FILE *file = fopen("/proc/self/stat", "r");
    ok(file && fscanf(file, "%d (%31[^)]) %c", &pid, name, &state) == 3 && pid == getpid() && state == 'R',
       "/proc/self/stat");
    if (file)
        fclose(file);
    file = fopen("/proc/self/statm", "r");
    ok(file && fscanf(file, "%lu %lu", &size, &resident) == 2 && resident > 0 && size >= resident, "/proc/self/statm");
    if (file)
        fclose(file);
    int fd = open("/proc/self/cmdline", O_RDONLY);
    ok(read(fd, text, sizeof text) > 0 && strstr(text, "fs_special"), "/proc/self/cmdline");
    close(fd);
    memset(text, 0, sizeof text);
    ok(readlink("/proc/self/exe", text, sizeof text) > 0 && strstr(text, "/fs_special"), "/proc/self/exe");
    memset(text, 0, sizeof text);
    char cwd[4096];
    ok(readlink("/proc/self/cwd", text, sizeof text) > 0 && strcmp(text, getcwd(cwd, sizeof cwd)) == 0,
       "/proc/self/cwd");
    ok(access("/proc/self/maps", R_OK) == 0 && has_line("/proc/self/mounts", "") && has_line("/proc/mounts", ""),
       "/proc/self/maps, /proc/mounts");
    ok(open("/proc/none", O_RDONLY) == -1 && errno == ENOENT, "what is not there");
}

static void test_defaults(void) {
    ok(has_line("/etc/passwd", "root:x:0:0:") && has_line("/etc/group", "root:x:0:"), "/etc/passwd, /etc/group");
    ok(access("/tmp", W_OK) == 0 && access("/dev/shm", W_OK) == 0, "/tmp and /dev/shm");
}

int main(void) {
    test_devices();
    test_descriptors();
    test_proc();
    test_defaults();
    return done_testing();
}
