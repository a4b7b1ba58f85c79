/* SPDX-License-Identifier: MIT */
#include "proc.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "exe.h"
#include "path.h"
#include "posix/process/credentials.h"
#include "posix/process/process.h"
#include "posix/process/random.h"
#include "posix/threads/thread.h"
#include "posix/time/deadline.h"

#define TICK (UK_SECOND / 100) /* sysconf(_SC_CLK_TCK) */
#define PAGE_KIB (UKVM_PAGE_SIZE / 1024)

long uk_sys_uname(struct utsname *name);
long uk_sys_getgroups(int size, uint32_t *list);

static size_t used_pages(void) {
    return uk_pages_total() - uk_pages_available();
}

static unsigned count_threads(void) {
    unsigned count = 0;
    for (const struct uk_thread *thread = uk_threads; thread; thread = thread->all_next)
        count += !thread->dead;
    return count;
}

/* ---- the process */

/* The main thread's name, which Linux takes from the file's. */
static const char *command(char buffer[17]) {
    const struct uk_thread *thread = uk_thread_find(1);
    if (thread && thread->name[0])
        return thread->name;
    uk_exe_name(buffer, 17);
    return buffer + 1;
}

static void make_comm(struct uk_text *text) {
    char buffer[17];
    uk_text_printf(text, "%s\n", command(buffer));
}

static int change_comm(const char *name, size_t size) {
    struct uk_thread *thread = uk_thread_find(1);
    size_t length = size > 0 && name[size - 1] == '\n' ? size - 1 : size;
    if (thread)
        uk_snprintf(thread->name, sizeof thread->name, "%.*s", (int)length, name);
    return 0;
}

static void make_cmdline(struct uk_text *text) {
    uk_text_append(text, (const char *)uk_boot() + uk_boot()->args_offset, uk_boot()->args_size);
}

static void make_environ(struct uk_text *text) {
    uk_text_append(text, (const char *)uk_boot() + uk_boot()->env_offset, uk_boot()->env_size);
}

static void add_ids(struct uk_text *text, const char *name, const struct uk_ids *ids) {
    uk_text_printf(text, "%s:\t%u\t%u\t%u\t%u\n", name, ids->real, ids->effective, ids->saved, ids->effective);
}

static void add_groups(struct uk_text *text) {
    uint32_t groups[UK_GROUPS_MAX];
    long count = uk_sys_getgroups(UK_GROUPS_MAX, groups);
    uk_text_printf(text, "FDSize:\t64\nGroups:\t");
    for (long i = 0; i < count; i++)
        uk_text_printf(text, "%u ", groups[i]);
    uk_text_printf(text, "\n");
}

static void make_status(struct uk_text *text) {
    char name[17];
    uk_text_printf(text, "Name:\t%s\nUmask:\t0022\nState:\tR (running)\nTgid:\t1\nPid:\t1\nPPid:\t0\nTracerPid:\t0\n",
                   command(name));
    add_ids(text, "Uid", &uk_user_ids);
    add_ids(text, "Gid", &uk_group_ids);
    add_groups(text);
    uk_text_printf(text, "VmPeak:\t%8zu kB\nVmSize:\t%8zu kB\n", uk_pages_total() * PAGE_KIB,
                   uk_pages_total() * PAGE_KIB);
    uk_text_printf(text, "VmHWM:\t%8zu kB\nVmRSS:\t%8zu kB\nVmData:\t%8zu kB\nVmSwap:\t       0 kB\n",
                   used_pages() * PAGE_KIB, used_pages() * PAGE_KIB, used_pages() * PAGE_KIB);
    uk_text_printf(text, "Threads:\t%u\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n", count_threads());
}

/* Linux: proc(5). What stands for nothing here is 0. */
static void make_stat_of_process(struct uk_text *text) {
    char name[17];
    uint64_t ticks = uk_processor_time() / TICK, start = (uk_uptime() - uk_clock_monotonic()) / TICK;
    uk_text_printf(text, "1 (%s) R 0 1 1 0 -1 0 0 0 0 0 %llu 0 0 0 20 0 %u 0 %llu ", command(name),
                   (unsigned long long)ticks, count_threads(), (unsigned long long)start);
    uk_text_printf(text, "%zu %zu 18446744073709551615 ", uk_pages_total() * UKVM_PAGE_SIZE, used_pages());
    uk_text_printf(text, "0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
}

static void make_statm(struct uk_text *text) {
    uk_text_printf(text, "%zu %zu 0 0 0 %zu 0\n", uk_pages_total(), used_pages(), used_pages());
}

static const char *range_name(const struct ukvm_range *range, const char *exe) {
    switch (range->kind) {
    case UKVM_RANGE_IMAGE:
        return exe;
    case UKVM_RANGE_STACK:
        return "[stack]";
    case UKVM_RANGE_FREE:
        return "[heap]";
    default:
        return "[initrd]";
    }
}

static void append_range(struct uk_text *text, const struct ukvm_range *range, const char *exe) {
    bool is_memory = range->kind == UKVM_RANGE_FREE || range->kind == UKVM_RANGE_STACK;
    unsigned prot = is_memory ? UKVM_PROT_READ | UKVM_PROT_WRITE : range->prot;
    unsigned long long from = range->base, to = from + range->size;
    uk_text_printf(text, "%08llx-%08llx %c%c%cp 00000000 00:00 0          %s\n", from, to,
                   prot & UKVM_PROT_READ ? 'r' : '-', prot & UKVM_PROT_WRITE ? 'w' : '-',
                   prot & UKVM_PROT_EXEC ? 'x' : '-', range_name(range, exe));
}

static void make_maps(struct uk_text *text) {
    const struct ukvm_boot *boot = uk_boot();
    const struct ukvm_range *ranges = uk_boot_ranges(boot);
    char exe[256];
    uk_exe_name(exe, sizeof exe);
    for (uint32_t i = 0; i < boot->ranges_count; i++)
        append_range(text, &ranges[i], exe);
}

static void make_limits(struct uk_text *text) {
    uk_text_printf(text, "%-26s%-21s%-21s%s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    uk_text_printf(text, "%-26s%-21s%-21s%s\n", "Max address space", "unlimited", "unlimited", "bytes");
    uk_text_printf(text, "%-26s%-21d%-21d%s\n", "Max open files", uk_fd_limit(), uk_fd_limit(), "files");
    uk_text_printf(text, "%-26s%-21zu%-21s%s\n", "Max stack size", uk_stack_size(), "unlimited", "bytes");
    uk_text_printf(text, "%-26s%-21d%-21d%s\n", "Max core file size", 0, 0, "bytes");
}

/* ---- the machine */

static void make_meminfo(struct uk_text *text) {
    size_t total = uk_pages_total() * PAGE_KIB, available = uk_pages_available() * PAGE_KIB;
    uk_text_printf(text, "MemTotal:       %8zu kB\nMemFree:        %8zu kB\nMemAvailable:   %8zu kB\n", total,
                   available, available);
    static const char *const none[] = {"Buffers", "Cached", "SwapCached", "SwapTotal", "SwapFree", "Dirty", "Shmem"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        uk_text_printf(text, "%s:%*d kB\n", none[i], (int)(23 - strlen(none[i])), 0);
    uk_text_printf(text, "AnonPages:      %8zu kB\nHugePages_Total:       0\nHugepagesize:       2048 kB\n",
                   used_pages() * PAGE_KIB);
}

static void make_cpuinfo(struct uk_text *text) {
    uint64_t mhz = (UINT64_C(1000) << 32) / (uk_boot()->tsc_mult ? uk_boot()->tsc_mult : 1);
    uk_text_printf(text, "processor\t: 0\nmodel name\t: ukvm vCPU\ncpu MHz\t\t: %llu.000\n", (unsigned long long)mhz);
    uk_text_printf(text, "siblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n\n");
}

static void make_uptime(struct uk_text *text) {
    unsigned long long up = uk_uptime() / TICK, idle = uk_stats().wait_ns / TICK;
    uk_text_printf(text, "%llu.%02llu %llu.%02llu\n", up / 100, up % 100, idle / 100, idle % 100);
}

static void make_loadavg(struct uk_text *text) {
    uk_text_printf(text, "0.00 0.00 0.00 1/%u 1\n", count_threads());
}

static void make_stat(struct uk_text *text) {
    unsigned long long busy = uk_processor_time() / TICK, idle = uk_stats().wait_ns / TICK;
    unsigned long long boot_time = (uk_wall_base() + uk_clock_monotonic() - uk_uptime()) / UK_SECOND;
    uk_text_printf(text, "cpu  %llu 0 0 %llu 0 0 0 0 0 0\ncpu0 %llu 0 0 %llu 0 0 0 0 0 0\n", busy, idle, busy, idle);
    uk_text_printf(text, "ctxt 0\nbtime %llu\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n", boot_time);
}

static void make_version(struct uk_text *text) {
    struct utsname name;
    uk_sys_uname(&name);
    uk_text_printf(text, "%s version %s (ukvm) %s\n", name.sysname, name.release, name.version);
}

static void make_osrelease(struct uk_text *text) {
    struct utsname name;
    uk_sys_uname(&name);
    uk_text_printf(text, "%s\n", name.release);
}

static void make_hostname(struct uk_text *text) {
    struct utsname name;
    uk_sys_uname(&name);
    uk_text_printf(text, "%s\n", name.nodename);
}

static void make_uuid(struct uk_text *text) {
    uint8_t b[16];
    uk_random_bytes(b, sizeof b);
    b[6] = (b[6] & 0x0f) | 0x40; /* version 4, RFC 4122 */
    b[8] = (b[8] & 0x3f) | 0x80;
    for (size_t i = 0; i < sizeof b; i++)
        uk_text_printf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    uk_text_printf(text, "\n");
}

static void make_boot_id(struct uk_text *text) {
    static struct uk_text id;
    if (!id.length)
        make_uuid(&id);
    uk_text_append(text, id.bytes, id.length);
    text->failed |= id.failed;
}

static const struct uk_proc_file files[] = {
    {"/proc/1/cmdline", {make_cmdline, NULL}},
    {"/proc/1/comm", {make_comm, change_comm}},
    {"/proc/1/environ", {make_environ, NULL}},
    {"/proc/1/limits", {make_limits, NULL}},
    {"/proc/1/maps", {make_maps, NULL}},
    {"/proc/1/stat", {make_stat_of_process, NULL}},
    {"/proc/1/statm", {make_statm, NULL}},
    {"/proc/1/status", {make_status, NULL}},
    {"/proc/cpuinfo", {make_cpuinfo, NULL}},
    {"/proc/loadavg", {make_loadavg, NULL}},
    {"/proc/meminfo", {make_meminfo, NULL}},
    {"/proc/stat", {make_stat, NULL}},
    {"/proc/sys/kernel/hostname", {make_hostname, NULL}},
    {"/proc/sys/kernel/osrelease", {make_osrelease, NULL}},
    {"/proc/sys/kernel/random/boot_id", {make_boot_id, NULL}},
    {"/proc/sys/kernel/random/uuid", {make_uuid, NULL}},
    {"/proc/uptime", {make_uptime, NULL}},
    {"/proc/version", {make_version, NULL}},
};

const struct uk_proc_file *uk_proc_at(size_t index) {
    return index < sizeof files / sizeof files[0] ? &files[index] : NULL;
}
