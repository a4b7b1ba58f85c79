/* SPDX-License-Identifier: MIT */
/* Numbers in tar archives: POSIX.1-2017, "ustar Interchange Format" and "pax Interchange Format"; and GNU's. */
#include "tar.h"

/* GNU: the first bit set, and the rest is a binary number in two's complement. */
static bool is_binary(const char *field) {
    return field[0] & 0x80;
}

static bool binary(const unsigned char *field, size_t size, int64_t *value) {
    *value = field[0] & 0x40 ? -1 : 0;
    *value = (int64_t)((uint64_t)*value << 6 | (field[0] & 0x3f));
    for (size_t i = 1; i < size; i++) {
        if (*value < INT64_MIN >> 8 || *value > INT64_MAX >> 8)
            return false;
        *value = (int64_t)((uint64_t)*value << 8 | field[i]);
    }
    return true;
}

/* At most 12 octal digits between blanks: 36 bits. An empty field is 0. */
static bool octal(const char *field, size_t size, uint64_t *value) {
    size_t i = 0;
    *value = 0;
    while (i < size && field[i] == ' ')
        i++;
    while (i < size && field[i] >= '0' && field[i] <= '7')
        *value = *value << 3 | (uint64_t)(field[i++] - '0');
    return i == size || field[i] == ' ' || field[i] == 0;
}

bool uk_tar_number(const char *field, size_t size, uint64_t *value) {
    int64_t number;
    if (!is_binary(field))
        return octal(field, size, value);
    if (!binary((const unsigned char *)field, size, &number) || number < 0)
        return false;
    *value = (uint64_t)number;
    return true;
}

bool uk_tar_seconds(const char *field, size_t size, int64_t *seconds) {
    uint64_t value;
    if (is_binary(field))
        return binary((const unsigned char *)field, size, seconds);
    if (!octal(field, size, &value))
        return false;
    *seconds = (int64_t)value;
    return true;
}

bool uk_tar_decimal(const char *from, const char *end, uint64_t *value, const char **rest) {
    const char *at = from;
    for (*value = 0; at < end && *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, (unsigned)(*at - '0'), value))
            return false;
    *rest = at;
    return at > from;
}

/* What is behind the point, as nanoseconds. */
static bool fraction(const char *at, const char *end, uint32_t *nanoseconds) {
    uint32_t unit = 100000000;
    for (*nanoseconds = 0; at < end; at++, unit /= 10) {
        if (*at < '0' || *at > '9')
            return false;
        *nanoseconds += (uint32_t)(*at - '0') * unit;
    }
    return true;
}

bool uk_tar_decimal_time(const char *from, const char *end, struct uk_tar_time *time) {
    bool negative = from < end && *from == '-';
    uint64_t seconds;
    const char *rest;
    *time = (struct uk_tar_time){0};
    if (!uk_tar_decimal(from + negative, end, &seconds, &rest) || seconds >= INT64_MAX)
        return false;
    if (rest < end && (*rest != '.' || !fraction(rest + 1, end, &time->nanoseconds)))
        return false;
    time->seconds = negative ? -(int64_t)seconds : (int64_t)seconds;
    if (negative && time->nanoseconds) {
        time->seconds--;
        time->nanoseconds = 1000000000 - time->nanoseconds;
    }
    return true;
}
