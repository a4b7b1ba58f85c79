/* SPDX-License-Identifier: MIT */
/*
 * "rawdisk": an SQLite VFS that keeps one database on a raw disk, by pread, pwrite and fsync on its device file.
 *
 *     sqlite.elf -vfs rawdisk /dev/data          speedtest1.elf --vfs rawdisk file:/dev/data
 *
 * The disk holds two copies of a header, and three areas for the files that SQLite would have beside each other: half
 * of the disk for the database, a quarter each for the rollback journal and the write-ahead log.
 *
 *     0      4096   8192
 *     header header database ... journal ... log ...
 *
 * The header says which of the files exist and how long they are. It is what a directory is elsewhere, and must change
 * as a whole: an update goes to the copy that is not in force, with the next sequence number and a checksum, and is in
 * force once it is on the disk. So sizes follow the promises of a file system: sync makes them last, and deleting the
 * journal, which is what commits a transaction, happens at once or not at all.
 *
 * One database is open at a time, by one connection, so locks have nothing to do. The write-ahead log needs
 * `PRAGMA locking_mode=EXCLUSIVE` first, for there is no shared memory. A disk whose header is empty is formatted; one
 * that holds anything else is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sqlite3.h"

#define HEADER_SIZE 4096
#define MAGIC "ukvmSQL1"

enum area { DATABASE, JOURNAL, LOG, AREAS };
static const char *const suffixes[AREAS] = {"", "-journal", "-wal"};

struct header {
    char magic[8];
    uint64_t sequence;
    struct {
        uint64_t exists, size;
    } files[AREAS];
    uint64_t checksum; /* of all before it */
};

struct file {
    sqlite3_file base;
    enum area area;
};

static struct {
    const char *path; /* NULL while no database is open */
    int fd;
    uint64_t size;
    struct header header;
    int header_changed;
} disk;

/* ---- the disk */

static int transfer(int writes, void *buf, size_t n, uint64_t at) {
    for (size_t done = 0; done < n;) {
        ssize_t k = writes ? pwrite(disk.fd, (char *)buf + done, n - done, (off_t)(at + done))
                           : pread(disk.fd, (char *)buf + done, n - done, (off_t)(at + done));
        if (k == 0 || (k < 0 && errno != EINTR))
            return -1;
        done += k > 0 ? (size_t)k : 0;
    }
    return 0;
}

static uint64_t area_size(enum area area) {
    uint64_t half = (disk.size - UINT64_C(2) * HEADER_SIZE) / 2 / HEADER_SIZE * HEADER_SIZE;
    return area == DATABASE ? half : half / 2;
}

static uint64_t area_start(enum area area) {
    uint64_t start = UINT64_C(2) * HEADER_SIZE;
    for (enum area a = DATABASE; a < area; a++)
        start += area_size(a);
    return start;
}

/* FNV-1a: against torn and stale headers, not against an adversary. */
static uint64_t checksum(const struct header *h) {
    const unsigned char *bytes = (const unsigned char *)h;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < offsetof(struct header, checksum); i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static int write_header(void) {
    char block[HEADER_SIZE] = {0};
    disk.header.sequence++;
    disk.header.checksum = checksum(&disk.header);
    memcpy(block, &disk.header, sizeof(disk.header));
    if (transfer(1, block, sizeof(block), disk.header.sequence % 2 * HEADER_SIZE) < 0 || fsync(disk.fd) < 0)
        return SQLITE_IOERR_FSYNC;
    disk.header_changed = 0;
    return SQLITE_OK;
}

/* The newest valid header; an empty one when both copies are nothing but zeros. */
static int read_header(void) {
    union {
        char bytes[HEADER_SIZE];
        struct header header;
    } block;
    int blank = 0;
    disk.header = (struct header){.magic = MAGIC};
    for (unsigned i = 0; i < 2; i++) {
        if (transfer(0, block.bytes, sizeof(block.bytes), (uint64_t)i * HEADER_SIZE) < 0)
            return SQLITE_CANTOPEN;
        static const char zeros[HEADER_SIZE];
        blank += memcmp(block.bytes, zeros, sizeof(zeros)) == 0;
        if (memcmp(block.header.magic, MAGIC, sizeof(block.header.magic)) == 0 &&
            block.header.checksum == checksum(&block.header) && block.header.sequence > disk.header.sequence)
            disk.header = block.header;
    }
    return disk.header.sequence > 0 || blank == 2 ? SQLITE_OK : SQLITE_NOTADB;
}

static int open_disk(const char *path) {
    if (disk.path)
        return SQLITE_BUSY;
    disk.fd = open(path, O_RDWR | O_CLOEXEC);
    if (disk.fd < 0)
        return SQLITE_CANTOPEN;
    off_t size = lseek(disk.fd, 0, SEEK_END);
    int err = SQLITE_CANTOPEN;
    /* A unikernel has its disk alone; as an ordinary program, another process may have this one open. */
    if (flock(disk.fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        err = SQLITE_BUSY;
    else if (size >= 64 * HEADER_SIZE) {
        disk.size = (uint64_t)size;
        err = read_header();
    }
    if (err) {
        close(disk.fd);
        return err;
    }
    disk.path = path; /* SQLite keeps it until the file is closed */
    disk.header_changed = 0;
    return SQLITE_OK;
}

/* ---- a file, which is an area */

static struct file *file_of(sqlite3_file *f) {
    return (struct file *)f;
}

static int file_close(sqlite3_file *f) {
    if (file_of(f)->area != DATABASE)
        return SQLITE_OK;
    int err = disk.header_changed ? write_header() : SQLITE_OK;
    close(disk.fd);
    disk.path = NULL;
    return err;
}

static int file_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 at) {
    enum area area = file_of(f)->area;
    uint64_t size = disk.header.files[area].size, from = (uint64_t)at;
    uint64_t there = from < size ? size - from : 0;
    size_t whole = there < (uint64_t)n ? (size_t)there : (size_t)n;
    if (transfer(0, buf, whole, area_start(area) + from) < 0)
        return SQLITE_IOERR_READ;
    memset((char *)buf + whole, 0, (size_t)n - whole);
    return whole == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

/* What a file has not been given reads as zeros, whatever an earlier file left on the disk. */
static int fill(enum area area, uint64_t from, uint64_t to) {
    static char zeros[HEADER_SIZE];
    for (uint64_t n; from < to; from += n) {
        n = to - from < sizeof(zeros) ? to - from : sizeof(zeros);
        if (transfer(1, zeros, (size_t)n, area_start(area) + from) < 0)
            return -1;
    }
    return 0;
}

static int file_write(sqlite3_file *f, const void *buf, int n, sqlite3_int64 at) {
    enum area area = file_of(f)->area;
    uint64_t from = (uint64_t)at, to = from + (uint64_t)n, *size = &disk.header.files[area].size;
    if (to > area_size(area))
        return SQLITE_FULL;
    if (fill(area, *size, from) < 0 || transfer(1, (void *)(uintptr_t)buf, (size_t)n, area_start(area) + from) < 0)
        return SQLITE_IOERR_WRITE;
    if (to > *size) {
        *size = to;
        disk.header_changed = 1;
    }
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
    if ((uint64_t)size < disk.header.files[file_of(f)->area].size) {
        disk.header.files[file_of(f)->area].size = (uint64_t)size;
        disk.header_changed = 1;
    }
    return SQLITE_OK;
}

/* The bytes before the size that counts them. */
static int file_sync(sqlite3_file *f, int flags) {
    (void)f, (void)flags;
    if (fsync(disk.fd) < 0)
        return SQLITE_IOERR_FSYNC;
    return disk.header_changed ? write_header() : SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size) {
    *size = (sqlite3_int64)disk.header.files[file_of(f)->area].size;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *f, int kind) {
    (void)f, (void)kind;
    return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *f, int *reserved) {
    (void)f;
    *reserved = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *argument) {
    (void)f, (void)op, (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *f) {
    (void)f;
    return HEADER_SIZE;
}

static int characteristics(sqlite3_file *f) {
    (void)f;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1, /* no shared memory, no mapping */
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

/* ---- the directory, which is the header */

/* Which of the open disk's files this is, or AREAS. */
static enum area area_of(const char *name) {
    enum area area = DATABASE;
    size_t n = disk.path ? strlen(disk.path) : 0;
    if (n == 0 || strncmp(name, disk.path, n) != 0)
        return AREAS;
    while (area < AREAS && strcmp(name + n, suffixes[area]) != 0)
        area++;
    return area;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *flags_out) {
    (void)vfs;
    int err = SQLITE_OK;
    f->pMethods = NULL;
    if (name && flags & SQLITE_OPEN_MAIN_DB)
        err = open_disk(name);
    enum area area = !err && name ? area_of(name) : AREAS;
    if (err || area == AREAS)
        return err ? err : SQLITE_CANTOPEN;
    if (!disk.header.files[area].exists) {
        disk.header.files[area].exists = 1;
        disk.header.files[area].size = 0;
        disk.header_changed = 1;
    }
    *file_of(f) = (struct file){.base = {&methods}, .area = area};
    if (flags_out)
        *flags_out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs, (void)sync;
    enum area area = area_of(name);
    if (area == AREAS || !disk.header.files[area].exists)
        return SQLITE_IOERR_DELETE_NOENT;
    disk.header.files[area].exists = disk.header.files[area].size = 0;
    return write_header();
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *there) {
    (void)vfs, (void)flags;
    enum area area = area_of(name);
    *there = area < AREAS && disk.header.files[area].exists;
    return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    return strlen(sqlite3_snprintf(size, out, "%s", name)) == strlen(name) ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* Called by sqlite3_initialize(): time and randomness come from the VFS that there is already. */
int rawdisk_init(const char *unused);
int rawdisk_init(const char *unused) {
    static sqlite3_vfs vfs;
    (void)unused;
    vfs = *sqlite3_vfs_find(NULL);
    vfs.pNext = NULL;
    vfs.szOsFile = sizeof(struct file);
    vfs.zName = "rawdisk";
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_name;
    return sqlite3_vfs_register(&vfs, 0);
}
