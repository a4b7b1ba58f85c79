/* SPDX-License-Identifier: MIT */
/*
 * Console output. Text is gathered in the buffer that is open until that is full, the stream changes or somebody enters
 * the monitor anyway; then the next buffer in the cycle is opened. Both streams share the cycle, so what one program
 * writes to both appears in the order of its writes.
 *
 * The open buffer is in the submission ring from its first byte on, and its submission grows with it: the monitor looks
 * there only when it is entered, and also when the program has come to a sudden end. ABI.md, FAULT-09.
 */
#include "kernel.h"

#define BUFFERS 4
#define BUFFER_SIZE 4096u

/* How long standard output may lie here while the program computes. */
#define STALE (10 * UK_MILLISECOND)

struct buffer {
    struct uk_io io;
    char *text; /* in the arena */
    uint16_t stream;
    uint32_t used;
};

static struct {
    struct buffer buffers[BUFFERS];
    unsigned open;
    bool filling;   /* the open buffer has text, and takes more */
    uint32_t size;  /* of each buffer; 0 when the arena has no room, and then output is lost */
    int error;      /* the first since the last flush */
    bool busy;      /* somebody is writing, and may be waiting for a buffer while others run */
    char late[512]; /* what the kernel had to say meanwhile, for standard error */
    size_t late_used;
} console;

void uk_console_init(void) {
    uint32_t size = BUFFER_SIZE;
    char *text;
    /* Half of the arena at most, which is small when there are no devices. */
    while (size > 0 && size * BUFFERS > uk_boot()->arena_size / 2)
        size /= 2;
    if (size == 0 || !(text = uk_arena_alloc((size_t)size * BUFFERS, UKVM_PAGE_SIZE)))
        return;
    console.size = size;
    for (unsigned i = 0; i < BUFFERS; i++)
        console.buffers[i].text = text + (size_t)i * size;
}

void uk_console_seal(void) {
    if (!console.filling)
        return;
    console.filling = false;
    console.open = (console.open + 1) % BUFFERS;
}

/* Where a crash of the program cannot reach it. When the ring has no room, that takes an exit. */
static void publish(struct buffer *buffer) {
    if (console.filling) {
        buffer->io.sqe.length = buffer->used;
    } else {
        buffer->io.sqe = (struct ukvm_sqe){
            .op = UKVM_OP_CONSOLE_WRITE,
            .device = buffer->stream,
            .length = buffer->used,
            .arena = uk_arena_offset(buffer->text),
        };
        uk_submit(&buffer->io);
        console.filling = true;
    }
    if (!uk_amend(&buffer->io))
        uk_kick();
}

static void collect(struct buffer *buffer) {
    buffer->io.done = NULL; /* a thread that waits for it, which only happens at the end of all threads */
    int32_t result = uk_await(&buffer->io);
    if (result < 0 && console.error == 0)
        console.error = result;
    buffer->io.result = 0;
}

/* The open buffer, with room for `stream`. */
static struct buffer *open_buffer(uint16_t stream) {
    struct buffer *buffer = &console.buffers[console.open];
    if (console.filling && (buffer->stream != stream || buffer->used == console.size)) {
        uk_console_seal();
        buffer = &console.buffers[console.open];
    }
    if (!console.filling) {
        collect(buffer);
        buffer->stream = stream;
        buffer->used = 0;
    }
    return buffer;
}

static void append(uint16_t stream, const char *text, size_t length) {
    while (length > 0) {
        struct buffer *buffer = open_buffer(stream);
        size_t room = console.size - buffer->used;
        size_t n = length < room ? length : room;
        memcpy(buffer->text + buffer->used, text, n);
        buffer->used += (uint32_t)n;
        publish(buffer);
        text += n;
        length -= n;
    }
}

static void append_late(void) {
    size_t used = console.late_used;
    console.late_used = 0;
    append(UKVM_CONSOLE_ERR, console.late, used);
}

static void keep_for_later(const char *text, size_t length) {
    size_t room = sizeof console.late - console.late_used;
    size_t n = length < room ? length : room;
    memcpy(console.late + console.late_used, text, n);
    console.late_used += n;
}

/*
 * Where there are threads, posix/console.c lets one in at a time. The kernel's own messages come from anywhere, also
 * from callbacks while a thread waits here for a buffer.
 */
void uk_console_write(unsigned stream, const char *text, size_t length) {
    if (stream != UKVM_CONSOLE_OUT && stream != UKVM_CONSOLE_ERR)
        uk_panic("uk_console_write: there is no stream %u", stream);
    if (console.size == 0 || length == 0)
        return;
    if (console.busy) {
        keep_for_later(text, length);
        return;
    }
    console.busy = true;
    append((uint16_t)stream, text, length);
    if (console.late_used > 0)
        append_late();
    console.busy = false;
    if (stream == UKVM_CONSOLE_ERR || (text[length - 1] == '\n' && uk_clock_monotonic() - uk_last_exit() > STALE))
        uk_kick();
}

void uk_console_end(void) {
    if (console.late_used > 0)
        append_late();
    uk_console_seal();
}

int uk_console_flush(void) {
    uk_console_seal();
    for (unsigned i = 0; i < BUFFERS; i++)
        collect(&console.buffers[(console.open + i) % BUFFERS]);
    int error = console.error;
    console.error = 0;
    return error;
}
