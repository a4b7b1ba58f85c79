/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 requests (RFC 9112), taken from a buffer as they arrive. Nothing here does I/O or allocates.
 *
 * The caller reads into a buffer of HTTP_BUFFER bytes and calls http_parse() after each read. Bytes of one request may
 * come one by one, and bytes of the next may follow. The framing of a chunked body is cut out of the buffer as it is
 * met, so a body is always one piece behind its head, and a request that is not refused always fits.
 */
#ifndef REST_HTTP_H
#define REST_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_TARGET_MAX 1024
#define HTTP_HEAD_MAX 8192
#define HTTP_BODY_MAX 8192
#define HTTP_LINE_MAX 256 /* of a chunk's size or a trailer */
#define HTTP_BUFFER (HTTP_HEAD_MAX + HTTP_BODY_MAX + HTTP_LINE_MAX)

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_METHODS };
extern const char *const http_method_names[HTTP_METHODS];

struct span {
    const char *at;
    size_t length;
};

/* Offsets are from the start of the request, so that the caller may move its bytes between two calls. */
struct http_request {
    enum http_method method;
    uint16_t path, path_length; /* without the query */
    uint16_t body, body_length;
    uint8_t minor;         /* HTTP/1.minor */
    bool close;            /* no other request may follow on this connection */
    bool expects_continue; /* the client waits for "100 Continue" before it sends the body */

    /* Where parsing is. */
    uint8_t state;
    uint8_t seen;      /* fields that must not be there twice, see http.c */
    uint16_t position; /* of the first byte not yet parsed; in the end, of the next request */
    uint16_t scanned;  /* bytes behind it that hold no line feed */
    uint32_t left;     /* of the body or of the chunk, still to come */
};

enum {
    HTTP_COMPLETE = 0,
    HTTP_MORE = 1, /* the request is not all there; a larger value is the status that refuses it */
};

/*
 * Goes on with the request at the start of `buf`, which holds *length bytes; a request that is all zero is a new one.
 * May take bytes out of the middle of the buffer, and then lowers *length.
 */
int http_parse(struct http_request *request, char *buf, size_t *length);

/* Between the head and the end of the body: true if the body is still to come. */
bool http_has_head(const struct http_request *request);

#endif
