/* SPDX-License-Identifier: MIT */
/*
 * seccomp_rights PID: what the seccomp filters of a running process let through, read from the kernel and followed
 * along every path, with the system call's number known and its arguments unknown. One line for each number with a path
 * to SECCOMP_RET_ALLOW: the number, and `checked`, or `unchecked` if a path there depends on no argument.
 *
 * Needs root and a kernel with CONFIG_CHECKPOINT_RESTORE; exit status 3 where the kernel has no such thing.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBERS 512u
#define ARGUMENTS offsetof(struct seccomp_data, args)

struct value {
    bool known;
    uint32_t number;
};

struct filter {
    struct sock_filter code[BPF_MAXINSNS];
    unsigned length;
};

struct rights {
    bool allowed, unchecked;
};

static _Noreturn void die(const char *what) {
    perror(what);
    exit(1);
}

static struct value load(uint32_t offset, uint32_t number) {
    if (offset == offsetof(struct seccomp_data, nr))
        return (struct value){true, number};
    if (offset == offsetof(struct seccomp_data, arch))
        return (struct value){true, AUDIT_ARCH_X86_64};
    return (struct value){0};
}

static bool holds(const struct sock_filter *op, uint32_t number) {
    switch (BPF_OP(op->code)) {
    case BPF_JEQ:
        return number == op->k;
    case BPF_JGT:
        return number > op->k;
    case BPF_JGE:
        return number >= op->k;
    case BPF_JSET:
        return number & op->k;
    default:
        fprintf(stderr, "seccomp_rights: jump 0x%x is not understood\n", op->code);
        exit(1);
    }
}

/* Jumps lead forward only, so this ends. */
static void follow(const struct filter *f, unsigned at, struct value a, bool checked, uint32_t number,
                   struct rights *rights) {
    for (;; at++) {
        const struct sock_filter *op = &f->code[at];
        if (at >= f->length)
            return;
        if (op->code == (BPF_RET | BPF_K)) {
            bool allow = (op->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
            rights->allowed |= allow;
            rights->unchecked |= allow && !checked;
            return;
        }
        if (op->code == (BPF_LD | BPF_W | BPF_ABS)) {
            a = load(op->k, number);
        } else if (op->code == (BPF_JMP | BPF_JA)) {
            at += op->k;
        } else if (BPF_CLASS(op->code) == BPF_JMP && a.known) {
            at += holds(op, a.number) ? op->jt : op->jf;
        } else if (BPF_CLASS(op->code) == BPF_JMP) {
            follow(f, at + 1 + op->jt, a, true, number, rights);
            checked = true;
            at += op->jf;
        } else { /* arithmetic, on what is not known */
            a.known = false;
        }
    }
}

static unsigned read_filters(pid_t pid, struct filter **filters) {
    unsigned count = 0;
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
        die("ptrace");
    if (waitpid(pid, NULL, __WALL) < 0)
        die("waitpid");
    *filters = NULL;
    for (;; count++) {
        *filters = realloc(*filters, (count + 1) * sizeof **filters);
        if (!*filters)
            die("realloc");
        long length = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, count, (*filters)[count].code);
        if (length < 0 && errno == ENOENT)
            break;
        if (length < 0) {
            perror("PTRACE_SECCOMP_GET_FILTER");
            exit(errno == EIO || errno == EINVAL ? 3 : 1);
        }
        (*filters)[count].length = (unsigned)length;
    }
    ptrace(PTRACE_DETACH, pid, 0, 0);
    return count;
}

int main(int argc, char **argv) {
    struct filter *filters;
    if (argc != 2) {
        fprintf(stderr, "usage: seccomp_rights PID\n");
        return 2;
    }
    unsigned count = read_filters((pid_t)atoi(argv[1]), &filters);
    if (count == 0) {
        fprintf(stderr, "seccomp_rights: %s has no filter\n", argv[1]);
        return 1;
    }
    for (uint32_t number = 0; number < NUMBERS; number++) {
        struct rights all = {.allowed = true,
                             .unchecked = true}; /* every filter must agree; one that checks is enough */
        for (unsigned i = 0; i < count; i++) {
            struct rights rights = {0};
            follow(&filters[i], 0, (struct value){0}, false, number, &rights);
            all.allowed = all.allowed && rights.allowed;
            all.unchecked = all.unchecked && rights.unchecked;
        }
        if (all.allowed)
            printf("%u %s\n", number, all.unchecked ? "unchecked" : "checked");
    }
    free(filters);
    return 0;
}
