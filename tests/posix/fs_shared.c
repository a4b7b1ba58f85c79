/* SPDX-License-Identifier: MIT */
/* Files in memory: mmap() with MAP_SHARED, and what stands on it: shm_open() and named semaphores. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

enum { PAGE = 4096, READ_WRITE = PROT_READ | PROT_WRITE };

static char buffer[64 * PAGE];

static int new_file(off_t size) {
    int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0600);
    unlink("f");
    return fd >= 0 && ftruncate(fd, size) == 0 ? fd : -1;
}

static char *map(int fd, off_t first, size_t pages) {
    return mmap(NULL, pages * PAGE, READ_WRITE, MAP_SHARED, fd, first * PAGE);
}

static bool is_zero(const char *at, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (at[i])
            return false;
    return true;
}

static void both_ways(void) {
    int fd = new_file(3 * PAGE + 100);
    pwrite(fd, "before", 6, PAGE);
    char *at = map(fd, 0, 4);
    ok(at != MAP_FAILED && memcmp(at + PAGE, "before", 6) == 0 && is_zero(at, PAGE), "what is in the file");
    memcpy(at + 2 * PAGE - 3, "by memory", 9);
    ok(pread(fd, buffer, 9, 2 * PAGE - 3) == 9 && memcmp(buffer, "by memory", 9) == 0, "memory is the file's");
    ok(pwrite(fd, "by write", 8, 10) == 8 && memcmp(at + 10, "by write", 8) == 0, "the file is memory");
    ok(msync(at, 4 * PAGE, MS_SYNC) == 0 && msync(at, PAGE, MS_ASYNC) == 0, "msync");
    close(fd);
    memcpy(at, "still", 5);
    ok(memcmp(at, "still", 5) == 0 && memcmp(at + 11, "y write", 7) == 0, "after close and unlink");
    ok(munmap(at, 4 * PAGE) == 0, "munmap");
}

static void two_mappings(void) {
    int fd = new_file(8 * PAGE);
    char *all = map(fd, 0, 8), *part = map(fd, 2, 3);
    ok(all != MAP_FAILED && part != MAP_FAILED, "a part of what is mapped");
    part[5] = 'x';
    ok(all[2 * PAGE + 5] == 'x', "is the same");
    ok(munmap(all + 3 * PAGE, PAGE) == 0, "a page of the first is unmapped");
    part[PAGE + 7] = 'y';
    pread(fd, buffer, 1, 3 * PAGE + 7);
    ok(buffer[0] == 'y', "and not of the second");
    ok(munmap(all, 8 * PAGE) == 0 && part[5] == 'x' && part[PAGE + 7] == 'y', "the first is gone");
    pwrite(fd, "z", 1, 4 * PAGE);
    ok(part[2 * PAGE] == 'z', "the second goes on");
    ok(munmap(part, 3 * PAGE) == 0, "and is gone, too");
    ok(pread(fd, buffer, 8 * PAGE, 0) == 8 * PAGE && buffer[2 * PAGE + 5] == 'x' && buffer[3 * PAGE + 7] == 'y',
       "the file has it all");
    all = map(fd, 0, 8);
    ok(all != MAP_FAILED && memcmp(all, buffer, 8 * PAGE) == 0, "mapped again");
    munmap(all, 8 * PAGE);
    munmap(all, 8 * PAGE);
    memset(buffer, 0, sizeof buffer);
    ok(pread(fd, buffer, 1, 2 * PAGE + 5) == 1 && buffer[0] == 'x', "unmapped twice: the file is still there");
    close(fd);
}

static void lengths(void) {
    int fd = new_file(2 * PAGE);
    char *at = map(fd, 0, 4);
    memset(at, 'a', 2 * PAGE);
    ftruncate(fd, 100);
    ok(at[99] == 'a' && is_zero(at + 100, PAGE - 100), "what is cut off is zero in memory");
    ftruncate(fd, 3 * PAGE);
    ok(is_zero(at + 100, 3 * PAGE - 100), "and when the file grows again");
    at[2 * PAGE] = 'b';
    ok(pread(fd, buffer, 1, 2 * PAGE) == 1 && buffer[0] == 'b', "a mapping made before the file was so long");
    munmap(at, 4 * PAGE);
    fallocate(fd, 0, 0, 4 * PAGE);
    at = map(fd, 0, 4);
    memset(at, 'd', 4 * PAGE);
    ok(fallocate(fd, 3 /* PUNCH_HOLE | KEEP_SIZE */, PAGE, 2 * PAGE) == 0 && at[PAGE - 1] == 'd' &&
           is_zero(at + PAGE, 2 * PAGE) && at[3 * PAGE] == 'd',
       "a hole");
    at[PAGE] = 'e';
    ok(pread(fd, buffer, 1, PAGE) == 1 && buffer[0] == 'e', "is still mapped");
    munmap(at, 4 * PAGE);
    close(fd);
}

static void growing(void) {
    int fd = new_file(4 * PAGE);
    char *at = map(fd, 0, 2), *new;
    strcpy(at + PAGE, "kept");
    new = mremap(at, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    ok(new != MAP_FAILED &&strcmp(new + PAGE, "kept") == 0, "mremap to more");
    new[3 * PAGE] = 'n';
    ok(pread(fd, buffer, 1, 3 * PAGE) == 1 && buffer[0] == 'n', "is the file's, too");
    char *same = mremap(new, 4 * PAGE, PAGE, 0);
    ok(same == new, "mremap to less");
    new[0] = 'm';
    ok(pread(fd, buffer, 4 * PAGE, 0) == 4 * PAGE && buffer[0] == 'm' && buffer[3 * PAGE] == 'n', "nothing is lost");
    munmap(new, PAGE);
    /* in the way of growing where it is */
    at = map(fd, 0, 1);
    char *wall = mmap(at + PAGE, PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    at[1] = 'o';
    new = mremap(at, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    ok(new != MAP_FAILED &&new[0] == 'm' && new[1] == 'o' && new[3 * PAGE] == 'n', "mremap that moves");
    new[2] = 'p';
    ok(pread(fd, buffer, 1, 2) == 1 && buffer[0] == 'p', "is the file's as well");
    munmap(new, 4 * PAGE);
    munmap(wall, PAGE);
    close(fd);
}

static sigjmp_buf back;

static void jump(int signal) {
    (void)signal;
    siglongjmp(back, 1);
}

static bool faults(volatile char *at) {
    volatile bool faulted = true;
    signal(SIGSEGV, jump);
    if (!sigsetjmp(back, 1)) {
        *at = 'F';
        faulted = false;
    }
    signal(SIGSEGV, SIG_DFL);
    return faulted;
}

static int map_error(int fd, int prot, int flags, off_t offset) {
    errno = 0;
    void *at = mmap(NULL, PAGE, prot, flags, fd, offset);
    if (at != MAP_FAILED)
        munmap(at, PAGE);
    return errno;
}

static void rights(void) {
    int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0600), in = open("f", O_RDONLY), out = open("f", O_WRONLY);
    ftruncate(fd, 2 * PAGE);
    ok(map_error(in, READ_WRITE, MAP_SHARED, 0) == EACCES, "shared, for writing, of a file open for reading");
    ok(map_error(in, READ_WRITE, MAP_PRIVATE, 0) == 0, "private it can be");
    ok(map_error(out, PROT_READ, MAP_SHARED, 0) == EACCES, "of a file open for writing");
    ok(map_error(fd, PROT_READ, MAP_SHARED, 1) == EINVAL, "at half a page");
    ok(map_error(fd, PROT_READ, 0, 0) == EINVAL, "neither shared nor private");
    char *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, in, 0);
    ok(at != MAP_FAILED && faults(at), "for reading: writing is a fault");
    ok(pwrite(fd, "w", 1, 0) == 1 && at[0] == 'w', "but what is written to the file is seen");
    ok(mprotect(at, PAGE, READ_WRITE) < 0 && errno == EACCES, "and it cannot be made writable");
    munmap(at, PAGE);
    at = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    ok(mprotect(at + PAGE, PAGE, READ_WRITE) == 0 && !faults(at + PAGE) && faults(at), "mprotect of one page");
    ok(pread(fd, buffer, PAGE + 1, 0) == PAGE + 1 && buffer[0] == 'w' && buffer[PAGE] == 'F', "is the file's");
    ok(ftruncate(fd, 0) == 0 && ftruncate(fd, PAGE) == 0 && at[0] == 0, "truncated while it is for reading");
    munmap(at, 2 * PAGE);
    ok(mprotect(at, PAGE, PROT_READ) < 0 && errno == ENOMEM, "and it is not mapped any more");
    at = mmap(NULL, PAGE, READ_WRITE, MAP_SHARED, open("/dev/zero", O_RDWR), 0);
    ok(at != MAP_FAILED && is_zero(at, PAGE) && !faults(at), "/dev/zero");
    munmap(at, PAGE);
    close(fd), close(in), close(out);
    unlink("f");
}

static void fixed(void) {
    int fd = new_file(4 * PAGE);
    char *area = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *at = mmap(area + 2 * PAGE, 4 * PAGE, READ_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    ok(at == area + 2 * PAGE && is_zero(at, 4 * PAGE), "MAP_FIXED into a reserved area");
    at[0] = 'f';
    ok(pread(fd, buffer, 1, 0) == 1 && buffer[0] == 'f', "is the file's");
    ok(munmap(area, 8 * PAGE) == 0, "all of the area is unmapped");
    ok(pread(fd, buffer, 1, 0) == 1 && buffer[0] == 'f', "and the file is left");
    close(fd);
}

static void *post(void *semaphore) {
    sem_post(semaphore);
    return NULL;
}

static void on_top(void) {
    pthread_t thread;
    char name[32];
    snprintf(name, sizeof name, "/ukvm-%d", (int)getpid());
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    ok(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0, "shm_open");
    char *at = map(fd, 0, 2);
    int second = shm_open(name, O_RDWR, 0);
    char *other = map(second, 0, 2);
    strcpy(at + PAGE, "shared");
    ok(other != MAP_FAILED && strcmp(other + PAGE, "shared") == 0, "shared memory by its name");
    munmap(at, 2 * PAGE), munmap(other, 2 * PAGE);
    close(fd), close(second);
    ok(shm_unlink(name) == 0 && shm_open(name, O_RDWR, 0) < 0 && errno == ENOENT, "shm_unlink");
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1), *same = sem_open(name, 0);
    ok(semaphore != SEM_FAILED && same != SEM_FAILED, "sem_open");
    ok(sem_wait(semaphore) == 0 && sem_trywait(same) < 0 && errno == EAGAIN, "both are one semaphore");
    pthread_create(&thread, NULL, post, same);
    ok(sem_wait(semaphore) == 0, "a thread posts it");
    pthread_join(thread, NULL);
    ok(sem_close(semaphore) == 0 && sem_close(same) == 0 && sem_unlink(name) == 0, "sem_close and sem_unlink");
}

/* ---- everything at once, against a file that is just an array */

enum { FILE_PAGES = 24, MAPPINGS = 4, STEPS = 20000 };

static char model[FILE_PAGES * PAGE];
static size_t model_size;
static unsigned seed = 1;

static size_t random_below(size_t limit) {
    seed = seed * 1103515245 + 12345;
    return limit ? (seed >> 12) % limit : 0;
}

static void model_write(int fd) {
    size_t at = random_below(sizeof model - 600), size = 1 + random_below(600);
    memset(buffer, 'A' + (int)random_below(26), size);
    pwrite(fd, buffer, size, (off_t)at);
    memcpy(model + at, buffer, size);
    model_size = at + size > model_size ? at + size : model_size;
}

static void model_truncate(int fd) {
    size_t size = random_below(sizeof model);
    ftruncate(fd, (off_t)size);
    if (size < model_size)
        memset(model + size, 0, model_size - size);
    model_size = size;
}

static void model_poke(char *map, size_t first, size_t pages) {
    size_t at = first * PAGE + random_below(pages * PAGE);
    char c = 'a' + (char)random_below(26);
    if (at < model_size)
        map[at - first * PAGE] = model[at] = c;
}

static bool model_agrees(int fd) {
    ssize_t size = pread(fd, buffer, sizeof buffer, 0);
    return size == (ssize_t)model_size && memcmp(buffer, model, model_size) == 0;
}

static bool map_agrees(const char *map, size_t first, size_t pages) {
    size_t from = first * PAGE, end = model_size < from + pages * PAGE ? model_size : from + pages * PAGE;
    return end <= from || memcmp(map, model + from, end - from) == 0;
}

static void at_random(void) {
    /* parts that do not overlap, so that each can be mapped wherever it lies */
    static const struct part { size_t first, pages; } parts[MAPPINGS] = {{0, 5}, {5, 1}, {8, 8}, {16, 8}};
    char *maps[MAPPINGS] = {NULL};
    int fd = new_file(0);
    bool right = true;
    for (int step = 0; step < STEPS && right; step++) {
        size_t i = random_below(MAPPINGS);
        switch (random_below(8)) {
        case 0:
            model_write(fd);
            break;
        case 1:
            if (random_below(4) == 0)
                model_truncate(fd);
            break;
        case 2:
            if (maps[i] && munmap(maps[i], parts[i].pages * PAGE) == 0)
                maps[i] = NULL;
            else
                maps[i] = map(fd, (off_t)parts[i].first, parts[i].pages);
            right = maps[i] != MAP_FAILED;
            break;
        case 3:
            right = model_agrees(fd);
            break;
        case 4:
            right = !maps[i] || map_agrees(maps[i], parts[i].first, parts[i].pages);
            break;
        default:
            if (maps[i])
                model_poke(maps[i], parts[i].first, parts[i].pages);
        }
    }
    ok(right && model_agrees(fd), "20000 steps of everything");
    for (size_t i = 0; i < MAPPINGS; i++)
        if (maps[i])
            munmap(maps[i], parts[i].pages * PAGE);
    ok(model_agrees(fd), "and unmapped");
    close(fd);
}

int main(void) {
    char directory[] = "fs_shared.XXXXXX";
    ok(mkdtemp(directory) && chdir(directory) == 0, "a directory of our own");
    both_ways();
    two_mappings();
    lengths();
    growing();
    rights();
    fixed();
    on_top();
    at_random();
    chdir("..");
    ok(rmdir(directory) == 0, "nothing is left");
    return done_testing();
}
