/* SPDX-License-Identifier: MIT */
/* Message queues: msgget(2), msgop(2), msgctl(2). */
#include <errno.h>
#include <string.h>
#include <sys/msg.h>

#include "ipc.h"
#include "posix/process/credentials.h"

/* Linux's defaults: /proc/sys/kernel/msgmax, msgmnb, msgmni. */
#define MESSAGE_MAX 8192
#define QUEUE_BYTES 16384u
#define QUEUES_MAX 32000

#define MSG_COPY 040000
#define PROCESS 1

struct message {
    struct message *next;
    long type;
    size_t size;
    char text[];
};

struct queue {
    struct uk_ipc ipc;
    struct message *first, **last;
    size_t bytes, count, bytes_max;
    time_t sent, received, changed;
    int last_sender, last_receiver;
    struct uk_thread_list senders, receivers;
};

static void free_queue(struct uk_ipc *ipc) {
    struct queue *queue = uk_container_of(ipc, struct queue, ipc);
    for (struct message *message = queue->first, *next; message; message = next) {
        next = message->next;
        uk_free(message);
    }
    uk_free(queue);
}

static struct uk_ipc_table queues = {.limit = QUEUES_MAX, .free = free_queue};

static int find(int id, struct queue **queue) {
    struct uk_ipc *ipc;
    int result = uk_ipc_find(&queues, id, &ipc);
    if (result == 0)
        *queue = uk_container_of(ipc, struct queue, ipc);
    return result;
}

long uk_sys_msgget(key_t key, int flags) {
    struct uk_ipc *found;
    int result = uk_ipc_look_up(&queues, key, flags, &found);
    if (result || found)
        return result ? result : found->id;
    struct queue *queue = uk_malloc(sizeof *queue);
    if (!queue)
        return -ENOMEM;
    *queue = (struct queue){.last = &queue->first, .bytes_max = QUEUE_BYTES, .changed = uk_ipc_now()};
    result = uk_ipc_add(&queues, &queue->ipc, key, flags);
    if (result < 0)
        uk_free(queue);
    return result;
}

/* ---- sending */

static bool has_room(const struct queue *queue, size_t size) {
    return size <= queue->bytes_max - (queue->bytes < queue->bytes_max ? queue->bytes : queue->bytes_max) &&
           queue->count < queue->bytes_max;
}

static int wait_for_room(struct queue *queue, size_t size, int flags) {
    int result = uk_ipc_check(&queue->ipc, UK_IPC_WRITE);
    while (result == 0 && !has_room(queue, size)) {
        if (flags & IPC_NOWAIT)
            return -EAGAIN;
        result = uk_ipc_block(&queues, &queue->ipc, &queue->senders, UKVM_DEADLINE_NONE);
        if (result == 0)
            result = uk_ipc_check(&queue->ipc, UK_IPC_WRITE);
    }
    return result;
}

static void append(struct queue *queue, struct message *message) {
    message->next = NULL;
    *queue->last = message;
    queue->last = &message->next;
    queue->bytes += message->size;
    queue->count++;
}

long uk_sys_msgsnd(int id, const struct msgbuf *from, size_t size, int flags) {
    struct queue *queue;
    if (size > MESSAGE_MAX || id < 0 || from->mtype < 1)
        return -EINVAL;
    int result = find(id, &queue);
    if (result)
        return result;
    struct message *message = uk_malloc(sizeof *message + size);
    if (!message)
        return -ENOMEM;
    message->type = from->mtype;
    message->size = size;
    memcpy(message->text, from->mtext, size);
    result = wait_for_room(queue, size, flags);
    if (result) {
        uk_free(message);
        return result;
    }
    append(queue, message);
    queue->sent = uk_ipc_now();
    queue->last_sender = PROCESS;
    uk_unblock_all(&queue->receivers);
    return 0;
}

/* ---- receiving */

/* msgrcv(2): type 0 is the first message, above 0 the first of the type, below 0 the lowest up to it. */
static struct message **select_message(struct queue *queue, long type, int flags) {
    struct message **best = NULL;
    long most = type == INT64_MIN ? INT64_MAX : -type;
    for (struct message **at = &queue->first; *at; at = &(*at)->next) {
        bool same = (*at)->type == type;
        if (flags & MSG_COPY) {
            if (type-- == 0)
                return at;
        } else if (type == 0 || (type > 0 && same == !(flags & MSG_EXCEPT))) {
            return at;
        } else if (type < 0 && (*at)->type <= most) {
            best = at;
            most = (*at)->type - 1;
        }
    }
    return best;
}

static struct message *take(struct queue *queue, struct message **at) {
    struct message *message = *at;
    *at = message->next;
    if (queue->last == &message->next)
        queue->last = at;
    queue->bytes -= message->size;
    queue->count--;
    queue->received = uk_ipc_now();
    queue->last_receiver = PROCESS;
    uk_unblock_all(&queue->senders);
    return message;
}

static int wait_for_message(struct queue *queue, long type, int flags, struct message ***found) {
    int result = uk_ipc_check(&queue->ipc, UK_IPC_READ);
    while (result == 0 && !(*found = select_message(queue, type, flags))) {
        if (flags & IPC_NOWAIT)
            return -ENOMSG;
        result = uk_ipc_block(&queues, &queue->ipc, &queue->receivers, UKVM_DEADLINE_NONE);
        if (result == 0)
            result = uk_ipc_check(&queue->ipc, UK_IPC_READ);
    }
    return result;
}

long uk_sys_msgrcv(int id, struct msgbuf *to, size_t size, long type, int flags) {
    struct queue *queue;
    struct message **found;
    if ((ssize_t)size < 0 || id < 0)
        return -EINVAL;
    if ((flags & MSG_COPY) && (!(flags & IPC_NOWAIT) || (flags & MSG_EXCEPT)))
        return -EINVAL;
    int result = find(id, &queue);
    if (result == 0)
        result = wait_for_message(queue, type, flags, &found);
    if (result)
        return result;
    if ((*found)->size > size && !(flags & MSG_NOERROR))
        return -E2BIG;
    struct message *message = flags & MSG_COPY ? *found : take(queue, found);
    size = message->size < size ? message->size : size;
    to->mtype = message->type;
    memcpy(to->mtext, message->text, size);
    if (!(flags & MSG_COPY))
        uk_free(message);
    return (long)size;
}

/* ---- control */

static long get_status(const struct queue *queue, unsigned rights, struct msqid_ds *status) {
    int result = uk_ipc_check(&queue->ipc, rights);
    if (result)
        return result;
    *status = (struct msqid_ds){
        .msg_perm = queue->ipc.perm,
        .msg_stime = queue->sent,
        .msg_rtime = queue->received,
        .msg_ctime = queue->changed,
        .msg_cbytes = queue->bytes,
        .msg_qnum = queue->count,
        .msg_qbytes = queue->bytes_max,
        .msg_lspid = queue->last_sender,
        .msg_lrpid = queue->last_receiver,
    };
    return 0;
}

static long change(struct queue *queue, const struct msqid_ds *status) {
    int result = uk_ipc_check_owner(&queue->ipc);
    if (result == 0 && status->msg_qbytes > QUEUE_BYTES && uk_user_ids.effective != 0)
        result = -EPERM;
    if (result)
        return result;
    uk_ipc_set(&queue->ipc, &status->msg_perm);
    queue->bytes_max = status->msg_qbytes;
    queue->changed = uk_ipc_now();
    uk_unblock_all(&queue->senders); /* there may be room, or a right less */
    uk_unblock_all(&queue->receivers);
    return 0;
}

static long remove_queue(struct queue *queue) {
    int result = uk_ipc_check_owner(&queue->ipc);
    if (result)
        return result;
    uk_unblock_all(&queue->senders);
    uk_unblock_all(&queue->receivers);
    uk_ipc_remove(&queues, &queue->ipc);
    return 0;
}

static long get_info(int command, struct msginfo *info) {
    *info = (struct msginfo){.msgmax = MESSAGE_MAX, .msgmnb = (int)QUEUE_BYTES, .msgmni = QUEUES_MAX, .msgssz = 16};
    info->msgpool = QUEUES_MAX * (int)QUEUE_BYTES / 1024;
    info->msgmap = info->msgtql = (int)QUEUE_BYTES;
    info->msgseg = 0xffff;
    if (command == MSG_INFO) { /* what there is, instead */
        info->msgpool = queues.used;
        info->msgmap = info->msgtql = 0;
        for (int i = 0; i < queues.size; i++)
            if (queues.objects[i]) {
                const struct queue *queue = uk_container_of(queues.objects[i], struct queue, ipc);
                info->msgmap += (int)queue->count;
                info->msgtql += (int)queue->bytes;
            }
    }
    return uk_ipc_highest(&queues);
}

long uk_sys_msgctl(int id, int command, struct msqid_ds *argument) {
    struct queue *queue;
    if (id < 0 || command < 0)
        return -EINVAL;
    if (command == IPC_INFO || command == MSG_INFO)
        return get_info(command, (struct msginfo *)argument);
    if (command == MSG_STAT || command == MSG_STAT_ANY) {
        struct uk_ipc *ipc = uk_ipc_at(&queues, id);
        if (!ipc)
            return -EINVAL;
        const struct queue *listed = uk_container_of(ipc, struct queue, ipc);
        long result = get_status(listed, command == MSG_STAT ? UK_IPC_READ : 0, argument);
        return result ? result : ipc->id;
    }
    int result = find(id, &queue);
    if (command != IPC_STAT && command != IPC_SET && command != IPC_RMID)
        return -EINVAL;
    if (result)
        return result;
    return command == IPC_STAT  ? get_status(queue, UK_IPC_READ, argument)
           : command == IPC_SET ? change(queue, argument)
                                : remove_queue(queue);
}
