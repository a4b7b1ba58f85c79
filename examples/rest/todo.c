/* SPDX-License-Identifier: MIT */
#include "todo.h"

#include <string.h>

#include "json.h"

_Static_assert(TODO_TITLE_MAX <= UINT8_MAX, "title_length has 8 bits");

/* Memory that is never touched costs nothing. */
static struct {
    struct todo todos[TODO_MAX];
    size_t count;
    uint32_t last_id;
} list;

/* Index of the first with this identifier or a larger one. */
static size_t from(uint32_t id) {
    size_t low = 0, high = list.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (list.todos[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct todo *todo_find(uint32_t id) {
    size_t i = from(id);
    return i < list.count && list.todos[i].id == id ? &list.todos[i] : NULL;
}

struct todo *todo_add(const struct todo *todo) {
    if (list.count == TODO_MAX || list.last_id == UINT32_MAX - 1)
        return NULL;
    struct todo *new = &list.todos[list.count++];
    *new = *todo;
    new->id = ++list.last_id;
    return new;
}

void todo_delete(struct todo *todo) {
    size_t behind = list.count - (size_t)(todo - list.todos) - 1;
    memmove(todo, todo + 1, behind * sizeof(*todo));
    list.count--;
}

void todo_put(struct buffer *b, const struct todo *todo) {
    put(b, "{\"id\":");
    put_number(b, todo->id, 10);
    put(b, ",\"title\":");
    json_put_string(b, todo->title, todo->title_length);
    put(b, todo->completed ? ",\"completed\":true}" : ",\"completed\":false}");
}

void todo_put_list(struct buffer *b, uint32_t *cursor) {
    if (*cursor == 1)
        put(b, "[");
    for (size_t i = from(*cursor); i < list.count; i++) {
        size_t before = b->length;
        /* The cursor is 1 until one has been written, whatever the identifier of the first. */
        if (*cursor > 1)
            put(b, ",");
        todo_put(b, &list.todos[i]);
        if (b->full) {
            b->length = before;
            b->full = false;
            return;
        }
        *cursor = list.todos[i].id + 1;
    }
    put(b, "]");
    if (b->full)
        b->full = false;
    else
        *cursor = 0;
}
