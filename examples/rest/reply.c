/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <stdio.h>
#include <string.h>

#include "todo.h"

#define ERROR(number, reason) \
    { number, #number " " reason, "{\"error\":\"" reason "\"}" }

static const struct status {
    int number;
    const char *line, *body;
} statuses[] = {
    {200, "200 OK", NULL},
    {201, "201 Created", NULL},
    {204, "204 No Content", NULL},
    ERROR(400, "Bad Request"),
    ERROR(404, "Not Found"),
    ERROR(405, "Method Not Allowed"),
    ERROR(408, "Request Timeout"),
    ERROR(411, "Length Required"),
    ERROR(413, "Content Too Large"),
    ERROR(414, "URI Too Long"),
    ERROR(417, "Expectation Failed"),
    ERROR(431, "Request Header Fields Too Large"),
    ERROR(501, "Not Implemented"),
    ERROR(505, "HTTP Version Not Supported"),
    ERROR(507, "Insufficient Storage"),
};

static const struct status *find(int number) {
    const struct status *s = statuses;
    while (s->number != number)
        s++;
    return s;
}

struct reply reply_error(int status) {
    const char *body = find(status)->body;
    return (struct reply){.status = status, .body = {body, strlen(body)}};
}

/* ---- the date, which changes once a second */

static char date[64];
static time_t date_time;

void reply_set_time(time_t now) {
    if (now == date_time)
        return;
    struct tm t;
    date_time = now;
    gmtime_r(&now, &t);
    strftime(date, sizeof(date), "\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n", &t);
}

/* ---- writing */

static void put_allow(struct buffer *b, unsigned methods) {
    const char *between = "Allow: ";
    for (unsigned m = 0; m < HTTP_METHODS; m++) {
        if (!(methods & 1u << m))
            continue;
        put(b, between);
        put(b, http_method_names[m]);
        between = ", ";
    }
    put(b, "\r\n");
}

void reply_put(struct buffer *b, const struct http_request *r, const struct reply *reply) {
    bool chunked = reply->list && r->minor > 0;
    put(b, "HTTP/1.1 ");
    put(b, find(reply->status)->line);
    put(b, date);
    if (reply->allow)
        put_allow(b, reply->allow);
    if (reply->created) {
        put(b, "Location: /todos/");
        put_number(b, reply->created, 10);
        put(b, "\r\n");
    }
    if (r->close)
        put(b, "Connection: close\r\n");
    else if (r->minor == 0)
        put(b, "Connection: keep-alive\r\n");
    if (reply->body.length > 0 || reply->list) {
        put(b, "Content-Type: ");
        put(b, reply->type ? reply->type : "application/json");
        put(b, "\r\n");
    }
    if (chunked) {
        put(b, "Transfer-Encoding: chunked\r\n");
    } else if (!reply->list && reply->status != 204) {
        put(b, "Content-Length: ");
        put_number(b, reply->body.length, 10);
        put(b, "\r\n");
    }
    put(b, "\r\n");
    if (r->method != HTTP_HEAD)
        put_bytes(b, reply->body.at, reply->body.length);
}

void reply_put_list(struct buffer *b, bool chunked, uint32_t *cursor) {
    if (!chunked) {
        todo_put_list(b, cursor);
        return;
    }
    /* The size stands in front of what it counts: four digits for any buffer here. */
    static const char start[] = "0000\r\n", end[] = "\r\n", last[] = "0\r\n\r\n";
    struct buffer chunk = {b->at + b->length + strlen(start), 0,
                           b->size - b->length - strlen(start) - strlen(end) - strlen(last), false};
    if (chunk.size > 0xffff)
        chunk.size = 0xffff;
    todo_put_list(&chunk, cursor);
    char size[sizeof(start)];
    snprintf(size, sizeof(size), "%04zx\r\n", chunk.length);
    put(b, size);
    b->length += chunk.length;
    put(b, end);
    if (*cursor == 0)
        put(b, last);
}
