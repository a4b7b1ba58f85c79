/* SPDX-License-Identifier: MIT */
/* open(), openat() and creat(): every flag and every error; umask(). */
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "calls.h"

static int try_open(const char *path, int flags) {
    int fd = (int)syscall(SYS_open, path, flags, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : -1;
}

static mode_t mode_of(const char *path) {
    struct stat stat = {0};
    lstat(path, &stat);
    return stat.st_mode;
}

static off_t size_of(const char *path) {
    struct stat stat = {.st_size = -1};
    lstat(path, &stat);
    return stat.st_size;
}

static void prepare(void) {
    int fd = (int)syscall(SYS_creat, "file", 0644);
    ok(fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY && write(fd, "hello", 5) == 5,
       "creat opens for writing");
    close(fd);
    fd = (int)syscall(SYS_creat, "file", 0600);
    ok(size_of("file") == 0 && (mode_of("file") & 0777) == 0644, "creat empties what is there, and keeps its mode");
    ok(write(fd, "hello", 5) == 5, "and is not exclusive");
    close(fd);
    fails(syscall(SYS_creat, ".", 0600), EISDIR, "creat of a directory");
    ok(mkdir("dir", 0755) == 0 && symlink("file", "link") == 0 && symlink("none", "dangling") == 0 &&
           symlink("loop", "loop") == 0 && symlink("dir", "dirlink") == 0 && mkfifo("fifo", 0600) == 0,
       "one of each kind");
}

static void creation(void) {
    gives(try_open("new", O_CREAT | O_EXCL | O_WRONLY), 0, "O_CREAT and O_EXCL");
    fails(try_open("new", O_CREAT | O_EXCL | O_WRONLY), EEXIST, "twice");
    fails(try_open("dangling", O_CREAT | O_EXCL | O_WRONLY), EEXIST, "a link that leads nowhere is something");
    fails(try_open("dir", O_CREAT | O_EXCL | O_RDONLY), EEXIST, "a directory, too");
    gives(try_open("dangling", O_CREAT | O_WRONLY), 0, "without O_EXCL it is followed");
    ok(unlink("none") == 0, "and what it named is made");
    fails(try_open("dir", O_CREAT | O_RDONLY), EISDIR, "O_CREAT of a directory");
    fails(try_open("new/", O_CREAT | O_RDWR), EISDIR, "O_CREAT of a name with a slash behind it");
    fails(try_open("new/", O_RDONLY), ENOTDIR, "a file with a slash behind it");
    fails(try_open("absent", O_RDWR), ENOENT, "no such file");
    fails(try_open("absent/new", O_CREAT | O_RDWR), ENOENT, "no such directory");
    fails(try_open("file/new", O_CREAT | O_RDWR), ENOTDIR, "no directory");
    fails(try_open("", O_RDONLY), ENOENT, "no name");
    fails(try_open("loop", O_RDONLY), ELOOP, "a link to itself");
    fails(try_open("loop/x", O_RDONLY), ELOOP, "on the way, too");
    ok(unlink("new") == 0, "and it goes");
}

static void names(void) {
    char name[NAME_MAX + 2], path[PATH_MAX + 1];
    memset(name, 'n', sizeof name);
    name[NAME_MAX + 1] = 0;
    fails(try_open(name, O_CREAT | O_RDWR), ENAMETOOLONG, "256 bytes are no name");
    name[NAME_MAX] = 0;
    ok(try_open(name, O_CREAT | O_RDWR) == 0 && unlink(name) == 0, "255 are");
    memset(path, '/', sizeof path);
    path[PATH_MAX] = 0;
    fails(try_open(path, O_RDONLY), ENAMETOOLONG, "4096 bytes are no path");
    path[PATH_MAX - 1] = 0;
    gives(try_open(path, O_RDONLY), 0, "4095 are");
}

static void modes(void) {
    mode_t old = (mode_t)syscall(SYS_umask, 0);
    gives(syscall(SYS_umask, 07777), 0, "umask gives the one before");
    gives(syscall(SYS_umask, 027), 0777, "and takes the permissions only");
    int fd = (int)syscall(SYS_open, "new", O_CREAT | O_RDONLY | O_EXCL, 07777);
    ok(fd >= 0 && (mode_of("new") & 07777) == 07750, "the mode of a new file is without the mask");
    fails(write(fd, "x", 1), EBADF, "it is open as asked for, not as it was made");
    close(fd);
    fd = (int)syscall(SYS_open, "other", O_CREAT | O_RDWR | O_EXCL, 0400);
    ok(fd >= 0 && write(fd, "x", 1) == 1, "also when the mode forbids it");
    close(fd);
    ok(unlink("new") == 0 && unlink("other") == 0, "they go");
    umask(old);
}

static void flags(void) {
    char text[8] = "";
    int fd = open("file", O_RDWR | O_APPEND);
    ok(fd >= 0 && (fcntl(fd, F_GETFL) & (O_APPEND | O_ACCMODE)) == (O_APPEND | O_RDWR), "O_APPEND is kept");
    ok(write(fd, "!", 1) == 1 && size_of("file") == 6 && lseek(fd, 0, SEEK_CUR) == 6, "and appends");
    ok(lseek(fd, 0, SEEK_SET) == 0 && read(fd, text, 2) == 2 && write(fd, "?", 1) == 1 && size_of("file") == 7,
       "wherever one was");
    close(fd);
    gives(try_open("file", O_WRONLY | O_TRUNC), 0, "O_TRUNC");
    gives(size_of("file"), 0, "empties it");
    fd = open("file", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_SYNC);
    ok(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & (O_NONBLOCK | O_SYNC)) == (O_NONBLOCK | O_SYNC),
       "O_CLOEXEC belongs to the descriptor, O_NONBLOCK and O_SYNC to the file");
    ok((fcntl(fd, F_GETFL) & (O_CLOEXEC | O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY)) == 0, "others are not kept");
    close(fd);
    fails(try_open("file", O_RDONLY | O_DIRECTORY), ENOTDIR, "O_DIRECTORY of a file");
    gives(try_open("dirlink", O_RDONLY | O_DIRECTORY), 0, "of a link to a directory");
    fails(try_open("link", O_RDONLY | O_NOFOLLOW), ELOOP, "O_NOFOLLOW of a link");
    fails(try_open("dirlink", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR, "and of one to a directory");
    gives(try_open("dirlink/../file", O_RDONLY | O_NOFOLLOW), 0, "links on the way are followed");
    gives(try_open("dirlink/", O_RDONLY | O_NOFOLLOW), 0, "and before a slash");
    fails(try_open("dir", O_WRONLY), EISDIR, "writing to a directory");
    fails(try_open("dir", O_RDWR), EISDIR, "reading and writing");
    fails(try_open("dir", O_RDONLY | O_TRUNC), EISDIR, "emptying it");
    gives(try_open("/dev/null", O_WRONLY | O_TRUNC | O_CREAT), 0, "O_CREAT and O_TRUNC of a device");
}

static void without_name(void) {
    struct stat stat;
    char path[64];
    int fd = open(".", O_TMPFILE | O_RDWR, 0640);
    ok(fd >= 0 && write(fd, "x", 1) == 1 && fstat(fd, &stat) == 0 && stat.st_nlink == 0 && stat.st_size == 1,
       "O_TMPFILE: a file without a name");
    ok(S_ISREG(stat.st_mode) && (stat.st_mode & 0777) == 0640, "with the mode that is asked for");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    gives(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0, "that can be given one");
    ok(fstat(fd, &stat) == 0 && stat.st_nlink == 1 && unlink("named") == 0, "and has it");
    close(fd);
    fd = open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0600);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    fails(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), ENOENT, "but not with O_EXCL");
    close(fd);
    fails(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL, "O_TMPFILE to be read only");
    fails(open("file", O_TMPFILE | O_RDWR, 0600), ENOTDIR, "O_TMPFILE in a file");
    fails(open("absent", O_TMPFILE | O_RDWR, 0600), ENOENT, "O_TMPFILE nowhere");
}

static void relative(void) {
    int dir = open("dir", O_RDONLY), file = open("file", O_RDONLY);
    int fd = (int)syscall(SYS_openat, dir, "inside", O_CREAT | O_WRONLY, 0600);
    ok(fd >= 0 && size_of("dir/inside") == 0, "openat in a directory");
    close(fd);
    fails(syscall(SYS_openat, dir, "file", O_RDONLY), ENOENT, "and nowhere else");
    fd = (int)syscall(SYS_openat, dir, "..", O_RDONLY | O_DIRECTORY);
    ok(fd >= 0, "the one above");
    close(fd);
    fd = (int)syscall(SYS_openat, -1, "/dev/null", O_RDONLY);
    ok(fd >= 0, "an absolute path needs no directory");
    close(fd);
    fails(syscall(SYS_openat, 1000, "file", O_RDONLY), EBADF, "a relative one does");
    fails(syscall(SYS_openat, file, "file", O_RDONLY), ENOTDIR, "that is one");
    fails(syscall(SYS_openat, dir, "", O_RDONLY), ENOENT, "and a name");
    fd = (int)syscall(SYS_openat, AT_FDCWD, "file", O_RDONLY);
    ok(fd >= 0, "AT_FDCWD");
    close(fd);
    ok(unlink("dir/inside") == 0 && close(dir) == 0 && close(file) == 0, "done");
}

static void refused(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    struct rlimit old, low;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ok(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "a socket");
    fails(try_open("socket", O_RDWR), ENXIO, "cannot be opened");
    close(fd);
    fails(try_open("fifo", O_WRONLY | O_NONBLOCK), ENXIO, "nor a pipe that nobody reads, without waiting");
    gives(try_open("fifo", O_RDONLY | O_NONBLOCK), 0, "to be read it can");
    gives(try_open("fifo", O_RDWR), 0, "or for both");
    getrlimit(RLIMIT_NOFILE, &old);
    low = (struct rlimit){3, old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    fails(syscall(SYS_open, "absent", O_RDONLY), EMFILE, "no descriptor is left, whatever the name");
    fails(syscall(SYS_open, "made", O_CREAT | O_RDWR, 0600), EMFILE, "and none for a new file");
    setrlimit(RLIMIT_NOFILE, &old);
    fails(unlink("made"), ENOENT, "which is not made");
}

int main(void) {
    enter_scratch();
    prepare();
    creation();
    names();
    modes();
    flags();
    without_name();
    relative();
    refused();
    ok(unlink("file") == 0 && rmdir("dir") == 0 && unlink("link") == 0 && unlink("dangling") == 0 &&
           unlink("loop") == 0 && unlink("dirlink") == 0 && unlink("fifo") == 0 && unlink("socket") == 0,
       "all of it goes");
    leave_scratch();
    return done_testing();
}
