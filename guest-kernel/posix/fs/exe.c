/* SPDX-License-Identifier: MIT */
#include "exe.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "path.h"
#include "tree.h"

static struct uk_inode *image; /* NULL: the monitor gives none */
static bool had_name;

size_t uk_exe_name(char *buffer, size_t size) {
    const struct ukvm_boot *boot = uk_boot();
    const char *name = boot->args_count > 0 ? (const char *)boot + boot->args_offset : "image";
    const char *slash = strrchr(name, '/');
    uk_snprintf(buffer, size, "/%s", slash ? slash + 1 : name);
    return strlen(buffer);
}

int uk_exe_add(void) {
    const struct ukvm_boot *boot = uk_boot();
    char path[NAME_MAX + 2];
    if (!(boot->features & UKVM_FEATURE_IMAGE_FILE) || !boot->image_addr)
        return 0;
    image = uk_tree_file((const void *)boot->image_addr, boot->image_size, 0755);
    if (!image)
        return -ENOSPC;
    image->running = true;
    uk_exe_name(path, sizeof path);
    int result = uk_tree_add(path, uk_inode_ref(image), UK_TREE_KEEP);
    had_name = image->links > 0;
    return result;
}

/* As Linux has it: the name that the file has now, or what it was called. */
static ssize_t exe_readlink(struct uk_inode *link, char *buffer, size_t size) {
    char name[NAME_MAX + 2], *path = uk_malloc(PATH_MAX);
    (void)link;
    if (!path)
        return -ENOMEM;
    ssize_t length = image ? uk_path_of(image, path, PATH_MAX) : -ENOENT;
    if (length == -ENOENT) {
        uk_exe_name(name, sizeof name);
        length = uk_snprintf(path, PATH_MAX, "%s%s", name, had_name ? " (deleted)" : "");
    }
    if (length >= 0) {
        length = (size_t)length < size ? length : (ssize_t)size;
        memcpy(buffer, path, (size_t)length);
    }
    uk_free(path);
    return length;
}

static int exe_follow(struct uk_inode *link, struct uk_inode **found) {
    (void)link;
    if (!image)
        return -ENOENT;
    *found = uk_inode_ref(image);
    return 0;
}

const struct uk_inode_ops uk_exe_ops = {.readlink = exe_readlink, .follow = exe_follow};
