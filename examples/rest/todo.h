/* SPDX-License-Identifier: MIT */
/* The to-do list: in memory, in the order of the identifiers, which are never used twice. */
#ifndef REST_TODO_H
#define REST_TODO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

#define TODO_MAX 1000
#define TODO_TITLE_MAX 240
/* Of one to-do as JSON: each byte of the title may need six. */
#define TODO_JSON_MAX (6 * TODO_TITLE_MAX + 64)

struct todo {
    uint32_t id;
    uint8_t title_length;
    bool completed;
    char title[TODO_TITLE_MAX];
};

struct todo *todo_find(uint32_t id);
struct todo *todo_add(const struct todo *todo); /* gives it an identifier; NULL when the list is full */
void todo_delete(struct todo *todo);

void todo_put(struct buffer *b, const struct todo *todo);
/*
 * The list as JSON, piece by piece: each call adds what fits and moves *cursor on, which is 1 before the first call and
 * 0 after the last. What is added to or deleted from the list in between may be there or not.
 */
void todo_put_list(struct buffer *b, uint32_t *cursor);

#endif
