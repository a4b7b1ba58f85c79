/* SPDX-License-Identifier: MIT */
#include "parse.h"

#include <arpa/inet.h>
#include <string.h>

#include "ukvm_abi.h"

bool parse_number(const char *text, uint64_t max, uint64_t *value) {
    uint64_t result = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        if (__builtin_mul_overflow(result, 10u, &result) ||
            __builtin_add_overflow(result, (uint64_t)(*text - '0'), &result))
            return false;
    }
    *value = result;
    return result <= max;
}

bool parse_size(const char *text, uint64_t *bytes) {
    char digits[24];
    size_t length = strlen(text);
    unsigned shift = 0;
    if (length == 0 || length >= sizeof digits)
        return false;
    memcpy(digits, text, length + 1);
    switch (digits[length - 1]) {
    case 'K':
    case 'k':
        shift = 10;
        break;
    case 'M':
    case 'm':
        shift = 20;
        break;
    case 'G':
    case 'g':
        shift = 30;
        break;
    default:
        break;
    }
    if (shift)
        digits[length - 1] = '\0';
    uint64_t count;
    if (!parse_number(digits, UINT64_MAX >> shift, &count))
        return false;
    *bytes = count << shift;
    return true;
}

bool parse_device_name(const char *text, char *name) {
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    if (length == 0 || text[length] != '\0' || length >= UKVM_DEVICE_NAME_SIZE)
        return false;
    memset(name, 0, UKVM_DEVICE_NAME_SIZE);
    memcpy(name, text, length);
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool parse_mac(const char *text, uint8_t mac[6]) {
    uint8_t any = 0;
    if (strlen(text) != 17)
        return false;
    for (int i = 0; i < 6; i++, text += 3) {
        int high = hex_digit(text[0]);
        int low = hex_digit(text[1]);
        if (high < 0 || low < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
        any |= mac[i];
    }
    return any != 0 && (mac[0] & 1) == 0;
}

bool parse_ip4(const char *text, uint8_t ip[4]) {
    return inet_pton(AF_INET, text, ip) == 1;
}

static uint32_t number_of(const uint8_t ip[4]) {
    return (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
}

static uint32_t host_mask(uint8_t prefix) {
    return prefix == 0 ? UINT32_MAX : (UINT32_C(1) << (32 - prefix)) - 1;
}

bool ip4_is_host(const uint8_t ip[4]) {
    return ip[0] != 0 && ip[0] != 127 && ip[0] < 224; /* RFC 1122, 3.2.1.3; RFC 1112 */
}

bool ip4_is_network(const uint8_t ip[4], uint8_t prefix) {
    uint32_t mask = host_mask(prefix), host = number_of(ip) & mask;
    return prefix <= 30 && (host == 0 || host == mask); /* RFC 3021 */
}

bool ip4_is_near(const uint8_t a[4], const uint8_t b[4], uint8_t prefix) {
    return ((number_of(a) ^ number_of(b)) & ~host_mask(prefix)) == 0;
}

bool parse_ip4_prefix(char *text, uint8_t ip[4], uint8_t *prefix) {
    char *slash = strchr(text, '/');
    uint64_t bits;
    if (!slash || !parse_number(slash + 1, 32, &bits))
        return false;
    *slash = '\0';
    bool good = parse_ip4(text, ip);
    *slash = '/';
    *prefix = (uint8_t)bits;
    return good;
}
