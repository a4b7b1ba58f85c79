/* SPDX-License-Identifier: MIT */
/*
 * Console output. Text is gathered in the buffer that is open until that is full, the stream changes or somebody enters
 * the monitor anyway; then the next buffer in the cycle is opened. Both streams share the cycle, so what one program
 * writes to both appears in the order of its writes.
 *
 * The open buffer is in the submission ring from its first byte on, and its submission grows with it: the monitor looks
 * there only when it is entered, and also when the program has come to a sudden end. ABI.md, FAULT-09.
 */
#include "console.h"
#include "wait.h"

#define BUFFERS 4
#define BUFFER_SIZE 4096u

/* How long standard output may lie here while the program computes. */
#define STALE (10 * UK_MILLISECOND)

struct buffer {
    struct uk_io io;
    char *text; /* in the arena */
    uint16_t stream;
    uint32_t used;
    bool out; /* submitted, and what became of it is not known */
};

static struct {
    struct buffer buffers[BUFFERS];
    unsigned open;
    bool filling;                /* the open buffer has text, and takes more */
    uint32_t size;               /* of each buffer; 0 when the arena has no room, and then output is lost */
    int32_t error[UKVM_STREAMS]; /* what text that had been accepted met, until it is told */
    uint32_t lost[UKVM_STREAMS]; /* bytes of it, until somebody counts */
    bool busy;                   /* somebody is writing, and may be waiting for a buffer while others run */
    char late[512];              /* what the kernel had to say meanwhile, for standard error */
    size_t late_used;
} console;

void (*uk_console_hook)(unsigned stream);

enum ukvm_stream_kind uk_console_kind(unsigned stream) {
    const struct ukvm_boot *boot = uk_boot();
    if (boot->features & UKVM_FEATURE_CONSOLE)
        return boot->streams[stream];
    return stream == UKVM_CONSOLE_IN ? UKVM_STREAM_NULL : UKVM_STREAM_PIPE;
}

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
        buffer->out = true;
        uk_submit(&buffer->io);
        console.filling = true;
    }
    if (!uk_amend(&buffer->io))
        uk_kick();
}

/* Came short: there was an error, and the next write would have told which. CON-03 */
static int32_t error_of(const struct buffer *buffer) {
    if (buffer->io.result < 0)
        return buffer->io.result;
    return uk_console_kind(buffer->stream) == UKVM_STREAM_PIPE ? -UKVM_EPIPE : -UKVM_EIO;
}

/* What became of a buffer. While somebody still awaits its operation, that is not over. */
static void look_at(struct buffer *buffer) {
    uint32_t written = buffer->io.result > 0 ? (uint32_t)buffer->io.result : 0;
    if (!buffer->out || buffer->io.in_flight || buffer->io.done)
        return;
    buffer->out = false;
    if (written < buffer->used) {
        console.lost[buffer->stream] += buffer->used - written;
        if (console.error[buffer->stream] == 0)
            console.error[buffer->stream] = error_of(buffer);
    }
    if (uk_console_hook)
        uk_console_hook(buffer->stream);
}

void uk_console_look(void) {
    for (unsigned i = 0; i < BUFFERS; i++)
        look_at(&console.buffers[i]);
}

static void await(struct buffer *buffer) {
    if (buffer->out)
        uk_await(&buffer->io);
    look_at(buffer);
}

/* The open buffer, with room for `stream`. Others may write while this waits. */
static struct buffer *open_buffer(uint16_t stream) {
    while (true) {
        struct buffer *buffer = &console.buffers[console.open];
        if (console.filling && buffer->stream == stream && buffer->used < console.size)
            return buffer;
        uk_console_seal();
        buffer = &console.buffers[console.open];
        if (!buffer->out) {
            buffer->stream = stream;
            buffer->used = 0;
            return buffer;
        }
        await(buffer);
    }
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

/* Standard error goes out at once, and what is shown line by line does not wait for long. */
static void hurry(unsigned stream, char last) {
    if (stream == UKVM_CONSOLE_ERR || (last == '\n' && uk_clock_monotonic() - uk_last_exit() > STALE))
        uk_kick();
}

/*
 * Where there are threads, programs write through uk_console_put(). The kernel's own messages come from anywhere, also
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
    hurry(stream, text[length - 1]);
}

/* ---- for who may not wait here */

size_t uk_console_room(unsigned stream) {
    const struct buffer *open = &console.buffers[console.open];
    unsigned first = console.open;
    size_t room = 0;
    if (console.filling) {
        room = open->stream == stream ? console.size - open->used : 0;
        first++;
    }
    for (unsigned i = first; i < first + BUFFERS && !console.buffers[i % BUFFERS].out; i++)
        room += console.size;
    return room;
}

size_t uk_console_capacity(void) {
    return (size_t)console.size * BUFFERS;
}

size_t uk_console_put(unsigned stream, const char *text, size_t length) {
    size_t room = uk_console_room(stream);
    size_t n = length < room ? length : room;
    append((uint16_t)stream, text, n);
    return n;
}

void uk_console_hurry(unsigned stream, char last) {
    hurry(stream, last);
}

int32_t uk_console_error(unsigned stream) {
    int32_t error = console.error[stream];
    console.error[stream] = 0;
    return error;
}

size_t uk_console_settle(unsigned stream) {
    for (unsigned i = 0; i < BUFFERS; i++) {
        struct buffer *buffer = &console.buffers[(console.open + i) % BUFFERS];
        if (buffer->stream == stream)
            await(buffer);
    }
    size_t lost = console.lost[stream];
    console.lost[stream] = 0;
    return lost;
}

void uk_console_end(void) {
    if (console.late_used > 0)
        append_late();
    uk_console_seal();
}

int uk_console_flush(void) {
    uk_console_seal();
    for (unsigned i = 0; i < BUFFERS; i++)
        await(&console.buffers[(console.open + i) % BUFFERS]);
    int out = uk_console_error(UKVM_CONSOLE_OUT), err = uk_console_error(UKVM_CONSOLE_ERR);
    return out ? out : err;
}
