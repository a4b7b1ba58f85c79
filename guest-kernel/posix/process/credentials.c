/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

static const uint64_t all_capabilities = (UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1;

struct uk_ids uk_user_ids, uk_group_ids;

static uint32_t groups[UK_GROUPS_MAX];
static int group_count;
static uint64_t effective = all_capabilities, permitted = all_capabilities, inheritable;
static bool keeps_capabilities;

static bool has(unsigned capability) {
    return effective >> capability & 1;
}

/* ---- the rules for users and groups alike: credentials(7), setresuid(2), setreuid(2), setuid(2) */

static bool is_unchanged(uint32_t id) {
    return id == UINT32_MAX;
}

static bool is_one_of(const struct uk_ids *ids, uint32_t id) {
    return is_unchanged(id) || id == ids->real || id == ids->effective || id == ids->saved;
}

static void replace(uint32_t *id, uint32_t by) {
    if (!is_unchanged(by))
        *id = by;
}

static int set_all(struct uk_ids *ids, bool privileged, uint32_t real, uint32_t new_effective, uint32_t saved) {
    if (!privileged && !(is_one_of(ids, real) && is_one_of(ids, new_effective) && is_one_of(ids, saved)))
        return -EPERM;
    replace(&ids->real, real);
    replace(&ids->effective, new_effective);
    replace(&ids->saved, saved);
    return 0;
}

static int set_two(struct uk_ids *ids, bool privileged, uint32_t real, uint32_t new_effective) {
    struct uk_ids old = *ids;
    bool may_be_real = is_unchanged(real) || real == old.real || real == old.effective;
    if (!privileged && !(may_be_real && is_one_of(ids, new_effective)))
        return -EPERM;
    replace(&ids->real, real);
    replace(&ids->effective, new_effective);
    if (!is_unchanged(real) || (!is_unchanged(new_effective) && new_effective != old.real))
        ids->saved = ids->effective;
    return 0;
}

static int set_one(struct uk_ids *ids, bool privileged, uint32_t id) {
    if (is_unchanged(id))
        return -EINVAL;
    if (privileged)
        *ids = (struct uk_ids){id, id, id};
    else if (id == ids->real || id == ids->saved)
        ids->effective = id;
    else
        return -EPERM;
    return 0;
}

/* ---- users, and the capabilities that root has: capabilities(7), "Effect of user ID changes on capabilities" */

static bool is_root_in_part(const struct uk_ids *ids) {
    return ids->real == 0 || ids->effective == 0 || ids->saved == 0;
}

static void adjust_capabilities(struct uk_ids old) {
    if (is_root_in_part(&old) && !is_root_in_part(&uk_user_ids) && !keeps_capabilities)
        permitted = effective = 0;
    if (old.effective == 0 && uk_user_ids.effective != 0)
        effective = 0;
    if (old.effective != 0 && uk_user_ids.effective == 0)
        effective = permitted;
}

long uk_sys_setuid(uint32_t id) {
    struct uk_ids old = uk_user_ids;
    int result = set_one(&uk_user_ids, has(CAP_SETUID), id);
    adjust_capabilities(old);
    return result;
}

long uk_sys_setreuid(uint32_t real, uint32_t new_effective) {
    struct uk_ids old = uk_user_ids;
    int result = set_two(&uk_user_ids, has(CAP_SETUID), real, new_effective);
    adjust_capabilities(old);
    return result;
}

long uk_sys_setresuid(uint32_t real, uint32_t new_effective, uint32_t saved) {
    struct uk_ids old = uk_user_ids;
    int result = set_all(&uk_user_ids, has(CAP_SETUID), real, new_effective, saved);
    adjust_capabilities(old);
    return result;
}

long uk_sys_getuid(void) {
    return uk_user_ids.real;
}

long uk_sys_geteuid(void) {
    return uk_user_ids.effective;
}

long uk_sys_getresuid(uint32_t *real, uint32_t *effective_id, uint32_t *saved) {
    *real = uk_user_ids.real;
    *effective_id = uk_user_ids.effective;
    *saved = uk_user_ids.saved;
    return 0;
}

/* ---- groups */

long uk_sys_setgid(uint32_t id) {
    return set_one(&uk_group_ids, has(CAP_SETGID), id);
}

long uk_sys_setregid(uint32_t real, uint32_t new_effective) {
    return set_two(&uk_group_ids, has(CAP_SETGID), real, new_effective);
}

long uk_sys_setresgid(uint32_t real, uint32_t new_effective, uint32_t saved) {
    return set_all(&uk_group_ids, has(CAP_SETGID), real, new_effective, saved);
}

long uk_sys_getgid(void) {
    return uk_group_ids.real;
}

long uk_sys_getegid(void) {
    return uk_group_ids.effective;
}

long uk_sys_getresgid(uint32_t *real, uint32_t *effective_id, uint32_t *saved) {
    *real = uk_group_ids.real;
    *effective_id = uk_group_ids.effective;
    *saved = uk_group_ids.saved;
    return 0;
}

long uk_sys_getgroups(int size, uint32_t *list) {
    if (size < 0 || (size > 0 && size < group_count))
        return -EINVAL;
    if (size > 0)
        memcpy(list, groups, (size_t)group_count * sizeof *list);
    return group_count;
}

long uk_sys_setgroups(int size, const uint32_t *list) {
    if (!has(CAP_SETGID))
        return -EPERM;
    if (size < 0 || size > UK_GROUPS_MAX)
        return -EINVAL;
    if (size > 0)
        memcpy(groups, list, (size_t)size * sizeof *list);
    group_count = size;
    return 0;
}

/* ---- capget(2), capset(2): version 1 has one structure of 32 bits, versions 2 and 3 have two */

static int count_structures(struct __user_cap_header_struct *header) {
    switch (header->version) {
    case _LINUX_CAPABILITY_VERSION_1:
        return _LINUX_CAPABILITY_U32S_1;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
        return _LINUX_CAPABILITY_U32S_3;
    default: /* which version it is to be, for a program that asks */
        header->version = _LINUX_CAPABILITY_VERSION_3;
        return 0;
    }
}

long uk_sys_capget(struct __user_cap_header_struct *header, struct __user_cap_data_struct *data) {
    int count = count_structures(header);
    if (count == 0)
        return data ? -EINVAL : 0;
    if (header->pid != 0 && header->pid != 1)
        return header->pid < 0 ? -EINVAL : -ESRCH;
    for (int i = 0; i < count && data; i++)
        data[i] = (struct __user_cap_data_struct){
            .effective = (uint32_t)(effective >> 32 * i),
            .permitted = (uint32_t)(permitted >> 32 * i),
            .inheritable = (uint32_t)(inheritable >> 32 * i),
        };
    return 0;
}

long uk_sys_capset(struct __user_cap_header_struct *header, const struct __user_cap_data_struct *data) {
    int count = count_structures(header);
    uint64_t new_effective = 0, new_permitted = 0, new_inheritable = 0;
    if (count == 0)
        return -EINVAL;
    if (header->pid != 0 && header->pid != 1)
        return -EPERM;
    for (int i = 0; i < count; i++) {
        new_effective |= (uint64_t)data[i].effective << 32 * i;
        new_permitted |= (uint64_t)data[i].permitted << 32 * i;
        new_inheritable |= (uint64_t)data[i].inheritable << 32 * i;
    }
    new_effective &= all_capabilities;
    new_permitted &= all_capabilities;
    new_inheritable &= all_capabilities;
    if ((new_permitted & ~permitted) || (new_effective & ~new_permitted) ||
        (new_inheritable & ~(inheritable | permitted)))
        return -EPERM;
    effective = new_effective;
    permitted = new_permitted;
    inheritable = new_inheritable;
    return 0;
}

void uk_keep_capabilities(bool keep) {
    keeps_capabilities = keep;
}

bool uk_keeps_capabilities(void) {
    return keeps_capabilities;
}
