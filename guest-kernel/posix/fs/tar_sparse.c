/* SPDX-License-Identifier: MIT */
/* Files with holes, as GNU tar writes them: info tar, "Storing Sparse Files". */
#include <errno.h>

#include "tar.h"

#define IN_HEADER 4u     /* pieces in the header */
#define IN_BLOCK 21u     /* and in each block of the map behind it */
#define MAP_OFFSET 386u  /* in the header */
#define MORE_OFFSET 482u /* a byte that is not 0 if there is a block */
#define SIZE_OFFSET 483u /* the file's size */
#define MORE_IN_BLOCK 504u
#define PIECE_BYTES 24u /* two numbers of 12 characters */

static const char bad_map[] = "the map of a sparse file is malformed";

const uint8_t *uk_tar_take_map(struct uk_archive *archive, const struct uk_tar_header *header, size_t *blocks) {
    const uint8_t *first = archive->bytes + archive->at, *block;
    bool more = ((const uint8_t *)header)[MORE_OFFSET] != 0;
    for (*blocks = 0; more; ++*blocks) {
        block = uk_archive_take(archive, UK_TAR_BLOCK, 1);
        if (!block)
            return NULL;
        more = block[MORE_IN_BLOCK] != 0;
    }
    return first;
}

/* Where the next piece of a map comes from, and what is left of the data. */
struct map {
    enum uk_tar_sparse format;
    const uint8_t *header, *blocks; /* UK_TAR_GNU */
    uint64_t index, count;          /* UK_TAR_GNU, UK_TAR_IN_DATA: pieces taken, pieces there are */
    struct uk_tar_text text;        /* the others: what is not yet read of it */
    const uint8_t *data;
    size_t size;
};

struct piece {
    uint64_t offset, size;
};

/* What can be said of the next piece. */
enum next { PIECE, END, BAD };

static enum next next_gnu(struct map *map, struct piece *piece) {
    uint64_t i = map->index++;
    if (i >= map->count)
        return END;
    const uint8_t *at = i < IN_HEADER ? map->header + MAP_OFFSET + i * PIECE_BYTES
                                      : map->blocks + (i - IN_HEADER) / IN_BLOCK * UK_TAR_BLOCK +
                                            (i - IN_HEADER) % IN_BLOCK * PIECE_BYTES;
    if (!at[12]) /* no length: the rest is not used */
        return END;
    bool is_right =
        uk_tar_number((const char *)at, 12, &piece->offset) && uk_tar_number((const char *)at + 12, 12, &piece->size);
    return is_right ? PIECE : BAD;
}

static enum next next_record(struct map *map, const char *key, uint64_t *value) {
    struct uk_tar_record record;
    const char *problem, *rest;
    while (uk_tar_next_record(&map->text, &record, &problem))
        if (uk_tar_key_is(&record, key)) {
            const char *end = record.value.text + record.value.length;
            return uk_tar_decimal(record.value.text, end, value, &rest) && rest == end ? PIECE : BAD;
        }
    return END;
}

static enum next next_records(struct map *map, struct piece *piece) {
    enum next next = next_record(map, "GNU.sparse.offset", &piece->offset);
    if (next != PIECE)
        return next;
    return next_record(map, "GNU.sparse.numbytes", &piece->size) == PIECE ? PIECE : BAD;
}

/* A number that `mark` ends, or, `mark` being a comma, the text's end. */
static bool take_number(struct uk_tar_text *text, char mark, uint64_t *value) {
    const char *end = text->text + text->length, *rest;
    if (!uk_tar_decimal(text->text, end, value, &rest))
        return false;
    if (rest == end)
        *text = (struct uk_tar_text){end, 0};
    else
        *text = (struct uk_tar_text){rest + 1, (size_t)(end - rest - 1)};
    return rest < end ? *rest == mark : mark == ',';
}

static enum next next_in_list(struct map *map, struct piece *piece) {
    if (map->text.length == 0)
        return END;
    return take_number(&map->text, ',', &piece->offset) && take_number(&map->text, ',', &piece->size) ? PIECE : BAD;
}

static enum next next_in_data(struct map *map, struct piece *piece) {
    if (map->index++ >= map->count)
        return END;
    return take_number(&map->text, '\n', &piece->offset) && take_number(&map->text, '\n', &piece->size) ? PIECE : BAD;
}

static enum next next_piece(struct map *map, struct piece *piece) {
    static enum next (*const formats[])(struct map *, struct piece *) = {
        [UK_TAR_GNU] = next_gnu,
        [UK_TAR_RECORDS] = next_records,
        [UK_TAR_LIST] = next_in_list,
        [UK_TAR_IN_DATA] = next_in_data,
    };
    return formats[map->format](map, piece);
}

/* The map comes first in the data, and the rest begins in a block of its own. */
static bool split_data(struct map *map) {
    struct piece piece;
    enum next next;
    map->text = (struct uk_tar_text){(const char *)map->data, map->size};
    if (!take_number(&map->text, '\n', &map->count))
        return false;
    struct map walk = *map;
    while ((next = next_piece(&walk, &piece)) == PIECE)
        ;
    size_t used = map->size - walk.text.length, blocks = (used + UK_TAR_BLOCK - 1) / UK_TAR_BLOCK * UK_TAR_BLOCK;
    if (next == BAD || blocks > map->size)
        return false;
    map->data += blocks;
    map->size -= blocks;
    return true;
}

static bool open_map(struct map *map, const struct uk_tar_header *header, const struct uk_tar_extra *extra,
                     struct uk_member *member, size_t blocks) {
    uint64_t real_size = extra->real_size;
    map->header = (const uint8_t *)header;
    map->count = IN_HEADER + blocks * IN_BLOCK;
    map->text = extra->map;
    if (map->format == UK_TAR_GNU && !uk_tar_number((const char *)map->header + SIZE_OFFSET, 12, &real_size))
        return false;
    member->data = NULL;
    member->size = real_size;
    return real_size <= INT64_MAX && (map->format != UK_TAR_IN_DATA || split_data(map));
}

static int add_pieces(struct uk_archive *archive, struct map *map, uint64_t file_size) {
    struct piece piece;
    enum next next;
    while ((next = next_piece(map, &piece)) == PIECE) {
        if (piece.size > map->size || piece.offset > file_size || piece.size > file_size - piece.offset)
            return uk_archive_fail(archive, bad_map);
        int result = piece.size ? archive->sink->fill(archive->sink, piece.offset, map->data, piece.size) : 0;
        if (result)
            return result;
        map->data += piece.size;
        map->size -= piece.size;
    }
    return next == BAD || map->size ? uk_archive_fail(archive, bad_map) : 0;
}

int uk_tar_add_sparse(struct uk_archive *archive, const struct uk_tar_header *header, const struct uk_tar_extra *extra,
                      struct uk_member *member, const uint8_t *map_blocks, size_t blocks) {
    struct map map = {
        .format = header->type == 'S' ? UK_TAR_GNU : extra->sparse,
        .blocks = map_blocks,
        .data = member->data,
        .size = member->size,
    };
    if (!open_map(&map, header, extra, member, blocks))
        return uk_archive_fail(archive, bad_map);
    int result = archive->sink->add(archive->sink, member);
    return result ? result : add_pieces(archive, &map, member->size);
}
