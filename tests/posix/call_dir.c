/* SPDX-License-Identifier: MIT */
/* Where paths start, chdir(), fchdir(), getcwd(), chroot(); and what is in directories, getdents64(). */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "calls.h"

static char here[PATH_MAX];

static void working_directory(void) {
    char path[PATH_MAX];
    long length = syscall(SYS_getcwd, here, sizeof here);
    gives(length, (long)strlen(here) + 1, "getcwd gives the length with its end");
    ok(strncmp(here, "/tmp/", 5) == 0, "and an absolute path");
    fails(syscall(SYS_getcwd, path, strlen(here)), ERANGE, "getcwd into too little");
    gives(syscall(SYS_getcwd, path, strlen(here) + 1), (long)strlen(here) + 1, "into just enough");
    fails(syscall(SYS_getcwd, path, 0L), ERANGE, "into nothing");
    ok(syscall(SYS_chdir, "link/./..//dir/") == 0 && getcwd(path, sizeof path) && strlen(path) == strlen(here) + 4 &&
           strcmp(path + strlen(here), "/dir") == 0,
       "chdir by way of a link: the path is without it");
    fails(syscall(SYS_chdir, "absent"), ENOENT, "chdir to nothing");
    fails(syscall(SYS_chdir, ""), ENOENT, "to no name");
    fails(syscall(SYS_chdir, "../file"), ENOTDIR, "to a file");
    fails(syscall(SYS_chdir, "../file/x"), ENOTDIR, "through one");
    fails(syscall(SYS_chdir, "../loop"), ELOOP, "to a link to itself");
    ok(getcwd(path, sizeof path) && strcmp(path + strlen(here), "/dir") == 0, "one stays where one is");
    int up = open("..", O_RDONLY), file = open("../file", O_RDONLY), only = open(".", O_PATH);
    gives(syscall(SYS_fchdir, up), 0, "fchdir");
    fails(syscall(SYS_fchdir, file), ENOTDIR, "to a file");
    fails(syscall(SYS_fchdir, 1000), EBADF, "to nothing");
    gives(syscall(SYS_fchdir, only), 0, "to a name");
    fchdir(up);
    ok(mkdir("moving", 0755) == 0 && chdir("moving") == 0 && rename("../moving", "../moved") == 0 &&
           getcwd(path, sizeof path) && strcmp(path + strlen(here), "/moved") == 0,
       "a directory that is renamed");
    ok(rmdir("../moved") == 0, "and removed");
    fails(syscall(SYS_getcwd, path, sizeof path), ENOENT, "has no path");
    fails(open("x", O_CREAT | O_WRONLY, 0600), ENOENT, "and takes no files");
    fails(syscall(SYS_chdir, "dir"), ENOENT, "and leads nowhere");
    gives(syscall(SYS_chdir, ".."), 0, "but up");
    ok(getcwd(path, sizeof path) && strcmp(path, here) == 0, "where it was");
    close(up);
    close(file);
    close(only);
}

/* Whoever may not change the root is told so after the path has been looked at. */
static void root_directory(void) {
    int outside = open("/", O_RDONLY | O_DIRECTORY);
    char path[PATH_MAX];
    struct stat a, b;
    fails(syscall(SYS_chroot, "absent"), ENOENT, "chroot to nothing");
    fails(syscall(SYS_chroot, "file"), ENOTDIR, "to a file");
    fails(syscall(SYS_chroot, "loop"), ELOOP, "to a link to itself");
    fails(syscall(SYS_chroot, ""), ENOENT, "to no name");
    bool may = syscall(SYS_chroot, "dir") == 0;
    if (may) {
        ok(stat("/", &a) == 0 && fstat(outside, &b) == 0 && a.st_ino != b.st_ino, "chroot changes where / is");
        ok(chdir("/") == 0 && stat("..", &b) == 0 && a.st_ino == b.st_ino, "and there is no way up from it");
        ok(getcwd(path, sizeof path) && strcmp(path, "/") == 0, "paths start there");
        ok(stat("/../../file", &b) == -1 && errno == ENOENT, "absolute ones too");
        ok(fchdir(outside) == 0 && syscall(SYS_chroot, ".") == 0 && chdir(here) == 0, "but a descriptor leads out");
    } else {
        ok(errno == EPERM, "chroot changes where / is");
        ok(geteuid() != 0 || errno == EPERM, "and there is no way up from it");
        ok(chdir(here) == 0, "paths start there");
        ok(stat("/../../file", &b) == -1 && errno == ENOENT, "absolute ones too");
        ok(chdir(here) == 0, "but a descriptor leads out");
    }
    close(outside);
}

struct record {
    uint64_t ino;
    int64_t next;
    unsigned short size;
    unsigned char type;
    char name[];
};

/* Reads a directory in pieces of `size`: how many names, and the type of one of them. */
static int count(int fd, long size, const char *which, unsigned char *type) {
    char buffer[4096] __attribute__((aligned(8)));
    long n;
    int names = 0;
    while ((n = syscall(SYS_getdents64, fd, buffer, size)) > 0)
        for (long at = 0; at < n;) {
            const struct record *record = (const struct record *)(buffer + at);
            if (strcmp(record->name, which) == 0)
                *type = record->type;
            names++;
            at += record->size;
        }
    return n < 0 ? -errno : names;
}

static void entries(void) {
    unsigned char type = 99;
    char buffer[512];
    int fd = open(".", O_RDONLY), file = open("file", O_RDONLY), other;
    gives(count(fd, 4096, "dir", &type), 7, "getdents64: what is there, with . and ..");
    gives(type, DT_DIR, "a directory");
    gives(count(fd, 4096, "dir", &type), 0, "and the end");
    ok(lseek(fd, 0, SEEK_SET) == 0 && count(fd, 64, "file", &type) == 7 && type == DT_REG,
       "again, in small pieces: a file");
    ok(lseek(fd, 0, SEEK_SET) == 0 && count(fd, 4096, "link", &type) == 7 && type == DT_LNK, "a link");
    ok(lseek(fd, 0, SEEK_SET) == 0 && count(fd, 4096, "fifo", &type) == 7 && type == DT_FIFO, "a pipe");
    lseek(fd, 0, SEEK_SET);
    fails(syscall(SYS_getdents64, fd, buffer, 8L), EINVAL, "into too little");
    fails(syscall(SYS_getdents64, file, buffer, 512L), ENOTDIR, "of a file");
    fails(syscall(SYS_getdents64, 1000, buffer, 512L), EBADF, "of nothing");
    other = open("dir", O_RDONLY);
    ok(rmdir("dir") == 0, "a directory is removed");
    fails(syscall(SYS_getdents64, other, buffer, 512L), ENOENT, "and has nothing in it");
    close(other);
    close(file);
    close(fd);
    DIR *dir = opendir(".");
    readdir(dir);
    long place = telldir(dir);
    struct dirent *second = readdir(dir);
    char name[256];
    strcpy(name, second->d_name);
    for (int i = 0; i < 100; i++)
        readdir(dir);
    seekdir(dir, place);
    ok((second = readdir(dir)) && strcmp(second->d_name, name) == 0, "seekdir leads back to a name");
    rewinddir(dir);
    int names = 0;
    while (readdir(dir))
        names++;
    gives(names, 6, "rewinddir to all of them");
    closedir(dir);
}

int main(void) {
    enter_scratch();
    int fd = open("file", O_CREAT | O_WRONLY, 0600);
    close(fd);
    ok(mkdir("dir", 0755) == 0 && symlink("dir", "link") == 0 && symlink("loop", "loop") == 0 &&
           mkfifo("fifo", 0600) == 0,
       "one of each");
    working_directory();
    root_directory();
    entries();
    ok(unlink("file") == 0 && unlink("link") == 0 && unlink("loop") == 0 && unlink("fifo") == 0, "all of it goes");
    leave_scratch();
    return done_testing();
}
