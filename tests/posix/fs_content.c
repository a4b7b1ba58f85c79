/* SPDX-License-Identifier: MIT */
/* What is in files: reading, writing, positions, sizes; by system calls, by stdio and by mmap(). */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tap.h"

static char pattern[100000], back[200000];

static void fails(long result, int want, const char *what) {
    int error = errno;
    if (!ok(result == -1 && error == want, "%s", what))
        diag("result %ld, errno %d (%s), want errno %d (%s)", result, error, strerror(error), want, strerror(want));
}

static off_t size_of(int fd) {
    struct stat stat;
    fstat(fd, &stat);
    return stat.st_size;
}

static bool is_zero(const char *bytes, size_t size) {
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static void test_positions(void) {
    int fd = open("p", O_CREAT | O_RDWR | O_TRUNC, 0600);
    ok(write(fd, pattern, sizeof pattern) == sizeof pattern, "write");
    ok(lseek(fd, 0, SEEK_CUR) == sizeof pattern, "the position behind it");
    ok(read(fd, back, 10) == 0, "nothing to read there");
    ok(lseek(fd, 5, SEEK_SET) == 5 && read(fd, back, 10) == 10 && memcmp(back, pattern + 5, 10) == 0, "SEEK_SET");
    ok(lseek(fd, -4, SEEK_END) == sizeof pattern - 4 && read(fd, back, 10) == 4, "SEEK_END");
    fails(lseek(fd, -1, SEEK_SET), EINVAL, "a negative position");
    ok(pread(fd, back, sizeof back, 1) == sizeof pattern - 1 && memcmp(back, pattern + 1, sizeof pattern - 1) == 0,
       "pread");
    ok(pwrite(fd, "xyz", 3, 4095) == 3 && pread(fd, back, 5, 4094) == 5 && memcmp(back + 1, "xyz", 3) == 0, "pwrite");
    char a[3], b[7];
    struct iovec iov[2] = {{a, sizeof a}, {b, sizeof b}};
    lseek(fd, 0, SEEK_SET);
    ok(readv(fd, iov, 2) == 10 && memcmp(a, pattern, 3) == 0 && memcmp(b, pattern + 3, 7) == 0, "readv");
    ok(pwritev(fd, iov, 2, 50000) == 10 && pread(fd, back, 10, 50000) == 10 && memcmp(back, pattern, 10) == 0,
       "pwritev");
    close(fd);
    fd = open("p", O_RDONLY);
    fails(write(fd, "x", 1), EBADF, "writing to what is open for reading");
    fails(ftruncate(fd, 1), EINVAL, "cutting what is open for reading");
    close(fd);
    fd = open("p", O_WRONLY);
    fails(read(fd, back, 1), EBADF, "reading what is open for writing");
    close(fd);
}

static void test_sizes(void) {
    int fd = open("z", O_CREAT | O_RDWR | O_TRUNC, 0600);
    write(fd, pattern, 5000);
    ok(ftruncate(fd, 3000) == 0 && size_of(fd) == 3000, "ftruncate, shorter");
    ok(ftruncate(fd, 9000) == 0 && size_of(fd) == 9000, "ftruncate, longer");
    ok(pread(fd, back, 9000, 0) == 9000 && memcmp(back, pattern, 3000) == 0 && is_zero(back + 3000, 6000),
       "what was cut off reads as zero");
    ok(pwrite(fd, "x", 1, INT64_C(1) << 34) == 1 && size_of(fd) == (INT64_C(1) << 34) + 1, "a byte behind 16 GiB");
    struct stat stat;
    fstat(fd, &stat);
    ok(stat.st_blocks < 1000, "the hole takes no space");
    ok(pread(fd, back, 1000, INT64_C(1) << 33) == 1000 && is_zero(back, 1000), "and reads as zero");
    fails(ftruncate(fd, -1), EINVAL, "a negative size");
    ok(truncate("z", 0) == 0 && size_of(fd) == 0, "truncate");
    ok(posix_fallocate(fd, 0, 20000) == 0 && size_of(fd) == 20000, "posix_fallocate");
    ok(fsync(fd) == 0 && fdatasync(fd) == 0, "fsync");
    close(fd);
    struct statvfs statvfs_;
    ok(statvfs(".", &statvfs_) == 0 && statvfs_.f_bsize > 0 && statvfs_.f_bavail > 0, "statvfs");
}

static void test_append(void) {
    int fd = open("app", O_CREAT | O_RDWR | O_APPEND, 0600), other = open("app", O_WRONLY);
    write(fd, "one", 3);
    lseek(other, 0, SEEK_END);
    write(other, "two", 3);
    write(fd, "three", 5);
    ok(pread(fd, back, 20, 0) == 11 && memcmp(back, "onetwothree", 11) == 0, "O_APPEND writes at the end");
    ok(lseek(fd, 0, SEEK_CUR) == 11, "and moves the position there");
    int copy = dup(other);
    lseek(copy, 1, SEEK_SET);
    ok(lseek(other, 0, SEEK_CUR) == 1, "dup shares the position");
    close(copy);
    close(other);
    close(fd);
}

static void test_stdio(void) {
    char line[64];
    FILE *file = fopen("s", "w+");
    for (int i = 0; i < 1000; i++)
        fprintf(file, "line %d\n", i);
    rewind(file);
    unsigned lines = 0;
    while (fgets(line, sizeof line, file))
        lines++;
    ok(lines == 1000 && strcmp(line, "line 999\n") == 0, "lines");
    fseek(file, 7, SEEK_SET);
    ok(fgets(line, sizeof line, file) && strcmp(line, "line 1\n") == 0 && ftell(file) == 14, "fseek and ftell");
    fclose(file);
    file = fopen("s", "a+");
    fputs("the end", file);
    fseek(file, -7, SEEK_END);
    ok(fgets(line, sizeof line, file) && strcmp(line, "the end") == 0, "a+");
    fclose(file);
    ok(!fopen("none", "r") && errno == ENOENT, "nothing to open");
    ok(!fopen("s", "wx") && errno == EEXIST, "wx");
    file = tmpfile();
    ok(file && fputs("x", file) >= 0 && fflush(file) == 0, "tmpfile");
    fclose(file);
    char name[] = "name.XXXXXX";
    int fd = mkstemp(name);
    ok(fd >= 0 && access(name, F_OK) == 0, "mkstemp");
    close(fd);
    ok(remove(name) == 0, "remove");
}

static void test_mapping(void) {
    int fd = open("m", O_CREAT | O_RDWR | O_TRUNC, 0600);
    write(fd, pattern, sizeof pattern);
    char *map = mmap(NULL, sizeof pattern, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    ok(map != MAP_FAILED && memcmp(map, pattern, sizeof pattern) == 0, "mmap");
    map[0] = (char)~map[0];
    pread(fd, back, 1, 0);
    ok(back[0] == pattern[0], "MAP_PRIVATE: a change stays in memory");
    munmap(map, sizeof pattern);
    map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 8192);
    ok(map != MAP_FAILED && memcmp(map, pattern + 8192, 4096) == 0, "mmap at an offset, shared, for reading");
    munmap(map, 4096);
    close(fd);
}

static void test_copying(void) {
    int in = open("m", O_RDONLY), out = open("copy", O_CREAT | O_RDWR | O_TRUNC, 0600);
    ok(sendfile(out, in, NULL, 1 << 20) == sizeof pattern, "sendfile");
    ok(pread(out, back, sizeof back, 0) == sizeof pattern && memcmp(back, pattern, sizeof pattern) == 0, "the copy");
    off_t negative = -1;
    ok(sendfile(out, in, &negative, 10) < 0 && errno == EINVAL, "sendfile from before the start");
    loff_t from = 10, to = 0;
    ok(copy_file_range(in, &from, out, &to, 1000, 0) == 1000 && from == 1010 && to == 1000, "copy_file_range");
    ok(pread(out, back, 1000, 0) == 1000 && memcmp(back, pattern + 10, 1000) == 0, "the copy of a range");
    close(in);
    close(out);
    int fd = memfd_create("anonymous", MFD_CLOEXEC);
    ok(fd >= 0 && write(fd, "x", 1) == 1 && size_of(fd) == 1, "memfd_create");
    close(fd);
}

static void test_locks(void) {
    int fd = open("m", O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    ok(fcntl(fd, F_SETLK, &lock) == 0, "a lock");
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    ok(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK, "not in our own way");
    close(fd);
}

int main(void) {
    char directory[] = "fs_content.XXXXXX";
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i * 31 + i / 253);
    ok(mkdtemp(directory) && chdir(directory) == 0, "a directory of our own");
    test_positions();
    test_sizes();
    test_append();
    test_stdio();
    test_mapping();
    test_copying();
    test_locks();
    return done_testing();
}
