/* SPDX-License-Identifier: MIT */
/*
 * Shared memory: shmget(2), shmop(2), shmctl(2). A segment is a file without a name, and attaching it maps that file:
 * there is one place for it in memory (fs/shared.h), so that all who attach it get the same address.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "ipc.h"
#include "posix/fs/open.h"

#define SEGMENTS_MAX 4096 /* Linux: /proc/sys/kernel/shmmni */
#define PROCESS 1

long uk_sys_munmap(void *address, size_t size);

struct segment {
    struct uk_ipc ipc;
    struct uk_file *file;
    size_t size;
    unsigned attached;
    bool destroyed; /* when the last one detaches */
    time_t attach_time, detach_time, changed;
    int last_process;
};

struct attachment {
    struct attachment *next;
    struct segment *segment;
    void *address;
};

static struct attachment *attachments;

static void free_segment(struct uk_ipc *ipc) {
    struct segment *segment = uk_container_of(ipc, struct segment, ipc);
    uk_file_unref(segment->file);
    uk_free(segment);
}

static struct uk_ipc_table segments = {.limit = SEGMENTS_MAX, .free = free_segment};

static size_t pages_of(size_t size) {
    return size / UKVM_PAGE_SIZE + (size % UKVM_PAGE_SIZE != 0);
}

static int find(int id, struct segment **segment) {
    struct uk_ipc *ipc;
    int result = uk_ipc_find(&segments, id, &ipc);
    if (result == 0)
        *segment = uk_container_of(ipc, struct segment, ipc);
    return result;
}

/* ---- making */

static int make_file(size_t size, struct uk_file **file) {
    struct uk_inode *inode = uk_inode_new(S_IFREG | 0600);
    int result = inode ? uk_inode_open(inode, O_RDWR, file) : -ENOMEM;
    if (result == 0)
        uk_content_truncate(&inode->content, (off_t)size);
    uk_inode_unref(inode);
    return result;
}

static long make(key_t key, size_t size, int flags) {
    if (size == 0 || size > INT64_MAX)
        return -EINVAL;
    if ((flags & SHM_HUGETLB) || pages_of(size) > uk_content_available())
        return -ENOMEM;
    struct segment *segment = uk_malloc(sizeof *segment);
    if (!segment)
        return -ENOMEM;
    *segment = (struct segment){.size = size, .changed = uk_ipc_now()};
    int result = make_file(size, &segment->file);
    if (result) {
        uk_free(segment);
        return result;
    }
    result = uk_ipc_add(&segments, &segment->ipc, key, flags);
    if (result < 0)
        free_segment(&segment->ipc);
    return result;
}

long uk_sys_shmget(key_t key, size_t size, int flags) {
    struct uk_ipc *found;
    int result = uk_ipc_look_up(&segments, key, flags, &found);
    if (result)
        return result;
    if (!found)
        return make(key, size, flags);
    return size > uk_container_of(found, struct segment, ipc)->size ? -EINVAL : found->id;
}

/* ---- attaching */

static int check_address(void **address, int flags) {
    uintptr_t at = (uintptr_t)*address;
    if (flags & SHM_RND)
        at -= at % SHMLBA;
    if (at % UKVM_PAGE_SIZE || (at == 0 && (flags & SHM_REMAP)))
        return -EINVAL;
    *address = (void *)at;
    return flags & SHM_EXEC ? -EACCES : 0; /* memory is never both written and executed: MEM-02 */
}

long uk_sys_shmat(int id, void *address, int flags) {
    struct segment *segment;
    void *pages;
    int result = check_address(&address, flags);
    if (result == 0)
        result = find(id, &segment);
    if (result == 0)
        result = uk_ipc_check(&segment->ipc, flags & SHM_RDONLY ? UK_IPC_READ : UK_IPC_READ | UK_IPC_WRITE);
    if (result)
        return result;
    struct attachment *attachment = uk_malloc(sizeof *attachment);
    if (!attachment)
        return -ENOMEM;
    int prot = flags & SHM_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE;
    result = segment->file->ops->map(segment->file, 0, pages_of(segment->size), address, prot, &pages);
    if (result) {
        uk_free(attachment);
        return address ? -EINVAL : result; /* it lies elsewhere, or something else lies there */
    }
    *attachment = (struct attachment){.next = attachments, .segment = segment, .address = pages};
    attachments = attachment;
    segment->attached++;
    segment->attach_time = uk_ipc_now();
    segment->last_process = PROCESS;
    return (long)pages;
}

static void destroy_if_unused(struct segment *segment) {
    if (segment->destroyed && segment->attached == 0)
        uk_ipc_remove(&segments, &segment->ipc);
}

long uk_sys_shmdt(const void *address) {
    struct attachment **at = &attachments, *attachment;
    while (*at && (*at)->address != address)
        at = &(*at)->next;
    attachment = *at;
    if (!attachment)
        return -EINVAL;
    struct segment *segment = attachment->segment;
    *at = attachment->next;
    uk_sys_munmap(attachment->address, segment->size);
    uk_free(attachment);
    segment->attached--;
    segment->detach_time = uk_ipc_now();
    segment->last_process = PROCESS;
    destroy_if_unused(segment);
    return 0;
}

/* ---- control */

static long get_status(const struct segment *segment, unsigned rights, struct shmid_ds *status) {
    int result = uk_ipc_check(&segment->ipc, rights);
    if (result)
        return result;
    *status = (struct shmid_ds){
        .shm_perm = segment->ipc.perm,
        .shm_segsz = segment->size,
        .shm_atime = segment->attach_time,
        .shm_dtime = segment->detach_time,
        .shm_ctime = segment->changed,
        .shm_cpid = PROCESS,
        .shm_lpid = segment->last_process,
        .shm_nattch = segment->attached,
    };
    return 0;
}

static long change(struct segment *segment, const struct shmid_ds *status) {
    int result = uk_ipc_check_owner(&segment->ipc);
    if (result)
        return result;
    uk_ipc_set(&segment->ipc, &status->shm_perm);
    segment->changed = uk_ipc_now();
    return 0;
}

/* Who has it attached goes on with it; nobody finds it by its key any more. */
static long remove_segment(struct segment *segment) {
    int result = uk_ipc_check_owner(&segment->ipc);
    if (result)
        return result;
    segment->destroyed = true;
    segment->ipc.perm.key = IPC_PRIVATE;
    segment->ipc.perm.mode |= SHM_DEST;
    destroy_if_unused(segment);
    return 0;
}

/* All memory is locked: there is nowhere that it could be swapped to. */
static long lock(struct segment *segment, int command) {
    int result = uk_ipc_check_owner(&segment->ipc);
    if (result == 0 && command == SHM_LOCK)
        segment->ipc.perm.mode |= SHM_LOCKED;
    else if (result == 0)
        segment->ipc.perm.mode &= ~(unsigned)SHM_LOCKED;
    return result;
}

static long stat_at(int index, unsigned rights, struct shmid_ds *status) {
    struct uk_ipc *ipc = uk_ipc_at(&segments, index);
    if (!ipc)
        return -EINVAL;
    long result = get_status(uk_container_of(ipc, struct segment, ipc), rights, status);
    return result ? result : ipc->id;
}

static long get_limits(struct shminfo *info) {
    *info = (struct shminfo){
        .shmmax = ULONG_MAX - (1UL << 24),
        .shmmin = 1,
        .shmmni = SEGMENTS_MAX,
        .shmseg = SEGMENTS_MAX,
        .shmall = ULONG_MAX - (1UL << 24),
    };
    return uk_ipc_highest(&segments);
}

static long get_info(struct shm_info *info) {
    *info = (struct shm_info){.used_ids = segments.used};
    for (int i = 0; i < segments.size; i++)
        if (segments.objects[i]) {
            const struct segment *segment = uk_container_of(segments.objects[i], struct segment, ipc);
            info->shm_tot += pages_of(segment->size);
            info->shm_rss += uk_content_pages(&uk_node_inode(segment->file)->content);
        }
    return uk_ipc_highest(&segments);
}

long uk_sys_shmctl(int id, int command, struct shmid_ds *argument) {
    struct segment *segment;
    if (id < 0 || command < 0)
        return -EINVAL;
    if (command == IPC_INFO)
        return get_limits((struct shminfo *)argument);
    if (command == SHM_INFO)
        return get_info((struct shm_info *)argument);
    if (command == SHM_STAT || command == SHM_STAT_ANY)
        return stat_at(id, command == SHM_STAT ? UK_IPC_READ : 0, argument);
    int result = find(id, &segment);
    switch (command) {
    case IPC_STAT:
        return result ? result : get_status(segment, UK_IPC_READ, argument);
    case IPC_SET:
        return result ? result : change(segment, argument);
    case IPC_RMID:
        return result ? result : remove_segment(segment);
    case SHM_LOCK:
    case SHM_UNLOCK:
        return result ? result : lock(segment, command);
    default:
        return -EINVAL;
    }
}
