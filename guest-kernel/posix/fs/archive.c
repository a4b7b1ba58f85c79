/* SPDX-License-Identifier: MIT */
#include "archive.h"

#include <string.h>

#include "member.h"

static bool begins(const struct uk_archive *archive, const char *magic, size_t size) {
    return archive->size >= size && memcmp(archive->bytes, magic, size) == 0;
}

static bool is_compressed(const struct uk_archive *archive) {
    return begins(archive, "\x1f\x8b", 2) ||
           begins(archive,
                  "\xfd"
                  "7zXZ",
                  5) ||
           begins(archive, "\x28\xb5\x2f\xfd", 4) || begins(archive, "BZh", 3);
}

int uk_archive_read(const void *bytes, size_t size, struct uk_archive_sink *sink, struct uk_archive_problem *problem) {
    static struct uk_archive archive; /* too large for the stack of any thread */
    int result = 0;
    archive = (struct uk_archive){.bytes = bytes, .size = size, .sink = sink};
    if (is_compressed(&archive))
        result = uk_archive_fail(&archive, "it is compressed");
    else if (begins(&archive, "07070", 5))
        result = uk_cpio_read(&archive);
    else if (size > 0)
        result = uk_tar_read(&archive);
    *problem = (struct uk_archive_problem){
        .why = archive.problem,
        .member = archive.path[0] ? archive.path : NULL,
        .is_behind = !archive.named,
    };
    return result;
}
