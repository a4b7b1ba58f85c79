/* SPDX-License-Identifier: MIT */
/* Changing what is known of files: chmod(), chown(), the times, extended attributes, and the length. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <utime.h>

#include "calls.h"

#define NOW UTIME_NOW
#define OMIT UTIME_OMIT

static int dir, file;

static struct stat look(const char *path) {
    struct stat stat = {0};
    lstat(path, &stat);
    return stat;
}

static mode_t mode(const char *path) {
    return look(path).st_mode & 07777;
}

static void permissions(void) {
    gives(syscall(SYS_chmod, "link", 0640), 0, "chmod follows a link");
    ok(mode("dir/file") == 0640 && mode("link") == 0777, "and changes the file");
    gives(syscall(SYS_chmod, "dir/file", 0177777), 0, "what is no permission");
    ok(mode("dir/file") == 07777 && S_ISREG(look("dir/file").st_mode), "does not count");
    fails(syscall(SYS_chmod, "absent", 0600), ENOENT, "chmod of nothing");
    fails(syscall(SYS_chmod, "", 0600), ENOENT, "of no name");
    fails(syscall(SYS_chmod, "dir/file/x", 0600), ENOTDIR, "through a file");
    fails(syscall(SYS_chmod, "loop", 0600), ELOOP, "of a link to itself");
    ok(syscall(SYS_fchmod, file, 0600) == 0 && mode("dir/file") == 0600, "fchmod");
    fails(syscall(SYS_fchmod, 1000, 0600), EBADF, "of nothing");
    int path = open("dir/file", O_PATH);
    fails(syscall(SYS_fchmod, path, 0600), EBADF, "of a name only");
    close(path);
    ok(syscall(SYS_fchmodat, dir, "file", 0644) == 0 && mode("dir/file") == 0644, "fchmodat");
    fails(syscall(SYS_fchmodat, 1000, "file", 0644), EBADF, "in nothing");
    fails(syscall(SYS_fchmodat, file, "file", 0644), ENOTDIR, "in a file");
}

static void owners(void) {
    uid_t uid = geteuid();
    gid_t gid = getegid();
    gives(syscall(SYS_chown, "link", uid, gid), 0, "chown to oneself");
    gives(syscall(SYS_chown, "dir/file", -1, -1), 0, "and to nobody else");
    ok(look("dir/file").st_uid == uid && look("dir/file").st_gid == gid, "it is");
    ok(chmod("dir/file", 06755) == 0 && chown("dir/file", uid, gid) == 0 && mode("dir/file") == 0755,
       "takes away the set-ID bits");
    gives(syscall(SYS_lchown, "link", uid, gid), 0, "lchown");
    gives(syscall(SYS_fchown, file, uid, gid), 0, "fchown");
    gives(syscall(SYS_fchownat, dir, "file", uid, gid, 0), 0, "fchownat");
    gives(syscall(SYS_fchownat, file, "", uid, gid, AT_EMPTY_PATH), 0, "of a descriptor");
    gives(syscall(SYS_fchownat, AT_FDCWD, "loop", uid, gid, AT_SYMLINK_NOFOLLOW), 0, "of a link");
    fails(syscall(SYS_chown, "absent", uid, gid), ENOENT, "chown of nothing");
    fails(syscall(SYS_chown, "loop", uid, gid), ELOOP, "of a link to itself");
    fails(syscall(SYS_lchown, "dir/file/x", uid, gid), ENOTDIR, "lchown through a file");
    fails(syscall(SYS_fchown, 1000, uid, gid), EBADF, "fchown of nothing");
    fails(syscall(SYS_fchownat, dir, "", uid, gid, 0), ENOENT, "fchownat of no name");
    fails(syscall(SYS_fchownat, dir, "file", uid, gid, 0x40), EINVAL, "with a flag that there is not");
    fails(syscall(SYS_fchownat, 1000, "file", uid, gid, 0), EBADF, "in nothing");
    if (uid == 0) {
        ok(syscall(SYS_chown, "link", 12, 34) == 0 && look("dir/file").st_uid == 12 && look("dir/file").st_gid == 34 &&
               look("link").st_uid == 0,
           "root gives files away");
        ok(syscall(SYS_lchown, "link", -1, 56) == 0 && look("link").st_gid == 56 && look("link").st_uid == 0,
           "links, too, and only to a group");
    } else {
        fails(syscall(SYS_chown, "link", 0, -1), EPERM, "root gives files away");
        fails(syscall(SYS_lchown, "link", 0, 0), EPERM, "links, too, and only to a group");
    }
}

static bool has_times(const char *path, time_t a, long a_ns, time_t m, long m_ns) {
    struct stat stat = look(path);
    return stat.st_atim.tv_sec == a && stat.st_atim.tv_nsec == a_ns && stat.st_mtim.tv_sec == m &&
           stat.st_mtim.tv_nsec == m_ns;
}

static bool is_recent(struct timespec time) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return time.tv_sec >= now.tv_sec - 60 && time.tv_sec <= now.tv_sec + 1;
}

static void exact_times(void) {
    struct timespec t[2] = {{1000, 111}, {2000, 222}};
    ok(syscall(SYS_utimensat, dir, "file", t, 0) == 0 && has_times("dir/file", 1000, 111, 2000, 222), "utimensat");
    ok(is_recent(look("dir/file").st_ctim), "the time of change is now");
    t[0] = (struct timespec){0, OMIT}, t[1] = (struct timespec){3000, 999999999};
    ok(syscall(SYS_utimensat, dir, "file", t, 0) == 0 && has_times("dir/file", 1000, 111, 3000, 999999999),
       "UTIME_OMIT");
    t[0] = (struct timespec){-5, 7}, t[1] = (struct timespec){0, OMIT};
    ok(syscall(SYS_utimensat, file, NULL, t, 0) == 0 && has_times("dir/file", -5, 7, 3000, 999999999),
       "of a descriptor, before 1970");
    t[0] = (struct timespec){77, NOW};
    ok(syscall(SYS_utimensat, file, "", t, AT_EMPTY_PATH) == 0 && is_recent(look("dir/file").st_atim) &&
           look("dir/file").st_mtim.tv_sec == 3000,
       "UTIME_NOW");
    ok(syscall(SYS_utimensat, AT_FDCWD, "link", NULL, 0) == 0 && is_recent(look("dir/file").st_mtim), "now");
    t[0] = t[1] = (struct timespec){10, 0};
    ok(syscall(SYS_utimensat, AT_FDCWD, "link", t, AT_SYMLINK_NOFOLLOW) == 0 && has_times("link", 10, 0, 10, 0) &&
           is_recent(look("dir/file").st_mtim),
       "of a link");
    t[0] = t[1] = (struct timespec){0, OMIT};
    gives(syscall(SYS_utimensat, AT_FDCWD, "absent", t, 0), 0, "nothing is done with no times, not even a look");
    struct timespec before = look("dir/file").st_ctim;
    syscall(SYS_utimensat, dir, "file", t, 0);
    struct timespec after = look("dir/file").st_ctim;
    ok(before.tv_sec == after.tv_sec && before.tv_nsec == after.tv_nsec, "and nothing is changed");
    t[0] = (struct timespec){0, 1000000000};
    fails(syscall(SYS_utimensat, dir, "file", t, 0), EINVAL, "a second of nanoseconds");
    t[0] = (struct timespec){0, -1};
    fails(syscall(SYS_utimensat, dir, "file", t, 0), EINVAL, "negative ones");
    fails(syscall(SYS_utimensat, dir, "file", NULL, 0x40), EINVAL, "a flag that there is not");
    fails(syscall(SYS_utimensat, file, NULL, NULL, AT_SYMLINK_NOFOLLOW), EINVAL, "a flag without a path");
    fails(syscall(SYS_utimensat, dir, "absent", NULL, 0), ENOENT, "utimensat of nothing");
    fails(syscall(SYS_utimensat, dir, "", NULL, 0), ENOENT, "of no name");
    fails(syscall(SYS_utimensat, 1000, "file", NULL, 0), EBADF, "in nothing");
    fails(syscall(SYS_utimensat, 1000, NULL, NULL, 0), EBADF, "of no descriptor");
    fails(syscall(SYS_utimensat, file, "x", NULL, 0), ENOTDIR, "in a file");
    int path = open("dir/file", O_PATH);
    fails(syscall(SYS_utimensat, path, NULL, NULL, 0), EBADF, "of a name only");
    close(path);
}

static void older_times(void) {
    struct utimbuf times = {.actime = 100, .modtime = 200};
    struct timeval t[2] = {{300, 1}, {400, 999999}};
    ok(syscall(SYS_utime, "link", &times) == 0 && has_times("dir/file", 100, 0, 200, 0), "utime");
    ok(syscall(SYS_utime, "dir/file", NULL) == 0 && is_recent(look("dir/file").st_atim), "now");
    fails(syscall(SYS_utime, "absent", &times), ENOENT, "of nothing");
    fails(syscall(SYS_utime, "dir/file/x", &times), ENOTDIR, "through a file");
    ok(syscall(SYS_utimes, "link", t) == 0 && has_times("dir/file", 300, 1000, 400, 999999000), "utimes");
    ok(syscall(SYS_utimes, "dir/file", NULL) == 0 && is_recent(look("dir/file").st_mtim), "now");
    fails(syscall(SYS_utimes, "absent", t), ENOENT, "of nothing");
    ok(syscall(SYS_futimesat, dir, "file", t) == 0 && has_times("dir/file", 300, 1000, 400, 999999000), "futimesat");
    ok(syscall(SYS_futimesat, file, NULL, NULL) == 0 && is_recent(look("dir/file").st_atim), "of a descriptor, now");
    fails(syscall(SYS_futimesat, 1000, "file", t), EBADF, "in nothing");
    fails(syscall(SYS_futimesat, file, "x", t), ENOTDIR, "in a file");
    t[1].tv_usec = 1000000;
    fails(syscall(SYS_utimes, "dir/file", t), EINVAL, "utimes: a second of microseconds");
    fails(syscall(SYS_futimesat, dir, "file", t), EINVAL, "futimesat, too");
    t[1].tv_usec = -1;
    fails(syscall(SYS_utimes, "dir/file", t), EINVAL, "utimes: negative ones");
}

static void implied_times(void) {
    const struct timespec past[2] = {{1000, 0}, {1000, 0}};
    char byte;
    futimens(dir, past);
    close(open("dir/new", O_CREAT | O_WRONLY, 0600));
    ok(is_recent(look("dir").st_mtim) && look("dir").st_atim.tv_sec == 1000, "a new name changes its directory");
    futimens(dir, past);
    unlink("dir/new");
    ok(is_recent(look("dir").st_mtim), "one less, too");
    futimens(file, past);
    ok(write(file, "", 0) == 0 && look("dir/file").st_mtim.tv_sec == 1000, "writing nothing changes nothing");
    ok(write(file, "x", 1) == 1 && is_recent(look("dir/file").st_mtim) && look("dir/file").st_atim.tv_sec == 1000,
       "writing changes the one time");
    futimens(file, past);
    ok(pread(file, &byte, 1, 0) == 1 && look("dir/file").st_mtim.tv_sec == 1000, "reading does not");
    futimens(file, past);
    ok(ftruncate(file, 1) == 0 && is_recent(look("dir/file").st_mtim), "cutting does, even to what it is");
}

static void lengths(void) {
    gives(syscall(SYS_truncate, "link", 10000), 0, "truncate makes longer");
    ok(look("dir/file").st_size == 10000, "it is");
    ok(syscall(SYS_ftruncate, file, 5) == 0 && look("dir/file").st_size == 5, "ftruncate makes shorter");
    fails(syscall(SYS_truncate, "dir/file", -1L), EINVAL, "to less than nothing");
    fails(syscall(SYS_truncate, "dir", 0L), EISDIR, "a directory");
    fails(syscall(SYS_truncate, "absent", 0L), ENOENT, "nothing");
    fails(syscall(SYS_truncate, "", 0L), ENOENT, "no name");
    fails(syscall(SYS_truncate, "dir/file/x", 0L), ENOTDIR, "through a file");
    fails(syscall(SYS_truncate, "loop", 0L), ELOOP, "a link to itself");
    fails(syscall(SYS_truncate, "/dev/null", 0L), EINVAL, "a device");
    fails(syscall(SYS_truncate, "fifo", 0L), EINVAL, "a pipe, without waiting for its reader");
    fails(syscall(SYS_ftruncate, file, -1L), EINVAL, "ftruncate to less than nothing");
    fails(syscall(SYS_ftruncate, 1000, 0L), EBADF, "nothing");
    fails(syscall(SYS_ftruncate, dir, 0L), EINVAL, "a directory, open to be read");
    int fd = open("dir/file", O_RDONLY);
    fails(syscall(SYS_ftruncate, fd, 0L), EINVAL, "a file that is open to be read");
    close(fd);
    fd = open("dir/file", O_PATH);
    fails(syscall(SYS_ftruncate, fd, 0L), EBADF, "a name only");
    close(fd);
}

int main(void) {
    enter_scratch();
    ok(mkdir("dir", 0755) == 0 && symlink("dir/file", "link") == 0 && symlink("loop", "loop") == 0 &&
           mkfifo("fifo", 0600) == 0,
       "one of each");
    dir = open("dir", O_RDONLY);
    file = open("dir/file", O_CREAT | O_RDWR, 0600);
    permissions();
    owners();
    exact_times();
    older_times();
    implied_times();
    lengths();
    close(dir);
    close(file);
    ok(unlink("dir/file") == 0 && rmdir("dir") == 0 && unlink("link") == 0 && unlink("loop") == 0 &&
           unlink("fifo") == 0,
       "all of it goes");
    leave_scratch();
    return done_testing();
}
