/* SPDX-License-Identifier: MIT */
#include "format.h"
#include "ukvm.h"

/* Gathers the pieces: one write a line or so, because each to standard error is an exit. */
struct console_sink {
    struct uk_sink sink;
    unsigned stream;
    size_t used;
    char text[256];
};

static void flush(struct console_sink *out) {
    uk_console_write(out->stream, out->text, out->used);
    out->used = 0;
}

static void put_console(struct uk_sink *sink, const char *text, size_t length) {
    struct console_sink *out = uk_container_of(sink, struct console_sink, sink);
    while (length > 0) {
        if (out->used == sizeof out->text)
            flush(out);
        size_t room = sizeof out->text - out->used;
        size_t n = length < room ? length : room;
        memcpy(out->text + out->used, text, n);
        out->used += n;
        text += n;
        length -= n;
    }
}

int uk_vprintf(unsigned stream, const char *format, va_list args) {
    struct console_sink out; /* not initialised whole: the text needs no zeros */
    out.sink = (struct uk_sink){.put = put_console};
    out.stream = stream;
    out.used = 0;
    uk_format(&out.sink, format, args);
    flush(&out);
    return (int)out.sink.length;
}

int uk_printf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = uk_vprintf(UKVM_CONSOLE_OUT, format, args);
    va_end(args);
    return length;
}

int uk_eprintf(const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = uk_vprintf(UKVM_CONSOLE_ERR, format, args);
    va_end(args);
    return length;
}
