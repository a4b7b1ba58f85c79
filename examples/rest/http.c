/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <string.h>
#include <strings.h>

_Static_assert(HTTP_BUFFER <= UINT16_MAX, "offsets into the buffer have 16 bits");

const char *const http_method_names[HTTP_METHODS] = {
    [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",       [HTTP_PUT] = "PUT",
    [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
};

/* Lines come first: these states take a line, the others bytes. */
enum state { REQUEST_LINE, FIELD, CHUNK_SIZE, CHUNK_END, TRAILER, BODY, CHUNK, COMPLETE };

enum { SEEN_HOST = 1, SEEN_LENGTH = 2, SEEN_CHUNKED = 4, SEEN_KEEP_ALIVE = 8 };

/* ---- characters */

static bool is_token(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_text(unsigned char c) {
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

static bool all(struct span s, bool (*is)(unsigned char)) {
    for (size_t i = 0; i < s.length; i++)
        if (!is((unsigned char)s.at[i]))
            return false;
    return true;
}

static bool same(struct span s, const char *word) {
    return s.length == strlen(word) && strncasecmp(s.at, word, s.length) == 0;
}

static struct span trim(struct span s) {
    for (; s.length > 0 && (s.at[0] == ' ' || s.at[0] == '\t'); s.length--)
        s.at++;
    for (; s.length > 0 && (s.at[s.length - 1] == ' ' || s.at[s.length - 1] == '\t'); s.length--)
        ;
    return s;
}

/* Takes the text up to `mark` from the front of s; all of it when there is no mark. */
static struct span split(struct span *s, char mark) {
    const char *at = memchr(s->at, mark, s->length);
    struct span front = {s->at, at ? (size_t)(at - s->at) : s->length};
    size_t gone = front.length + (at != NULL);
    *s = (struct span){s->at + gone, s->length - gone};
    return front;
}

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Nothing but digits, at least one. False as well for what does not fit; *value is then more than any limit. */
static bool number(struct span s, int base, uint32_t *value) {
    uint64_t n = 0;
    for (size_t i = 0; i < s.length; i++) {
        int d = digit(s.at[i]);
        if (d >= base)
            return false;
        n = n * (unsigned)base + (unsigned)d;
        if (n > UINT32_MAX / 2)
            n = UINT32_MAX / 2;
    }
    *value = (uint32_t)n;
    return s.length > 0;
}

/* ---- lines: each of these gets one without its CR LF, and returns 0 or the status that refuses the request */

static int parse_version(struct http_request *r, struct span version) {
    if (version.length != 8 || memcmp(version.at, "HTTP/", 5) != 0 || digit(version.at[5]) > 9 ||
        version.at[6] != '.' || digit(version.at[7]) > 9)
        return 400;
    if (version.at[5] != '1')
        return 505;
    r->minor = (uint8_t)digit(version.at[7]);
    return 0;
}

static int parse_method(struct http_request *r, struct span method) {
    if (method.length == 0 || !all(method, is_token))
        return 400;
    for (unsigned m = 0; m < HTTP_METHODS; m++) {
        if (method.length == strlen(http_method_names[m]) &&
            memcmp(method.at, http_method_names[m], method.length) == 0) {
            r->method = (enum http_method)m;
            return 0;
        }
    }
    return 501;
}

static bool is_visible(unsigned char c) {
    return c > ' ' && c < 0x7f;
}

/* The path, without query, of "/path" or "http://host/path"; "*" is a path that no resource has. */
static int parse_target(struct http_request *r, const char *buf, struct span target) {
    if (target.length == 0 || !all(target, is_visible))
        return 400;
    if (target.length > HTTP_TARGET_MAX)
        return 414;
    if (target.length > 7 && strncasecmp(target.at, "http://", 7) == 0) {
        struct span rest = {target.at + 7, target.length - 7};
        size_t authority = split(&rest, '/').length;
        target = (struct span){target.at + 7 + authority, target.length - 7 - authority};
        if (target.length == 0)
            return 400;
    } else if (target.at[0] != '/' && !(target.length == 1 && target.at[0] == '*')) {
        return 400;
    }
    struct span path = split(&target, '?');
    r->path = (uint16_t)(path.at - buf);
    r->path_length = (uint16_t)path.length;
    return 0;
}

static int request_line(struct http_request *r, const char *buf, struct span line) {
    struct span method = split(&line, ' '), target = split(&line, ' ');
    int status = parse_version(r, line);
    if (!status)
        status = parse_method(r, method);
    if (!status)
        status = parse_target(r, buf, target);
    r->close = r->minor == 0;
    r->state = FIELD;
    return status;
}

static int field_length(struct http_request *r, struct span value) {
    uint32_t length;
    /* Twice is refused even when both agree: two programs that read a request differently are a hole. */
    if (r->seen & (SEEN_LENGTH | SEEN_CHUNKED) || !number(value, 10, &length))
        return 400;
    r->seen |= SEEN_LENGTH;
    r->left = length;
    return length > HTTP_BODY_MAX ? 413 : 0;
}

static int field_encoding(struct http_request *r, struct span value) {
    if (r->seen & (SEEN_LENGTH | SEEN_CHUNKED) || r->minor == 0)
        return 400;
    r->seen |= SEEN_CHUNKED;
    return same(value, "chunked") ? 0 : 501;
}

static int field_connection(struct http_request *r, struct span value) {
    while (value.length > 0) {
        struct span option = trim(split(&value, ','));
        if (same(option, "close"))
            r->close = true;
        else if (same(option, "keep-alive"))
            r->seen |= SEEN_KEEP_ALIVE;
    }
    return 0;
}

static int field_expect(struct http_request *r, struct span value) {
    if (!same(value, "100-continue"))
        return 417;
    r->expects_continue = r->minor > 0;
    return 0;
}

static int field_host(struct http_request *r, struct span value) {
    (void)value;
    if (r->seen & SEEN_HOST)
        return 400;
    r->seen |= SEEN_HOST;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(struct http_request *r, struct span value);
} fields[] = {
    {"Host", field_host},
    {"Connection", field_connection},
    {"Content-Length", field_length},
    {"Transfer-Encoding", field_encoding},
    {"Expect", field_expect},
};

static int end_of_head(struct http_request *r) {
    if (r->minor > 0 && !(r->seen & SEEN_HOST))
        return 400;
    bool framed = r->seen & (SEEN_LENGTH | SEEN_CHUNKED);
    if (!framed && (r->method == HTTP_POST || r->method == HTTP_PUT || r->method == HTTP_PATCH))
        return 411;
    if (r->minor == 0 && r->seen & SEEN_KEEP_ALIVE)
        r->close = false;
    r->body = r->position;
    r->state = r->seen & SEEN_CHUNKED ? CHUNK_SIZE : BODY;
    return 0;
}

static int field(struct http_request *r, const char *buf, struct span line) {
    (void)buf;
    if (line.length == 0)
        return end_of_head(r);
    if (!memchr(line.at, ':', line.length))
        return 400;
    /* A space before the colon or at the start of the line (a folded field) is no token either. */
    struct span name = split(&line, ':');
    if (name.length == 0 || !all(name, is_token) || !all(line, is_text))
        return 400;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (same(name, fields[i].name))
            return fields[i].take(r, trim(line));
    return 0;
}

static int chunk_size(struct http_request *r, const char *buf, struct span line) {
    (void)buf;
    struct span size = trim(split(&line, ';'));
    if (!number(size, 16, &r->left) || !all(line, is_text))
        return 400;
    if (r->left > (uint32_t)HTTP_BODY_MAX - r->body_length)
        return 413;
    r->state = r->left > 0 ? CHUNK : TRAILER;
    return 0;
}

static int chunk_end(struct http_request *r, const char *buf, struct span line) {
    (void)buf;
    r->state = CHUNK_SIZE;
    return line.length > 0 ? 400 : 0;
}

static int trailer(struct http_request *r, const char *buf, struct span line) {
    (void)buf;
    if (line.length == 0)
        r->state = COMPLETE;
    return 0;
}

static const struct {
    int (*take)(struct http_request *r, const char *buf, struct span line);
    size_t max;
    int too_long;
    bool cut; /* the line is framing of the body */
} lines[] = {
    [REQUEST_LINE] = {request_line, HTTP_TARGET_MAX + sizeof("OPTIONS  HTTP/1.1"), 414, false},
    [FIELD] = {field, HTTP_HEAD_MAX - 1, 431, false},
    [CHUNK_SIZE] = {chunk_size, HTTP_LINE_MAX - 2, 400, true},
    [CHUNK_END] = {chunk_end, HTTP_LINE_MAX - 2, 400, true},
    [TRAILER] = {trailer, HTTP_LINE_MAX - 2, 431, true},
};

static void cut(char *buf, size_t *length, size_t at, size_t count) {
    memmove(buf + at, buf + at + count, *length - at - count);
    *length -= count;
}

static int take_line(struct http_request *r, char *buf, size_t *length) {
    const char *start = buf + r->position;
    size_t there = *length - r->position;
    const char *end = memchr(start + r->scanned, '\n', there - r->scanned);
    struct span line = {start, end ? (size_t)(end - start) : there};
    /* The limit of the fields is that of the head. */
    if (line.length + (r->state == FIELD ? r->position : 0) > lines[r->state].max)
        return lines[r->state].too_long;
    if (!end) {
        r->scanned = (uint16_t)there;
        return HTTP_MORE;
    }
    if (line.length == 0 || end[-1] != '\r')
        return 400;
    size_t whole = line.length + 1;
    line.length--;
    r->scanned = 0;
    /* Some clients send an empty line behind a body, so one in front of a request is skipped. */
    bool skipped = r->state == REQUEST_LINE && line.length == 0;
    bool framing = lines[r->state].cut || skipped;
    if (!framing)
        r->position = (uint16_t)(r->position + whole);
    int status = skipped ? 0 : lines[r->state].take(r, buf, line);
    if (framing)
        cut(buf, length, r->position, whole);
    return status;
}

static int take_bytes(struct http_request *r, size_t length) {
    size_t n = length - r->position;
    if (n > r->left)
        n = r->left;
    r->position = (uint16_t)(r->position + n);
    r->body_length = (uint16_t)(r->body_length + n);
    r->left -= (uint32_t)n;
    if (r->left > 0)
        return HTTP_MORE;
    r->state = r->state == BODY ? COMPLETE : CHUNK_END;
    return 0;
}

int http_parse(struct http_request *r, char *buf, size_t *length) {
    int status = 0;
    while (status == 0 && r->state != COMPLETE)
        status = r->state < BODY ? take_line(r, buf, length) : take_bytes(r, *length);
    return status;
}

bool http_has_head(const struct http_request *r) {
    return r->state > FIELD;
}
