/* SPDX-License-Identifier: MIT */
/* cpio's format "newc". Linux: Documentation/driver-api/early-userspace/buffer-format.rst. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "member.h"

#define ALIGN 4

/* All fields but the magic are eight hexadecimal digits. */
struct header {
    char magic[6];
    char ino[8], mode[8], uid[8], gid[8], links[8], mtime[8], size[8];
    char dev_major[8], dev_minor[8], rdev_major[8], rdev_minor[8], name_size[8], check[8];
};

_Static_assert(sizeof(struct header) == 110, "the header is 110 characters");

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_valid(const struct header *header) {
    const char *at = header->ino, *end = (const char *)(header + 1);
    if (memcmp(header->magic, "070701", 6) != 0 && memcmp(header->magic, "070702", 6) != 0)
        return false;
    while (at < end)
        if (digit(*at++) < 0)
            return false;
    return true;
}

static uint32_t number(const char field[8]) {
    uint32_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 4 | (uint32_t)digit(field[i]);
    return value;
}

static bool get_type(unsigned mode, enum uk_member_type *type) {
    if (S_ISREG(mode))
        *type = UK_MEMBER_FILE;
    else if (S_ISDIR(mode))
        *type = UK_MEMBER_DIRECTORY;
    else if (S_ISLNK(mode))
        *type = UK_MEMBER_SYMLINK;
    else if (S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode) || S_ISSOCK(mode))
        *type = UK_MEMBER_SPECIAL;
    else
        return false;
    return true;
}

/* Inode numbers are per device. */
static uint64_t link_id(const struct header *header) {
    uint64_t device = (uint64_t)number(header->dev_major) << 20 ^ number(header->dev_minor);
    return number(header->links) > 1 ? (device << 32 | number(header->ino)) + 1 : 0;
}

static int add(struct uk_archive *archive, const struct header *header, const uint8_t *data, size_t size) {
    struct uk_member member = {
        .path = archive->path,
        .data = data,
        .size = size,
        .mode = number(header->mode) & 07777,
        .uid = number(header->uid),
        .gid = number(header->gid),
        .mtime = number(header->mtime),
        .format = number(header->mode) & S_IFMT,
        .major = number(header->rdev_major),
        .minor = number(header->rdev_minor),
    };
    if (!get_type(number(header->mode), &member.type))
        return uk_archive_fail(archive, "it is of a type that is not known");
    if (member.type == UK_MEMBER_SYMLINK) {
        if (!uk_archive_text(archive->target, data, size))
            return uk_archive_fail(archive, "the target of the link is too long");
        member.target = archive->target;
    }
    if (member.type == UK_MEMBER_FILE)
        member.link_id = link_id(header);
    return archive->sink->add(archive->sink, &member);
}

/* Zeros fill up between and behind archives, of which there may be several, each with a trailer. */
static void skip_zeros(struct uk_archive *archive) {
    while (archive->at < archive->size && archive->bytes[archive->at] == 0)
        archive->at++;
}

static bool is_trailer(const uint8_t *name, size_t size) {
    static const char trailer[] = "TRAILER!!!";
    return size == sizeof trailer && memcmp(name, trailer, size) == 0;
}

/* One member, or the trailer. */
static int read_member(struct uk_archive *archive, bool *is_end) {
    const struct header *header = (const struct header *)uk_archive_take(archive, sizeof *header, 1);
    archive->named = false;
    if (!header)
        return uk_archive_fail(archive, "it is cut off");
    if (!is_valid(header))
        return uk_archive_fail(archive, "a member is no cpio member of format newc");
    size_t name_size = number(header->name_size), size = number(header->size);
    const uint8_t *name = uk_archive_take(archive, name_size, ALIGN);
    const uint8_t *data = name ? uk_archive_take(archive, size, ALIGN) : NULL;
    if (!data)
        return uk_archive_fail(archive, "it is cut off");
    *is_end = is_trailer(name, name_size);
    if (*is_end)
        return 0;
    if (!uk_archive_name(archive, name, name_size))
        return uk_archive_fail(archive, "its name is too long");
    return add(archive, header, data, size);
}

int uk_cpio_read(struct uk_archive *archive) {
    bool is_end = false;
    int result = 0;
    while (result == 0) {
        if (is_end)
            skip_zeros(archive);
        if (is_end && archive->at == archive->size)
            break;
        result = read_member(archive, &is_end);
    }
    return result;
}
