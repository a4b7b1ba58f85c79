/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct text_file {
    struct uk_node_file node;
    struct uk_text text;
};

/* ---- the text */

static bool make_room(struct uk_text *text, size_t more) {
    size_t room = text->room ? text->room : 256;
    while (room - text->length < more)
        room *= 2;
    char *larger = room == text->room ? text->bytes : uk_realloc(text->bytes, room);
    text->failed |= !larger;
    if (!larger)
        return false;
    text->bytes = larger;
    text->room = room;
    return true;
}

void uk_text_append(struct uk_text *text, const void *bytes, size_t size) {
    if (size == 0 || !make_room(text, size))
        return;
    memcpy(text->bytes + text->length, bytes, size);
    text->length += size;
}

void uk_text_printf(struct uk_text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = uk_vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (!make_room(text, (size_t)length + 1))
        return;
    va_start(args, format);
    uk_vsnprintf(text->bytes + text->length, (size_t)length + 1, format, args);
    va_end(args);
    text->length += (size_t)length;
}

/* ---- the file */

static struct text_file *file_of(struct uk_file *file) {
    return uk_container_of(file, struct text_file, node.file);
}

static ssize_t text_read(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    const struct uk_text *text = &file_of(file)->text;
    off_t at = offset == UK_AT_POSITION ? file->position : offset;
    if (at >= (off_t)text->length)
        return 0;
    size_t n = uk_iov_fill(iov, count, 0, text->bytes + at, text->length - (size_t)at);
    if (offset == UK_AT_POSITION)
        file->position += (off_t)n;
    return (ssize_t)n;
}

static ssize_t text_write(struct uk_file *file, const struct iovec *iov, int count, off_t offset) {
    const struct uk_text_source *source = file_of(file)->node.inode->data;
    char text[64];
    (void)offset;
    ssize_t length = uk_iov_length(iov, count);
    if (length < 0 || (size_t)length >= sizeof text)
        return -EINVAL;
    text[uk_iov_gather(iov, count, 0, text, sizeof text - 1)] = 0;
    int result = source->change(text, (size_t)length);
    return result ? result : length;
}

static void text_close(struct uk_file *file) {
    uk_free(file_of(file)->text.bytes);
    uk_inode_unref(file_of(file)->node.inode);
    uk_free(file);
}

static int text_stat(struct uk_file *file, struct uk_kstat *stat) {
    uk_inode_stat(file_of(file)->node.inode, stat);
    return 0;
}

static off_t text_size(struct uk_file *file) {
    return (off_t)file_of(file)->text.length;
}

static int text_truncate(struct uk_file *file, off_t length) {
    (void)file, (void)length;
    return 0; /* open() with O_TRUNC, before a write */
}

static const struct uk_file_ops text_ops = {
    .name = "text",
    .read = text_read,
    .write = text_write,
    .close = text_close,
    .size = text_size,
    .stat = text_stat,
    .truncate = text_truncate,
    .seekable = true,
};

static int text_open(struct uk_inode *inode, int flags, struct uk_file **opened) {
    const struct uk_text_source *source = inode->data;
    if ((flags & O_ACCMODE) != O_RDONLY && !source->change)
        return -EACCES;
    struct text_file *file = uk_malloc(sizeof *file);
    if (!file)
        return -ENOMEM;
    *file = (struct text_file){.node.inode = uk_inode_ref(inode)};
    uk_file_init(&file->node.file, &text_ops, flags);
    source->make(&file->text);
    if (file->text.failed) {
        text_close(&file->node.file);
        return -ENOMEM;
    }
    *opened = &file->node.file;
    return 0;
}

static const struct uk_inode_ops inode_ops = {.open = text_open};

struct uk_inode *uk_text_inode(const struct uk_text_source *source) {
    struct uk_inode *inode = uk_inode_new(S_IFREG | (source->change ? 0644 : 0444));
    if (!inode)
        return NULL;
    inode->ops = &inode_ops;
    inode->data = (void *)(uintptr_t)source;
    return inode;
}
