/* SPDX-License-Identifier: MIT */
/* Files whose text is made when they are opened: /proc. */
#ifndef UK_FS_TEXT_H
#define UK_FS_TEXT_H

#include "inode.h"

/* A text that grows. Memory that runs out is noticed once, at the end. */
struct uk_text {
    char *bytes;
    size_t length, room;
    bool failed;
};

void uk_text_printf(struct uk_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void uk_text_append(struct uk_text *text, const void *bytes, size_t size);

/* What makes the text of a file, and what a write to it does; NULL: it cannot be written. */
struct uk_text_source {
    void (*make)(struct uk_text *text);
    int (*change)(const char *text, size_t size);
};

/* An inode for such a file, with one reference; NULL when memory is used up. `source` outlives it. */
struct uk_inode *uk_text_inode(const struct uk_text_source *source);

#endif
