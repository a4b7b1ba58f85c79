/* SPDX-License-Identifier: MIT */
/* Names: making, finding, linking, renaming and removing them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"

static void fails(int result, int want, const char *what) {
    int error = errno;
    if (!ok(result == -1 && error == want, "%s", what))
        diag("result %d, errno %d (%s), want errno %d (%s)", result, error, strerror(error), want, strerror(want));
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static const char *read_file(const char *path) {
    static char text[128];
    FILE *file = fopen(path, "r");
    if (!file)
        return strerror(errno);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = 0;
    fclose(file);
    return text;
}

static struct stat stat_of(const char *path) {
    struct stat stat = {0};
    lstat(path, &stat);
    return stat;
}

static void test_create(void) {
    ok(mkdir("d", 0755) == 0, "mkdir");
    fails(mkdir("d", 0755), EEXIST, "mkdir: there is one");
    fails(mkdir("none/x", 0755), ENOENT, "mkdir without a parent");
    write_file("d/f", "text");
    is_str(read_file("d/f"), "text", "a file");
    fails(open("d/f", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST, "O_EXCL");
    fails(open("d/f/x", O_RDONLY), ENOTDIR, "through a file");
    fails(open("d/f", O_RDONLY | O_DIRECTORY), ENOTDIR, "O_DIRECTORY");
    fails(open("d", O_WRONLY), EISDIR, "writing to a directory");
    fails(open("", O_RDONLY), ENOENT, "an empty path");
    char name[NAME_MAX + 2];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    fails(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG, "a long name");
    char path[PATH_MAX + 1];
    memset(path, '/', PATH_MAX);
    path[PATH_MAX] = 0;
    fails(open(path, O_RDONLY), ENAMETOOLONG, "a long path");
    umask(027);
    close(open("masked", O_CREAT | O_RDWR, 0666));
    ok((stat_of("masked").st_mode & 07777) == 0640, "umask");
    umask(022);
    ok(chmod("masked", 0751) == 0 && (stat_of("masked").st_mode & 07777) == 0751, "chmod");
    ok(access("masked", R_OK | W_OK | X_OK) == 0, "access");
    fails(access("none", F_OK), ENOENT, "access: nothing there");
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    int file = openat(fd, "f", O_RDONLY);
    ok(fd >= 0 && file >= 0, "openat");
    fails(openat(file, "f", O_RDONLY), ENOTDIR, "openat: relative to a file");
    fails(openat(99, "f", O_RDONLY), EBADF, "openat: relative to nothing");
    close(fd);
    close(file);
}

static void test_symlinks(void) {
    char text[64] = "";
    ok(symlink("d/f", "s") == 0, "symlink");
    is_str(read_file("s"), "text", "a file through it");
    ok(readlink("s", text, sizeof text) == 3 && strcmp(text, "d/f") == 0, "readlink");
    fails((int)readlink("d", text, sizeof text), EINVAL, "readlink of a directory");
    ok(S_ISLNK(stat_of("s").st_mode) && stat_of("s").st_size == 3, "lstat");
    fails(open("s", O_RDONLY | O_NOFOLLOW), ELOOP, "O_NOFOLLOW");
    symlink("loop", "loop");
    fails(open("loop", O_RDONLY), ELOOP, "a loop");
    symlink("nowhere", "dangling");
    fails(open("dangling", O_RDONLY), ENOENT, "a dangling link");
    fails(mkdir("dangling", 0755), EEXIST, "mkdir over it");
    write_file("dangling", "through");
    is_str(read_file("nowhere"), "through", "a file made through it");
    symlink("d", "sd");
    fails(rmdir("sd"), ENOTDIR, "rmdir of a link");
    char here[PATH_MAX], resolved[PATH_MAX];
    getcwd(here, sizeof here);
    ok(realpath("sd/../s", resolved) && strcmp(resolved + strlen(here), "/d/f") == 0, "realpath");
}

static void test_links(void) {
    ok(link("d/f", "hard") == 0 && stat_of("hard").st_nlink == 2, "link");
    ok(stat_of("hard").st_ino == stat_of("d/f").st_ino, "the same file");
    fails(link("d", "hd"), EPERM, "link of a directory");
    fails(link("d/f", "hard"), EEXIST, "link over a file");
    int fd = open("hard", O_RDWR);
    unlink("hard");
    struct stat stat;
    fstat(fd, &stat);
    ok(stat.st_nlink == 1, "unlink takes one name");
    close(fd);
    fd = open("gone", O_CREAT | O_RDWR, 0600);
    unlink("gone");
    char byte = 0;
    ok(write(fd, "x", 1) == 1 && pread(fd, &byte, 1, 0) == 1 && byte == 'x', "a file without a name");
    fstat(fd, &stat);
    ok(stat.st_nlink == 0, "has no links");
    close(fd);
    fails(unlink("gone"), ENOENT, "unlink of nothing");
    ok(unlink("d") == -1, "unlink of a directory");
}

static void test_rename(void) {
    write_file("r1", "one");
    write_file("r2", "two");
    mkdir("rd", 0755);
    mkdir("rd/sub", 0755);
    ok(rename("r1", "r2") == 0, "rename over a file");
    is_str(read_file("r2"), "one", "it is the other one");
    fails(access("r1", F_OK), ENOENT, "the old name is gone");
    fails(rename("r2", "rd"), EISDIR, "a file over a directory");
    fails(rename("rd", "r2"), ENOTDIR, "a directory over a file");
    fails(rename("rd", "rd/sub/x"), EINVAL, "a directory into itself");
    mkdir("empty", 0755);
    fails(rename("empty", "rd"), ENOTEMPTY, "over a full directory");
    ok(rename("rd", "empty") == 0 && access("empty/sub", F_OK) == 0, "over an empty directory");
    fails(rename("none", "x"), ENOENT, "of nothing");
    fails(rename("r2", "x/"), ENOTDIR, "of a file to a name with a slash");
    fails(rmdir("empty"), ENOTEMPTY, "rmdir of a full directory");
    fails(rmdir("empty/."), EINVAL, "rmdir of `.`");
    ok(rmdir("empty/sub") == 0 && rmdir("empty") == 0, "rmdir");
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int count_file(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
    (void)path, (void)stat, (void)ftw;
    return type == FTW_F || type == FTW_DP ? remove(path) : 0;
}

static void test_listing(void) {
    char name[32];
    struct dirent **list, *entry;
    mkdir("many", 0755);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "many/%03u", i);
        write_file(name, name);
    }
    int count = scandir("many", &list, NULL, by_name);
    ok(count == 302 && strcmp(list[2]->d_name, "000") == 0 && strcmp(list[301]->d_name, "299") == 0, "scandir");
    ok(list[0]->d_type == DT_DIR && list[2]->d_type == DT_REG, "d_type");
    ok(list[5]->d_ino == stat_of("many/003").st_ino, "d_ino");
    for (int i = 0; i < count; i++)
        free(list[i]);
    free(list);

    DIR *directory = opendir("many");
    unsigned removed = 0;
    while ((entry = readdir(directory)))
        removed += entry->d_name[0] != '.' && unlinkat(dirfd(directory), entry->d_name, 0) == 0;
    ok(removed == 300, "every file removed while it is listed");
    rewinddir(directory);
    for (count = 0; readdir(directory);)
        count++;
    ok(count == 2, "rewinddir: only the dots are left");
    closedir(directory);

    mkdir("many/a", 0755);
    mkdir("many/a/b", 0755);
    write_file("many/a/b/f", "");
    ok(nftw("many", count_file, 8, FTW_DEPTH | FTW_PHYS) == 0 && access("many", F_OK) == -1, "nftw removes a tree");
}

static void test_working_directory(void) {
    char before[PATH_MAX], after[PATH_MAX];
    getcwd(before, sizeof before);
    mkdir("w", 0755);
    ok(chdir("w") == 0, "chdir");
    getcwd(after, sizeof after);
    is_str(after + strlen(before), "/w", "getcwd");
    fails(getcwd(after, 2) ? 0 : -1, ERANGE, "getcwd without room");
    int fd = open("..", O_RDONLY | O_DIRECTORY);
    rmdir("../w");
    fails(getcwd(after, sizeof after) ? 0 : -1, ENOENT, "getcwd in a removed directory");
    fails(open("x", O_CREAT | O_RDWR, 0600), ENOENT, "a file in a removed directory");
    ok(fchdir(fd) == 0 && getcwd(after, sizeof after) && strcmp(before, after) == 0, "fchdir");
    close(fd);
    fails(chdir("d/f"), ENOTDIR, "chdir to a file");
}

/* As programs ask whether there is such a call. */
static void test_no_path(void) {
    const char *volatile none = NULL;
    struct stat buffer;
    fails(stat(none, &buffer), EFAULT, "stat of NULL");
    fails((int)syscall(SYS_statx, 0, NULL, 0, 0xfff, NULL), EFAULT, "statx of NULL, to NULL");
    fails(open(none, O_RDONLY), EFAULT, "open of NULL");
    fails(unlink(none), EFAULT, "unlink of NULL");
    fails(mkdir(none, 0700), EFAULT, "mkdir of NULL");
    fails(rename(none, "d/f"), EFAULT, "rename of NULL");
    fails(access(none, F_OK), EFAULT, "access of NULL");
    fails(chdir(none), EFAULT, "chdir to NULL");
    fails(symlink(none, "d/none"), EFAULT, "symlink to NULL");
    fails((int)readlink(none, (char *)&buffer, sizeof buffer), EFAULT, "readlink of NULL");
}

static void test_times(void) {
    const struct timespec times[2] = {{.tv_sec = 1000000, .tv_nsec = 5}, {.tv_sec = 2000000, .tv_nsec = 6}};
    struct stat stat;
    ok(utimensat(AT_FDCWD, "d/f", times, 0) == 0, "utimensat");
    stat = stat_of("d/f");
    ok(stat.st_atim.tv_sec == 1000000 && stat.st_mtim.tv_sec == 2000000 && stat.st_mtim.tv_nsec == 6, "times");
    write_file("d/f", "text");
    ok(stat_of("d/f").st_mtim.tv_sec > 1600000000, "a write sets them");
    int fd = open("d/f", O_RDONLY);
    ok(futimens(fd, times) == 0 && stat_of("d/f").st_mtim.tv_sec == 2000000, "futimens");
    close(fd);
}

int main(void) {
    char directory[] = "fs_names.XXXXXX";
    ok(mkdtemp(directory) && chdir(directory) == 0, "a directory of our own");
    test_create();
    test_symlinks();
    test_links();
    test_rename();
    test_listing();
    test_working_directory();
    test_no_path();
    test_times();
    return done_testing();
}
