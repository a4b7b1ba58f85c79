/* SPDX-License-Identifier: MIT */
/* A response, and how it is written. */
#ifndef REST_REPLY_H
#define REST_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "buffer.h"
#include "http.h"

struct reply {
    int status;
    unsigned allow;   /* 405: the methods that the resource has, a bit each */
    uint32_t created; /* 201: the to-do that was made */
    bool list;        /* the body is the to-do list, which may be long: see reply_put_list() */
    const char *type; /* of the body; NULL is JSON */
    struct span body;
};

/* Room that any response needs, a list's first piece included. */
#define REPLY_MAX 4096

/* For the Date field of what follows. */
void reply_set_time(time_t now);

/* The head, and the body but for a list. */
void reply_put(struct buffer *b, const struct http_request *request, const struct reply *reply);

/* A piece of the list, as todo_put_list(): a chunk for HTTP/1.1, plain for HTTP/1.0, where the connection's end ends
 * it. */
void reply_put_list(struct buffer *b, bool chunked, uint32_t *cursor);

struct reply reply_error(int status);

#endif
