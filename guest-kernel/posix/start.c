/* SPDX-License-Identifier: MIT */
/* From the kernel's own start (../start.c) to musl's: what Linux puts on the stack of a new program. */
#include <elf.h>
#include <sys/auxv.h>

#include "core/start.h"
#include "posix/files/file.h"
#include "posix/fs/tree.h"
#include "posix/memory/memory.h"
#include "posix/memory/protect.h"
#include "posix/process/process.h"
#include "posix/signals/fault.h"
#include "posix/signals/signal.h"
#include "posix/signals/signalfd.h"
#include "posix/signals/sigqueue.h"
#include "posix/signals/stop.h"
#include "posix/time/posix_timer.h"

int main(int argc, char **argv, char **envp);
void _init(void);
void _fini(void);

/* musl: src/env/__libc_start_main.c */
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*loader)(void));

void __libc_start_init(void);

/* The linker's: the two ends of the program's constructors. */
typedef void constructor(int argc, char **argv, char **envp);
extern constructor *const __init_array_start[] __attribute__((weak, visibility("hidden")));
extern constructor *const __init_array_end[] __attribute__((weak, visibility("hidden")));

/* The linker's: the image begins with its headers. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

/*
 * Programs write to their arguments, and take for granted that the strings lie behind each other, so they are copied
 * out of the boot page.
 */
static void copy_strings(char **argv, char **envp) {
    const struct ukvm_boot *boot = uk_boot();
    size_t args_size = boot->args_size, env_size = boot->env_size;
    char *copy = uk_malloc(args_size + env_size);
    if (!copy)
        uk_panic("no memory for the arguments");
    memcpy(copy, (const char *)boot + boot->args_offset, args_size);
    memcpy(copy + args_size, (const char *)boot + boot->env_offset, env_size);
    for (; *argv; argv++)
        *argv = copy + (*argv - ((const char *)boot + boot->args_offset));
    for (; *envp; envp++)
        *envp = copy + args_size + (*envp - ((const char *)boot + boot->env_offset));
}

/* getauxval(3). The entropy of the boot page is in AT_RANDOM's hands and in random.c's: from different bytes. */
static void write_auxiliary(Elf64_auxv_t *at) {
    const Elf64_auxv_t values[] = {
        {AT_PHDR, {(uintptr_t)&__ehdr_start + __ehdr_start.e_phoff}},
        {AT_PHENT, {__ehdr_start.e_phentsize}},
        {AT_PHNUM, {__ehdr_start.e_phnum}},
        {AT_PAGESZ, {UKVM_PAGE_SIZE}},
        {AT_ENTRY, {(uintptr_t)&__ehdr_start + __ehdr_start.e_entry}},
        {AT_UID, {0}},
        {AT_EUID, {0}},
        {AT_GID, {0}},
        {AT_EGID, {0}},
        {AT_SECURE, {0}},
        {AT_CLKTCK, {100}},
        {AT_RANDOM, {(uintptr_t)uk_boot()->entropy + UKVM_ENTROPY_SIZE - 16}},
        {AT_NULL, {0}},
    };
    _Static_assert(sizeof values <= UK_AUX_WORDS * sizeof(uint64_t), "they do not fit behind envp");
    memcpy(at, values, sizeof values);
}

/* ---- who calls whom upwards: every hook of this kernel but those of net/, in one place */

static void before_sleep(void) {
    uk_protect_flush();
    uk_memory_trim();
}

/* clone(2), CLONE_CHILD_CLEARTID: pthread_join() waits for it. */
static void thread_ended(struct uk_thread *thread) {
    if (thread->clear_tid) {
        *thread->clear_tid = 0;
        uk_futex_wake(thread->clear_tid, 1, UINT32_MAX);
    }
    uk_futex_owner_ended(thread);
    uk_sigqueue_forget(thread);
}

static const struct uk_thread_hooks thread_hooks = {
    .signal_pending = uk_signal_pending,
    .signal_may_come = uk_stop_is_asked,
    .before_sleep = before_sleep,
    .ended = thread_ended,
    .unmap = uk_memory_unmap,
};

static const struct uk_signal_hooks signal_hooks = {
    .wanted = uk_stop_handled,
    .handled = uk_fault_handled,
    .pending = uk_signalfd_notify,
    .end = uk_process_end,
};

static const struct uk_sigqueue_hooks sigqueue_hooks = {
    .timer_queued = uk_posix_timer_queued,
    .timer_taken = uk_posix_timer_taken,
};

/* What __libc_start_main() does not hand on. */
static struct {
    int argc;
    char **argv, **envp;
} arguments;

/*
 * In the place of musl's, which calls them without arguments. glibc gives constructors those of main(), and programs
 * ask for them: the library of Rust has its arguments from there.
 */
void __libc_start_init(void) {
    _init();
    for (uintptr_t at = (uintptr_t)__init_array_start; at < (uintptr_t)__init_array_end; at += sizeof(constructor *))
        (*(constructor **)at)(arguments.argc, arguments.argv, arguments.envp);
}

void uk_main(int argc, char **argv, char **envp) {
    char **end = envp;
    while (*end)
        end++;
    copy_strings(argv, envp);
    write_auxiliary((Elf64_auxv_t *)(end + 1));
    uk_threads_init(&thread_hooks);
    uk_signals_init(&signal_hooks);
    uk_sigqueue_init(&sigqueue_hooks);
    uk_fs_root_init(uk_fs_fill);
    uk_files_init();
    arguments.argc = argc;
    arguments.argv = argv;
    arguments.envp = envp;
    /* The tree is built when a path is first looked up; but whether the initrd can be taken is said before main(). */
    if (uk_boot()->features & UKVM_FEATURE_INITRD && uk_boot()->initrd_addr)
        uk_fs_root();
    __libc_start_main(main, argc, argv, _init, _fini, NULL);
    __builtin_unreachable();
}
