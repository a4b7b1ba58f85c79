/* SPDX-License-Identifier: MIT */
/* pax headers: POSIX.1-2017, "pax Extended Header"; and what GNU tar says of sparse files in them. */
#include <string.h>

#include "tar.h"

bool uk_tar_key_is(const struct uk_tar_record *record, const char *key) {
    return record->key.length == strlen(key) && memcmp(record->key.text, key, record->key.length) == 0;
}

bool uk_tar_next_record(struct uk_tar_text *rest, struct uk_tar_record *record, const char **problem) {
    const char *at = rest->text, *end = at + rest->length, *key;
    uint64_t length;
    *problem = NULL;
    if (at == end || !*at)
        return false;
    *problem = "a pax header is malformed";
    if (!uk_tar_decimal(at, end, &length, &key) || key == end || *key != ' ' || length > rest->length)
        return false;
    const char *record_end = at + length, *equals = NULL;
    if (record_end > key + 1)
        equals = memchr(key + 1, '=', (size_t)(record_end - key - 1));
    if (!equals || equals == record_end - 1 || record_end[-1] != '\n')
        return false;
    record->key = (struct uk_tar_text){key + 1, (size_t)(equals - key - 1)};
    record->value = (struct uk_tar_text){equals + 1, (size_t)(record_end - equals - 2)};
    *rest = (struct uk_tar_text){record_end, (size_t)(end - record_end)};
    *problem = NULL;
    return true;
}

static bool whole_number(const struct uk_tar_text *text, uint64_t *value) {
    const char *rest;
    return uk_tar_decimal(text->text, text->text + text->length, value, &rest) && rest == text->text + text->length;
}

/* Version 0.0 says so by its first record, 0.1 by its list, 1.0 by its number. */
static const char *use_sparse(struct uk_tar_extra *extra, const struct uk_tar_record *record,
                              const struct uk_tar_text *records) {
    uint64_t number;
    if (uk_tar_key_is(record, "GNU.sparse.name")) {
        extra->sparse_name = record->value;
    } else if (uk_tar_key_is(record, "GNU.sparse.map")) {
        extra->sparse = UK_TAR_LIST;
        extra->map = record->value;
    } else if (uk_tar_key_is(record, "GNU.sparse.size") || uk_tar_key_is(record, "GNU.sparse.realsize")) {
        if (!whole_number(&record->value, &extra->real_size))
            return "a size is no number";
    } else if (uk_tar_key_is(record, "GNU.sparse.major")) {
        if (!whole_number(&record->value, &number) || number > 1)
            return "a sparse file is of a newer format";
        extra->sparse = number == 1 ? UK_TAR_IN_DATA : extra->sparse;
    } else if (uk_tar_key_is(record, "GNU.sparse.offset") && extra->sparse == UK_TAR_WHOLE) {
        extra->sparse = UK_TAR_RECORDS;
        extra->map = *records;
    }
    return NULL;
}

/* What a record says and we do not keep is no error. */
static const char *use_record(struct uk_tar_extra *extra, const struct uk_tar_record *record,
                              const struct uk_tar_text *records) {
    const struct uk_tar_text *value = &record->value;
    bool is_number = true;
    if (uk_tar_key_is(record, "path"))
        extra->path = *value;
    else if (uk_tar_key_is(record, "linkpath"))
        extra->link = *value;
    else if (uk_tar_key_is(record, "size"))
        is_number = extra->has_size = whole_number(value, &extra->size);
    else if (uk_tar_key_is(record, "uid"))
        is_number = extra->has_uid = whole_number(value, &extra->uid);
    else if (uk_tar_key_is(record, "gid"))
        is_number = extra->has_gid = whole_number(value, &extra->gid);
    else if (uk_tar_key_is(record, "mtime"))
        is_number = extra->has_mtime = uk_tar_decimal_time(value->text, value->text + value->length, &extra->mtime);
    else
        return use_sparse(extra, record, records);
    return is_number ? NULL : "a number in a pax header is none";
}

const char *uk_tar_read_pax(struct uk_tar_extra *extra, const char *records, size_t size) {
    const struct uk_tar_text all = {records, size};
    struct uk_tar_text rest = all;
    struct uk_tar_record record;
    const char *problem;
    while (uk_tar_next_record(&rest, &record, &problem))
        if ((problem = use_record(extra, &record, &all)))
            break;
    return problem;
}
