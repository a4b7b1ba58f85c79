/* SPDX-License-Identifier: MIT */
/*
 * The tree as a program finds it: the initrd's files, and what every program may count on. It is built when somebody
 * first names a path; a program that never does pays nothing.
 */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "blkdev.h"
#include "chardev.h"
#include "exe.h"
#include "proc.h"
#include "tree.h"

static const struct directory_row {
    const char *path;
    mode_t mode;
} directories[] = {
    {"/tmp", 01777}, {"/var/tmp", 01777}, {"/dev/shm", 01777}, {"/root", 0700}, {"/run", 0755}, {"/var/log", 0755},
};

/* What the initrd may have in its own way. */
static const struct text_row {
    const char *path, *text;
} defaults[] = {
    {"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
    {"/etc/group", "root:x:0:\nnogroup:x:65534:\n"},
    {"/etc/hosts", "127.0.0.1\tlocalhost ukvm\n::1\tlocalhost\n"},
    {"/etc/hostname", "ukvm\n"},
};

/* Texts that are what Linux would say here. A program may write to them, and they remember it. */
static const struct text_row constants[] = {
    {"/proc/1/oom_score_adj", "0\n"},
    {"/proc/1/mounts", "ukvm / tmpfs rw 0 0\n"},
    {"/proc/1/mountinfo", "1 1 0:1 / / rw - tmpfs ukvm rw\n"},
    {"/proc/1/cgroup", "0::/\n"},
    {"/proc/filesystems", "nodev\ttmpfs\nnodev\tproc\n"},
    {"/proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"},
    {"/proc/sys/fs/file-max", "65536\n"},
    {"/proc/sys/fs/nr_open", "65536\n"},
    {"/proc/sys/kernel/pid_max", "32768\n"},
    {"/proc/sys/kernel/ostype", "Linux\n"},
    {"/proc/sys/kernel/threads-max", "32768\n"},
    {"/proc/sys/net/core/somaxconn", "4096\n"},
    {"/proc/sys/net/ipv4/tcp_max_syn_backlog", "4096\n"},
    {"/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"},
    {"/proc/sys/vm/overcommit_memory", "1\n"}, /* what 0 would forbid is for fork(), which there is not */
    {"/proc/sys/vm/max_map_count", "65530\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"},
    {"/sys/devices/system/cpu/online", "0\n"},
    {"/sys/devices/system/cpu/possible", "0\n"},
    {"/sys/devices/system/cpu/present", "0\n"},
};

static const struct text_row links[] = {
    {"/proc/self", "1"},
    {"/proc/thread-self", "1"},
    {"/proc/mounts", "self/mounts"},
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
};

/* ---- the parts */

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static int add_directories(void) {
    struct uk_inode *inode;
    int result = 0;
    for (size_t i = 0; i < COUNT(directories) && result == 0; i++) {
        if (uk_tree_find(directories[i].path, &inode) == 0) {
            uk_inode_unref(inode);
            continue;
        }
        result = uk_tree_directory(directories[i].path, &inode);
        if (result)
            break;
        inode->mode = S_IFDIR | directories[i].mode;
        uk_inode_unref(inode);
    }
    return result;
}

static int add_texts(const struct text_row *rows, size_t count, enum uk_tree_conflict conflict) {
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = uk_tree_add(rows[i].path, uk_tree_file(rows[i].text, strlen(rows[i].text), 0644), conflict);
    return result;
}

static int add_links(void) {
    int result = 0;
    for (size_t i = 0; i < COUNT(links) && result == 0; i++)
        result = uk_tree_add(links[i].path, uk_tree_link(links[i].text, strlen(links[i].text)), UK_TREE_REPLACE);
    return result;
}

static int add_device(const char *name, mode_t mode, dev_t number) {
    char path[8 + UKVM_DEVICE_NAME_SIZE];
    struct uk_inode *inode = uk_inode_new(mode);
    if (inode)
        inode->rdev = number;
    uk_snprintf(path, sizeof path, "/dev/%s", name);
    return uk_tree_add(path, inode, UK_TREE_REPLACE);
}

static int add_devices(void) {
    const struct ukvm_boot *boot = uk_boot();
    const struct ukvm_device *devices = uk_boot_devices(boot);
    const struct uk_chardev *chardev;
    int result = 0;
    for (uint32_t i = 0; i < boot->devices_count && result == 0; i++)
        if (devices[i].kind == UKVM_DEVICE_BLK)
            result = add_device(devices[i].name, S_IFBLK | 0660, makedev(UK_BLKDEV_MAJOR, i));
    for (size_t i = 0; (chardev = uk_chardev_at(i)) && result == 0; i++)
        result = add_device(chardev->name, S_IFCHR | 0666, makedev(chardev->major, chardev->minor));
    return result;
}

/* An inode that is all operations. */
static int add_special(const char *path, mode_t mode, const struct uk_inode_ops *ops) {
    struct uk_inode *inode = uk_inode_new(mode);
    if (inode)
        inode->ops = ops;
    return uk_tree_add(path, inode, UK_TREE_REPLACE);
}

static int add_proc(void) {
    const struct uk_proc_file *file;
    int result = add_special("/proc/1/fd", S_IFDIR | 0500, &uk_procfd_ops);
    if (result == 0)
        result = add_special("/proc/1/exe", S_IFLNK | 0777, &uk_exe_ops);
    if (result == 0)
        result = add_special("/proc/1/cwd", S_IFLNK | 0777, &uk_proc_cwd_ops);
    if (result == 0)
        result = add_special("/proc/1/root", S_IFLNK | 0777, &uk_proc_root_ops);
    for (size_t i = 0; (file = uk_proc_at(i)) && result == 0; i++)
        result = uk_tree_add(file->path, uk_text_inode(&file->source), UK_TREE_REPLACE);
    return result;
}

/* net/stack.c, in images with sockets: asked when the file is opened, for a lease may come later than the tree. */
const char *uk_net_resolv_conf(void) __attribute__((weak));

static void make_resolv_conf(struct uk_text *text) {
    uk_text_printf(text, "%s", uk_net_resolv_conf());
}

static int add_resolver(void) {
    static const struct uk_text_source source = {.make = make_resolv_conf};
    return uk_net_resolv_conf ? uk_tree_add("/etc/resolv.conf", uk_text_inode(&source), UK_TREE_KEEP) : 0;
}

static int add_all(void) {
    int result = add_devices();
    if (result == 0)
        result = add_proc();
    if (result == 0)
        result = add_texts(constants, COUNT(constants), UK_TREE_REPLACE);
    if (result == 0)
        result = add_links();
    if (result == 0)
        result = add_directories();
    if (result == 0)
        result = add_texts(defaults, COUNT(defaults), UK_TREE_KEEP);
    if (result == 0)
        result = uk_exe_add();
    return result ? result : add_resolver();
}

/* ---- the whole */

static void unpack_initrd(char *complaint, size_t size) {
    const struct ukvm_boot *boot = uk_boot();
    if (boot->features & UKVM_FEATURE_INITRD && boot->initrd_addr)
        uk_initrd_unpack((const void *)boot->initrd_addr, boot->initrd_size, complaint, size);
}

/* As the monitor has it for what it cannot start. ABI.md, FAULT-03. */
#define STATUS_NOT_STARTED 125

/*
 * A program with half of its files is worse than none. Complaints come last: other threads may run meanwhile, and must
 * not find half a tree.
 */
void uk_fs_fill(void) {
    char complaint[512] = "";
    unpack_initrd(complaint, sizeof complaint);
    if (complaint[0]) {
        uk_eprintf("ukvm: initrd: %s; the program is not started\n", complaint);
        uk_exit(STATUS_NOT_STARTED);
    }
    int result = add_all();
    if (result)
        uk_eprintf("ukvm: /dev, /proc and /etc are not complete: %s\n",
                   result == -ENOSPC ? "there is not enough memory" : "files of the initrd are in their place");
}
