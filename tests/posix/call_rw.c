/* SPDX-License-Identifier: MIT */
/* Reading and writing in every form, positions, room, copies within the kernel, and what is said about storage. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "calls.h"

#define SYNC 4    /* RWF_SYNC */
#define APPEND 16 /* RWF_APPEND */

static int file, reader, writer, dir, fifo[2];
static char buffer[8192];

static bool holds(const char *want) {
    char text[64] = "";
    ssize_t n = pread(file, text, sizeof text - 1, 0);
    bool same = n == (ssize_t)strlen(want) && memcmp(text, want, (size_t)n) == 0;
    if (!same)
        diag("the file is \"%s\", not \"%s\"", text, want);
    return same;
}

static void contains(const char *text) {
    ok(ftruncate(file, 0) == 0 && pwrite(file, text, strlen(text), 0) == (ssize_t)strlen(text), "the file is %s", text);
}

static void plain(void) {
    contains("0123456789");
    ok(syscall(SYS_read, reader, buffer, 4L) == 4 && memcmp(buffer, "0123", 4) == 0, "read");
    gives(syscall(SYS_read, reader, buffer, 100L), 6, "to the end");
    gives(syscall(SYS_read, reader, buffer, 100L), 0, "and nothing behind it");
    gives(syscall(SYS_read, reader, buffer, 0L), 0, "nothing is read when nothing is wanted");
    ok(syscall(SYS_write, writer, "ab", 2L) == 2 && holds("ab23456789"), "write");
    gives(syscall(SYS_write, writer, "", 0L), 0, "nothing");
    fails(syscall(SYS_read, writer, buffer, 1L), EBADF, "read of what is open to be written");
    fails(syscall(SYS_write, reader, buffer, 1L), EBADF, "write to what is open to be read");
    fails(syscall(SYS_write, reader, buffer, 0L), EBADF, "not even nothing");
    fails(syscall(SYS_read, dir, buffer, 1L), EISDIR, "read of a directory");
    fails(syscall(SYS_read, 1000, buffer, 1L), EBADF, "read of nothing");
    fails(syscall(SYS_write, 1000, buffer, 1L), EBADF, "write to nothing");
    ok(lseek(reader, 5, SEEK_SET) == 5 && ftruncate(file, 3) == 0 && read(reader, buffer, 10) == 0,
       "behind an end that has moved there is nothing");
    ok(lseek(writer, 5, SEEK_SET) == 5 && write(writer, "z", 1) == 1 && pread(file, buffer, 9, 0) == 6 &&
           memcmp(buffer, "ab2\0\0z", 6) == 0,
       "what nobody has written is zero");
}

static void pieces(void) {
    struct iovec in[3] = {{buffer, 2}, {NULL, 0}, {buffer + 100, 4}};
    struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cdef", 4}};
    struct iovec many[IOV_MAX + 1], large[2] = {{buffer, SSIZE_MAX}, {buffer, 1}};
    for (int i = 0; i <= IOV_MAX; i++)
        many[i] = (struct iovec){buffer + i, 1};
    contains("");
    lseek(writer, 0, SEEK_SET);
    lseek(reader, 0, SEEK_SET);
    ok(syscall(SYS_writev, writer, out, 3) == 6 && holds("abcdef"), "writev");
    ok(syscall(SYS_readv, reader, in, 3) == 6 && !memcmp(buffer, "ab", 2) && !memcmp(buffer + 100, "cdef", 4), "readv");
    gives(syscall(SYS_readv, reader, in, 0), 0, "readv into nothing");
    gives(syscall(SYS_writev, writer, out, 0), 0, "writev of nothing");
    fails(syscall(SYS_readv, reader, in, -1), EINVAL, "readv into less");
    fails(syscall(SYS_writev, writer, out, -1), EINVAL, "writev of less");
    fails(syscall(SYS_readv, reader, many, IOV_MAX + 1), EINVAL, "readv into more than 1024 pieces");
    fails(syscall(SYS_writev, writer, many, IOV_MAX + 1), EINVAL, "writev of them");
    fails(syscall(SYS_readv, 1000, in, 3), EBADF, "readv of nothing");
    fails(syscall(SYS_writev, 1000, out, 3), EBADF, "writev to nothing");
    fails(syscall(SYS_readv, dir, in, 3), EISDIR, "readv of a directory");
    large[0].iov_len = (size_t)SSIZE_MAX + 1;
    fails(syscall(SYS_readv, reader, large, 1), EINVAL, "readv of a negative length");
    fails(syscall(SYS_writev, writer, large, 1), EINVAL, "writev of one");
}

static void positions(void) {
    struct iovec in[2] = {{buffer, 1}, {buffer + 100, 2}}, out[2] = {{"x", 1}, {"yz", 2}};
    contains("0123456789");
    lseek(reader, 1, SEEK_SET);
    ok(syscall(SYS_pread64, reader, buffer, 3L, 4L) == 3 && memcmp(buffer, "456", 3) == 0, "pread");
    gives(syscall(SYS_pread64, reader, buffer, 3L, 100L), 0, "behind the end");
    ok(syscall(SYS_preadv, reader, in, 2, 7L, 0L) == 3 && buffer[0] == '7' && !memcmp(buffer + 100, "89", 2), "preadv");
    ok(syscall(SYS_pwrite64, writer, "AB", 2L, 2L) == 2 && holds("01AB456789"), "pwrite");
    ok(syscall(SYS_pwritev, writer, out, 2, 5L, 0L) == 3 && holds("01AB4xyz89"), "pwritev");
    gives(lseek(reader, 0, SEEK_CUR), 1, "none of them moves");
    fails(syscall(SYS_pread64, reader, buffer, 1L, -1L), EINVAL, "pread before the beginning");
    fails(syscall(SYS_pwrite64, writer, buffer, 1L, -1L), EINVAL, "pwrite, too");
    fails(syscall(SYS_preadv, reader, in, 2, -1L, -1L), EINVAL, "preadv, too");
    fails(syscall(SYS_pwritev, writer, out, 2, -1L, -1L), EINVAL, "pwritev, too");
    fails(syscall(SYS_preadv, reader, in, -1, 0L, 0L), EINVAL, "preadv into less than nothing");
    fails(syscall(SYS_pwritev, writer, out, -1, 0L, 0L), EINVAL, "pwritev of less");
    fails(syscall(SYS_pread64, fifo[0], buffer, 1L, 0L), ESPIPE, "pread of a pipe");
    fails(syscall(SYS_pwrite64, fifo[1], buffer, 1L, 0L), ESPIPE, "pwrite to one");
    fails(syscall(SYS_preadv, fifo[0], in, 2, 0L, 0L), ESPIPE, "preadv of one");
    fails(syscall(SYS_pwritev, fifo[1], out, 2, 0L, 0L), ESPIPE, "pwritev to one");
    fails(syscall(SYS_pread64, writer, buffer, 1L, 0L), EBADF, "pread of what is open to be written");
    fails(syscall(SYS_pwrite64, reader, buffer, 1L, 0L), EBADF, "pwrite to what is open to be read");
    fails(syscall(SYS_pread64, dir, buffer, 1L, 0L), EISDIR, "pread of a directory");
    fails(syscall(SYS_preadv, 1000, in, 2, 0L, 0L), EBADF, "preadv of nothing");
    fails(syscall(SYS_pwritev, 1000, out, 2, 0L, 0L), EBADF, "pwritev to nothing");
    int append = open("file", O_WRONLY | O_APPEND);
    ok(pwrite(append, "!", 1, 0) == 1 && holds("01AB4xyz89!"), "pwrite appends with O_APPEND, as Linux has it");
    close(append);
}

static void with_flags(void) {
    struct iovec in = {buffer, 2}, out = {"xy", 2};
    contains("01234567");
    lseek(reader, 1, SEEK_SET);
    lseek(writer, 1, SEEK_SET);
    ok(syscall(SYS_preadv2, reader, &in, 1, 3L, 0L, 0) == 2 && memcmp(buffer, "34", 2) == 0, "preadv2");
    ok(syscall(SYS_preadv2, reader, &in, 1, -1L, -1L, 0) == 2 && memcmp(buffer, "12", 2) == 0 &&
           lseek(reader, 0, SEEK_CUR) == 3,
       "at the position, which moves");
    ok(syscall(SYS_pwritev2, writer, &out, 1, 5L, 0L, SYNC) == 2 && holds("01234xy7"), "pwritev2, to storage");
    ok(syscall(SYS_pwritev2, writer, &out, 1, -1L, -1L, 0) == 2 && holds("0xy34xy7") && lseek(writer, 0, SEEK_CUR) == 3,
       "at the position");
    ok(syscall(SYS_pwritev2, writer, &out, 1, 0L, 0L, APPEND) == 2 && holds("0xy34xy7xy"), "RWF_APPEND");
    fails(syscall(SYS_preadv2, reader, &in, 1, 0L, 0L, 0x4000), EOPNOTSUPP, "preadv2: a flag that there is not");
    fails(syscall(SYS_pwritev2, writer, &out, 1, 0L, 0L, 0x4000), EOPNOTSUPP, "pwritev2: a flag that there is not");
    fails(syscall(SYS_preadv2, reader, &in, 1, -2L, -1L, 0), EINVAL, "before the beginning");
    fails(syscall(SYS_preadv2, fifo[0], &in, 1, 0L, 0L, 0), ESPIPE, "preadv2 of a pipe");
    ok(write(fifo[1], "pq", 2) == 2 && syscall(SYS_preadv2, fifo[0], &in, 1, -1L, -1L, 0) == 2, "without a position");
}

static void seeking(void) {
    contains("0123456789");
    ok(syscall(SYS_lseek, file, 3L, SEEK_SET) == 3 && syscall(SYS_lseek, file, 2L, SEEK_CUR) == 5, "lseek");
    gives(syscall(SYS_lseek, file, -1L, SEEK_END), 9, "from the end");
    gives(syscall(SYS_lseek, file, 100L, SEEK_END), 110, "behind it");
    fails(syscall(SYS_lseek, file, -1L, SEEK_SET), EINVAL, "before the beginning");
    fails(syscall(SYS_lseek, file, -200L, SEEK_CUR), EINVAL, "from where it is");
    fails(syscall(SYS_lseek, file, 0L, 9), EINVAL, "from nowhere");
    fails(syscall(SYS_lseek, fifo[0], 0L, SEEK_CUR), ESPIPE, "a pipe");
    fails(syscall(SYS_lseek, 1000, 0L, SEEK_SET), EBADF, "nothing");
    gives(lseek(file, 0, SEEK_CUR), 110, "it stays where it is");
    gives(syscall(SYS_lseek, file, 0L, SEEK_DATA), 0, "SEEK_DATA");
    gives(syscall(SYS_lseek, file, 4L, SEEK_DATA), 4, "in the data");
    gives(syscall(SYS_lseek, file, 0L, SEEK_HOLE), 10, "SEEK_HOLE: the end");
    gives(lseek(file, 0, SEEK_CUR), 10, "and it is there");
    fails(syscall(SYS_lseek, file, 10L, SEEK_DATA), ENXIO, "SEEK_DATA at the end");
    fails(syscall(SYS_lseek, file, 10L, SEEK_HOLE), ENXIO, "SEEK_HOLE at the end");
    fails(syscall(SYS_lseek, file, -1L, SEEK_DATA), ENXIO, "and before the beginning");
    ok(pwrite(file, "x", 1, 1 << 20) == 1 && lseek(file, 0, SEEK_HOLE) == 4096, "a hole");
    gives(lseek(file, 4096, SEEK_DATA), 1 << 20, "the data behind it");
    gives(lseek(file, 1 << 20, SEEK_HOLE), (1 << 20) + 1, "and its end");
}

static void storage(void) {
    gives(syscall(SYS_fsync, file), 0, "fsync");
    gives(syscall(SYS_fdatasync, file), 0, "fdatasync");
    gives(syscall(SYS_fsync, dir), 0, "of a directory");
    gives(syscall(SYS_fsync, reader), 0, "of what is open to be read");
    fails(syscall(SYS_fsync, fifo[0]), EINVAL, "fsync of a pipe");
    fails(syscall(SYS_fdatasync, fifo[0]), EINVAL, "fdatasync of a pipe");
    fails(syscall(SYS_fsync, 1000), EBADF, "fsync of nothing");
    fails(syscall(SYS_fdatasync, 1000), EBADF, "fdatasync of nothing");
    gives(syscall(SYS_syncfs, file), 0, "syncfs");
    fails(syscall(SYS_syncfs, 1000), EBADF, "syncfs of nothing");
    gives(syscall(SYS_sync_file_range, file, 0L, 0L, 7), 0, "sync_file_range");
    fails(syscall(SYS_sync_file_range, file, 0L, 0L, 8), EINVAL, "a flag that there is not");
    fails(syscall(SYS_sync_file_range, file, -1L, 1L, 1), EINVAL, "before the beginning");
    fails(syscall(SYS_sync_file_range, file, 1L, -1L, 1), EINVAL, "less than nothing");
    fails(syscall(SYS_sync_file_range, file, LONG_MAX, 1L, 1), EINVAL, "beyond all ends");
    fails(syscall(SYS_sync_file_range, fifo[0], 0L, 0L, 1), ESPIPE, "sync_file_range of a pipe");
    fails(syscall(SYS_sync_file_range, 1000, 0L, 0L, 1), EBADF, "sync_file_range of nothing");
    gives(syscall(SYS_fadvise64, file, 0L, 0L, POSIX_FADV_SEQUENTIAL), 0, "fadvise64");
    fails(syscall(SYS_fadvise64, file, 0L, 0L, 6), EINVAL, "advice that there is not");
    fails(syscall(SYS_fadvise64, file, 0L, -1L, 0), EINVAL, "on less than nothing");
    fails(syscall(SYS_fadvise64, fifo[0], 0L, 0L, 0), ESPIPE, "on a pipe");
    fails(syscall(SYS_fadvise64, 1000, 0L, 0L, 0), EBADF, "on nothing");
    gives(syscall(SYS_readahead, reader, 0L, 100L), 0, "readahead");
    fails(syscall(SYS_readahead, writer, 0L, 100L), EBADF, "of what is open to be written");
    fails(syscall(SYS_readahead, fifo[0], 0L, 100L), EINVAL, "readahead of a pipe");
    fails(syscall(SYS_readahead, dir, 0L, 100L), EINVAL, "readahead of a directory");
    fails(syscall(SYS_readahead, 1000, 0L, 100L), EBADF, "readahead of nothing");
    gives(syscall(SYS_sync), 0, "sync");
}

static void room(void) {
    struct stat stat;
    contains("0123456789");
    ok(syscall(SYS_fallocate, file, 0, 0L, 20000L) == 0 && fstat(file, &stat) == 0 && stat.st_size == 20000,
       "fallocate");
    ok(syscall(SYS_fallocate, file, 1, 0L, 40000L) == 0 && fstat(file, &stat) == 0 && stat.st_size == 20000 &&
           stat.st_blocks * 512 >= 40000,
       "and beyond the end");
    fails(syscall(SYS_fallocate, file, 0, -1L, 1L), EINVAL, "before the beginning");
    fails(syscall(SYS_fallocate, file, 0, 0L, 0L), EINVAL, "nothing");
    fails(syscall(SYS_fallocate, file, 0, LONG_MAX, 10L), EFBIG, "beyond all ends");
    fails(syscall(SYS_fallocate, file, 2, 0L, 1L), EOPNOTSUPP, "a hole that changes the size");
    fails(syscall(SYS_fallocate, file, 0x8000, 0L, 1L), EOPNOTSUPP, "a mode that there is not");
    fails(syscall(SYS_fallocate, reader, 0, 0L, 1L), EBADF, "what is open to be read");
    fails(syscall(SYS_fallocate, fifo[1], 0, 0L, 1L), ESPIPE, "a pipe");
    fails(syscall(SYS_fallocate, 1000, 0, 0L, 1L), EBADF, "nothing");
}

static void kernel_copies(void) {
    long from = 2, to = 1;
    int other = open("other", O_CREAT | O_RDWR, 0600), append = open("other", O_WRONLY | O_APPEND);
    contains("0123456789");
    lseek(file, 0, SEEK_SET);
    ok(syscall(SYS_copy_file_range, file, &from, other, &to, 4L, 0) == 4 && from == 6 && to == 5, "copy_file_range");
    ok(syscall(SYS_copy_file_range, file, NULL, other, NULL, 100L, 0) == 10 && lseek(file, 0, SEEK_CUR) == 10 &&
           lseek(other, 0, SEEK_CUR) == 10,
       "by the positions, to the end");
    gives(syscall(SYS_copy_file_range, file, NULL, other, NULL, 100L, 0), 0, "and nothing behind it");
    fails(syscall(SYS_copy_file_range, file, NULL, other, NULL, 1L, 1), EINVAL, "copy_file_range: flags");
    from = 0, to = 2;
    fails(syscall(SYS_copy_file_range, file, &from, file, &to, 4L, 0), EINVAL, "parts of one file that overlap");
    to = 20;
    gives(syscall(SYS_copy_file_range, file, &from, file, &to, 4L, 0), 4, "parts that do not");
    fails(syscall(SYS_copy_file_range, dir, NULL, other, NULL, 1L, 0), EISDIR, "a directory");
    fails(syscall(SYS_copy_file_range, fifo[0], NULL, other, NULL, 1L, 0), EINVAL, "a pipe");
    fails(syscall(SYS_copy_file_range, writer, NULL, other, NULL, 1L, 0), EBADF, "what is open to be written");
    fails(syscall(SYS_copy_file_range, file, NULL, reader, NULL, 1L, 0), EBADF, "to what is open to be read");
    fails(syscall(SYS_copy_file_range, file, NULL, append, NULL, 1L, 0), EBADF, "to what is open to append");
    fails(syscall(SYS_copy_file_range, 1000, NULL, other, NULL, 1L, 0), EBADF, "nothing");
    from = 2;
    gives(syscall(SYS_sendfile, fifo[1], file, &from, 5L), 5, "sendfile");
    ok(from == 7 && read(fifo[0], buffer, 10) == 5 && memcmp(buffer, "23456", 5) == 0, "moves its offset");
    fails(syscall(SYS_sendfile, append, file, NULL, 1L), EINVAL, "sendfile to what is open to append");
    fails(syscall(SYS_sendfile, reader, file, NULL, 1L), EBADF, "to what is open to be read");
    fails(syscall(SYS_sendfile, other, writer, NULL, 1L), EBADF, "of what is open to be written");
    fails(syscall(SYS_sendfile, 1000, file, NULL, 1L), EBADF, "to nothing");
    from = -1;
    fails(syscall(SYS_sendfile, other, file, &from, 1L), EINVAL, "before the beginning");
    close(append);
    close(other);
    unlink("other");
}

int main(void) {
    enter_scratch();
    file = open("file", O_CREAT | O_RDWR, 0600);
    reader = open("file", O_RDONLY);
    writer = open("file", O_WRONLY);
    dir = open(".", O_RDONLY);
    ok(pipe(fifo) == 0, "a pipe");
    plain();
    pieces();
    positions();
    with_flags();
    seeking();
    storage();
    room();
    kernel_copies();
    ok(close(file) == 0 && unlink("file") == 0, "it goes");
    leave_scratch();
    return done_testing();
}
