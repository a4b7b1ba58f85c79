/* SPDX-License-Identifier: MIT */
/* Names: mkdir(), mknod(), link(), symlink(), unlink(), rmdir(), rename() and those that take a directory. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "calls.h"

#define NOREPLACE 1
#define EXCHANGE 2

static int dir, file;
static char long_name[NAME_MAX + 2];

static struct stat look(const char *path) {
    struct stat stat = {0};
    lstat(path, &stat);
    return stat;
}

static bool is_there(const char *path) {
    struct stat stat;
    return lstat(path, &stat) == 0;
}

static void make(const char *path) {
    close(open(path, O_CREAT | O_WRONLY, 0644));
}

static void directories(void) {
    mode_t old = umask(022);
    gives(syscall(SYS_mkdir, "dir", 07777), 0, "mkdir");
    ok((look("dir").st_mode & 07777) == 01755, "without the mask, and with the sticky bit only");
    umask(old);
    dir = open("dir", O_RDONLY);
    make("file");
    file = open("file", O_RDWR);
    ok(symlink("dir", "dirlink") == 0 && symlink("none", "dangling") == 0 && symlink("loop", "loop") == 0, "links");
    fails(syscall(SYS_mkdir, "dir", 0755), EEXIST, "mkdir: there is one");
    fails(syscall(SYS_mkdir, "dangling", 0755), EEXIST, "mkdir: a link that leads nowhere");
    fails(syscall(SYS_mkdir, "/", 0755), EEXIST, "mkdir: the root");
    fails(syscall(SYS_mkdir, "dir/.", 0755), EEXIST, "mkdir: a dot");
    fails(syscall(SYS_mkdir, "dir/..", 0755), EEXIST, "mkdir: two");
    fails(syscall(SYS_mkdir, "none/.", 0755), ENOENT, "mkdir: a dot in nothing");
    fails(syscall(SYS_mkdir, "none/x", 0755), ENOENT, "mkdir in nothing");
    fails(syscall(SYS_mkdir, "file/x", 0755), ENOTDIR, "mkdir in a file");
    fails(syscall(SYS_mkdir, "loop/x", 0755), ELOOP, "mkdir in a link to itself");
    fails(syscall(SYS_mkdir, "", 0755), ENOENT, "mkdir of no name");
    fails(syscall(SYS_mkdir, long_name, 0755), ENAMETOOLONG, "mkdir of a long name");
    gives(syscall(SYS_mkdir, "slash//", 0755), 0, "mkdir with slashes behind it");
    ok(chmod("slash", 02755) == 0 && mkdir("slash/sub", 0755) == 0 && (look("slash/sub").st_mode & 07777) == 02755,
       "the set-group-ID bit comes from the directory above");
    ok(look("slash/sub").st_gid == look("slash").st_gid && rmdir("slash/sub") == 0, "and the group, too");
    gives(syscall(SYS_mkdirat, dir, "sub", 0700), 0, "mkdirat");
    ok(look("dir").st_nlink == 3 && look("dir/sub").st_nlink == 2, "a directory has a name for each one in it");
    fails(syscall(SYS_mkdirat, 1000, "x", 0755), EBADF, "mkdirat in nothing");
    fails(syscall(SYS_mkdirat, file, "x", 0755), ENOTDIR, "mkdirat in a file");
}

static void removing(void) {
    fails(syscall(SYS_rmdir, "dir"), ENOTEMPTY, "rmdir: not empty");
    fails(syscall(SYS_rmdir, "file"), ENOTDIR, "rmdir of a file");
    fails(syscall(SYS_rmdir, "dirlink"), ENOTDIR, "rmdir of a link");
    fails(syscall(SYS_rmdir, "dirlink/"), ENOTDIR, "rmdir of a link with a slash");
    fails(syscall(SYS_rmdir, "none"), ENOENT, "rmdir of nothing");
    fails(syscall(SYS_rmdir, ""), ENOENT, "rmdir of no name");
    fails(syscall(SYS_rmdir, "slash/."), EINVAL, "rmdir of a dot");
    fails(syscall(SYS_rmdir, "dir/sub/.."), ENOTEMPTY, "rmdir of two");
    fails(syscall(SYS_rmdir, "/"), EBUSY, "rmdir of the root");
    gives(syscall(SYS_rmdir, "slash/"), 0, "rmdir with a slash");
    fails(syscall(SYS_unlink, "dir"), EISDIR, "unlink of a directory");
    fails(syscall(SYS_unlink, "file/"), ENOTDIR, "unlink of a file with a slash");
    fails(syscall(SYS_unlink, "none"), ENOENT, "unlink of nothing");
    fails(syscall(SYS_unlink, ""), ENOENT, "unlink of no name");
    fails(syscall(SYS_unlink, "file/x"), ENOTDIR, "unlink in a file");
    fails(syscall(SYS_unlink, "dir/."), EISDIR, "unlink of a dot");
    fails(syscall(SYS_unlink, long_name), ENAMETOOLONG, "unlink of a long name");
    fails(syscall(SYS_unlinkat, dir, "sub", 0), EISDIR, "unlinkat of a directory");
    fails(syscall(SYS_unlinkat, AT_FDCWD, "file", AT_REMOVEDIR), ENOTDIR, "unlinkat: AT_REMOVEDIR of a file");
    fails(syscall(SYS_unlinkat, dir, "sub", 1), EINVAL, "unlinkat: a flag that there is not");
    fails(syscall(SYS_unlinkat, 1000, "x", 0), EBADF, "unlinkat in nothing");
    fails(syscall(SYS_unlinkat, file, "x", 0), ENOTDIR, "unlinkat in a file");
    int sub = openat(dir, "sub", O_RDONLY);
    gives(syscall(SYS_unlinkat, dir, "sub", AT_REMOVEDIR), 0, "AT_REMOVEDIR");
    fails(openat(sub, "x", O_CREAT | O_RDWR, 0600), ENOENT, "nothing can be made in a directory that is gone");
    fails(syscall(SYS_mkdirat, sub, "x", 0700), ENOENT, "nor a directory");
    close(sub);
}

static void nodes(void) {
    gives(syscall(SYS_mknod, "fifo", S_IFIFO | 0640, 0), 0, "mknod: a pipe");
    ok(S_ISFIFO(look("fifo").st_mode) && (look("fifo").st_mode & 0777) == 0640, "it is one");
    gives(syscall(SYS_mknod, "plain", 0600, 0), 0, "mknod: no type is a file");
    ok(S_ISREG(look("plain").st_mode), "it is one");
    ok(syscall(SYS_mknod, "plain2", S_IFREG | 0600, 0) == 0 && S_ISREG(look("plain2").st_mode), "S_IFREG, too");
    ok(syscall(SYS_mknodat, dir, "socket", S_IFSOCK | 0600, 0) == 0 && S_ISSOCK(look("dir/socket").st_mode),
       "a socket");
    fails(syscall(SYS_mknod, "x", S_IFDIR | 0700, 0), EPERM, "mknod makes no directories");
    fails(syscall(SYS_mknod, "x", S_IFLNK | 0700, 0), EINVAL, "no links");
    fails(syscall(SYS_mknod, "x", 0150000 | 0700, 0), EINVAL, "and nothing that there is not");
    fails(syscall(SYS_mknod, "fifo", S_IFIFO, 0), EEXIST, "mknod: there is one");
    fails(syscall(SYS_mknod, "dangling", S_IFIFO, 0), EEXIST, "mknod: a link that leads nowhere");
    fails(syscall(SYS_mknod, "none/x", S_IFIFO, 0), ENOENT, "mknod in nothing");
    fails(syscall(SYS_mknod, "x/", S_IFIFO, 0), ENOENT, "mknod with a slash");
    fails(syscall(SYS_mknod, "file/x", S_IFIFO, 0), ENOTDIR, "mknod in a file");
    fails(syscall(SYS_mknod, "", S_IFIFO, 0), ENOENT, "mknod of no name");
    fails(syscall(SYS_mknod, long_name, S_IFIFO, 0), ENAMETOOLONG, "mknod of a long name");
    fails(syscall(SYS_mknodat, 1000, "x", S_IFIFO, 0), EBADF, "mknodat in nothing");
    fails(syscall(SYS_mknodat, file, "x", S_IFIFO, 0), ENOTDIR, "mknodat in a file");
    if (geteuid() == 0 && syscall(SYS_mknod, "device", S_IFCHR | 0600, makedev(1, 3)) == 0) {
        struct stat stat = look("device");
        ok(S_ISCHR(stat.st_mode) && stat.st_rdev == makedev(1, 3) && unlink("device") == 0, "root makes devices");
    } else {
        ok(geteuid() != 0 || errno == EPERM, "root makes devices");
    }
    ok(unlink("fifo") == 0 && unlink("plain") == 0 && unlink("plain2") == 0 && unlink("dir/socket") == 0, "they go");
}

static void links(void) {
    char path[64], target[PATH_MAX + 1];
    gives(syscall(SYS_link, "file", "second"), 0, "link");
    ok(look("second").st_ino == look("file").st_ino && look("file").st_nlink == 2, "is the same file");
    fails(syscall(SYS_link, "file", "second"), EEXIST, "link: there is one");
    fails(syscall(SYS_link, "file", "dangling"), EEXIST, "link: a link that leads nowhere");
    fails(syscall(SYS_link, "none", "x"), ENOENT, "link to nothing");
    fails(syscall(SYS_link, "file", "none/x"), ENOENT, "link in nothing");
    fails(syscall(SYS_link, "file", "file/x"), ENOTDIR, "link in a file");
    fails(syscall(SYS_link, "file/", "x"), ENOTDIR, "link to a file with a slash");
    fails(syscall(SYS_link, "file", "x/"), ENOENT, "link with a slash");
    fails(syscall(SYS_link, "dir", "x"), EPERM, "link to a directory");
    fails(syscall(SYS_link, "", "x"), ENOENT, "link to no name");
    fails(syscall(SYS_link, "file", ""), ENOENT, "link of no name");
    fails(syscall(SYS_link, "file", long_name), ENAMETOOLONG, "link of a long name");
    ok(syscall(SYS_link, "dangling", "other") == 0 && S_ISLNK(look("other").st_mode), "link takes the link itself");
    ok(syscall(SYS_linkat, AT_FDCWD, "second", dir, "third", 0) == 0 && look("file").st_nlink == 3, "linkat");
    fails(syscall(SYS_linkat, AT_FDCWD, "dangling", dir, "x", AT_SYMLINK_FOLLOW), ENOENT, "AT_SYMLINK_FOLLOW follows");
    fails(syscall(SYS_linkat, AT_FDCWD, "dirlink", dir, "x", AT_SYMLINK_FOLLOW), EPERM, "to a directory, too");
    fails(syscall(SYS_linkat, AT_FDCWD, "file", dir, "x", 1), EINVAL, "linkat: a flag that there is not");
    fails(syscall(SYS_linkat, 1000, "file", dir, "x", 0), EBADF, "linkat from nothing");
    fails(syscall(SYS_linkat, AT_FDCWD, "file", 1000, "x", 0), EBADF, "linkat to nothing");
    fails(syscall(SYS_linkat, AT_FDCWD, "file", file, "x", 0), ENOTDIR, "linkat to a file");
    int gone = open("gone", O_CREAT | O_RDWR, 0600);
    snprintf(path, sizeof path, "/proc/self/fd/%d", gone);
    unlink("gone");
    fails(syscall(SYS_linkat, AT_FDCWD, path, dir, "x", AT_SYMLINK_FOLLOW), ENOENT, "a file without names gets none");
    close(gone);
    ok(unlink("second") == 0 && unlink("dir/third") == 0 && unlink("other") == 0 && look("file").st_nlink == 1,
       "they go");
    gives(syscall(SYS_symlink, "any text", "sym"), 0, "symlink");
    ok(look("sym").st_size == 8, "of any text");
    fails(syscall(SYS_symlink, "x", "sym"), EEXIST, "symlink: there is one");
    fails(syscall(SYS_symlink, "x", "dangling"), EEXIST, "symlink: a link that leads nowhere");
    fails(syscall(SYS_symlink, "", "x"), ENOENT, "symlink without text");
    fails(syscall(SYS_symlink, "x", ""), ENOENT, "symlink without name");
    fails(syscall(SYS_symlink, "x", "none/x"), ENOENT, "symlink in nothing");
    fails(syscall(SYS_symlink, "x", "y/"), ENOENT, "symlink with a slash");
    fails(syscall(SYS_symlink, "x", "file/x"), ENOTDIR, "symlink in a file");
    fails(syscall(SYS_symlink, "x", long_name), ENAMETOOLONG, "symlink of a long name");
    memset(target, 't', PATH_MAX);
    target[PATH_MAX] = 0;
    fails(syscall(SYS_symlink, target, "x"), ENAMETOOLONG, "symlink with a long text");
    ok(syscall(SYS_symlinkat, "x", dir, "sym") == 0 && is_there("dir/sym"), "symlinkat");
    fails(syscall(SYS_symlinkat, "x", 1000, "y"), EBADF, "symlinkat in nothing");
    fails(syscall(SYS_symlinkat, "x", file, "y"), ENOTDIR, "symlinkat in a file");
    ok(unlink("sym") == 0 && unlink("dir/sym") == 0, "they go");
}

static void renaming(void) {
    make("a");
    make("b");
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    mkdir("empty", 0755);
    ino_t a = look("a").st_ino;
    ok(syscall(SYS_rename, "a", "c") == 0 && look("c").st_ino == a && !is_there("a"), "rename");
    ok(syscall(SYS_rename, "c", "b") == 0 && look("b").st_ino == a && !is_there("c"), "takes the place of another");
    ok(syscall(SYS_rename, "b", "b") == 0 && is_there("b"), "to what it is");
    ok(link("b", "b2") == 0 && syscall(SYS_rename, "b", "b2") == 0 && is_there("b") && is_there("b2"),
       "two names of one file stay");
    fails(syscall(SYS_rename, "none", "x"), ENOENT, "rename nothing");
    fails(syscall(SYS_rename, "b", "none/x"), ENOENT, "into nothing");
    fails(syscall(SYS_rename, "", "x"), ENOENT, "no name");
    fails(syscall(SYS_rename, "b", ""), ENOENT, "to no name");
    fails(syscall(SYS_rename, "b", long_name), ENAMETOOLONG, "to a long one");
    fails(syscall(SYS_rename, "b", "b2/x"), ENOTDIR, "into a file");
    fails(syscall(SYS_rename, "b/", "x"), ENOTDIR, "a file with a slash");
    fails(syscall(SYS_rename, "b", "x/"), ENOTDIR, "to one with a slash");
    fails(syscall(SYS_rename, "b", "d"), EISDIR, "a file over a directory");
    fails(syscall(SYS_rename, "d", "b"), ENOTDIR, "a directory over a file");
    fails(syscall(SYS_rename, "empty", "d"), ENOTEMPTY, "over one that is not empty");
    fails(syscall(SYS_rename, "d", "d/e/x"), EINVAL, "into itself");
    fails(syscall(SYS_rename, "d/e", "d"), ENOTEMPTY, "over what it is in");
    fails(syscall(SYS_rename, "d/.", "x"), EBUSY, "a dot");
    fails(syscall(SYS_rename, "d", "d/e/.."), EBUSY, "to two");
    ok(syscall(SYS_rename, "d", "empty") == 0 && is_there("empty/e") && !is_there("d"), "over one that is");
    ok(syscall(SYS_rename, "empty/", "d/") == 0 && is_there("d/e"), "a directory with slashes");
    ok(syscall(SYS_rename, "dangling", "moved") == 0 && S_ISLNK(look("moved").st_mode), "a link itself");
    rename("moved", "dangling");
    ok(syscall(SYS_renameat, AT_FDCWD, "b2", dir, "b3") == 0 && is_there("dir/b3"), "renameat");
    fails(syscall(SYS_renameat, 1000, "b", dir, "x"), EBADF, "from nothing");
    fails(syscall(SYS_renameat, AT_FDCWD, "b", 1000, "x"), EBADF, "to nothing");
    fails(syscall(SYS_renameat, file, "b", dir, "x"), ENOTDIR, "from a file");
    fails(syscall(SYS_renameat2, AT_FDCWD, "b", dir, "b3", NOREPLACE), EEXIST, "RENAME_NOREPLACE");
    fails(syscall(SYS_renameat2, AT_FDCWD, "b", dir, "none", EXCHANGE), ENOENT, "RENAME_EXCHANGE with nothing");
    fails(syscall(SYS_renameat2, AT_FDCWD, "b", dir, "b3", NOREPLACE | EXCHANGE), EINVAL, "both");
    fails(syscall(SYS_renameat2, AT_FDCWD, "b", dir, "b3", 8), EINVAL, "a flag that there is not");
    fails(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "d/e", EXCHANGE), EINVAL, "with what is in it");
    ok(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "d", EXCHANGE) == 0 && S_ISDIR(look("b").st_mode) &&
           S_ISREG(look("d").st_mode) && is_there("b/e"),
       "a file and a directory change places");
    ok(syscall(SYS_renameat2, AT_FDCWD, "d", dir, "b4", NOREPLACE) == 0 && is_there("dir/b4"), "to where is nothing");
    ok(rmdir("b/e") == 0 && rmdir("b") == 0 && unlink("dir/b3") == 0 && unlink("dir/b4") == 0, "they go");
}

int main(void) {
    memset(long_name, 'n', sizeof long_name - 1);
    enter_scratch();
    directories();
    removing();
    nodes();
    links();
    renaming();
    close(dir);
    close(file);
    ok(rmdir("dir") == 0 && unlink("file") == 0 && unlink("dirlink") == 0 && unlink("dangling") == 0 &&
           unlink("loop") == 0,
       "all of it goes");
    leave_scratch();
    return done_testing();
}
