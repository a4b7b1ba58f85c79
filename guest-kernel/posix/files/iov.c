/* SPDX-License-Identifier: MIT */
/* Buffers in pieces: struct iovec. */
#include <limits.h>

#include "file.h"

ssize_t uk_iov_length(const struct iovec *iov, int count) {
    size_t total = 0;
    if (count < 0 || count > IOV_MAX)
        return -EINVAL;
    for (int i = 0; i < count; i++)
        if (__builtin_add_overflow(total, iov[i].iov_len, &total) || total > SSIZE_MAX)
            return -EINVAL;
    return (ssize_t)total;
}

enum direction { TO_BUFFERS, FROM_BUFFERS, ZERO_BUFFERS };

static size_t copy(const struct iovec *iov, int count, size_t skip, char *flat, size_t size, enum direction direction) {
    size_t done = 0;
    for (int i = 0; i < count && done < size; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        size_t room = iov[i].iov_len - skip;
        size_t n = size - done < room ? size - done : room;
        char *piece = (char *)iov[i].iov_base + skip;
        if (direction == TO_BUFFERS)
            memcpy(piece, flat + done, n);
        else if (direction == FROM_BUFFERS)
            memcpy(flat + done, piece, n);
        else
            memset(piece, 0, n);
        done += n;
        skip = 0;
    }
    return done;
}

size_t uk_iov_fill(const struct iovec *iov, int count, size_t skip, const void *from, size_t size) {
    return copy(iov, count, skip, (char *)(uintptr_t)from, size, TO_BUFFERS);
}

size_t uk_iov_gather(const struct iovec *iov, int count, size_t skip, void *to, size_t size) {
    return copy(iov, count, skip, to, size, FROM_BUFFERS);
}

size_t uk_iov_zero(const struct iovec *iov, int count, size_t skip, size_t size) {
    return copy(iov, count, skip, NULL, size, ZERO_BUFFERS);
}

int uk_iov_skip(const struct iovec *iov, int count, size_t skip, struct iovec *rest, int most) {
    int n = 0;
    for (int i = 0; i < count && n < most; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        rest[n++] = (struct iovec){(char *)iov[i].iov_base + skip, iov[i].iov_len - skip};
        skip = 0;
    }
    return n;
}
