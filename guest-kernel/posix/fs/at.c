/* SPDX-License-Identifier: MIT */
#include "at.h"

#include <errno.h>
#include <fcntl.h>

int uk_at_find(int dirfd, const char *path, int flags, struct uk_inode **inode) {
    if (!path || *path || !(flags & AT_EMPTY_PATH))
        return uk_path_find(dirfd, path, flags & AT_SYMLINK_NOFOLLOW ? UK_NOFOLLOW : UK_FOLLOW, inode);
    if (dirfd == AT_FDCWD) {
        *inode = uk_inode_ref(uk_path_cwd());
        return 0;
    }
    struct uk_file *file = uk_fd_get_any(dirfd);
    struct uk_inode *found = file ? uk_node_inode(file) : NULL;
    if (!found)
        return -EBADF;
    *inode = uk_inode_ref(found);
    return 0;
}
