/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <string.h>

#define DEPTH_MAX 16

static void space(struct json *j) {
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
        j->at++;
}

static bool next_is(struct json *j, char c) {
    space(j);
    if (j->at == j->end || *j->at != c)
        return false;
    j->at++;
    return true;
}

static bool word(struct json *j, const char *w) {
    size_t n = strlen(w);
    space(j);
    if ((size_t)(j->end - j->at) < n || memcmp(j->at, w, n) != 0)
        return false;
    j->at += n;
    return true;
}

bool json_open(struct json *j) {
    return next_is(j, '{');
}

bool json_field(struct json *j, bool *first, char *name, size_t size) {
    size_t length;
    if (!*first && !next_is(j, ','))
        return false;
    if (*first && (space(j), j->at < j->end && *j->at == '}'))
        return false;
    *first = false;
    if (json_string(j, name, size - 1, &length) && next_is(j, ':')) {
        name[length] = '\0';
        return true;
    }
    j->at = j->end; /* so that json_end() finds no end */
    return false;
}

bool json_end(struct json *j) {
    bool closed = next_is(j, '}');
    space(j);
    return closed && j->at == j->end;
}

/* ---- strings */

/* Length of the character at `at`, or 0: no overlong form, no surrogate, nothing above U+10FFFF. */
static size_t utf8_length(const char *at, const char *end) {
    const unsigned char *s = (const unsigned char *)at;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (n == 0 || n > (size_t)(end - at))
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (n > 2 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
                  (s[0] == 0xf4 && s[1] > 0x8f)))
        return 0;
    return n;
}

static size_t utf8_encode(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
    return n;
}

static bool hex4(struct json *j, uint32_t *value) {
    if (j->end - j->at < 4)
        return false;
    *value = 0;
    for (int i = 0; i < 4; i++) {
        char c = *j->at++;
        const char *digits = "0123456789abcdef";
        const char *d = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
        if (!d)
            return false;
        *value = *value << 4 | (uint32_t)(d - digits);
    }
    return true;
}

/* What follows `\u`: one unit, or two that make a pair. */
static bool unicode_escape(struct json *j, uint32_t *c) {
    uint32_t low;
    if (!hex4(j, c) || (*c >= 0xdc00 && *c < 0xe000))
        return false;
    if (*c < 0xd800 || *c > 0xdfff)
        return true;
    if (j->end - j->at < 2 || j->at[0] != '\\' || j->at[1] != 'u')
        return false;
    j->at += 2;
    if (!hex4(j, &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static const char escapes[] = "\"\\/bfnrt", escaped[] = "\"\\/\b\f\n\r\t";

/* One character, escaped or not, as UTF-8; its length, or 0. */
static size_t character(struct json *j, char out[4]) {
    if (*j->at != '\\') {
        size_t n = (unsigned char)*j->at < ' ' ? 0 : utf8_length(j->at, j->end);
        memcpy(out, j->at, n);
        j->at += n;
        return n;
    }
    uint32_t c;
    if (j->end - ++j->at < 1)
        return 0;
    char kind = *j->at++;
    if (kind == 'u')
        return unicode_escape(j, &c) ? utf8_encode(c, out) : 0;
    const char *e = kind ? strchr(escapes, kind) : NULL;
    if (!e)
        return 0;
    out[0] = escaped[e - escapes];
    return 1;
}

bool json_string(struct json *j, char *out, size_t size, size_t *length) {
    char c[4];
    *length = 0;
    if (!next_is(j, '"'))
        return false;
    while (j->at < j->end) {
        if (*j->at == '"') {
            j->at++;
            return true;
        }
        size_t n = character(j, c);
        if (n == 0 || (out && n > size - *length))
            return false;
        if (out)
            memcpy(out + *length, c, n);
        *length += n;
    }
    return false;
}

void json_put_string(struct buffer *b, const char *text, size_t length) {
    put(b, "\"");
    for (size_t i = 0; i < length; i++) {
        const char *e = text[i] && text[i] != '/' ? strchr(escaped, text[i]) : NULL;
        if (e) {
            put_bytes(b, (const char[]){'\\', escapes[e - escaped]}, 2);
        } else if ((unsigned char)text[i] < ' ') {
            put(b, (unsigned char)text[i] < 0x10 ? "\\u000" : "\\u00");
            put_number(b, (unsigned char)text[i], 16);
        } else {
            put_bytes(b, text + i, 1);
        }
    }
    put(b, "\"");
}

/* ---- other values */

bool json_bool(struct json *j, bool *value) {
    *value = word(j, "true");
    return *value || word(j, "false");
}

static size_t digits(struct json *j) {
    const char *start = j->at;
    while (j->at < j->end && *j->at >= '0' && *j->at <= '9')
        j->at++;
    return (size_t)(j->at - start);
}

static bool skip_number(struct json *j) {
    bool zero;
    if (j->at < j->end && *j->at == '-')
        j->at++;
    zero = j->at < j->end && *j->at == '0';
    size_t whole = digits(j);
    if (whole == 0 || (zero && whole > 1))
        return false;
    if (j->at < j->end && *j->at == '.' && (j->at++, digits(j) == 0))
        return false;
    if (j->at < j->end && (*j->at == 'e' || *j->at == 'E')) {
        j->at++;
        if (j->at < j->end && (*j->at == '+' || *j->at == '-'))
            j->at++;
        return digits(j) > 0;
    }
    return true;
}

bool json_u32(struct json *j, uint32_t *value) {
    space(j);
    const char *start = j->at;
    size_t n = digits(j);
    uint64_t v = 0;
    if (n == 0 || n > 10 || (n > 1 && *start == '0') ||
        (j->at < j->end && (*j->at == '.' || *j->at == 'e' || *j->at == 'E')))
        return false;
    for (const char *d = start; d < j->at; d++)
        v = v * 10 + (unsigned)(*d - '0');
    *value = (uint32_t)v;
    return v <= UINT32_MAX;
}

static bool skip_value(struct json *j, unsigned depth);

static bool skip_items(struct json *j, char close, unsigned depth) {
    size_t length;
    if (next_is(j, close))
        return true;
    do {
        if (close == '}' && !(json_string(j, NULL, 0, &length) && next_is(j, ':')))
            return false;
        if (!skip_value(j, depth))
            return false;
    } while (next_is(j, ','));
    return next_is(j, close);
}

static bool skip_value(struct json *j, unsigned depth) {
    size_t length;
    space(j);
    if (j->at == j->end || depth == DEPTH_MAX)
        return false;
    switch (*j->at) {
    case '"':
        return json_string(j, NULL, 0, &length);
    case '{':
    case '[': {
        char close = *j->at++ == '{' ? '}' : ']';
        return skip_items(j, close, depth + 1);
    }
    case 't':
        return word(j, "true");
    case 'f':
        return word(j, "false");
    case 'n':
        return word(j, "null");
    default:
        return skip_number(j);
    }
}

bool json_skip(struct json *j) {
    return skip_value(j, 0);
}
