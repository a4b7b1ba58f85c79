/* SPDX-License-Identifier: MIT */
/*
 * fileop COMMAND ARG... [COMMAND ARG...]...: does things to files, in a guest or on the host alike. Bytes that it
 * writes depend on their offset and a seed, so that `check` anywhere knows them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)1 << 20)

static unsigned char buffer[BUFFER_SIZE];

static void fail(const char *what, const char *on) {
    printf("%s: %s: %s\n", what, on, strerror(errno));
    exit(1);
}

static int open_file(const char *path, int flags) {
    int fd = open(path, flags, 0644);
    if (fd < 0)
        fail("open", path);
    return fd;
}

static unsigned char byte_at(uint64_t offset, unsigned seed) {
    uint64_t x = (offset + seed) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned char)(x >> 56 ^ x >> 24);
}

/* cat PATH */
static void cat(char **argv) {
    int fd = open_file(argv[0], O_RDONLY);
    ssize_t n;
    while ((n = read(fd, buffer, BUFFER_SIZE)) > 0)
        fwrite(buffer, 1, (size_t)n, stdout);
    if (n < 0)
        fail("read", argv[0]);
    close(fd);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static uint32_t checksum(const char *path) {
    int fd = open_file(path, O_RDONLY);
    uint32_t sum = 0;
    ssize_t n;
    while ((n = read(fd, buffer, BUFFER_SIZE)) > 0)
        for (ssize_t i = 0; i < n; i++)
            sum = sum * 31 + buffer[i];
    close(fd);
    return sum;
}

/* What is below a directory, by name. */
static void list(const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        char below[4096], target[4096] = "";
        struct stat stat;
        if (strcmp(entries[i]->d_name, ".") == 0 || strcmp(entries[i]->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        if (lstat(below, &stat))
            continue; /* gone already: the descriptor of this listing, in /proc */
        if (S_ISLNK(stat.st_mode) && readlink(below, target, sizeof target - 1) < 0)
            fail("readlink", below);
        printf("%s %06o links %u size %lld mtime %lld sum %08x %s\n", below, stat.st_mode,
               S_ISREG(stat.st_mode) ? (unsigned)stat.st_nlink : 0,
               S_ISDIR(stat.st_mode) ? 0LL : (long long)stat.st_size,
               S_ISREG(stat.st_mode) ? (long long)stat.st_mtime : 0LL, S_ISREG(stat.st_mode) ? checksum(below) : 0,
               target);
        if (S_ISDIR(stat.st_mode))
            list(below);
    }
}

/* list PATH */
static void list_command(char **argv) {
    list(argv[0]);
}

/* write PATH OFFSET LENGTH SEED */
static void write_command(char **argv) {
    int fd = open_file(argv[0], O_WRONLY | O_CREAT);
    uint64_t offset = strtoull(argv[1], NULL, 0), length = strtoull(argv[2], NULL, 0);
    unsigned seed = (unsigned)atoi(argv[3]);
    while (length > 0) {
        size_t n = length < BUFFER_SIZE ? length : BUFFER_SIZE;
        for (size_t i = 0; i < n; i++)
            buffer[i] = byte_at(offset + i, seed);
        ssize_t written = pwrite(fd, buffer, n, (off_t)offset);
        if (written <= 0)
            fail("write", argv[0]);
        offset += (uint64_t)written;
        length -= (uint64_t)written;
    }
    close(fd);
}

/* check PATH OFFSET LENGTH SEED */
static void check(char **argv) {
    int fd = open_file(argv[0], O_RDONLY);
    uint64_t offset = strtoull(argv[1], NULL, 0), length = strtoull(argv[2], NULL, 0);
    unsigned seed = (unsigned)atoi(argv[3]);
    while (length > 0) {
        ssize_t n = pread(fd, buffer, length < BUFFER_SIZE ? length : BUFFER_SIZE, (off_t)offset);
        if (n <= 0)
            fail("check: read", argv[0]);
        for (ssize_t i = 0; i < n; i++)
            if (buffer[i] != byte_at(offset + (uint64_t)i, seed)) {
                printf("check: %s: wrong byte at %llu\n", argv[0], (unsigned long long)offset + (unsigned long long)i);
                exit(1);
            }
        offset += (uint64_t)n;
        length -= (uint64_t)n;
    }
    close(fd);
}

/* sync PATH */
static void sync_command(char **argv) {
    int fd = open_file(argv[0], O_RDWR);
    if (fsync(fd) || fdatasync(fd))
        fail("fsync", argv[0]);
    close(fd);
}

/* size PATH */
static void size(char **argv) {
    int fd = open_file(argv[0], O_RDONLY), block = 0;
    uint64_t bytes = 0;
    struct stat stat;
    fstat(fd, &stat);
    ioctl(fd, 0x80081272 /* BLKGETSIZE64 */, &bytes);
    ioctl(fd, 0x1268 /* BLKSSZGET */, &block);
    printf("size: mode %o st_size %lld end %lld bytes %llu block %d\n", stat.st_mode & S_IFMT, (long long)stat.st_size,
           (long long)lseek(fd, 0, SEEK_END), (unsigned long long)bytes, block);
    close(fd);
}

/* edges PATH: at the end of a disk */
static void edges(char **argv) {
    int fd = open_file(argv[0], O_RDWR);
    off_t end = lseek(fd, 0, SEEK_END);
    printf("edges: read behind the end: %zd\n", pread(fd, buffer, 10, end));
    printf("edges: read across the end: %zd\n", pread(fd, buffer, 100, end - 7));
    printf("edges: write across the end: %zd\n", pwrite(fd, buffer, 100, end - 7));
    ssize_t n = pwrite(fd, buffer, 1, end);
    printf("edges: write behind the end: %zd %s\n", n, strerror(errno));
    n = ftruncate(fd, 0);
    printf("edges: truncate: %zd %s\n", n, strerror(errno));
    close(fd);
}

/* readonly PATH */
static void readonly(char **argv) {
    int fd = open(argv[0], O_RDWR);
    printf("readonly: %s\n", fd < 0 ? strerror(errno) : "opened for writing");
}

/* slices PATH LENGTH SEED: eight threads write slices of 100 bytes in turn, so that they meet in every block. */
#define THREADS 8
#define SLICE 100

static struct {
    int fd;
    size_t length;
    unsigned seed;
    bool failed;
} slices;

static void *write_slices(void *argument) {
    unsigned char slice[SLICE];
    for (size_t at = (size_t)(uintptr_t)argument * SLICE; at < slices.length; at += THREADS * SLICE) {
        for (size_t i = 0; i < SLICE; i++)
            slice[i] = byte_at(at + i, slices.seed);
        slices.failed |= pwrite(slices.fd, slice, SLICE, (off_t)at) != SLICE;
    }
    return NULL;
}

static void slices_command(char **argv) {
    pthread_t threads[THREADS];
    slices.fd = open_file(argv[0], O_RDWR);
    slices.length = strtoull(argv[1], NULL, 0) / SLICE * SLICE;
    slices.seed = (unsigned)atoi(argv[2]);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, write_slices, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    if (slices.failed)
        fail("slices", argv[0]);
    close(slices.fd);
}

/* discard PATH OFFSET LENGTH */
static void discard(char **argv) {
    uint64_t range[2] = {strtoull(argv[1], NULL, 0), strtoull(argv[2], NULL, 0)};
    int fd = open_file(argv[0], O_RDWR);
    if (ioctl(fd, 0x1277 /* BLKDISCARD */, range))
        fail("discard", argv[0]);
    close(fd);
}

/* fill PATH: until there is no more room */
static void fill(char **argv) {
    int fd = open_file(argv[0], O_WRONLY | O_CREAT);
    uint64_t total = 0;
    ssize_t n;
    while ((n = write(fd, buffer, BUFFER_SIZE)) > 0)
        total += (uint64_t)n;
    printf("fill: %s after %s\n", strerror(errno), total > 10 * BUFFER_SIZE ? "more than 10 MiB" : "too little");
    void *memory = malloc(500000);
    printf("fill: there is %s memory left for the program\n", memory ? "some" : "no");
    free(memory);
    close(fd);
    unlink(argv[0]);
    fd = open_file(argv[0], O_WRONLY | O_CREAT);
    printf("fill: and room again: %d\n", write(fd, buffer, BUFFER_SIZE) == (ssize_t)BUFFER_SIZE);
    close(fd);
}

/* speed PATH: reads all of it */
static void speed(char **argv) {
    struct timespec from, to;
    int fd = open_file(argv[0], O_RDONLY);
    uint64_t total = 0;
    ssize_t n;
    clock_gettime(CLOCK_MONOTONIC, &from);
    while ((n = read(fd, buffer, BUFFER_SIZE)) > 0)
        total += (uint64_t)n;
    clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("speed: %.0f MiB/s\n", (double)total / seconds / (1 << 20));
    close(fd);
}

static const struct {
    const char *name;
    int arguments;
    void (*run)(char **argv);
} commands[] = {
    {"cat", 1, cat},         {"list", 1, list_command}, {"write", 4, write_command},
    {"check", 4, check},     {"sync", 1, sync_command}, {"size", 1, size},
    {"edges", 1, edges},     {"readonly", 1, readonly}, {"slices", 3, slices_command},
    {"discard", 3, discard}, {"fill", 1, fill},         {"speed", 1, speed},
};

int main(int argc, char **argv) {
    for (int at = 1; at < argc;) {
        size_t i = 0;
        while (i < sizeof commands / sizeof commands[0] && strcmp(commands[i].name, argv[at]) != 0)
            i++;
        if (i == sizeof commands / sizeof commands[0] || argc - at <= commands[i].arguments) {
            fprintf(stderr, "fileop: %s?\n", argv[at]);
            return 2;
        }
        commands[i].run(argv + at + 1);
        at += 1 + commands[i].arguments;
    }
    return 0;
}
