/* SPDX-License-Identifier: MIT */
/*
 * Who the program says it is. It starts as root; what it changes is kept as credentials(7) says, so that a server that
 * gives up its rights at the start succeeds, and finds that it cannot get them back. Nothing else depends on them:
 * there is one program, and nobody to protect from it.
 */
#ifndef UK_CREDENTIALS_H
#define UK_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

struct uk_ids {
    uint32_t real, effective, saved;
};

extern struct uk_ids uk_user_ids, uk_group_ids;

/* As many supplementary groups as setgroups() takes. */
#define UK_GROUPS_MAX 32

/* prctl(PR_SET_KEEPCAPS): capabilities stay when the last user ID of root is given up. */
void uk_keep_capabilities(bool keep);
bool uk_keeps_capabilities(void);

#endif
