/* SPDX-License-Identifier: MIT */
/*
 * fail_call N ERRNO COMMAND...: runs COMMAND and makes its Nth system call fail with ERRNO instead of being made,
 * counted from the first fcntl(2), which is the monitor's first call of its own, to seccomp(2), its last before the
 * guest runs. Says which call it was on standard error; 200 is the status when there are fewer calls.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_SUCH_CALL 200

static long number_of(pid_t child) {
    return ptrace(PTRACE_PEEKUSER, child, offsetof(struct user_regs_struct, orig_rax), NULL);
}

static void set_register(pid_t child, size_t offset, long value) {
    ptrace(PTRACE_POKEUSER, child, offset, value);
}

/* To the next entry or exit of a system call, past the trap of execve(2); false when the process has ended. */
static int step(pid_t child, int *status) {
    do
        if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) < 0 || waitpid(child, status, 0) != child || !WIFSTOPPED(*status))
            return 0;
    while (WSTOPSIG(*status) != (SIGTRAP | 0x80));
    return 1;
}

/* Stands at the entry of the call to fail; false when there is none. */
static int find_call(pid_t child, long wanted, int *status) {
    long count = 0;
    while (step(child, status)) {
        long number = number_of(child);
        if (count > 0 || number == SYS_fcntl)
            count++;
        if (count == wanted)
            return 1;
        if (number == SYS_seccomp || !step(child, status))
            return 0;
    }
    return 0;
}

int main(int argc, char **argv) {
    int status;
    if (argc < 4) {
        fprintf(stderr, "usage: fail_call N ERRNO COMMAND...\n");
        return 2;
    }
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        execv(argv[3], argv + 3);
        _exit(127);
    }
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
    if (!find_call(child, atol(argv[1]), &status)) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return NO_SUCH_CALL;
    }
    fprintf(stderr, "fail_call: %ld\n", number_of(child));
    set_register(child, offsetof(struct user_regs_struct, orig_rax), -1);
    if (step(child, &status)) {
        set_register(child, offsetof(struct user_regs_struct, rax), -atol(argv[2]));
        ptrace(PTRACE_DETACH, child, NULL, NULL);
        waitpid(child, &status, 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
