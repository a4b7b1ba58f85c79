/* SPDX-License-Identifier: MIT */
/* System V shared memory within one process: shmget(2), shmop(2), shmctl(2). */
#include "tap.h"

#include <errno.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x756b7368
#define SIZE 100000

static int segment;

static bool fails(long result, int error) {
    return result == -1 && errno == error;
}

static unsigned long attached(void) {
    struct shmid_ds status;
    return shmctl(segment, IPC_STAT, &status) == 0 ? status.shm_nattch : 999;
}

static void test_get(void) {
    ok(fails(shmget(KEY, SIZE, 0600), ENOENT), "no segment with that key: ENOENT");
    ok(fails(shmget(KEY, 0, IPC_CREAT | 0600), EINVAL), "of no bytes: EINVAL");
    segment = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600);
    ok(segment >= 0, "one is made");
    ok(shmget(KEY, 0, 0600) == segment && shmget(KEY, SIZE, IPC_CREAT | 0600) == segment, "and found");
    ok(fails(shmget(KEY, SIZE + 1, 0600), EINVAL), "with more than it has: EINVAL");
    ok(fails(shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600), EEXIST), "IPC_EXCL: EEXIST");
}

static void test_attach(void) {
    char *one = shmat(segment, NULL, 0), *two;
    bool zero = true;
    ok(one != (void *)-1 && (uintptr_t)one % 4096 == 0, "attached");
    for (size_t i = 0; i < SIZE; i++)
        zero = zero && one[i] == 0;
    ok(zero, "it is all 0");
    is_u64(attached(), 1, "IPC_STAT: by one");
    strcpy(one, "first");
    strcpy(one + SIZE - 10, "last");
    two = shmat(segment, NULL, 0);
    ok(two != (void *)-1 && strcmp(two, "first") == 0 && strcmp(two + SIZE - 10, "last") == 0, "attached again");
    strcpy(two, "second");
    is_str(one, "second", "both see what is written");
    is_u64(attached(), 2, "IPC_STAT: by two");
    ok(shmdt(two) == 0 && attached() == 1, "detached");
    is_str(one, "second", "the other stays");
    ok(shmdt(one) == 0 && attached() == 0, "by nobody");
    ok(fails(shmdt(one), EINVAL) && fails(shmdt(&zero), EINVAL), "not attached: EINVAL");
    one = shmat(segment, NULL, SHM_RDONLY);
    ok(one != (void *)-1 && strcmp(one, "second") == 0, "what is in it lasts, and can be attached to be read");
    shmdt(one);
    ok(fails((long)shmat(-1, NULL, 0), EINVAL), "no segment: EINVAL");
    ok(fails((long)shmat(segment, (char *)4097, 0), EINVAL), "not at the start of a page: EINVAL");
    ok(fails((long)shmat(segment, NULL, SHM_REMAP), EINVAL), "SHM_REMAP nowhere: EINVAL");
}

static void test_status(void) {
    struct shmid_ds status;
    struct shm_info use;
    struct shminfo limits;
    time_t now = time(NULL);
    ok(shmctl(segment, IPC_STAT, &status) == 0 && status.shm_segsz == SIZE, "IPC_STAT: its size");
    ok(status.shm_cpid == getpid() && status.shm_lpid == getpid(), "who made it, and who used it last");
    ok(status.shm_atime > now - 100 && status.shm_dtime > now - 100 && status.shm_ctime > now - 100, "when");
    ok((status.shm_perm.mode & 0777) == 0600 && status.shm_perm.__key == KEY, "permissions");
    status.shm_perm.mode = 0644;
    ok(shmctl(segment, IPC_SET, &status) == 0 && shmctl(segment, IPC_STAT, &status) == 0 &&
           (status.shm_perm.mode & 0777) == 0644,
       "IPC_SET");
    ok(shmctl(segment, SHM_LOCK, NULL) == 0 && shmctl(segment, IPC_STAT, &status) == 0 &&
           (status.shm_perm.mode & SHM_LOCKED),
       "SHM_LOCK");
    ok(shmctl(segment, SHM_UNLOCK, NULL) == 0 && shmctl(segment, IPC_STAT, &status) == 0 &&
           !(status.shm_perm.mode & SHM_LOCKED),
       "SHM_UNLOCK");
    ok(shmctl(0, IPC_INFO, (struct shmid_ds *)&limits) >= 0 && limits.shmmin == 1 && limits.shmmni == 4096, "IPC_INFO");
    int highest = shmctl(0, SHM_INFO, (struct shmid_ds *)&use), found = 0;
    ok(highest >= 0 && use.used_ids >= 1 && use.shm_tot >= 25, "SHM_INFO");
    for (int i = 0; i <= highest; i++)
        found += shmctl(i, SHM_STAT, &status) == segment;
    is_u64((uint64_t)found, 1, "SHM_STAT: it is in the list once");
    ok(fails(shmctl(segment, 99, &status), EINVAL), "an unknown command: EINVAL");
}

static void test_removal(void) {
    struct shmid_ds status;
    char *at = shmat(segment, NULL, 0);
    ok(shmctl(segment, IPC_RMID, NULL) == 0, "IPC_RMID while it is attached");
    ok(strcmp(at, "second") == 0 && strcpy(at, "still") == at, "it goes on");
    ok(fails(shmget(KEY, SIZE, 0600), ENOENT), "nobody finds it by its key");
    ok(shmctl(segment, IPC_STAT, &status) == 0 && (status.shm_perm.mode & SHM_DEST) && status.shm_perm.__key == 0,
       "IPC_STAT says what becomes of it");
    char *again = shmat(segment, NULL, 0);
    ok(again != (void *)-1 && strcmp(again, "still") == 0, "who has its number still attaches it");
    ok(shmdt(again) == 0 && shmdt(at) == 0, "the last one detaches");
    ok(fails(shmctl(segment, IPC_STAT, &status), EINVAL), "and it is gone: EINVAL");
    segment = shmget(IPC_PRIVATE, 1, 0600);
    ok(segment >= 0 && shmctl(segment, IPC_RMID, NULL) == 0 && fails((long)shmat(segment, NULL, 0), EINVAL),
       "a segment that nobody has attached goes at once");
}

/* What is freed is used again, and zero. */
static void test_many(void) {
    bool right = true;
    for (unsigned i = 0; i < 300 && right; i++) {
        int id = shmget(IPC_PRIVATE, 1 << 20, 0600);
        char *at = shmat(id, NULL, 0);
        right = id >= 0 && at != (void *)-1 && at[0] == 0 && at[(1 << 20) - 1] == 0;
        if (right)
            memset(at, 1, 1 << 20);
        right = right && shmctl(id, IPC_RMID, NULL) == 0 && shmdt(at) == 0;
    }
    ok(right, "300 segments, one after the other");
}

int main(void) {
    if (shmget(KEY, 1, 0600) < 0 && errno == ENOSYS)
        skip_all("this kernel has no shared memory");
    test_get();
    test_attach();
    test_status();
    test_removal();
    test_many();
    return done_testing();
}
