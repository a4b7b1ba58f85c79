/* SPDX-License-Identifier: MIT */
#include "member.h"

#include <errno.h>
#include <string.h>

int uk_archive_fail(struct uk_archive *archive, const char *problem) {
    archive->problem = problem;
    return -EINVAL;
}

const uint8_t *uk_archive_take(struct uk_archive *archive, size_t size, size_t align) {
    size_t left = archive->size - archive->at;
    if (size > left)
        return NULL;
    const uint8_t *taken = archive->bytes + archive->at;
    archive->at += size;
    size_t gap = (align - archive->at % align) % align;
    archive->at += gap < left - size ? gap : left - size;
    return taken;
}

static size_t part_length(const char *from, const char *end) {
    const char *slash = memchr(from, '/', (size_t)(end - from));
    return (size_t)((slash ? slash : end) - from);
}

static bool is_dots(const char *part, size_t length, size_t dots) {
    return length == dots && memcmp(part, "..", dots) == 0;
}

/* Without the last part. */
static size_t parent(const char *path, size_t length) {
    while (length > 0 && path[--length] != '/')
        ;
    return length;
}

bool uk_archive_path(char to[PATH_MAX], const void *from, size_t length) {
    const char *at = from, *end = at + strnlen(from, length);
    size_t used = 0;
    for (size_t n; at < end; at += n + (at + n < end)) {
        n = part_length(at, end);
        if (n == 0 || is_dots(at, n, 1))
            continue;
        if (is_dots(at, n, 2)) {
            used = parent(to, used);
            continue;
        }
        if (n + 1 >= PATH_MAX - used)
            return false;
        to[used++] = '/';
        memcpy(to + used, at, n);
        used += n;
    }
    if (used == 0)
        to[used++] = '/';
    to[used] = 0;
    return true;
}

bool uk_archive_name(struct uk_archive *archive, const void *from, size_t length) {
    static const char more[] = "...";
    archive->named = true;
    if (uk_archive_path(archive->path, from, length))
        return true;
    memcpy(archive->path, from, 64); /* there is more of it than fits */
    memcpy(archive->path + 64, more, sizeof more);
    return false;
}

bool uk_archive_text(char to[PATH_MAX], const void *from, size_t length) {
    size_t n = strnlen(from, length);
    if (n >= PATH_MAX)
        return false;
    memcpy(to, from, n);
    to[n] = 0;
    return true;
}
