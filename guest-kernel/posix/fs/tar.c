/* SPDX-License-Identifier: MIT */
/* tar: POSIX.1-2017, "pax Interchange Format"; and the long names and large numbers of GNU tar. */
#include <errno.h>
#include <string.h>

#include "member.h"

#define BLOCK 512u

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

/* What extra headers say of the next member. A pointer is NULL, and a length without meaning, if they do not. */
struct extra {
    const char *path, *link;
    size_t path_length, link_length;
    bool has_size, has_mtime;
    uint64_t size, mtime;
};

/* ---- numbers */

/* GNU: the first bit set, and the rest is a binary number. */
static bool binary_number(const unsigned char *field, size_t size, uint64_t *value) {
    *value = field[0] & 0x7f;
    for (size_t i = 1; i < size; i++) {
        if (*value >> 55)
            return false;
        *value = *value << 8 | field[i];
    }
    return true;
}

/* At most 12 octal digits between blanks: 36 bits. An empty field is 0. */
static bool get_number(const char *field, size_t size, uint64_t *value) {
    size_t i = 0;
    if (field[0] & 0x80)
        return binary_number((const unsigned char *)field, size, value);
    *value = 0;
    while (i < size && field[i] == ' ')
        i++;
    while (i < size && field[i] >= '0' && field[i] <= '7')
        *value = *value << 3 | (uint64_t)(field[i++] - '0');
    return i == size || field[i] == ' ' || field[i] == 0;
}

/* The whole part of a decimal number; false if there is none or it is too large. */
static bool decimal(const char *from, const char *end, uint64_t *value, const char **rest) {
    const char *at = from;
    for (*value = 0; at < end && *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, (unsigned)(*at - '0'), value))
            return false;
    *rest = at;
    return at > from;
}

/* The sum of all bytes, those of the checksum taken as blanks. */
static bool checksum_is_right(const struct header *header) {
    const unsigned char *bytes = (const unsigned char *)header;
    uint64_t wanted, sum = ' ' * sizeof header->checksum;
    for (size_t i = 0; i < BLOCK; i++)
        sum += bytes[i];
    for (size_t i = 0; i < sizeof header->checksum; i++)
        sum -= (unsigned char)header->checksum[i];
    return get_number(header->checksum, sizeof header->checksum, &wanted) && wanted == sum;
}

/* ---- extra headers */

static bool key_is(const char *key, size_t length, const char *name) {
    return length == strlen(name) && memcmp(key, name, length) == 0;
}

/* One record of a pax header, "LENGTH KEY=VALUE\n". What it says and we do not keep is no error. */
static const char *use_record(struct extra *extra, const char *key, const char *value, const char *end) {
    size_t key_length = (size_t)(value - 1 - key);
    const char *rest;
    if (key_is(key, key_length, "path")) {
        extra->path = value;
        extra->path_length = (size_t)(end - value);
    } else if (key_is(key, key_length, "linkpath")) {
        extra->link = value;
        extra->link_length = (size_t)(end - value);
    } else if (key_is(key, key_length, "size")) {
        extra->has_size = true;
        if (!decimal(value, end, &extra->size, &rest) || rest != end)
            return "a size is no number";
    } else if (key_is(key, key_length, "mtime")) {
        extra->has_mtime =
            decimal(value, end, &extra->mtime, &rest); /* before 1970 it has a sign: the header's, then */
    } else if (key_length > 10 && memcmp(key, "GNU.sparse", 10) == 0) {
        return "it has sparse members";
    }
    return NULL;
}

/* NULL, or what is wrong. */
static const char *read_pax(struct extra *extra, const char *at, size_t size) {
    static const char bad[] = "a pax header is malformed";
    const char *end = at + size, *problem = NULL;
    while (at < end && *at && !problem) {
        uint64_t length;
        const char *key;
        if (!decimal(at, end, &length, &key) || key == end || *key != ' ' || length > (size_t)(end - at))
            return bad;
        const char *record_end = at + length, *equals = NULL;
        if (record_end > key + 1)
            equals = memchr(key + 1, '=', (size_t)(record_end - key - 1));
        if (!equals || equals == record_end - 1 || record_end[-1] != '\n')
            return bad;
        problem = use_record(extra, key + 1, equals + 1, record_end - 1);
        at = record_end;
    }
    return problem;
}

/* True if the member was an extra header. */
static bool take_extra(struct uk_archive *archive, char type, struct extra *extra, const char *data, size_t size) {
    if (type == 'L') {
        extra->path = data;
        extra->path_length = size;
    } else if (type == 'K') {
        extra->link = data;
        extra->link_length = size;
    } else if (type == 'x') {
        archive->problem = read_pax(extra, data, size);
    } else {
        return type == 'g'; /* defaults for all members: comments, in practice */
    }
    return true;
}

/* ---- members */

static bool get_type(const struct header *header, enum uk_member_type *type) {
    switch (header->type) {
    case 0: /* before POSIX directories were files with a slash behind their names */
    case '0':
    case '7':
        *type = UK_MEMBER_FILE;
        return true;
    case '1':
        *type = UK_MEMBER_HARDLINK;
        return true;
    case '2':
        *type = UK_MEMBER_SYMLINK;
        return true;
    case '5':
        *type = UK_MEMBER_DIRECTORY;
        return true;
    default:
        return false; /* devices, pipes, volume labels... */
    }
}

/* The header's name in two parts, if no extra header had one. */
static bool get_path(struct uk_archive *archive, const struct header *header, const struct extra *extra) {
    char joined[sizeof header->prefix + 1 + sizeof header->name];
    size_t prefix = memcmp(header->magic, "ustar", 6) == 0 ? strnlen(header->prefix, sizeof header->prefix) : 0;
    size_t name = strnlen(header->name, sizeof header->name);
    if (extra->path)
        return uk_archive_path(archive->path, extra->path, extra->path_length);
    memcpy(joined, header->prefix, prefix);
    joined[prefix] = '/';
    memcpy(joined + prefix + 1, header->name, name);
    return uk_archive_path(archive->path, joined, prefix + 1 + name);
}

static bool get_target(struct uk_archive *archive, const struct header *header, const struct extra *extra,
                       struct uk_member *member) {
    const char *from = extra->link ? extra->link : header->link;
    size_t length = extra->link ? extra->link_length : sizeof header->link;
    member->target = archive->target;
    return member->type == UK_MEMBER_SYMLINK ? uk_archive_text(archive->target, from, length)
                                             : uk_archive_path(archive->target, from, length);
}

static bool ends_in_slash(const struct header *header) {
    size_t length = strnlen(header->name, sizeof header->name);
    return length > 0 && header->name[length - 1] == '/';
}

static int add(struct uk_archive *archive, const struct header *header, const struct extra *extra, const uint8_t *data,
               size_t size) {
    struct uk_member member = {.path = archive->path, .data = data, .size = size};
    uint64_t mode, uid, gid, mtime;
    if (!get_type(header, &member.type))
        return 0;
    if (header->type == 0 && ends_in_slash(header))
        member.type = UK_MEMBER_DIRECTORY;
    if (!get_number(header->mode, sizeof header->mode, &mode) || !get_number(header->uid, sizeof header->uid, &uid) ||
        !get_number(header->gid, sizeof header->gid, &gid) || !get_number(header->mtime, sizeof header->mtime, &mtime))
        return uk_archive_fail(archive, "a field of a header is no number");
    member.mode = (unsigned)mode & 07777;
    member.uid = (unsigned)uid;
    member.gid = (unsigned)gid;
    member.mtime = (int64_t)(extra->has_mtime ? extra->mtime : mtime);
    if (!get_path(archive, header, extra))
        return uk_archive_fail(archive, "a name is too long");
    bool is_link = member.type == UK_MEMBER_SYMLINK || member.type == UK_MEMBER_HARDLINK;
    if (is_link && !get_target(archive, header, extra, &member))
        return uk_archive_fail(archive, "the target of a link is too long");
    return archive->sink->add(archive->sink, &member);
}

/* Of links and directories, old archives give a size that no data follows. */
static bool has_data(char type) {
    return type != '1' && type != '2' && type != '5';
}

/* One member or extra header. `*extra` is for the next one, and forgotten behind it. */
static int read_member(struct uk_archive *archive, const struct header *header, struct extra *extra) {
    uint64_t size;
    if (!checksum_is_right(header))
        return uk_archive_fail(archive, "it is no tar or cpio archive, or damaged: a checksum is wrong");
    if (header->type == 'S')
        return uk_archive_fail(archive, "it has sparse members");
    if (!get_number(header->size, sizeof header->size, &size))
        return uk_archive_fail(archive, "a size is no number");
    bool is_extra = header->type == 'L' || header->type == 'K' || header->type == 'x' || header->type == 'g';
    if (extra->has_size && !is_extra)
        size = extra->size;
    size = has_data(header->type) ? size : 0;
    const uint8_t *data = uk_archive_take(archive, size, BLOCK);
    if (!data)
        return uk_archive_fail(archive, "it is cut off");
    if (take_extra(archive, header->type, extra, (const char *)data, size))
        return archive->problem ? -EINVAL : 0;
    int result = add(archive, header, extra, data, size);
    *extra = (struct extra){0};
    return result;
}

static bool is_end(const struct header *header) {
    const char *bytes = (const char *)header;
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, BLOCK - 1) == 0;
}

/* The end mark is asked for: it is how an archive that was cut off between two members is told from a whole one. */
int uk_tar_read(struct uk_archive *archive) {
    struct extra extra = {0};
    int result = 0;
    while (result == 0) {
        const struct header *header = (const struct header *)uk_archive_take(archive, BLOCK, 1);
        if (!header)
            return uk_archive_fail(archive, archive->at ? "it is cut off" : "it is no tar or cpio archive");
        if (is_end(header))
            break;
        result = read_member(archive, header, &extra);
    }
    return result;
}
