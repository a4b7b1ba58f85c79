/* SPDX-License-Identifier: MIT */
/*
 * JSON (RFC 8259) read value by value from a text in memory, and strings written. Nothing is allocated. A function that
 * returns false has met something else than what it is for; the text is then of no more use.
 */
#ifndef REST_JSON_H
#define REST_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

struct json {
    const char *at, *end;
};

/* `{`, then the fields one by one: */
bool json_open(struct json *j);
/*
 * True if there is one more field: its name is in `name`, and its value is next. False at the end of the object, and
 * for what is no field, which json_end() then tells. *first is true before the first call.
 */
bool json_field(struct json *j, bool *first, char *name, size_t size);
bool json_end(struct json *j); /* after the last field: the object is whole, and nothing follows it */

bool json_string(struct json *j, char *out, size_t size, size_t *length); /* size bytes at most, as UTF-8 */
bool json_bool(struct json *j, bool *value);
bool json_u32(struct json *j, uint32_t *value);
bool json_skip(struct json *j); /* any value */

void json_put_string(struct buffer *b, const char *text, size_t length);

#endif
