/* SPDX-License-Identifier: MIT */
/* mmap(), munmap(), mremap(), mprotect(), madvise() and their kind: flags, protections, and every error. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

/* Linux's, which not every C library has. */
#define NO_REPLACE 0x100000
#define POPULATE_READ 22

/* Of the kernel, not of the C library, which looks at some arguments itself. 0 or the error. */
static int try(long result) {
    return result == -1 ? errno : 0;
}
#define TRY(call, ...) (errno = 0, try(syscall(call, ##__VA_ARGS__)))

static char *map(size_t pages, int prot) {
    void *at = mmap(NULL, pages * PAGE, prot, PRIVATE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static bool is_filled(const char *at, char with, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (at[i] != with)
            return false;
    return true;
}

/* ---- what may be done */

static sigjmp_buf back;

static void caught(int signal) {
    (void)signal;
    siglongjmp(back, 1);
}

static bool can_read(const volatile char *at) {
    if (sigsetjmp(back, 1))
        return false;
    (void)*at;
    return true;
}

static bool can_write(volatile char *at) {
    if (sigsetjmp(back, 1))
        return false;
    *at = *at;
    return true;
}

static void mmap_errors(void) {
    is_u64(TRY(SYS_mmap, 0, 0, RW, PRIVATE, -1, 0), EINVAL, "mmap: a length of 0");
    is_u64(TRY(SYS_mmap, 0, 1ul << 60, RW, PRIVATE, -1, 0), ENOMEM, "mmap: a length beyond all addresses");
    is_u64(TRY(SYS_mmap, 0, -PAGE / 2, RW, PRIVATE, -1, 0), ENOMEM, "mmap: a length that wraps when it is rounded");
    is_u64(TRY(SYS_mmap, 0, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL, "mmap: neither shared nor private");
    is_u64(TRY(SYS_mmap, 0, PAGE, RW, MAP_ANONYMOUS | 3, -1, 0), EINVAL, "mmap: MAP_SHARED_VALIDATE without a file");
    is_u64(TRY(SYS_mmap, 0, PAGE, RW, PRIVATE, -1, 17), EINVAL, "mmap: an offset that is no page's");
    is_u64(TRY(SYS_mmap, 1, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0), EINVAL, "mmap: MAP_FIXED at no page's address");
    is_u64(TRY(SYS_mmap, (1ul << 47), PAGE, RW, PRIVATE | MAP_FIXED, -1, 0), ENOMEM, "mmap: MAP_FIXED at no address");
    is_u64(TRY(SYS_mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0), EINVAL,
           "mmap: MAP_GROWSDOWN of shared memory");
    is_u64(TRY(SYS_mmap, 0, PAGE, RW, MAP_PRIVATE, 99, 0), EBADF, "mmap: no such descriptor");
    is_u64(TRY(SYS_mmap, 0, 0, RW, MAP_PRIVATE, 99, 0), EBADF, "mmap: which is said before the length");
    char *at = mmap(NULL, PAGE, RW, PRIVATE | MAP_NORESERVE | MAP_STACK | MAP_POPULATE | MAP_GROWSDOWN, -1, 0);
    ok(at != MAP_FAILED && at[PAGE - 1] == 0, "mmap: flags without effect");
    munmap(at, PAGE);
}

static void mmap_files(void) {
    char name[] = "/tmp/mmap-XXXXXX";
    int pipes[2], fd = mkstemp(name), reader = open(name, O_RDONLY), writer = open(name, O_WRONLY);
    ok(pipe(pipes) == 0 && write(pipes[1], "text", 4) == 4, "a pipe");
    is_u64(TRY(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0), ENODEV, "mmap of a pipe");
    is_u64(TRY(SYS_mmap, 0, PAGE, PROT_READ, MAP_SHARED, pipes[0], 0), ENODEV, "shared");
    char text[8];
    ok(read(pipes[0], text, sizeof text) == 4, "has taken nothing out of it");
    ok(write(fd, "file", 4) == 4 && ftruncate(fd, 2 * PAGE) == 0, "a file");
    is_u64(TRY(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, writer, 0), EACCES, "mmap of a file open for writing alone");
    is_u64(TRY(SYS_mmap, 0, PAGE, RW, MAP_SHARED, reader, 0), EACCES, "for writing, of one open for reading alone");
    is_u64(TRY(SYS_mmap, 0, PAGE, PROT_READ, 3 | 0x1000000, reader, 0), EOPNOTSUPP,
           "MAP_SHARED_VALIDATE with a flag that there is not");
    char *copy = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, reader, 0);
    ok(copy != MAP_FAILED && memcmp(copy, "file", 5) == 0, "a private mapping of it");
    copy[0] = 'F';
    ok(pread(fd, text, 4, 0) == 4 && memcmp(text, "file", 4) == 0, "does not write to the file");
    char *valid = mmap(NULL, PAGE, RW, 3, fd, 0);
    ok(valid != MAP_FAILED && memcmp(valid, "file", 4) == 0, "MAP_SHARED_VALIDATE");
    munmap(valid, PAGE);
    munmap(copy, 2 * PAGE);
    unlink(name);
    close(fd);
    close(reader);
    close(writer);
    close(pipes[0]);
    close(pipes[1]);
}

static void places(void) {
    char *at = map(6, RW);
    memset(at, 1, 6 * PAGE);
    munmap(at + 2 * PAGE, 2 * PAGE);
    is_u64(TRY(SYS_mmap, at, 6 * PAGE, RW, PRIVATE | NO_REPLACE, -1, 0), EEXIST, "MAP_FIXED_NOREPLACE over a mapping");
    char *hole = mmap(at + 2 * PAGE, 2 * PAGE, RW, PRIVATE | NO_REPLACE, -1, 0);
    ok(hole == at + 2 * PAGE && is_filled(hole, 0, 2 * PAGE), "and where there is none");
    munmap(hole, 2 * PAGE);
    hole = mmap(at + 2 * PAGE, 2 * PAGE, RW, PRIVATE, -1, 0);
    ok(hole == at + 2 * PAGE && is_filled(hole, 0, 2 * PAGE), "a wish is heard where nothing is");
    char *other = mmap(at, PAGE, RW, PRIVATE, -1, 0);
    ok(other != at && other != MAP_FAILED && at[0] == 1, "and not where something is");
    munmap(other, PAGE);
    munmap(hole, 2 * PAGE);
    mprotect(at, PAGE, PROT_NONE);
    char *over = mmap(at, 6 * PAGE, RW, PRIVATE | MAP_FIXED, -1, 0);
    ok(over == at && is_filled(at, 0, 6 * PAGE), "MAP_FIXED over mappings of all kinds and a hole");
    over = mmap(at + PAGE, PAGE, PROT_READ, PRIVATE | MAP_FIXED, -1, 0);
    ok(over == at + PAGE && can_read(over) && !can_write(over) && can_write(at), "MAP_FIXED for reading only");
    munmap(at, 6 * PAGE);
}

static void unmapping(void) {
    is_u64(TRY(SYS_munmap, 1, PAGE), EINVAL, "munmap: at no page's address");
    char *at = map(4, RW);
    is_u64(TRY(SYS_munmap, at, 0), EINVAL, "munmap: a length of 0");
    is_u64(TRY(SYS_munmap, at, 1ul << 47), EINVAL, "munmap: beyond all addresses");
    is_u64(TRY(SYS_munmap, at, -PAGE), EINVAL, "munmap: a length that wraps");
    is_u64(TRY(SYS_munmap, at, 1), 0, "munmap: a length is rounded up");
    ok(!can_read(at) || mincore(at, PAGE, (unsigned char[1]){0}) < 0, "to a page");
    is_u64(TRY(SYS_munmap, at, 4 * PAGE), 0, "munmap: where a part is not mapped");
    is_u64(TRY(SYS_munmap, at, 4 * PAGE), 0, "munmap: where nothing is");
    for (int i = 0; i < 40; i++) {
        at = map(3, PROT_NONE);
        mprotect(at + PAGE, PAGE, RW);
        munmap(at, 3 * PAGE);
        munmap(at, 3 * PAGE);
    }
    char *many[40];
    for (int i = 0; i < 40; i++)
        memset(many[i] = map(3, RW), i, 3 * PAGE);
    bool right = true;
    for (int i = 0; i < 40; i++)
        right = right && is_filled(many[i], (char)i, 3 * PAGE) && munmap(many[i], 3 * PAGE) == 0;
    ok(right, "closed pages that are unmapped twice are free once");
}

static void protecting(void) {
    char *at = map(4, RW), *end = at + 4 * PAGE;
    is_u64(TRY(SYS_mprotect, at + 1, PAGE, RW), EINVAL, "mprotect: at no page's address");
    is_u64(TRY(SYS_mprotect, at, 0, RW), 0, "mprotect: a length of 0");
    is_u64(TRY(SYS_mprotect, at, -PAGE, RW), ENOMEM, "mprotect: a length that wraps");
    is_u64(TRY(SYS_mprotect, at, PAGE, 0x40), EINVAL, "mprotect: a protection that there is not");
    munmap(at + 3 * PAGE, PAGE);
    is_u64(TRY(SYS_mprotect, at, 4 * PAGE, RW), ENOMEM, "mprotect: of what is not all mapped");
    at[0] = 7;
    ok(mprotect(at, PAGE, PROT_NONE) == 0 && !can_read(at) && !can_write(at), "PROT_NONE");
    ok(mprotect(at, PAGE, PROT_READ) == 0 && can_read(at) && !can_write(at) && at[0] == 7, "PROT_READ");
    ok(can_write(at + PAGE), "the next page is as it was");
    ok(mprotect(at, PAGE + 1, PROT_READ) == 0 && !can_write(at + PAGE) && can_write(at + 2 * PAGE),
       "a page and a byte");
    ok(mprotect(at, 3 * PAGE, RW) == 0 && can_write(at) && can_write(at + PAGE) && at[0] == 7, "open again");
    munmap(at, 3 * PAGE);
    at = map(1, PROT_READ);
    ok(can_read(at) && !can_write(at) && at[0] == 0, "mapped for reading only");
    munmap(at, PAGE);
    (void)end;
}

static void moving(void) {
    char *at = map(4, RW), *to = map(8, RW);
    is_u64(TRY(SYS_mremap, at + 1, PAGE, PAGE, 0, 0), EINVAL, "mremap: at no page's address");
    is_u64(TRY(SYS_mremap, at, PAGE, 0, 0, 0), EINVAL, "mremap: to nothing");
    is_u64(TRY(SYS_mremap, at, 0, PAGE, MREMAP_MAYMOVE, 0), EINVAL, "mremap: from nothing");
    is_u64(TRY(SYS_mremap, at, PAGE, PAGE, 64, 0), EINVAL, "mremap: a flag that there is not");
    is_u64(TRY(SYS_mremap, at, PAGE, PAGE, MREMAP_FIXED, to), EINVAL, "mremap: MREMAP_FIXED alone");
    is_u64(TRY(SYS_mremap, at, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, to + 1), EINVAL, "to no page's address");
    is_u64(TRY(SYS_mremap, at, 4 * PAGE, 4 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, at + PAGE), EINVAL, "onto itself");
    is_u64(TRY(SYS_mremap, at, 2 * PAGE, 3 * PAGE, 0, 0), ENOMEM, "mremap: no room, and it must not move");
    memset(at, 5, 4 * PAGE);
    memset(to, 6, 8 * PAGE);
    char *moved = mremap(at, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + 4 * PAGE);
    ok(moved == to + 4 * PAGE && is_filled(moved, 5, 2 * PAGE) && is_filled(to, 6, 4 * PAGE) &&
           is_filled(to + 6 * PAGE, 6, 2 * PAGE),
       "MREMAP_FIXED moves, and makes it smaller");
    is_u64(TRY(SYS_mremap, at, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0), EFAULT, "the old place is not mapped any more");
    munmap(to, 8 * PAGE);
}

static void growing_protected(void) {
    char *at = map(3, RW);
    memset(at, 9, 3 * PAGE);
    munmap(at + 2 * PAGE, PAGE);
    mprotect(at, 2 * PAGE, PROT_READ);
    char *larger = mremap(at, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE);
    ok(larger != MAP_FAILED && is_filled(larger, 9, 2 * PAGE) && is_filled(larger + 2 * PAGE, 0, PAGE),
       "mremap of memory that can only be read");
    ok(!can_write(larger) && !can_write(larger + 2 * PAGE), "all of it can only be read afterwards");
    char *far = mremap(larger, 3 * PAGE, 300 * PAGE, MREMAP_MAYMOVE);
    ok(far != MAP_FAILED && is_filled(far, 9, 2 * PAGE) && !can_write(far) && !can_write(far + 299 * PAGE),
       "and after it has moved");
    mprotect(far, 300 * PAGE, PROT_NONE);
    far = mremap(far, 300 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
    ok(far != MAP_FAILED && !can_read(far) && !can_read(far + 599 * PAGE), "so does memory that is closed");
    ok(mprotect(far, 600 * PAGE, RW) == 0 && is_filled(far, 9, 2 * PAGE) && is_filled(far + 2 * PAGE, 0, 598 * PAGE),
       "with what is in it");
    mprotect(far, PAGE, PROT_READ);
    is_u64(TRY(SYS_mremap, far, 2 * PAGE, 700 * PAGE, MREMAP_MAYMOVE, 0), EFAULT, "mremap of two protections at once");
    far = mremap(far, 600 * PAGE, 1 * PAGE, 0);
    ok(far != MAP_FAILED && can_read(far) && !can_write(far), "one that shrinks keeps its own");
    munmap(far, PAGE);
}

static void advising(void) {
    char *at = map(4, RW);
    memset(at, 3, 4 * PAGE);
    is_u64(TRY(SYS_madvise, at + 1, PAGE, MADV_DONTNEED), EINVAL, "madvise: at no page's address");
    is_u64(TRY(SYS_madvise, at, PAGE, 1234), EINVAL, "madvise: advice that there is not");
    is_u64(TRY(SYS_madvise, at, 0, MADV_DONTNEED), 0, "madvise: a length of 0");
    is_u64(TRY(SYS_madvise, at, -PAGE, MADV_DONTNEED), EINVAL, "madvise: a length that wraps");
    is_u64(TRY(SYS_madvise, at, 2 * PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
    ok(is_filled(at, 0, 2 * PAGE) && is_filled(at + 2 * PAGE, 3, 2 * PAGE), "forgets what it names");
    mprotect(at + 2 * PAGE, PAGE, PROT_NONE);
    is_u64(TRY(SYS_madvise, at + 2 * PAGE, PAGE, MADV_DONTNEED), 0, "of memory that is closed");
    mprotect(at + 2 * PAGE, PAGE, RW);
    ok(is_filled(at + 2 * PAGE, 0, PAGE), "too");
    static const int accepted[] = {MADV_NORMAL,   MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_FREE,
                                   MADV_DONTFORK, MADV_DOFORK, MADV_DONTDUMP,   MADV_DODUMP,   POPULATE_READ};
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++)
        is_u64(TRY(SYS_madvise, at, PAGE, accepted[i]), 0, "madvise %d", accepted[i]);
    munmap(at + PAGE, PAGE);
    is_u64(TRY(SYS_madvise, at, 4 * PAGE, MADV_DONTNEED), ENOMEM, "madvise: of what is not all mapped");
    is_u64(TRY(SYS_madvise, at, 4 * PAGE, MADV_NORMAL), ENOMEM, "whatever the advice");
    munmap(at, 4 * PAGE);
}

static void residence(void) {
    char *at = map(3, RW);
    unsigned char resident[4] = {0x55, 0x55, 0x55, 0x55};
    memset(at, 1, 3 * PAGE);
    is_u64(TRY(SYS_mincore, at + 1, PAGE, resident), EINVAL, "mincore: at no page's address");
    ok(mincore(at, 2 * PAGE + 1, resident) == 0 && (resident[0] & resident[1] & resident[2] & 1), "mincore");
    is_u64(resident[3], 0x55, "writes a byte a page");
    is_u64(TRY(SYS_mincore, at, 1ul << 60, resident), ENOMEM, "mincore: a length beyond all addresses");
    is_u64(TRY(SYS_mlock, at, 2 * PAGE), 0, "mlock");
    is_u64(TRY(SYS_mlock, at + 5, PAGE), 0, "mlock at any address");
    is_u64(TRY(SYS_munlock, at, 2 * PAGE), 0, "munlock");
    is_u64(TRY(SYS_mlock2, at, PAGE, 1), 0, "mlock2 with MLOCK_ONFAULT");
    is_u64(TRY(SYS_mlock2, at, PAGE, 8), EINVAL, "mlock2 with a flag that there is not");
    is_u64(TRY(SYS_mlockall, 0), EINVAL, "mlockall of nothing");
    is_u64(TRY(SYS_mlockall, 64), EINVAL, "mlockall with a flag that there is not");
    is_u64(TRY(SYS_munlockall), 0, "munlockall");
    is_u64(TRY(SYS_msync, at, PAGE, MS_SYNC), 0, "msync");
    is_u64(TRY(SYS_msync, at, PAGE, MS_ASYNC | MS_INVALIDATE), 0, "msync with MS_ASYNC");
    is_u64(TRY(SYS_msync, at + 1, PAGE, MS_SYNC), EINVAL, "msync: at no page's address");
    is_u64(TRY(SYS_msync, at, PAGE, MS_SYNC | MS_ASYNC), EINVAL, "msync: both at once");
    is_u64(TRY(SYS_msync, at, PAGE, 64), EINVAL, "msync: a flag that there is not");
    munmap(at + PAGE, PAGE);
    is_u64(TRY(SYS_mincore, at, 3 * PAGE, resident), ENOMEM, "mincore: of what is not all mapped");
    is_u64(TRY(SYS_mlock, at, 3 * PAGE), ENOMEM, "mlock, too");
    is_u64(TRY(SYS_munlock, at, 3 * PAGE), ENOMEM, "and munlock");
    is_u64(TRY(SYS_msync, at, 3 * PAGE, MS_SYNC), ENOMEM, "and msync");
    munmap(at, 3 * PAGE);
    static char in_image[PAGE];
    char on_stack;
    is_u64(TRY(SYS_mlock, in_image, sizeof in_image), 0, "the image is mapped");
    is_u64(TRY(SYS_mlock, &on_stack, 1), 0, "so is the stack");
}

static void data_segment(void) {
    char *start = (char *)syscall(SYS_brk, 0);
    ok((char *)syscall(SYS_brk, start + 3 * PAGE + 100) == start + 3 * PAGE + 100, "brk grows");
    ok(is_filled(start, 0, 3 * PAGE + 100), "by zeros");
    memset(start, 8, 3 * PAGE + 100);
    ok((char *)syscall(SYS_brk, start) == start, "brk shrinks");
    ok((char *)syscall(SYS_brk, start + 4 * PAGE) == start + 4 * PAGE, "and grows again");
    char *whole = (char *)(((uintptr_t)start + PAGE - 1) & -PAGE);
    ok(is_filled(whole, 0, (size_t)(start + 4 * PAGE - whole)), "by zeros, whatever was there");
    mprotect(whole, PAGE, PROT_READ);
    syscall(SYS_brk, start);
    ok((char *)syscall(SYS_brk, start + 2 * PAGE) == start + 2 * PAGE && can_write(whole), "open, whatever it was");
    ok((char *)syscall(SYS_brk, 1ul << 46) == start + 2 * PAGE, "brk of too much changes nothing");
    syscall(SYS_brk, start);
}

int main(void) {
    signal(SIGSEGV, caught);
    mmap_errors();
    mmap_files();
    places();
    unmapping();
    protecting();
    moving();
    growing_protected();
    advising();
    residence();
    data_segment();
    return done_testing();
}
