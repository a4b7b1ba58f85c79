/* SPDX-License-Identifier: MIT */
/* tar: POSIX.1-2017, "pax Interchange Format"; and the long names, large numbers and sparse files of GNU tar. */
#include "tar.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The sum of all bytes, those of the checksum taken as blanks. Old tars took bytes as signed. */
static bool checksum_is_right(const struct uk_tar_header *header) {
    const unsigned char *bytes = (const unsigned char *)header;
    uint64_t wanted, sum = ' ' * sizeof header->checksum, above = 0;
    for (size_t i = 0; i < UK_TAR_BLOCK; i++) {
        bool counts = i < offsetof(struct uk_tar_header, checksum) || i >= offsetof(struct uk_tar_header, type);
        sum += counts ? bytes[i] : 0;
        above += counts ? bytes[i] >> 7 : 0;
    }
    return uk_tar_number(header->checksum, sizeof header->checksum, &wanted) &&
           (wanted == sum || wanted == sum - 256 * above);
}

/* ---- members */

enum content { NO_DATA, DATA, SPARSE };

/* What becomes of a type of member. */
static const struct kind {
    char type;
    enum uk_member_type is;
    unsigned format; /* of special files */
    enum content content;
} kinds[] = {
    {0, UK_MEMBER_FILE, 0, DATA}, /* before POSIX, also directories: they have a slash at the end */
    {'0', UK_MEMBER_FILE, 0, DATA},
    {'7', UK_MEMBER_FILE, 0, DATA},
    {'S', UK_MEMBER_FILE, 0, SPARSE},
    {'1', UK_MEMBER_HARDLINK, 0, NO_DATA},
    {'2', UK_MEMBER_SYMLINK, 0, NO_DATA},
    {'3', UK_MEMBER_SPECIAL, S_IFCHR, NO_DATA},
    {'4', UK_MEMBER_SPECIAL, S_IFBLK, NO_DATA},
    {'5', UK_MEMBER_DIRECTORY, 0, NO_DATA},
    {'6', UK_MEMBER_SPECIAL, S_IFIFO, NO_DATA},
    {'D', UK_MEMBER_DIRECTORY, 0, DATA}, /* GNU: with a list of its names */
};

static const struct kind *find_kind(char type) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type == type)
            return &kinds[i];
    return NULL;
}

/* Of links and directories, old archives give a size that no data follows. */
static bool has_data(char type) {
    const struct kind *kind = find_kind(type);
    return !kind || kind->content != NO_DATA;
}

/* Headers that say something of other members, or of files nothing that is kept: labels, access lists. */
static bool is_extra(char type) {
    return type && strchr("LKxXg", type);
}

static bool is_remark(char type) {
    return type && strchr("VAEI", type);
}

/* The header's name in two parts, if no extra header had one. */
static bool get_path(struct uk_archive *archive, const struct uk_tar_header *header, const struct uk_tar_extra *extra) {
    char joined[sizeof header->prefix + 1 + sizeof header->name];
    size_t prefix = memcmp(header->magic, "ustar", 6) == 0 ? strnlen(header->prefix, sizeof header->prefix) : 0;
    size_t name = strnlen(header->name, sizeof header->name);
    const struct uk_tar_text *other = extra->sparse_name.text ? &extra->sparse_name : &extra->path;
    if (other->text)
        return uk_archive_name(archive, other->text, other->length);
    memcpy(joined, header->prefix, prefix);
    joined[prefix] = '/';
    memcpy(joined + prefix + 1, header->name, name);
    return uk_archive_name(archive, joined, prefix + 1 + name);
}

static bool get_target(struct uk_archive *archive, const struct uk_tar_header *header, const struct uk_tar_extra *extra,
                       struct uk_member *member) {
    const char *from = extra->link.text ? extra->link.text : header->link;
    size_t length = extra->link.text ? extra->link.length : sizeof header->link;
    member->target = archive->target;
    return member->type == UK_MEMBER_SYMLINK ? uk_archive_text(archive->target, from, length)
                                             : uk_archive_path(archive->target, from, length);
}

static bool ends_in_slash(const struct uk_tar_header *header) {
    size_t length = strnlen(header->name, sizeof header->name);
    return length > 0 && header->name[length - 1] == '/';
}

/* Owners and times; false if one of them is no number. */
static bool get_attributes(const struct uk_tar_header *header, const struct uk_tar_extra *extra,
                           struct uk_member *member) {
    uint64_t mode, uid, gid, major = 0, minor = 0;
    if (!uk_tar_number(header->mode, sizeof header->mode, &mode) ||
        !uk_tar_number(header->uid, sizeof header->uid, &uid) ||
        !uk_tar_number(header->gid, sizeof header->gid, &gid) ||
        !uk_tar_seconds(header->mtime, sizeof header->mtime, &member->mtime))
        return false;
    if (member->type == UK_MEMBER_SPECIAL && (!uk_tar_number(header->major, sizeof header->major, &major) ||
                                              !uk_tar_number(header->minor, sizeof header->minor, &minor)))
        return false;
    member->mode = (unsigned)mode & 07777;
    member->uid = (unsigned)(extra->has_uid ? extra->uid : uid);
    member->gid = (unsigned)(extra->has_gid ? extra->gid : gid);
    member->major = (unsigned)major;
    member->minor = (unsigned)minor;
    if (extra->has_mtime) {
        member->mtime = extra->mtime.seconds;
        member->mtime_nsec = extra->mtime.nanoseconds;
    }
    return true;
}

/* The member but for its data. */
static const char *describe(struct uk_archive *archive, const struct uk_tar_header *header,
                            const struct uk_tar_extra *extra, struct uk_member *member) {
    const struct kind *kind = find_kind(header->type);
    if (!get_path(archive, header, extra))
        return "its name is too long";
    if (header->type == 'M')
        return "it is the end of a file that begins on another volume";
    if (!kind)
        return "it is of a type that is not known";
    member->path = archive->path;
    member->type = header->type == 0 && ends_in_slash(header) ? UK_MEMBER_DIRECTORY : kind->is;
    member->format = kind->format;
    if (!get_attributes(header, extra, member))
        return "a field of its header is no number";
    bool is_link = member->type == UK_MEMBER_SYMLINK || member->type == UK_MEMBER_HARDLINK;
    return is_link && !get_target(archive, header, extra, member) ? "the target of the link is too long" : NULL;
}

/* ---- the archive */

struct reader {
    struct uk_archive *archive;
    struct uk_tar_extra defaults; /* for all members that follow */
    struct uk_tar_extra extra;    /* for the next one, and forgotten behind it */
};

static const char *use_extra(struct reader *r, char type, const char *data, size_t size) {
    const char *problem = NULL;
    if (type == 'L') {
        r->extra.path = (struct uk_tar_text){data, size};
    } else if (type == 'K') {
        r->extra.link = (struct uk_tar_text){data, size};
    } else if (type == 'g') {
        problem = uk_tar_read_pax(&r->defaults, data, size);
        r->extra = r->defaults;
    } else {
        problem = uk_tar_read_pax(&r->extra, data, size);
    }
    return problem;
}

static int add(struct reader *r, const struct uk_tar_header *header, const uint8_t *map, size_t blocks,
               const uint8_t *data, size_t size) {
    struct uk_archive *archive = r->archive;
    struct uk_member member = {.data = data, .size = size};
    const char *problem = describe(archive, header, &r->extra, &member);
    if (problem)
        return uk_archive_fail(archive, problem);
    bool is_sparse = header->type == 'S' || r->extra.sparse != UK_TAR_WHOLE;
    if (member.type == UK_MEMBER_FILE && is_sparse)
        return uk_tar_add_sparse(archive, header, &r->extra, &member, map, blocks);
    if (member.type != UK_MEMBER_FILE)
        member.size = 0;
    return archive->sink->add(archive->sink, &member);
}

/* One member or extra header. */
static int read_member(struct reader *r, const struct uk_tar_header *header) {
    struct uk_archive *archive = r->archive;
    const uint8_t *map = NULL;
    size_t blocks = 0;
    uint64_t size;
    archive->named = false;
    if (!checksum_is_right(header))
        return uk_archive_fail(archive, "it is no tar or cpio archive, or damaged: a checksum is wrong");
    if (header->type == 'S' && !(map = uk_tar_take_map(archive, header, &blocks)))
        return uk_archive_fail(archive, "it is cut off");
    if (!uk_tar_number(header->size, sizeof header->size, &size))
        return uk_archive_fail(archive, "a size is no number");
    if (r->extra.has_size && !is_extra(header->type))
        size = r->extra.size;
    size = has_data(header->type) ? size : 0;
    const uint8_t *data = uk_archive_take(archive, size, UK_TAR_BLOCK);
    if (!data)
        return uk_archive_fail(archive, "it is cut off");
    if (is_extra(header->type)) {
        const char *problem = use_extra(r, header->type, (const char *)data, size);
        return problem ? uk_archive_fail(archive, problem) : 0;
    }
    int result = is_remark(header->type) ? 0 : add(r, header, map, blocks, data, size);
    r->extra = r->defaults;
    return result;
}

static bool is_end(const struct uk_tar_header *header) {
    const char *bytes = (const char *)header;
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, UK_TAR_BLOCK - 1) == 0;
}

/* The end mark is asked for: it is how an archive that was cut off between two members is told from a whole one. */
int uk_tar_read(struct uk_archive *archive) {
    struct reader r = {.archive = archive};
    int result = 0;
    while (result == 0) {
        const struct uk_tar_header *header = (const struct uk_tar_header *)uk_archive_take(archive, UK_TAR_BLOCK, 1);
        if (!header) {
            archive->named = false;
            return uk_archive_fail(archive, archive->at ? "it is cut off" : "it is no tar or cpio archive");
        }
        if (is_end(header))
            break;
        result = read_member(&r, header);
    }
    return result;
}
