/* SPDX-License-Identifier: MIT */
/* Descriptors that a message takes along: SCM_RIGHTS, unix(7). */
#ifndef UK_NET_UNIX_RIGHTS_H
#define UK_NET_UNIX_RIGHTS_H

#include "socket.h"

/* A reference to each file. */
struct uk_rights {
    size_t count;
    struct uk_file *files[];
};

/*
 * The descriptors in a message to be sent; `*rights` is NULL if it has none. -EBADF, -EINVAL (other control messages
 * but credentials, which are known anyway), -ENOMEM.
 */
int uk_rights_gather(const struct msghdr *message, struct uk_rights **rights);

/* New descriptors for as many as there is room for, MSG_CTRUNC for the rest. NULL: says that there are none. */
void uk_rights_deliver(const struct uk_rights *rights, struct msghdr *message, int flags);

void uk_rights_free(struct uk_rights *rights);

#endif
