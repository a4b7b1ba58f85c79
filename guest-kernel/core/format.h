/* SPDX-License-Identifier: MIT */
/* What uk_printf() and uk_snprintf() have in common. */
#ifndef UK_FORMAT_H
#define UK_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Where formatted text goes, piece by piece. */
struct uk_sink {
    void (*put)(struct uk_sink *sink, const char *text, size_t length);
    size_t length; /* of all pieces so far */
};

void uk_format(struct uk_sink *sink, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#endif
