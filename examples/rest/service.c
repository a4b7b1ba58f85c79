/* SPDX-License-Identifier: MIT */
#include "service.h"

#include <string.h>

#include "json.h"
#include "sort.h"
#include "todo.h"

struct call {
    uint32_t id; /* of the path, where it has one */
    struct json body;
};

static char body_bytes[TODO_JSON_MAX];

static struct buffer body_buffer(void) {
    return (struct buffer){body_bytes, 0, sizeof(body_bytes), false};
}

static struct reply json_reply(int status, const struct buffer *b) {
    return (struct reply){.status = status, .body = {b->at, b->length}};
}

static struct reply todo_reply(int status, const struct todo *todo) {
    struct buffer b = body_buffer();
    todo_put(&b, todo);
    return json_reply(status, &b);
}

/* ---- to-dos */

enum { HAS_TITLE = 1, HAS_COMPLETED = 2 };

/* Takes the fields given into *todo; which they were, or -1 when the text is no to-do. Other fields are ignored. */
static int read_todo(struct json *j, struct todo *todo) {
    char name[32];
    bool first = true;
    int given = 0;
    size_t length;
    if (!json_open(j))
        return -1;
    while (json_field(j, &first, name, sizeof(name))) {
        if (strcmp(name, "title") == 0) {
            if (!json_string(j, todo->title, TODO_TITLE_MAX, &length))
                return -1;
            todo->title_length = (uint8_t)length;
            given |= HAS_TITLE;
        } else if (strcmp(name, "completed") == 0) {
            if (!json_bool(j, &todo->completed))
                return -1;
            given |= HAS_COMPLETED;
        } else if (!json_skip(j)) {
            return -1;
        }
    }
    return json_end(j) ? given : -1;
}

static struct reply list_todos(struct call *call) {
    (void)call;
    return (struct reply){.status = 200, .list = true};
}

static struct reply add_todo(struct call *call) {
    struct todo todo = {0};
    int given = read_todo(&call->body, &todo);
    if (given < 0 || !(given & HAS_TITLE))
        return reply_error(400);
    const struct todo *added = todo_add(&todo);
    if (!added)
        return reply_error(507);
    struct reply reply = todo_reply(201, added);
    reply.created = added->id;
    return reply;
}

static struct reply get_todo(struct call *call) {
    const struct todo *todo = todo_find(call->id);
    return todo ? todo_reply(200, todo) : reply_error(404);
}

/* Reads into a copy: a text that turns out malformed half-way changes nothing. */
static struct reply change_todo(struct call *call, struct todo with, int needed) {
    struct todo *todo = todo_find(call->id);
    int given = read_todo(&call->body, &with);
    if (given < 0 || (given & needed) != needed)
        return reply_error(400);
    *todo = with;
    return todo_reply(200, todo);
}

static struct reply put_todo(struct call *call) {
    if (!todo_find(call->id))
        return reply_error(404);
    return change_todo(call, (struct todo){.id = call->id}, HAS_TITLE);
}

static struct reply patch_todo(struct call *call) {
    const struct todo *todo = todo_find(call->id);
    return todo ? change_todo(call, *todo, 0) : reply_error(404);
}

static struct reply delete_todo(struct call *call) {
    struct todo *todo = todo_find(call->id);
    if (!todo)
        return reply_error(404);
    todo_delete(todo);
    return (struct reply){.status = 204};
}

/* ---- the rest */

static struct reply root(struct call *call) {
    static const char text[] = "Hello from a to-do list: /todos, /sort\n";
    (void)call;
    return (struct reply){.status = 200, .type = "text/plain", .body = {text, sizeof(text) - 1}};
}

static struct reply sort(struct call *call) {
    char name[32];
    bool first = true;
    uint32_t size = 0;
    if (!json_open(&call->body))
        return reply_error(400);
    while (json_field(&call->body, &first, name, sizeof(name)))
        if (strcmp(name, "size") == 0 ? !json_u32(&call->body, &size) : !json_skip(&call->body))
            return reply_error(400);
    if (!json_end(&call->body) || size == 0 || size > SORT_MAX)
        return reply_error(400);
    uint64_t ns = sort_reversed(size);
    struct buffer b = body_buffer();
    put(&b, "{\"size\":");
    put_number(&b, size, 10);
    put(&b, ",\"nanoseconds\":");
    put_number(&b, ns, 10);
    put(&b, "}");
    return json_reply(200, &b);
}

/* ---- which is which */

static const struct route {
    const char *path;
    bool has_id; /* a number follows the path */
    struct reply (*on[HTTP_METHODS])(struct call *call);
} routes[] = {
    {"/", false, {[HTTP_GET] = root, [HTTP_HEAD] = root}},
    {"/todos", false, {[HTTP_GET] = list_todos, [HTTP_HEAD] = list_todos, [HTTP_POST] = add_todo}},
    {"/todos/",
     true,
     {[HTTP_GET] = get_todo,
      [HTTP_HEAD] = get_todo,
      [HTTP_PUT] = put_todo,
      [HTTP_PATCH] = patch_todo,
      [HTTP_DELETE] = delete_todo}},
    {"/sort", false, {[HTTP_POST] = sort}},
};

static bool parse_id(struct span digits, uint32_t *id) {
    uint64_t n = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9' || n > UINT32_MAX)
            return false;
        n = n * 10 + (unsigned)(digits.at[i] - '0');
    }
    *id = (uint32_t)n;
    return digits.length > 0 && digits.at[0] != '0' && n <= UINT32_MAX;
}

static bool matches(const struct route *route, struct span path, struct call *call) {
    size_t n = strlen(route->path);
    if (path.length < n || memcmp(path.at, route->path, n) != 0)
        return false;
    return route->has_id ? parse_id((struct span){path.at + n, path.length - n}, &call->id) : path.length == n;
}

static struct reply not_allowed(const struct route *route) {
    struct reply reply = reply_error(405);
    for (unsigned m = 0; m < HTTP_METHODS; m++)
        reply.allow |= route->on[m] ? 1u << m : 0;
    return reply;
}

struct reply service(const struct http_request *r, const char *buf) {
    struct span path = {buf + r->path, r->path_length};
    struct call call = {.body = {buf + r->body, buf + r->body + r->body_length}};
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!matches(&routes[i], path, &call))
            continue;
        return routes[i].on[r->method] ? routes[i].on[r->method](&call) : not_allowed(&routes[i]);
    }
    return reply_error(404);
}
