/* SPDX-License-Identifier: MIT */
/* What the parts of the tar reader share: the header, its numbers, the headers that say more of it, sparse files. */
#ifndef UK_FS_TAR_H
#define UK_FS_TAR_H

#include "member.h"

#define UK_TAR_BLOCK 512u

struct uk_tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct uk_tar_header) == UK_TAR_BLOCK, "a header is a block");

struct uk_tar_time {
    int64_t seconds;
    uint32_t nanoseconds;
};

/* In the archive; `text` is NULL where there is none. */
struct uk_tar_text {
    const char *text;
    size_t length;
};

/* The formats of GNU tar: its own, and pax headers of versions 0.0, 0.1 and 1.0. */
enum uk_tar_sparse { UK_TAR_WHOLE, UK_TAR_GNU, UK_TAR_RECORDS, UK_TAR_LIST, UK_TAR_IN_DATA };

/* What extra headers say of a member. */
struct uk_tar_extra {
    struct uk_tar_text path, link;
    bool has_size, has_mtime, has_uid, has_gid;
    uint64_t size, uid, gid;
    struct uk_tar_time mtime;
    enum uk_tar_sparse sparse;
    uint64_t real_size;             /* of a sparse file */
    struct uk_tar_text sparse_name; /* its path, where the header's name is another */
    struct uk_tar_text map;         /* UK_TAR_RECORDS: all records; UK_TAR_LIST: the list */
};

/* ---- numbers: tar_number.c */

/* Of a header: octal, or GNU's binary; an empty field is 0. */
bool uk_tar_number(const char *field, size_t size, uint64_t *value);

/* The same, and GNU's binary ones below 0: before 1970. */
bool uk_tar_seconds(const char *field, size_t size, int64_t *seconds);

/* Decimal digits, and what follows them; false if there are none or too many. */
bool uk_tar_decimal(const char *from, const char *end, uint64_t *value, const char **rest);

/* All of the text: seconds with a sign and a fraction, of which what is below a nanosecond is cut off. */
bool uk_tar_decimal_time(const char *from, const char *end, struct uk_tar_time *time);

/* ---- pax headers: tar_pax.c */

/* One record, "LENGTH KEY=VALUE\n". */
struct uk_tar_record {
    struct uk_tar_text key, value;
};

/* Takes the first record off `rest`: false with `*problem` NULL at the end, or with what is wrong. */
bool uk_tar_next_record(struct uk_tar_text *rest, struct uk_tar_record *record, const char **problem);
bool uk_tar_key_is(const struct uk_tar_record *record, const char *key);

/* Adds what the records say. NULL, or what is wrong. */
const char *uk_tar_read_pax(struct uk_tar_extra *extra, const char *records, size_t size);

/* ---- sparse files: tar_sparse.c */

/* The blocks of the map that follow the header in GNU's own format; NULL: it is cut off. */
const uint8_t *uk_tar_take_map(struct uk_archive *archive, const struct uk_tar_header *header, size_t *blocks);

/*
 * Gives the sink the file, then its pieces. `blocks` is what uk_tar_take_map() has found. As uk_archive_read()
 * returns.
 */
int uk_tar_add_sparse(struct uk_archive *archive, const struct uk_tar_header *header, const struct uk_tar_extra *extra,
                      struct uk_member *member, const uint8_t *map, size_t blocks);

#endif
