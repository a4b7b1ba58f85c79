/* SPDX-License-Identifier: MIT */
/* The formatter behind uk_printf() and uk_snprintf(): a conversion is parsed, made into text, and padded. */
#include "format.h"

#include <limits.h>

#include "ukvm.h"

#define NO_PRECISION (-1)
#define MAX_DIGITS 24 /* a 64-bit number in octal has 22 */

enum size { SIZE_CHAR, SIZE_SHORT, SIZE_INT, SIZE_LONG };

struct spec {
    bool left, zero, plus, space, alternate;
    int width;
    int precision;
    enum size size;
    char conversion;
};

static void put(struct uk_sink *sink, const char *text, size_t length) {
    if (length > 0)
        sink->put(sink, text, length);
    sink->length += length;
}

static void put_repeated(struct uk_sink *sink, char c, size_t count) {
    static const char zeros[] = "0000000000000000", spaces[] = "                ";
    const char *text = c == '0' ? zeros : spaces;
    for (; count > sizeof zeros - 1; count -= sizeof zeros - 1)
        put(sink, text, sizeof zeros - 1);
    put(sink, text, count);
}

/* ---- parsing */

static const char *parse_flags(const char *at, struct spec *spec) {
    for (;; at++) {
        switch (*at) {
        case '-':
            spec->left = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '+':
            spec->plus = true;
            break;
        case ' ':
            spec->space = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        default:
            return at;
        }
    }
}

static const char *parse_number(const char *at, int *number, va_list *args) {
    if (*at == '*') {
        *number = va_arg(*args, int);
        return at + 1;
    }
    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (*number < INT_MAX / 10)
            *number = *number * 10 + (*at - '0');
    return at;
}

static const char *parse_size(const char *at, enum size *size) {
    *size = SIZE_INT;
    if (*at == 'h') {
        *size = at[1] == 'h' ? SIZE_CHAR : SIZE_SHORT;
        return at + (at[1] == 'h' ? 2 : 1);
    }
    if (*at == 'l' || *at == 'z') {
        *size = SIZE_LONG; /* `long`, `long long` and `size_t` are all 64 bits */
        return at + (at[0] == 'l' && at[1] == 'l' ? 2 : 1);
    }
    return at;
}

/* From behind the percent sign to behind the conversion. */
static const char *parse(const char *at, struct spec *spec, va_list *args) {
    *spec = (struct spec){.precision = NO_PRECISION};
    at = parse_flags(at, spec);
    at = parse_number(at, &spec->width, args);
    if (spec->width < 0) { /* by an argument: C11 7.21.6.1p5 */
        spec->left = true;
        spec->width = spec->width == INT_MIN ? INT_MAX : -spec->width;
    }
    if (*at == '.') {
        at = parse_number(at + 1, &spec->precision, args);
        if (spec->precision < 0)
            spec->precision = NO_PRECISION;
    }
    at = parse_size(at, &spec->size);
    spec->conversion = *at;
    return *at ? at + 1 : at;
}

/* ---- output */

/* A sign or base prefix, zeros, and the text itself, padded to the width. */
static void put_field(struct uk_sink *sink, const struct spec *spec, const char *prefix, size_t zeros, const char *text,
                      size_t length) {
    size_t prefix_length = strlen(prefix);
    size_t used = prefix_length + zeros + length;
    size_t padding = (size_t)spec->width > used ? (size_t)spec->width - used : 0;
    if (!spec->left)
        put_repeated(sink, ' ', padding);
    put(sink, prefix, prefix_length);
    put_repeated(sink, '0', zeros);
    put(sink, text, length);
    if (spec->left)
        put_repeated(sink, ' ', padding);
}

static void put_text(struct uk_sink *sink, const struct spec *spec, const char *text) {
    size_t limit = spec->precision == NO_PRECISION ? SIZE_MAX : (size_t)spec->precision;
    size_t length = 0;
    if (!text)
        text = "(null)";
    while (length < limit && text[length]) /* with a precision, `text` need not end in NUL */
        length++;
    put_field(sink, spec, "", 0, text, length);
}

static void put_number(struct uk_sink *sink, const struct spec *spec, const char *prefix, uint64_t value, unsigned base,
                       const char *digits) {
    char text[MAX_DIGITS];
    size_t start = sizeof text;
    for (uint64_t rest = value; rest > 0; rest /= base)
        text[--start] = digits[rest % base];
    size_t length = sizeof text - start;
    size_t wanted = spec->precision == NO_PRECISION ? 1 : (size_t)spec->precision;
    if (spec->zero && !spec->left && spec->precision == NO_PRECISION) {
        size_t prefix_length = strlen(prefix);
        wanted = (size_t)spec->width > prefix_length + 1 ? (size_t)spec->width - prefix_length : 1;
    }
    put_field(sink, spec, prefix, wanted > length ? wanted - length : 0, text + start, length);
}

static int64_t next_signed(const struct spec *spec, va_list *args) {
    switch (spec->size) {
    case SIZE_CHAR:
        return (signed char)va_arg(*args, int);
    case SIZE_SHORT:
        return (short)va_arg(*args, int);
    case SIZE_INT:
        return va_arg(*args, int);
    default:
        return va_arg(*args, long);
    }
}

static uint64_t next_unsigned(const struct spec *spec, va_list *args) {
    switch (spec->size) {
    case SIZE_CHAR:
        return (unsigned char)va_arg(*args, unsigned);
    case SIZE_SHORT:
        return (unsigned short)va_arg(*args, unsigned);
    case SIZE_INT:
        return va_arg(*args, unsigned);
    default:
        return va_arg(*args, unsigned long);
    }
}

static void put_signed(struct uk_sink *sink, const struct spec *spec, int64_t value) {
    const char *positive = spec->plus ? "+" : spec->space ? " " : "";
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    put_number(sink, spec, value < 0 ? "-" : positive, magnitude, 10, "0123456789");
}

static void put_hex(struct uk_sink *sink, const struct spec *spec, uint64_t value) {
    const char *prefix = !spec->alternate || value == 0 ? "" : spec->conversion == 'X' ? "0X" : "0x";
    put_number(sink, spec, prefix, value, 16, spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef");
}

static void put_conversion(struct uk_sink *sink, const struct spec *spec, va_list *args) {
    char c;
    switch (spec->conversion) {
    case 'd':
    case 'i':
        put_signed(sink, spec, next_signed(spec, args));
        break;
    case 'u':
        put_number(sink, spec, "", next_unsigned(spec, args), 10, "0123456789");
        break;
    case 'x':
    case 'X':
        put_hex(sink, spec, next_unsigned(spec, args));
        break;
    case 'p':
        put_number(sink, spec, "0x", (uintptr_t)va_arg(*args, void *), 16, "0123456789abcdef");
        break;
    case 's':
        put_text(sink, spec, va_arg(*args, const char *));
        break;
    case 'c':
        c = (char)va_arg(*args, int);
        put_field(sink, spec, "", 0, &c, 1);
        break;
    case '%':
        put(sink, "%", 1);
        break;
    default: /* none of ours: a compiler that knows the format attribute has warned */
        put(sink, "%?", 2);
        break;
    }
}

void uk_format(struct uk_sink *sink, const char *format, va_list args) {
    va_list copy;
    struct spec spec;
    va_copy(copy, args);
    while (*format) {
        const char *end = format;
        while (*end && *end != '%')
            end++;
        put(sink, format, (size_t)(end - format));
        if (*end) {
            end = parse(end + 1, &spec, &copy);
            put_conversion(sink, &spec, &copy);
        }
        format = end;
    }
    va_end(copy);
}

/* ---- into a buffer */

struct buffer_sink {
    struct uk_sink sink;
    char *buffer;
    size_t size;
};

static void put_buffer(struct uk_sink *sink, const char *text, size_t length) {
    struct buffer_sink *out = uk_container_of(sink, struct buffer_sink, sink);
    for (size_t i = 0; i < length && sink->length + i + 1 < out->size; i++)
        out->buffer[sink->length + i] = text[i];
}

int uk_vsnprintf(char *buffer, size_t size, const char *format, va_list args) {
    struct buffer_sink out = {.sink.put = put_buffer, .buffer = buffer, .size = size};
    uk_format(&out.sink, format, args);
    if (size > 0)
        buffer[out.sink.length < size ? out.sink.length : size - 1] = '\0';
    return (int)out.sink.length;
}

int uk_snprintf(char *buffer, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = uk_vsnprintf(buffer, size, format, args);
    va_end(args);
    return length;
}
