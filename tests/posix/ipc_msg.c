/* SPDX-License-Identifier: MIT */
/* System V message queues: msgget(2), msgop(2), msgctl(2). */
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/msg.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#define KEY 0x756b766d

struct letter {
    long mtype;
    char mtext[10000];
};

static struct letter out, in;
static int queue;

static bool fails(long result, int error) {
    return result == -1 && errno == error;
}

static long put(long type, const char *text, int flags) {
    out.mtype = type;
    strcpy(out.mtext, text);
    return msgsnd(queue, &out, strlen(text) + 1, flags);
}

static bool gets(long type, int flags, long want_type, const char *want) {
    memset(&in, 0, sizeof in);
    long n = msgrcv(queue, &in, sizeof in.mtext, type, flags | IPC_NOWAIT);
    return n == (long)strlen(want) + 1 && in.mtype == want_type && strcmp(in.mtext, want) == 0;
}

static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

static void test_get(void) {
    ok(fails(msgget(KEY, 0600), ENOENT), "no queue with that key: ENOENT");
    queue = msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);
    ok(queue >= 0, "one is made");
    ok(msgget(KEY, 0600) == queue && msgget(KEY, IPC_CREAT | 0600) == queue, "and found");
    ok(fails(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600), EEXIST), "IPC_EXCL: EEXIST");
    int other = msgget(IPC_PRIVATE, 0600), third = msgget(IPC_PRIVATE, 0600);
    ok(other >= 0 && third >= 0 && other != third && other != queue, "IPC_PRIVATE: each is another");
    ok(msgctl(other, IPC_RMID, NULL) == 0 && fails(msgctl(other, IPC_RMID, NULL), EINVAL), "removed: EINVAL");
    int next = msgget(IPC_PRIVATE, 0600);
    ok(next != other, "an identifier does not come again at once");
    msgctl(third, IPC_RMID, NULL);
    msgctl(next, IPC_RMID, NULL);
}

static void test_order(void) {
    ok(put(3, "three", 0) == 0 && put(1, "one", 0) == 0 && put(2, "two", 0) == 0 && put(1, "uno", 0) == 0, "messages");
    ok(gets(0, 0, 3, "three"), "type 0: the first");
    ok(gets(1, 0, 1, "one"), "type 1: the first of it");
    ok(put(5, "five", 0) == 0 && gets(-4, 0, 1, "uno"), "type -4: the lowest up to 4");
    ok(gets(2, MSG_EXCEPT, 5, "five"), "MSG_EXCEPT: the first of another type");
    ok(fails(msgrcv(queue, &in, 100, 7, IPC_NOWAIT), ENOMSG), "no such type: ENOMSG");
    ok(fails(msgrcv(queue, &in, 100, -1, IPC_NOWAIT), ENOMSG), "none so low: ENOMSG");
    ok(gets(-2, 0, 2, "two"), "the last one");
    ok(fails(msgrcv(queue, &in, 100, 0, IPC_NOWAIT), ENOMSG), "an empty queue: ENOMSG");
}

static void test_sizes(void) {
    put(1, "longer than that", 0);
    ok(fails(msgrcv(queue, &in, 6, 0, 0), E2BIG), "a small buffer: E2BIG");
    memset(&in, 0, sizeof in);
    ok(msgrcv(queue, &in, 6, 0, MSG_NOERROR) == 6 && strcmp(in.mtext, "longer") == 0, "MSG_NOERROR: cut off");
    ok(fails(msgrcv(queue, &in, 6, 0, IPC_NOWAIT), ENOMSG), "and gone");
    out.mtype = 0;
    ok(fails(msgsnd(queue, &out, 1, 0), EINVAL), "type 0: EINVAL");
    out.mtype = -1;
    ok(fails(msgsnd(queue, &out, 1, 0), EINVAL), "type -1: EINVAL");
    out.mtype = 1;
    ok(fails(msgsnd(queue, &out, 8193, 0), EINVAL), "more than the largest message: EINVAL");
    ok(fails(msgsnd(queue, &out, (size_t)-1, 0), EINVAL), "a negative size: EINVAL");
    ok(fails(msgrcv(queue, &in, (size_t)-1, 0, 0), EINVAL), "to receive, too: EINVAL");
    ok(fails(msgsnd(-1, &out, 1, 0), EINVAL) && fails(msgsnd(0x7fffffff, &out, 1, 0), EINVAL), "no queue: EINVAL");
    ok(msgsnd(queue, &out, 0, 0) == 0 && msgrcv(queue, &in, 10, 0, 0) == 0 && in.mtype == 1, "an empty message");
    ok(msgsnd(queue, &out, 8192, 0) == 0 && msgsnd(queue, &out, 8192, 0) == 0, "the two largest");
    ok(fails(msgsnd(queue, &out, 1, IPC_NOWAIT), EAGAIN), "no room: EAGAIN");
    ok(msgsnd(queue, &out, 0, IPC_NOWAIT) == 0, "an empty one fits");
    while (msgrcv(queue, &in, sizeof in.mtext, 0, IPC_NOWAIT) >= 0)
        ;
}

static void test_status(void) {
    struct msqid_ds status;
    struct msginfo info;
    time_t before = time(NULL);
    put(1, "x", 0);
    ok(msgctl(queue, IPC_STAT, &status) == 0, "IPC_STAT");
    ok(status.msg_qnum == 1 && status.msg_cbytes == 2 && status.msg_qbytes == 16384, "messages, bytes, most bytes");
    ok(status.msg_lspid == getpid() && status.msg_stime >= before && status.msg_rtime > 0, "who sent it and when");
    ok(status.msg_perm.mode == 0600 && status.msg_perm.__key == KEY && status.msg_perm.uid == geteuid(), "permissions");
    gets(0, 0, 1, "x");
    ok(msgctl(queue, IPC_STAT, &status) == 0 && status.msg_lrpid == getpid() && status.msg_rtime >= before, "received");
    status.msg_qbytes = 5;
    status.msg_perm.mode = 0640;
    ok(msgctl(queue, IPC_SET, &status) == 0 && put(1, "four", IPC_NOWAIT) == 0, "IPC_SET: five bytes at most");
    ok(fails(put(1, "", IPC_NOWAIT), EAGAIN), "and no more");
    ok(msgctl(queue, IPC_STAT, &status) == 0 && status.msg_perm.mode == 0640, "with other permissions");
    gets(0, 0, 1, "four");
    status.msg_qbytes = 16384;
    msgctl(queue, IPC_SET, &status);
    ok(msgctl(0, IPC_INFO, (struct msqid_ds *)&info) >= 0 && info.msgmax == 8192 && info.msgmnb == 16384, "IPC_INFO");
    ok(fails(msgctl(queue, 99, &status), EINVAL), "an unknown command: EINVAL");
}

static int find_in_list(int highest) {
    struct msqid_ds status;
    int found = 0;
    for (int i = 0; i <= highest; i++)
        found += msgctl(i, MSG_STAT, &status) == queue && status.msg_perm.__key == KEY;
    return found;
}

static void test_list(void) {
    struct msginfo info;
    int highest = msgctl(0, MSG_INFO, (struct msqid_ds *)&info);
    ok(highest >= 0 && info.msgpool >= 1, "MSG_INFO");
    is_u64((uint64_t)find_in_list(highest), 1, "MSG_STAT: it is in the list once");
    put(1, "one", 0);
    put(2, "two", 0);
    ok(gets(1, MSG_COPY, 2, "two") && gets(0, MSG_COPY, 1, "one"), "MSG_COPY: a message by its number");
    ok(fails(msgrcv(queue, &in, 100, 2, MSG_COPY | IPC_NOWAIT), ENOMSG), "no such number: ENOMSG");
    ok(fails(msgrcv(queue, &in, 100, 0, MSG_COPY), EINVAL), "MSG_COPY that would wait: EINVAL");
    ok(gets(0, 0, 1, "one") && gets(0, 0, 2, "two"), "they are still there");
}

/* ---- blocking */

static long result;
static int error;
static pthread_t thread;

static void *receive(void *type) {
    memset(&in, 0, sizeof in);
    result = msgrcv(queue, &in, sizeof in.mtext, (long)type, 0);
    error = result < 0 ? errno : 0;
    return NULL;
}

static void *send_one(void *unused) {
    static struct letter more = {.mtype = 9, .mtext = "more"};
    result = msgsnd(queue, &more, 5, 0);
    error = result < 0 ? errno : 0;
    return unused;
}

static void start(void *(*run)(void *), void *argument) {
    pthread_create(&thread, NULL, run, argument);
    nap();
}

static void on_signal(int number) {
    (void)number;
}

static void fill_queue(void) {
    out.mtype = 1;
    while (msgsnd(queue, &out, 1024, IPC_NOWAIT) == 0)
        ;
}

static void test_blocking(void) {
    start(receive, (void *)2L);
    put(1, "not that", 0);
    nap();
    put(2, "that", 0);
    pthread_join(thread, NULL);
    ok(result == 5 && strcmp(in.mtext, "that") == 0, "a receiver waits for its type");
    ok(gets(0, 0, 1, "not that"), "and leaves the others");
    fill_queue();
    start(send_one, NULL);
    ok(msgrcv(queue, &in, sizeof in.mtext, 0, 0) == 1024, "a sender waits for room");
    pthread_join(thread, NULL);
    ok(result == 0, "and goes on");
    while (msgrcv(queue, &in, sizeof in.mtext, 0, IPC_NOWAIT) >= 0)
        ;
}

static void test_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    start(receive, NULL);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, NULL);
    ok(result == -1 && error == EINTR, "a signal ends msgrcv(): EINTR, whatever SA_RESTART says");
    fill_queue();
    start(send_one, NULL);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, NULL);
    ok(result == -1 && error == EINTR, "and msgsnd()");
}

static void test_removal(void) {
    start(send_one, NULL);
    ok(msgctl(queue, IPC_RMID, NULL) == 0, "IPC_RMID while a sender waits");
    pthread_join(thread, NULL);
    ok(result == -1 && error == EIDRM, "it gets EIDRM");
    queue = msgget(IPC_PRIVATE, 0600);
    start(receive, NULL);
    ok(msgctl(queue, IPC_RMID, NULL) == 0, "while a receiver waits");
    pthread_join(thread, NULL);
    ok(result == -1 && error == EIDRM, "it gets EIDRM");
    ok(fails(msgget(KEY, 0600), ENOENT), "the key is free");
}

int main(void) {
    if (msgget(KEY, 0600) < 0 && errno == ENOSYS)
        skip_all("this kernel has no message queues");
    alarm(60);
    test_get();
    test_order();
    test_sizes();
    test_status();
    test_list();
    test_blocking();
    test_signals();
    test_removal();
    return done_testing();
}
