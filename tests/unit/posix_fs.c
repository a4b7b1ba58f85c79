/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/posix/fs/content.c guest-kernel/posix/fs/inode.c guest-kernel/posix/fs/names.c */
/* links: guest-kernel/posix/fs/path.c guest-kernel/posix/fs/open.c guest-kernel/posix/fs/at.c */
/* links: guest-kernel/posix/fs/regular.c guest-kernel/posix/fs/directory.c guest-kernel/posix/fs/tree.c */
/* links: guest-kernel/posix/fs/initrd.c guest-kernel/posix/fs/archive.c guest-kernel/posix/fs/tar.c */
/* links: guest-kernel/posix/fs/tar_number.c guest-kernel/posix/fs/tar_pax.c guest-kernel/posix/fs/tar_sparse.c */
/* links: guest-kernel/posix/fs/member.c guest-kernel/posix/fs/cpio.c guest-kernel/posix/fs/names_calls.c */
/* links: guest-kernel/posix/fs/stat_calls.c */
/* links: guest-kernel/posix/fs/change_calls.c guest-kernel/posix/fs/fs_calls.c */
/* links: guest-kernel/posix/process/credentials.c */
#include "core/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/statfs.h>

#include "posix/fs/blkdev.h"
#include "posix/fs/open.h"
#include "posix/fs/pipe.h"
#include "posix/fs/shared.h"
#include "posix/fs/tree.h"
#include "posix/time/deadline.h"
#include "tap.h"

/* ---- what the file system uses: memory that can run out, and descriptors */

#define PAGE 4096
#define FILES 64

static unsigned left = UINT32_MAX; /* allocations that succeed from now on */
static size_t pages_out;
static struct uk_file *files[FILES];
static struct uk_inode *root;
static char said[512];

static bool may_allocate(void) {
    return left == UINT32_MAX || (left > 0 && left-- > 0);
}

void *uk_malloc(size_t size) {
    return may_allocate() ? malloc(size ? size : 1) : NULL;
}

void uk_free(void *block) {
    free(block);
}

void *uk_pages_alloc(size_t count) {
    void *pages = may_allocate() ? aligned_alloc(PAGE, count * PAGE) : NULL;
    if (pages)
        memset(pages, 0xa5, count * PAGE); /* as if they had been used before */
    pages_out += pages ? count : 0;
    return pages;
}

void uk_pages_clear(void *pages, size_t count) {
    memset(pages, 0, count * PAGE);
}

void uk_pages_free(void *pages, size_t count) {
    pages_out -= count;
    free(pages);
}

size_t uk_pages_total(void) {
    return 100000;
}

int uk_fifo_open(struct uk_inode *inode, int flags, struct uk_file **file) {
    (void)inode, (void)flags, (void)file;
    return -ENXIO;
}

/* ---- shared mappings are not tested here, but in posix_shared.c */

uint32_t *uk_pages_tag(const void *address) {
    (void)address;
    abort();
}

bool uk_pages_take(void *pages, size_t count) {
    (void)pages, (void)count;
    return false;
}

int uk_shared_map(struct uk_file *file, off_t offset, size_t count, void *at, int prot, void **pages) {
    (void)file, (void)offset, (void)count, (void)at, (void)prot, (void)pages;
    return -ENOMEM;
}

void uk_shared_open(const struct uk_inode *inode) {
    (void)inode;
}

/* ---- */

size_t uk_pages_available(void) {
    return 100000 - pages_out;
}

uint64_t uk_wall_base(void) {
    return UINT64_C(1600000000) * UK_SECOND;
}

uint64_t uk_clock_monotonic(void) {
    static uint64_t now;
    return now += UK_MILLISECOND;
}

struct timespec uk_timespec(uint64_t ns) {
    return (struct timespec){.tv_sec = (time_t)(ns / UK_SECOND), .tv_nsec = (long)(ns % UK_SECOND)};
}

int uk_snprintf(char *buffer, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(buffer, size, format, args);
    va_end(args);
    return length;
}

void uk_file_init(struct uk_file *file, const struct uk_file_ops *ops, int flags) {
    *file = (struct uk_file){.ops = ops, .refs = 1, .flags = flags};
}

struct uk_file *uk_file_ref(struct uk_file *file) {
    file->refs++;
    return file;
}

void uk_file_unref(struct uk_file *file) {
    if (--file->refs == 0)
        file->ops->close(file);
}

struct uk_file *uk_fd_get_any(int fd) {
    return fd >= 0 && fd < FILES ? files[fd] : NULL;
}

struct uk_file *uk_fd_get(int fd) {
    struct uk_file *file = uk_fd_get_any(fd);
    return file && !(file->flags & O_PATH) ? file : NULL;
}

int uk_fd_check_room(void) {
    return 0;
}

int uk_fd_add(struct uk_file *file, int least, int flags) {
    (void)flags;
    for (int fd = least; fd < FILES; fd++)
        if (!files[fd]) {
            files[fd] = file;
            return fd;
        }
    uk_file_unref(file);
    return -EMFILE;
}

static void close_fd(long fd) {
    uk_file_unref(files[fd]);
    files[fd] = NULL;
}

ssize_t uk_iov_length(const struct iovec *iov, int count) {
    ssize_t total = 0;
    for (int i = 0; i < count; i++)
        total += (ssize_t)iov[i].iov_len;
    return total;
}

long uk_sys_fstat(int fd, struct uk_kstat *stat);
long uk_sys_fstat(int fd, struct uk_kstat *stat) {
    return files[fd]->ops->stat(files[fd], stat);
}

const struct uk_file_ops uk_blkdev_ops;

int uk_blkdev_discard(struct uk_file *file, off_t offset, off_t length) {
    (void)file, (void)offset, (void)length;
    return -EIO;
}

void uk_blkdev_flush_all(void) {}

int uk_blkdev_open(struct uk_inode *inode, int flags, struct uk_file **file) {
    (void)inode, (void)flags, (void)file;
    return -ENXIO;
}

int uk_chardev_open(struct uk_inode *inode, int flags, struct uk_file **file) {
    return uk_blkdev_open(inode, flags, file);
}

struct uk_inode *uk_fs_root(void) {
    if (!root) {
        root = uk_inode_new(S_IFDIR | 0755);
        root->links = 1;
        root->directory.parent = uk_inode_ref(root);
    }
    return root;
}

/* ---- system calls, as syscalls.def names them */

long uk_sys_open(const char *path, int flags, mode_t mode);
long uk_sys_openat(int dirfd, const char *path, int flags, mode_t mode);
long uk_sys_memfd_create(const char *name, unsigned flags);
long uk_sys_mkdir(const char *path, mode_t mode);
long uk_sys_mkdirat(int dirfd, const char *path, mode_t mode);
long uk_sys_rmdir(const char *path);
long uk_sys_unlink(const char *path);
long uk_sys_rename(const char *old, const char *path);
long uk_sys_renameat2(int old_dirfd, const char *old, int new_dirfd, const char *path, unsigned flags);
long uk_sys_link(const char *old, const char *path);
long uk_sys_linkat(int old_dirfd, const char *old, int new_dirfd, const char *path, int flags);
long uk_sys_symlink(const char *target, const char *path);
long uk_sys_readlink(const char *path, char *buffer, int size);
long uk_sys_stat(const char *path, struct uk_kstat *stat);
long uk_sys_lstat(const char *path, struct uk_kstat *stat);
long uk_sys_truncate(const char *path, off_t length);
long uk_sys_fallocate(int fd, unsigned mode, off_t offset, off_t length);
long uk_sys_chdir(const char *path);
long uk_sys_chroot(const char *path);
long uk_sys_getcwd(char *buffer, size_t size);
long uk_sys_utimensat(int dirfd, const char *path, const struct timespec times[2], int flags);
long uk_sys_mknod(const char *path, mode_t mode, unsigned device);
long uk_sys_access(const char *path, int mode);

/* ---- helpers */

static void returns(const char *what, long got, long want) {
    if (!ok(got == want, "%s", what))
        diag("got %ld, want %ld", got, want);
}

static long write_at(long fd, off_t offset, const void *from, size_t size) {
    struct iovec iov = {(void *)(uintptr_t)from, size};
    return files[fd]->ops->write(files[fd], &iov, 1, offset);
}

static long read_at(long fd, off_t offset, void *to, size_t size) {
    struct iovec iov = {to, size};
    return files[fd]->ops->read(files[fd], &iov, 1, offset);
}

static void make_file(const char *path, const char *text) {
    long fd = uk_sys_open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    write_at(fd, UK_AT_POSITION, text, strlen(text));
    close_fd(fd);
}

/* The text of a file, or "-ERROR". */
static const char *text_of(const char *path) {
    static char text[256];
    long fd = uk_sys_open(path, O_RDONLY, 0);
    if (fd < 0) {
        snprintf(text, sizeof text, "%ld", fd);
        return text;
    }
    long n = read_at(fd, 0, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = 0;
    close_fd(fd);
    return text;
}

static struct uk_kstat stat_of(const char *path) {
    struct uk_kstat stat = {0};
    uk_sys_lstat(path, &stat);
    return stat;
}

static const char *cwd(void) {
    static char path[256];
    long length = uk_sys_getcwd(path, sizeof path);
    return length < 0 ? "none" : path;
}

/* The names in a directory, through a buffer of that size. */
static const char *names_in(const char *path, size_t size) {
    static char names[1024];
    char buffer[512];
    long fd = uk_sys_open(path, O_RDONLY | O_DIRECTORY, 0), n;
    names[0] = 0;
    while ((n = files[fd]->ops->getdents(files[fd], buffer, size)) > 0)
        for (long at = 0; at < n; at += *(uint16_t *)(buffer + at + 16)) {
            strcat(names, buffer + at + 19);
            strcat(names, " ");
        }
    close_fd(fd);
    return n < 0 ? "an error" : names;
}

/* ---- tests */

static void test_paths(void) {
    char long_path[PATH_MAX + 1], long_name[300];
    uk_sys_mkdir("/a", 0755);
    uk_sys_mkdir("/a/b/", 0755);
    make_file("/a/b/f", "text");
    is_str(text_of("/a/b/f"), "text", "a path");
    is_str(text_of("//a/./b/../b//f"), "text", "dots and slashes");
    is_str(text_of("/../../a/b/f"), "text", "above the root is the root");
    returns("chdir", uk_sys_chdir("/a"), 0);
    is_str(cwd(), "/a", "getcwd");
    is_str(text_of("b/f"), "text", "a relative path");
    is_str(text_of("../a/b/f"), "text", "a relative path upwards");
    returns("getcwd: no room", uk_sys_getcwd(long_name, 2), -ERANGE);
    returns("no path", uk_sys_open("", O_RDONLY, 0), -ENOENT);
    returns("a name that is not there", uk_sys_open("/a/x", O_RDONLY, 0), -ENOENT);
    returns("a directory that is not there", uk_sys_open("/x/f", O_CREAT, 0), -ENOENT);
    returns("through a file", uk_sys_open("/a/b/f/x", O_RDONLY, 0), -ENOTDIR);
    returns("a slash behind a file", uk_sys_open("/a/b/f/", O_RDONLY, 0), -ENOTDIR);
    returns("`..` behind a file", uk_sys_open("/a/b/f/..", O_RDONLY, 0), -ENOTDIR);
    memset(long_name, 'n', sizeof long_name);
    long_name[0] = '/';
    long_name[257] = 0;
    returns("a name of 256 bytes", uk_sys_open(long_name, O_CREAT | O_RDWR, 0), -ENAMETOOLONG);
    long_name[256] = 0;
    returns("a name of 255 bytes", uk_sys_mkdir(long_name, 0700), 0);
    memset(long_path, '/', PATH_MAX);
    long_path[PATH_MAX] = 0;
    returns("a path of 4096 bytes", uk_sys_open(long_path, O_RDONLY, 0), -ENAMETOOLONG);
    returns("no such descriptor", uk_sys_openat(60, "x", O_RDONLY, 0), -EBADF);
    long file = uk_sys_open("b/f", O_RDONLY, 0), directory = uk_sys_open("b", O_PATH, 0);
    returns("relative to a file", uk_sys_openat((int)file, "x", O_RDONLY, 0), -ENOTDIR);
    long found = uk_sys_openat((int)directory, "f", O_RDONLY, 0);
    ok(found > 0, "relative to a directory");
    close_fd(found);
    close_fd(file);
    close_fd(directory);
    uk_sys_chdir("/");
}

static void test_symlinks(void) {
    char buffer[32];
    uk_sys_mkdir("/links", 0755);
    make_file("/links/file", "linked");
    returns("symlink", uk_sys_symlink("file", "/links/one"), 0);
    uk_sys_symlink("../links/one", "/links/two");
    uk_sys_symlink("/links", "/links/dir");
    uk_sys_symlink("new", "/links/dangling");
    uk_sys_symlink("loop2", "/links/loop1");
    uk_sys_symlink("loop1", "/links/loop2");
    uk_sys_symlink("self/x", "/links/self");
    is_str(text_of("/links/one"), "linked", "a link");
    is_str(text_of("/links/two"), "linked", "a link to a link");
    is_str(text_of("/links/dir/dir/dir/two"), "linked", "links on the way");
    returns("a loop", uk_sys_open("/links/loop1", O_RDONLY, 0), -ELOOP);
    returns("a loop on the way", uk_sys_open("/links/loop1/x", O_RDONLY, 0), -ELOOP);
    returns("a link through itself", uk_sys_open("/links/self", O_RDONLY, 0), -ELOOP);
    returns("O_NOFOLLOW", uk_sys_open("/links/one", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
    returns("readlink", uk_sys_readlink("/links/two", buffer, sizeof buffer), 12);
    ok(memcmp(buffer, "../links/one", 12) == 0, "readlink: the text");
    returns("readlink: cut", uk_sys_readlink("/links/two", buffer, 3), 3);
    returns("readlink of a file", uk_sys_readlink("/links/file", buffer, 3), -EINVAL);
    returns("O_EXCL does not follow", uk_sys_open("/links/dangling", O_CREAT | O_EXCL | O_RDWR, 0), -EEXIST);
    make_file("/links/dangling", "made");
    is_str(text_of("/links/new"), "made", "O_CREAT through a link makes what it names");
    ok(S_ISLNK(stat_of("/links/one").mode) && stat_of("/links/one").size == 4, "lstat");
    ok(S_ISDIR(stat_of("/links/dir/").mode), "lstat with a slash follows");
    returns("rmdir of a link", uk_sys_rmdir("/links/dir/"), -ENOTDIR);
    returns("unlink of a link", uk_sys_unlink("/links/dir"), 0);
    ok(S_ISDIR(stat_of("/links").mode), "unlink of a link leaves what it names");
    returns("an empty link", uk_sys_symlink("", "/links/empty"), -ENOENT);
}

static void test_links(void) {
    struct uk_kstat stat;
    make_file("/h1", "hard");
    returns("link", uk_sys_link("/h1", "/h2"), 0);
    ok(stat_of("/h1").nlink == 2 && stat_of("/h1").ino == stat_of("/h2").ino, "two names, one file");
    returns("link: there is one", uk_sys_link("/h1", "/h2"), -EEXIST);
    returns("link of a directory", uk_sys_link("/a", "/a2"), -EPERM);
    long fd = uk_sys_open("/h1", O_RDWR, 0);
    returns("unlink", uk_sys_unlink("/h1"), 0);
    is_str(text_of("/h2"), "hard", "the other name stays");
    returns("rename onto itself", uk_sys_rename("/h2", "/h2"), 0);
    uk_sys_unlink("/h2");
    uk_sys_fstat((int)fd, &stat);
    is_u64(stat.nlink, 0, "open without a name: no links");
    char text[8];
    returns("open without a name: still there", read_at(fd, 0, text, sizeof text), 4);
    returns("no name again, linkat(2)", uk_sys_linkat((int)fd, "", AT_FDCWD, "/h3", AT_EMPTY_PATH), -ENOENT);
    uk_node_inode(uk_fd_get((int)fd))->linkable = true; /* as of O_TMPFILE */
    returns("a first name, by its descriptor", uk_sys_linkat((int)fd, "", AT_FDCWD, "/h3", AT_EMPTY_PATH), 0);
    is_str(text_of("/h3"), "hard", "the same file");
    close_fd(fd);
    uk_sys_unlink("/h3");
    returns("unlink twice", uk_sys_unlink("/h3"), -ENOENT);
    returns("unlink of a directory", uk_sys_unlink("/a"), -EISDIR);
}

static void test_directories(void) {
    uk_sys_mkdir("/d", 0755);
    uk_sys_mkdir("/d/one", 0755);
    uk_sys_mkdir("/d/two", 0755);
    make_file("/d/file", "");
    is_u64(stat_of("/d").nlink, 4, "a directory's links: two and its subdirectories");
    is_str(names_in("/d", 512), ". .. one two file ", "getdents");
    is_str(names_in("/d", 24), ". .. one two file ", "getdents, one at a time");
    is_str(names_in("/d", 16), "an error", "getdents without room");
    returns("mkdir: there is one", uk_sys_mkdir("/d/one", 0755), -EEXIST);
    returns("mkdir of the root", uk_sys_mkdir("/", 0755), -EEXIST);
    returns("rmdir of a file", uk_sys_rmdir("/d/file"), -ENOTDIR);
    returns("rmdir: not empty", uk_sys_rmdir("/d"), -ENOTEMPTY);
    returns("rmdir of `.`", uk_sys_rmdir("/d/one/."), -EINVAL);
    returns("rmdir of `..`", uk_sys_rmdir("/d/one/.."), -ENOTEMPTY);
    returns("rmdir of the root", uk_sys_rmdir("/"), -EBUSY);
    uk_sys_chdir("/d/one");
    returns("rmdir of the working directory", uk_sys_rmdir("../one"), 0);
    is_u64(stat_of("/d").nlink, 3, "one link less");
    is_str(cwd(), "none", "a removed directory has no path");
    returns("a removed directory takes no names", uk_sys_open("x", O_CREAT | O_RDWR, 0), -ENOENT);
    returns("but leads upwards", uk_sys_chdir(".."), 0);
    is_str(cwd(), "/d", "to where it was");
    uk_sys_chdir("/");

    long fd = uk_sys_open("/d", O_RDONLY, 0);
    char buffer[64];
    files[fd]->ops->getdents(files[fd], buffer, 48); /* the dots */
    uk_sys_unlink("/d/file");
    make_file("/d/later", "");
    long n = files[fd]->ops->getdents(files[fd], buffer, sizeof buffer);
    ok(n == 56 && strcmp(buffer + 19, "two") == 0 && strcmp(buffer + 24 + 19, "later") == 0,
       "getdents: names that come and go meanwhile");
    close_fd(fd);
}

static void test_rename(void) {
    make_file("/r1", "one");
    make_file("/r2", "two");
    uk_sys_mkdir("/rd", 0755);
    uk_sys_mkdir("/rd/sub", 0755);
    uk_sys_mkdir("/re", 0755);
    returns("rename", uk_sys_rename("/r1", "/r3"), 0);
    is_str(text_of("/r3"), "one", "rename: the file");
    is_str(text_of("/r1"), "-2", "rename: not the old name");
    returns("rename over a file", uk_sys_rename("/r3", "/r2"), 0);
    is_str(text_of("/r2"), "one", "rename over a file: it is another one");
    returns("rename a file over a directory", uk_sys_rename("/r2", "/rd"), -EISDIR);
    returns("rename a directory over a file", uk_sys_rename("/rd", "/r2"), -ENOTDIR);
    returns("rename a directory into itself", uk_sys_rename("/rd", "/rd/sub/x"), -EINVAL);
    returns("rename over the directory it is in", uk_sys_rename("/rd/sub", "/rd"), -ENOTEMPTY);
    returns("rename over a full directory", uk_sys_rename("/re", "/rd"), -ENOTEMPTY);
    returns("rename over an empty directory", uk_sys_rename("/rd/sub", "/re"), 0);
    ok(stat_of("/rd").nlink == 2 && stat_of("/re").nlink == 2, "rename: links of the directories");
    returns("rename to another directory", uk_sys_rename("/re", "/rd/re"), 0);
    is_u64(stat_of("/rd").nlink, 3, "rename: one more subdirectory");
    uk_sys_chdir("/rd/re");
    is_str(cwd(), "/rd/re", "rename: `..` is another one");
    uk_sys_chdir("/");
    returns("rename of `.`", uk_sys_rename("/rd/.", "/x"), -EBUSY);
    returns("rename of nothing", uk_sys_rename("/none", "/x"), -ENOENT);
    returns("rename of a file to a name with a slash", uk_sys_rename("/r2", "/x/"), -ENOTDIR);
    make_file("/r1", "other");
    returns("NOREPLACE", uk_sys_renameat2(AT_FDCWD, "/r1", AT_FDCWD, "/r2", 1), -EEXIST);
    returns("EXCHANGE", uk_sys_renameat2(AT_FDCWD, "/r1", AT_FDCWD, "/r2", 2), 0);
    is_str(text_of("/r1"), "one", "EXCHANGE: one way");
    is_str(text_of("/r2"), "other", "EXCHANGE: and the other");
    returns("EXCHANGE of a file and a directory", uk_sys_renameat2(AT_FDCWD, "/r1", AT_FDCWD, "/rd/re", 2), 0);
    ok(S_ISDIR(stat_of("/r1").mode) && S_ISREG(stat_of("/rd/re").mode) && stat_of("/rd").nlink == 2,
       "EXCHANGE: the types");
    returns("EXCHANGE with nothing", uk_sys_renameat2(AT_FDCWD, "/r1", AT_FDCWD, "/none", 2), -ENOENT);
    returns("two flags", uk_sys_renameat2(AT_FDCWD, "/r1", AT_FDCWD, "/r2", 3), -EINVAL);
}

static void test_open_flags(void) {
    make_file("/o", "12345");
    returns("O_EXCL", uk_sys_open("/o", O_CREAT | O_EXCL | O_RDWR, 0), -EEXIST);
    returns("O_DIRECTORY on a file", uk_sys_open("/o", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
    returns("writing to a directory", uk_sys_open("/a", O_WRONLY, 0), -EISDIR);
    returns("O_CREAT of a directory", uk_sys_open("/a", O_CREAT, 0), -EISDIR);
    returns("O_CREAT with a slash", uk_sys_open("/new/", O_CREAT | O_RDWR, 0), -EISDIR);
    long fd = uk_sys_open("/o", O_WRONLY | O_APPEND, 0);
    write_at(fd, 0, "6", 1);
    write_at(fd, UK_AT_POSITION, "7", 1);
    is_str(text_of("/o"), "1234567", "O_APPEND");
    close_fd(fd);
    close_fd(uk_sys_open("/o", O_WRONLY | O_TRUNC, 0));
    is_u64((uint64_t)stat_of("/o").size, 0, "O_TRUNC");
    fd = uk_sys_open("/o", O_PATH, 0);
    ok(!files[fd]->ops->read && !files[fd]->ops->write, "O_PATH: no reading, no writing");
    close_fd(fd);
    fd = uk_sys_open("/a", O_TMPFILE | O_RDWR, 0600);
    returns("O_TMPFILE", write_at(fd, 0, "x", 1), 1);
    close_fd(fd);
    returns("O_TMPFILE for reading", uk_sys_open("/a", O_TMPFILE | O_RDONLY, 0600), -EINVAL);
    returns("O_TMPFILE in a file", uk_sys_open("/o", O_TMPFILE | O_RDWR, 0600), -ENOTDIR);
    fd = uk_sys_memfd_create("name", 0);
    returns("memfd_create", write_at(fd, 10000, "x", 1), 1);
    close_fd(fd);
    returns("mknod of a pipe", uk_sys_mknod("/pipe", S_IFIFO | 0600, 0), 0);
    ok(S_ISFIFO(stat_of("/pipe").mode), "mknod: its type");
    is_u64(stat_of("/o").mode, S_IFREG | 0644, "permissions");
    returns("access: not executable", uk_sys_access("/o", X_OK), -EACCES);
    returns("access: everything else", uk_sys_access("/o", R_OK | W_OK), 0);
}

static void test_content(void) {
    static char pattern[3 * PAGE], back[4 * PAGE];
    struct uk_kstat stat;
    size_t before = pages_out;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i * 7 + i / 251);
    long fd = uk_sys_open("/c", O_CREAT | O_RDWR, 0644);
    returns("write across pages", write_at(fd, 100, pattern, sizeof pattern), sizeof pattern);
    returns("read back", read_at(fd, 100, back, sizeof back), sizeof pattern);
    ok(memcmp(back, pattern, sizeof pattern) == 0, "the same bytes");
    read_at(fd, 0, back, 100);
    ok(!back[0] && memcmp(back, back + 1, 99) == 0, "zeros before them");
    is_u64((uint64_t)stat_of("/c").blocks, 4 * PAGE / 512, "st_blocks");

    const off_t far = (off_t)1 << 45;
    returns("a byte far out", write_at(fd, far, "x", 1), 1);
    is_u64((uint64_t)stat_of("/c").size, (uint64_t)far + 1, "the size");
    is_u64((uint64_t)stat_of("/c").blocks, 5 * PAGE / 512, "a hole costs nothing");
    read_at(fd, 100, back, sizeof pattern);
    ok(memcmp(back, pattern, sizeof pattern) == 0, "what was there before is there");
    returns("the largest offset", write_at(fd, INT64_MAX - 1, "xy", 2), -EFBIG);
    returns("just below it", write_at(fd, INT64_MAX - 1, "x", 1), 1);

    uk_sys_truncate("/c", PAGE + 10);
    is_u64((uint64_t)stat_of("/c").blocks, 2 * PAGE / 512, "truncate frees pages");
    uk_sys_truncate("/c", 3 * PAGE);
    read_at(fd, PAGE, back, PAGE);
    ok(memcmp(back, pattern + PAGE - 100, 10) == 0 && !back[10] && memcmp(back + 10, back + 11, PAGE - 11) == 0,
       "growing again shows zeros");
    returns("read at the end", read_at(fd, 3 * PAGE, back, 10), 0);
    returns("truncate: a negative size", uk_sys_truncate("/c", -1), -EINVAL);
    returns("truncate of a directory", uk_sys_truncate("/a", 0), -EISDIR);

    write_at(fd, 0, pattern, sizeof pattern);
    returns("punch a hole", uk_sys_fallocate((int)fd, 3, 10, 2 * PAGE), 0);
    is_u64((uint64_t)stat_of("/c").blocks, 2 * PAGE / 512, "a hole frees its pages");
    read_at(fd, 0, back, sizeof pattern);
    ok(memcmp(back, pattern, 10) == 0 && memcmp(back + 2 * PAGE + 10, pattern + 2 * PAGE + 10, PAGE - 10) == 0,
       "around the hole nothing changed");
    ok(!back[10] && memcmp(back + 10, back + 11, 2 * PAGE - 1) == 0, "the hole is zero");
    returns("allocate", uk_sys_fallocate((int)fd, 0, 0, 5 * PAGE), 0);
    uk_sys_fstat((int)fd, &stat);
    ok(stat.size == 5 * PAGE && stat.blocks == 5 * PAGE / 512, "allocate: size and blocks");
    returns("allocate more than there is", uk_sys_fallocate((int)fd, 0, 0, (off_t)1 << 40), -ENOSPC);
    close_fd(fd);
    uk_sys_unlink("/c");
    is_u64(pages_out, before, "unlink frees everything");
}

/* Of a file that lies in memory which must not change. */
static void test_backing(void) {
    static char bytes[2 * PAGE + 100], copy[sizeof bytes], back[4 * PAGE];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(1 + i % 127);
    memcpy(copy, bytes, sizeof bytes);
    uk_tree_add("/back", uk_tree_file(bytes, sizeof bytes, 0644), UK_TREE_KEEP);
    long fd = uk_sys_open("/back", O_RDWR, 0);
    returns("backed: read", read_at(fd, 0, back, sizeof back), sizeof bytes);
    ok(memcmp(back, copy, sizeof bytes) == 0, "backed: the bytes");
    is_u64((uint64_t)stat_of("/back").blocks, 3 * PAGE / 512, "backed: blocks");
    write_at(fd, PAGE + 1, "!", 1);
    copy[PAGE + 1] = '!';
    read_at(fd, 0, back, sizeof back);
    ok(memcmp(back, copy, sizeof copy) == 0, "backed: a byte changed");
    ok(bytes[PAGE + 1] != '!', "backed: but not in the original");
    is_u64((uint64_t)stat_of("/back").blocks, 3 * PAGE / 512, "backed: a copied page counts once");
    write_at(fd, 3 * PAGE, "?", 1);
    read_at(fd, 2 * PAGE + 90, back, 20);
    ok(memcmp(back, copy + 2 * PAGE + 90, 10) == 0 && !back[10] && !back[19], "backed: zeros behind the end");
    is_u64((uint64_t)stat_of("/back").blocks, 4 * PAGE / 512, "backed: a new page counts");
    uk_sys_fallocate((int)fd, 3, 5, PAGE);
    read_at(fd, 0, back, sizeof back);
    ok(back[4] == copy[4] && !back[5] && !back[PAGE + 4] && back[PAGE + 5] == copy[PAGE + 5], "backed: a hole");
    uk_sys_truncate("/back", 50);
    uk_sys_truncate("/back", 2 * PAGE);
    read_at(fd, 0, back, sizeof back);
    ok(!back[50] && memcmp(back + 50, back + 51, 2 * PAGE - 51) == 0, "backed: cut off and grown");
    close_fd(fd);
}

static void test_times(void) {
    const struct timespec times[2] = {{.tv_sec = 5, .tv_nsec = 6}, {.tv_nsec = UTIME_OMIT}};
    make_file("/t", "x");
    struct uk_kstat first = stat_of("/t");
    uk_sys_utimensat(AT_FDCWD, "/t", times, 0);
    struct uk_kstat second = stat_of("/t");
    ok(second.atime_sec == 5 && second.atime_nsec == 6 && second.mtime_nsec == first.mtime_nsec, "utimensat");
    ok(second.ctime_nsec > first.ctime_nsec, "utimensat: ctime");
    make_file("/t", "y");
    ok(stat_of("/t").mtime_nsec > second.mtime_nsec, "a write is seen in mtime");
    const struct timespec bad[2] = {{.tv_nsec = 1000000000}};
    returns("utimensat: a bad time", uk_sys_utimensat(AT_FDCWD, "/t", bad, 0), -EINVAL);
}

static void test_many_names(void) {
    char name[32];
    unsigned wrong = 0;
    uk_sys_mkdir("/many", 0755);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "/many/%u", i);
        wrong += uk_sys_mknod(name, S_IFREG | 0600, 0) != 0;
    }
    for (unsigned i = 0; i < 5000; i += 2) {
        snprintf(name, sizeof name, "/many/%u", i);
        wrong += uk_sys_unlink(name) != 0;
    }
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "/many/%u", i);
        wrong += (stat_of(name).nlink == 1) != (i % 2 == 1);
    }
    is_u64(wrong, 0, "five thousand names, every second one removed");
}

/* One of everything; with an allocation that fails at each place in turn. */
static long use_all(void) {
    long results = 0, fd;
    results |= uk_sys_mkdir("/m", 0755);
    results |= uk_sys_mkdir("/m/sub", 0755);
    results |= uk_sys_symlink("sub", "/m/link");
    fd = uk_sys_open("/m/link/file", O_CREAT | O_RDWR, 0644);
    if (fd >= 0) {
        results |= write_at(fd, 3 * PAGE - 1, "ab", 2) == 2 ? 0 : -1;
        results |= write_at(fd, 1000 * PAGE, "c", 1) == 1 ? 0 : -1;
        close_fd(fd);
    }
    results |= fd < 0 ? fd : 0;
    results |= uk_sys_rename("/m/sub/file", "/m/file");
    results |= uk_sys_link("/m/file", "/m/file2");
    results |= uk_tree_add("/m/x/y/z", uk_tree_link("x", 1), UK_TREE_REPLACE);
    return results;
}

static void remove_all(void) {
    struct uk_inode *inode;
    if (uk_tree_find("/m", &inode))
        return;
    uk_tree_clear(inode);
    uk_inode_unref(inode);
    uk_sys_rmdir("/m");
}

static void test_no_memory(void) {
    unsigned failures = 0;
    size_t before = pages_out;
    for (unsigned n = 0; n < 1000; n++) {
        left = n;
        long result = use_all();
        left = UINT32_MAX;
        remove_all();
        if (result == 0)
            break;
        failures++;
    }
    ok(failures > 10 && failures < 1000, "memory runs out at each of %u places, and nothing breaks", failures);
    is_u64(pages_out, before, "and no page is lost");
    /* What is lost of the heap is told by the leak checker in the end. */
}

static void test_chroot(void) {
    make_file("/a/inner", "inside");
    returns("chroot", uk_sys_chroot("/a"), 0);
    is_str(text_of("/inner"), "inside", "chroot: paths begin there");
    uk_sys_chdir("/");
    is_str(text_of("../../inner"), "inside", "chroot: and end there");
    is_str(cwd(), "/", "chroot: getcwd");
    uk_path_set_root(uk_fs_root());
    uk_sys_chdir("/");
}

/* ---- the initrd: real members, and what must not be */

static size_t add_cpio(char *to, const char *name, unsigned mode, unsigned ino, unsigned links, const char *data) {
    int n = sprintf(to, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ino, mode, 0, 0, links, 5,
                    (unsigned)strlen(data), 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0);
    size_t size = (size_t)n;
    size += (size_t)sprintf(to + size, "%s", name) + 1;
    for (; size % 4; size++)
        to[size] = 0;
    size += (size_t)sprintf(to + size, "%s", data);
    for (; size % 4; size++)
        to[size] = 0;
    return size;
}

static void test_initrd(void) {
    static char archive[4096];
    size_t size = 0;
    uk_tree_clear(uk_fs_root());
    size += add_cpio(archive + size, "i/one", 0100640, 9, 3, "");
    size += add_cpio(archive + size, "i/two", 0100640, 9, 3, "");
    size += add_cpio(archive + size, "i/three", 0100640, 9, 3, "shared");
    size += add_cpio(archive + size, "i/link", 0120777, 10, 1, "../i/one");
    size += add_cpio(archive + size, "i/link", 0120777, 10, 1, "two");
    size += add_cpio(archive + size, "../../out", 0100600, 11, 1, "confined");
    size += add_cpio(archive + size, "i", 0040700, 12, 2, "");
    size_t with_trailer = size + add_cpio(archive + size, "TRAILER!!!", 0, 0, 1, "");
    uk_initrd_unpack(archive, with_trailer, said, sizeof said);
    is_str(said, "", "initrd: nothing to complain of");
    is_str(text_of("/i/one"), "shared", "initrd: a file whose data came later");
    is_u64(stat_of("/i/two").nlink, 3, "initrd: three names of it");
    is_str(text_of("/i/link"), "shared", "initrd: the later member counts");
    is_str(text_of("/out"), "confined", "initrd: a name cannot leave the root");
    ok(stat_of("/i").mode == (S_IFDIR | 0700) && stat_of("/i/one").mtime_sec == 5, "initrd: modes and times");

    size_t good = size;
    size += add_cpio(archive + size, "loop", 0120777, 13, 1, "loop");
    size += add_cpio(archive + size, "loop/x", 0100600, 14, 1, "");
    uk_tree_clear(uk_fs_root());
    uk_initrd_unpack(archive, size, said, sizeof said);
    is_str(said, "/loop/x: symbolic links on its path lead in a circle", "initrd: one line on what cannot be made");
    is_str(names_in("/", 512), ". .. ", "initrd: and then no files at all");

    size = good;
    size += add_cpio(archive + size, "i", 0100600, 15, 1, "");
    uk_initrd_unpack(archive, size, said, sizeof said);
    is_str(said, "/i: a directory is in its place", "initrd: a file over a directory");
    uk_initrd_unpack(archive, good - 1, said, sizeof said);
    is_str(said, "behind /out: it is cut off", "initrd: cut off");

    add_cpio(archive + good, "TRAILER!!!", 0, 0, 1, "");
    for (left = 0; left < 100; left++) { /* whatever fails, it ends, and with nothing */
        unsigned allowed = left;
        uk_tree_clear(uk_fs_root());
        said[0] = 0;
        uk_initrd_unpack(archive, with_trailer, said, sizeof said);
        left = allowed;
        if (!said[0])
            break;
    }
    left = UINT32_MAX;
    is_str(said, "", "initrd: with each allocation failing in turn");
}

int main(void) {
    test_paths();
    test_symlinks();
    test_links();
    test_directories();
    test_rename();
    test_open_flags();
    test_content();
    test_backing();
    test_times();
    test_many_names();
    test_no_memory();
    test_chroot();
    test_initrd();
    uk_tree_clear(uk_fs_root());
    is_u64(pages_out, 0, "no page is lost");
    return done_testing();
}
