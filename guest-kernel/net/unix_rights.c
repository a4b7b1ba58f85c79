/* SPDX-License-Identifier: MIT */
#include "unix_rights.h"

#include <fcntl.h>

#define MAX_FILES 253u /* Linux: SCM_MAX_FD */

static size_t data_size(const struct cmsghdr *control) {
    return control->cmsg_len - CMSG_LEN(0);
}

/* The first control message, or the one after `at`; NULL: there is none that is whole. */
static const struct cmsghdr *next(const struct msghdr *message, const struct cmsghdr *at) {
    const char *start = message->msg_control, *end = start + message->msg_controllen;
    const char *from = at ? (const char *)at + CMSG_ALIGN(at->cmsg_len) : start;
    if (from > end || (size_t)(end - from) < sizeof *at)
        return NULL;
    return (const struct cmsghdr *)(const void *)from;
}

/* Counts descriptors, and checks everything else. */
static ssize_t count_files(const struct msghdr *message) {
    size_t count = 0;
    const char *end = (const char *)message->msg_control + message->msg_controllen;
    for (const struct cmsghdr *at = next(message, NULL); at; at = next(message, at)) {
        if (at->cmsg_len < CMSG_LEN(0) || at->cmsg_len > (size_t)(end - (const char *)at))
            return -EINVAL;
        if (at->cmsg_level != SOL_SOCKET)
            continue;
        if (at->cmsg_type == SCM_RIGHTS)
            count += data_size(at) / sizeof(int);
        else if (at->cmsg_type != SCM_CREDENTIALS)
            return -EINVAL;
        if (count > MAX_FILES)
            return -EINVAL;
    }
    return (ssize_t)count;
}

static int take(struct uk_rights *rights, const struct cmsghdr *control) {
    for (size_t i = 0; i < data_size(control) / sizeof(int); i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
        struct uk_file *file = uk_fd_get_any(fd);
        if (!file)
            return -EBADF;
        rights->files[rights->count++] = uk_file_ref(file);
    }
    return 0;
}

int uk_rights_gather(const struct msghdr *message, struct uk_rights **rights) {
    *rights = NULL;
    ssize_t count = message->msg_control ? count_files(message) : 0;
    if (count <= 0)
        return (int)count;
    struct uk_rights *all = uk_malloc(sizeof *all + (size_t)count * sizeof(struct uk_file *));
    if (!all)
        return -ENOMEM;
    all->count = 0;
    int error = 0;
    for (const struct cmsghdr *at = next(message, NULL); at && error == 0; at = next(message, at))
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS)
            error = take(all, at);
    if (error)
        uk_rights_free(all);
    else
        *rights = all;
    return error;
}

void uk_rights_deliver(const struct uk_rights *rights, struct msghdr *message, int flags) {
    size_t room = message->msg_control ? message->msg_controllen : 0, count = 0;
    size_t fit = room > CMSG_LEN(0) ? (room - CMSG_LEN(0)) / sizeof(int) : 0;
    char *control = message->msg_control;
    message->msg_controllen = 0;
    if (!rights)
        return;
    for (; count < fit && count < rights->count; count++) {
        int fd = uk_fd_add(uk_file_ref(rights->files[count]), 0, flags & MSG_CMSG_CLOEXEC ? FD_CLOEXEC : 0);
        if (fd < 0)
            break;
        memcpy(control + CMSG_LEN(count * sizeof fd), &fd, sizeof fd);
    }
    if (count < rights->count)
        message->msg_flags |= MSG_CTRUNC;
    if (count == 0)
        return;
    struct cmsghdr header = {
        .cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int)),
        .cmsg_level = SOL_SOCKET,
        .cmsg_type = SCM_RIGHTS,
    };
    memcpy(control, &header, sizeof header);
    size_t space = CMSG_SPACE(count * sizeof(int));
    message->msg_controllen = (socklen_t)(space < room ? space : room);
}

void uk_rights_free(struct uk_rights *rights) {
    if (!rights)
        return;
    for (size_t i = 0; i < rights->count; i++)
        uk_file_unref(rights->files[i]);
    uk_free(rights);
}
