/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "inode.h"

static struct uk_inode *root;
static void (*fill_root)(void);

void uk_fs_root_init(void (*fill)(void)) {
    fill_root = fill;
}

/* The tree is filled by its own functions, which come here again. */
struct uk_inode *uk_fs_root(void) {
    if (root)
        return root;
    root = uk_inode_new(S_IFDIR | 0755);
    if (!root)
        uk_panic("no memory for a file system");
    root->links = 1;
    root->directory.parent = uk_inode_ref(root);
    fill_root();
    return root;
}
