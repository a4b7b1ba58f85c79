/* SPDX-License-Identifier: MIT */
/* Asking about files: stat() and its kin, statx(), statfs(), access() and its kin. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>

#include "calls.h"

/* The kernel's structures, which not every C library has. */
struct statx_time {
    int64_t seconds;
    uint32_t nanoseconds, reserved;
};

struct statx_answer {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, reserved;
    uint64_t ino, size, blocks, attributes_mask;
    struct statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t spare[14];
};

#define BASIC 0x7ffu
#define SYNC_TYPE 0x6000
#define FORCE_SYNC 0x2000
#define DONT_SYNC 0x4000

static int dir, file;

static void prepare(void) {
    ok(mkdir("dir", 0750) == 0 && mkdir("dir/sub", 0755) == 0, "directories");
    dir = open("dir", O_RDONLY);
    file = open("dir/file", O_CREAT | O_RDWR, 0640);
    ok(write(file, "hello", 5) == 5 && symlinkat("file", dir, "link") == 0 && link("dir/file", "dir/second") == 0,
       "a file with two names, and a link");
    ok(symlink("loop", "loop") == 0 && mkfifo("fifo", 0600) == 0, "others");
}

static void plain(void) {
    struct stat a, b;
    ok(syscall(SYS_stat, "dir/file", &a) == 0 && S_ISREG(a.st_mode) && (a.st_mode & 07777) == 0640, "stat: a file");
    ok(a.st_size == 5 && a.st_nlink == 2 && a.st_uid == geteuid() && a.st_gid == getegid() && a.st_blksize > 0,
       "its size, its names, its owner");
    ok(a.st_blocks > 0 && a.st_blocks < 1000, "its blocks are of 512 bytes");
    ok(syscall(SYS_stat, "dir/link", &b) == 0 && b.st_ino == a.st_ino && b.st_dev == a.st_dev, "stat follows a link");
    ok(syscall(SYS_lstat, "dir/link", &b) == 0 && S_ISLNK(b.st_mode) && b.st_size == 4 && b.st_ino != a.st_ino,
       "lstat does not");
    ok((b.st_mode & 07777) == 0777, "a link has all permissions");
    ok(syscall(SYS_lstat, "dir/second", &b) == 0 && b.st_ino == a.st_ino, "another name of the same file");
    ok(syscall(SYS_fstat, file, &b) == 0 && b.st_ino == a.st_ino && b.st_size == 5, "fstat");
    ok(syscall(SYS_stat, "dir", &b) == 0 && S_ISDIR(b.st_mode) && (b.st_mode & 0777) == 0750, "a directory");
    ok(syscall(SYS_stat, "fifo", &b) == 0 && S_ISFIFO(b.st_mode), "a pipe");
    ok(syscall(SYS_stat, "/dev/null", &b) == 0 && S_ISCHR(b.st_mode) && major(b.st_rdev) == 1 && minor(b.st_rdev) == 3,
       "a device has its numbers");
    ok(syscall(SYS_stat, "dir/.", &a) == 0 && syscall(SYS_stat, "dir/sub/..", &b) == 0 && a.st_ino == b.st_ino, "..");
    fails(syscall(SYS_stat, "", &a), ENOENT, "stat of no name");
    fails(syscall(SYS_stat, "absent", &a), ENOENT, "of nothing");
    fails(syscall(SYS_stat, "dir/file/x", &a), ENOTDIR, "through a file");
    fails(syscall(SYS_lstat, "dir/file/", &a), ENOTDIR, "a file with a slash");
    fails(syscall(SYS_stat, "loop", &a), ELOOP, "stat of a link to itself");
    gives(syscall(SYS_lstat, "loop", &a), 0, "lstat of it");
    fails(syscall(SYS_lstat, "loop/", &a), ELOOP, "with a slash");
    fails(syscall(SYS_fstat, -1, &a), EBADF, "fstat of no descriptor");
}

static void at(void) {
    struct stat a, b;
    char text[8];
    fstat(file, &a);
    ok(syscall(SYS_newfstatat, dir, "file", &b, 0) == 0 && b.st_ino == a.st_ino, "fstatat");
    ok(syscall(SYS_newfstatat, dir, "link", &b, 0) == 0 && b.st_ino == a.st_ino, "follows");
    ok(syscall(SYS_newfstatat, dir, "link", &b, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(b.st_mode), "or does not");
    ok(syscall(SYS_newfstatat, file, "", &b, AT_EMPTY_PATH) == 0 && b.st_ino == a.st_ino, "AT_EMPTY_PATH");
    ok(syscall(SYS_newfstatat, AT_FDCWD, "", &b, AT_EMPTY_PATH) == 0 && S_ISDIR(b.st_mode), "of where we are");
    ok(syscall(SYS_newfstatat, dir, "file", &b, AT_NO_AUTOMOUNT | AT_EMPTY_PATH) == 0 && b.st_ino == a.st_ino,
       "without mounting, and with a path after all");
    ok(syscall(SYS_newfstatat, -1, "/dev/null", &b, 0) == 0 && S_ISCHR(b.st_mode), "an absolute path");
    fails(syscall(SYS_newfstatat, file, "", &b, 0), ENOENT, "fstatat of no name");
    fails(syscall(SYS_newfstatat, file, "x", &b, 0), ENOTDIR, "in a file");
    fails(syscall(SYS_newfstatat, 1000, "x", &b, 0), EBADF, "in nothing");
    fails(syscall(SYS_newfstatat, 1000, "", &b, AT_EMPTY_PATH), EBADF, "of nothing");
    fails(syscall(SYS_newfstatat, dir, "file", &b, 0x40), EINVAL, "with a flag that there is not");
    gives(syscall(SYS_readlink, "dir/link", text, sizeof text), 4, "readlink");
    ok(memcmp(text, "file", 4) == 0, "gives the text");
    ok(syscall(SYS_readlink, "dir/link", text, 2) == 2 && memcmp(text, "fi", 2) == 0, "as much of it as has room");
    fails(syscall(SYS_readlink, "dir/link", text, 0), EINVAL, "readlink into nothing");
    fails(syscall(SYS_readlink, "dir/link", text, -1), EINVAL, "into less");
    fails(syscall(SYS_readlink, "dir/file", text, 8), EINVAL, "readlink of a file");
    fails(syscall(SYS_readlink, "absent", text, 8), ENOENT, "readlink of nothing");
    fails(syscall(SYS_readlink, "", text, 8), ENOENT, "readlink of no name");
    fails(syscall(SYS_readlink, "dir/file/x", text, 8), ENOTDIR, "readlink through a file");
    fails(syscall(SYS_readlink, "loop/x", text, 8), ELOOP, "readlink through a link to itself");
    gives(syscall(SYS_readlinkat, dir, "link", text, 8), 4, "readlinkat");
    fails(syscall(SYS_readlinkat, 1000, "link", text, 8), EBADF, "readlinkat in nothing");
    fails(syscall(SYS_readlinkat, file, "link", text, 8), ENOTDIR, "readlinkat in a file");
    int fd = openat(dir, "link", O_PATH | O_NOFOLLOW);
    gives(syscall(SYS_readlinkat, fd, "", text, 8), 4, "readlinkat of the link itself");
    ok(syscall(SYS_fstat, fd, &b) == 0 && S_ISLNK(b.st_mode), "and fstat");
    close(fd);
    fails(syscall(SYS_readlinkat, file, "", text, 8), ENOENT, "readlinkat of a file itself");
}

static void extended(void) {
    struct statx_answer x;
    struct stat a;
    fstat(file, &a);
    gives(syscall(SYS_statx, dir, "file", 0, BASIC, &x), 0, "statx");
    ok((x.mask & BASIC) == BASIC && x.ino == a.st_ino && x.size == 5 && x.nlink == 2 && x.mode == a.st_mode &&
           x.uid == a.st_uid && x.gid == a.st_gid && x.blocks == (uint64_t)a.st_blocks,
       "says what stat says");
    ok(x.mtime.seconds == a.st_mtim.tv_sec && x.mtime.nanoseconds == a.st_mtim.tv_nsec &&
           x.ctime.seconds == a.st_ctim.tv_sec && makedev(x.dev_major, x.dev_minor) == a.st_dev,
       "times and the device, too");
    ok(syscall(SYS_statx, file, "", AT_EMPTY_PATH | FORCE_SYNC, BASIC, &x) == 0 && x.ino == a.st_ino,
       "of a descriptor");
    ok(syscall(SYS_statx, AT_FDCWD, "", AT_EMPTY_PATH | DONT_SYNC, BASIC, &x) == 0 && S_ISDIR(x.mode),
       "of where we are");
    ok(syscall(SYS_statx, dir, "link", AT_SYMLINK_NOFOLLOW, 0, &x) == 0 && S_ISLNK(x.mode), "of a link");
    ok(syscall(SYS_statx, -1, "/dev/null", 0, BASIC, &x) == 0 && x.rdev_major == 1 && x.rdev_minor == 3, "of a device");
    fails(syscall(SYS_statx, dir, "file", 0, 1u << 31, &x), EINVAL, "statx: what is reserved");
    fails(syscall(SYS_statx, dir, "file", SYNC_TYPE, BASIC, &x), EINVAL, "statx: both ways to synchronize");
    fails(syscall(SYS_statx, dir, "file", 0x40, BASIC, &x), EINVAL, "statx: a flag that there is not");
    fails(syscall(SYS_statx, dir, "", 0, BASIC, &x), ENOENT, "statx: no name");
    fails(syscall(SYS_statx, dir, "absent", 0, BASIC, &x), ENOENT, "statx: nothing");
    fails(syscall(SYS_statx, file, "x", 0, BASIC, &x), ENOTDIR, "statx: in a file");
    fails(syscall(SYS_statx, 1000, "x", 0, BASIC, &x), EBADF, "statx: in no directory");
}

static void systems(void) {
    struct statfs a, b;
    int fds[2];
    gives(syscall(SYS_statfs, "dir/link", &a), 0, "statfs");
    ok(a.f_type != 0 && a.f_bsize > 0 && a.f_blocks > 0 && a.f_bfree <= a.f_blocks && a.f_bavail <= a.f_bfree &&
           a.f_namelen == NAME_MAX && a.f_ffree <= a.f_files,
       "a file system has blocks and names of 255 bytes");
    ok(syscall(SYS_fstatfs, file, &b) == 0 && b.f_type == a.f_type && b.f_bsize == a.f_bsize &&
           b.f_blocks == a.f_blocks,
       "fstatfs says the same");
    gives(syscall(SYS_fstatfs, dir, &b), 0, "of a directory");
    int fd = open("dir", O_PATH);
    gives(syscall(SYS_fstatfs, fd, &b), 0, "and with O_PATH");
    close(fd);
    ok(pipe(fds) == 0 && syscall(SYS_fstatfs, fds[0], &b) == 0 && b.f_type != a.f_type && b.f_blocks == 0,
       "a pipe is in another, without blocks");
    close(fds[0]);
    close(fds[1]);
    fails(syscall(SYS_statfs, "absent", &a), ENOENT, "statfs of nothing");
    fails(syscall(SYS_statfs, "", &a), ENOENT, "of no name");
    fails(syscall(SYS_statfs, "dir/file/x", &a), ENOTDIR, "through a file");
    fails(syscall(SYS_statfs, "loop", &a), ELOOP, "of a link to itself");
    fails(syscall(SYS_fstatfs, 1000, &a), EBADF, "fstatfs of nothing");
}

static void allowed(void) {
    gives(syscall(SYS_access, "dir/link", F_OK), 0, "access: it is there");
    gives(syscall(SYS_access, "dir/file", R_OK | W_OK), 0, "it can be read and written");
    fails(syscall(SYS_access, "dir/file", X_OK), EACCES, "not executed");
    gives(syscall(SYS_access, "dir", R_OK | W_OK | X_OK), 0, "a directory can be searched");
    fails(syscall(SYS_access, "dir/file", 8), EINVAL, "access: a mode that there is not");
    fails(syscall(SYS_access, "absent", F_OK), ENOENT, "nothing");
    fails(syscall(SYS_access, "", F_OK), ENOENT, "no name");
    fails(syscall(SYS_access, "dir/file/x", F_OK), ENOTDIR, "through a file");
    fails(syscall(SYS_access, "loop", F_OK), ELOOP, "a link to itself");
    gives(syscall(SYS_faccessat, dir, "file", R_OK), 0, "faccessat");
    fails(syscall(SYS_faccessat, dir, "file", 8), EINVAL, "a mode that there is not");
    fails(syscall(SYS_faccessat, 1000, "file", R_OK), EBADF, "in nothing");
    fails(syscall(SYS_faccessat, file, "file", R_OK), ENOTDIR, "in a file");
    gives(syscall(SYS_faccessat2, dir, "file", W_OK, AT_EACCESS), 0, "faccessat2 by the effective user");
    gives(syscall(SYS_faccessat2, AT_FDCWD, "loop", F_OK, AT_SYMLINK_NOFOLLOW), 0, "of a link itself");
    gives(syscall(SYS_faccessat2, file, "", W_OK, AT_EMPTY_PATH), 0, "of a descriptor");
    fails(syscall(SYS_faccessat2, file, "", X_OK, AT_EMPTY_PATH), EACCES, "that cannot be executed");
    fails(syscall(SYS_faccessat2, file, "", F_OK, 0), ENOENT, "faccessat2 of no name");
    fails(syscall(SYS_faccessat2, dir, "file", F_OK, 0x40), EINVAL, "a flag that there is not");
    gives(chmod("dir/file", 0710), 0, "with the mode of a program");
    gives(syscall(SYS_access, "dir/file", X_OK), 0, "it can be executed");
}

int main(void) {
    enter_scratch();
    prepare();
    plain();
    at();
    extended();
    systems();
    allowed();
    close(dir);
    close(file);
    ok(unlink("dir/file") == 0 && unlink("dir/link") == 0 && unlink("dir/second") == 0 && rmdir("dir/sub") == 0 &&
           rmdir("dir") == 0 && unlink("loop") == 0 && unlink("fifo") == 0,
       "all of it goes");
    leave_scratch();
    return done_testing();
}
