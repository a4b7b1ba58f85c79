/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/posix/fs/archive.c guest-kernel/posix/fs/member.c guest-kernel/posix/fs/tar.c */
/* links: guest-kernel/posix/fs/tar_number.c guest-kernel/posix/fs/tar_pax.c guest-kernel/posix/fs/tar_sparse.c */
/* links: guest-kernel/posix/fs/cpio.c */
/*
 * The initrd as the guest reads it: an archive of any kind. The first byte says whether checksums are put right, so
 * that what is behind them is reached.
 */
#include "fuzz.h"

#include <errno.h>

#include "posix/fs/archive.h"

static volatile unsigned touched;
static uint64_t sparse_size; /* of the file that pieces may come for */

/* uk_member.path, said in another way. */
static void must_be_confined(const char *path) {
    must(path[0] == '/' && strlen(path) < PATH_MAX);
    must(!strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../"));
    size_t length = strlen(path);
    must(length == 1 || path[length - 1] != '/');
    must(length < 2 || strcmp(path + length - 2, "/.") != 0);
    must(length < 3 || strcmp(path + length - 3, "/..") != 0);
}

static int add(struct uk_archive_sink *sink, const struct uk_member *member) {
    (void)sink;
    must_be_confined(member->path);
    must((member->type == UK_MEMBER_SYMLINK || member->type == UK_MEMBER_HARDLINK) == (member->target != NULL));
    if (member->type == UK_MEMBER_HARDLINK)
        must_be_confined(member->target);
    must(!member->target || strlen(member->target) < PATH_MAX);
    must((member->mode & ~07777u) == 0);
    must(member->mtime_nsec < 1000000000);
    must((member->type == UK_MEMBER_SPECIAL) == (member->format != 0) || member->type < UK_MEMBER_SPECIAL);
    sparse_size = member->data ? 0 : member->size;
    must(sparse_size <= INT64_MAX);
    for (size_t i = 0; member->data && i < member->size; i++)
        touched += member->data[i];
    return 0;
}

static int fill(struct uk_archive_sink *sink, uint64_t offset, const uint8_t *data, size_t size) {
    (void)sink;
    must(size > 0 && offset <= sparse_size && size <= sparse_size - offset);
    for (size_t i = 0; i < size; i++)
        touched += data[i];
    return 0;
}

static void sum(uint8_t *header) {
    char text[8];
    unsigned total = 8 * ' ';
    for (unsigned i = 0; i < 512; i++)
        total += i >= 148 && i < 156 ? 0 : header[i];
    snprintf(text, sizeof text, "%06o", total);
    memcpy(header + 148, text, sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct uk_archive_sink sink = {.add = add, .fill = fill};
    struct uk_archive_problem problem;
    if (size == 0)
        return 0;
    uint8_t *archive = malloc(size);
    memcpy(archive, data + 1, size - 1);
    for (size_t at = 0; (data[0] & 1) && at + 512 <= size - 1; at += 512)
        if (memcmp(archive + at + 257, "ustar", 5) == 0)
            sum(archive + at);
    int result = uk_archive_read(archive, size - 1, &sink, &problem);
    must(result == 0 ? !problem.why : result == -EINVAL && problem.why);
    if (problem.member)
        must_be_confined(problem.member);
    free(archive);
    return 0;
}
