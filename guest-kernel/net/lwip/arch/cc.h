/* SPDX-License-Identifier: MIT */
/* What lwIP wants to know of the compiler and the machine. */
#ifndef UK_LWIP_CC_H
#define UK_LWIP_CC_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "posix/process/random.h"
#include "ukvm.h"

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_UNISTD_H 1
#define LWIP_ERRNO_STDINCLUDE 1

#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define X8_F "02x"
#define SZT_F "zu"

#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_ntohs(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)
#define lwip_ntohl(x) __builtin_bswap32(x)

#define LWIP_PLATFORM_DIAG(arguments) \
    do {                              \
    } while (0)
#define LWIP_PLATFORM_ASSERT(message) uk_panic("lwIP, %s:%d: %s", __FILE__, __LINE__, message)

static inline uint32_t uk_random_u32(void) {
    uint32_t value;
    uk_random_bytes(&value, sizeof value);
    return value;
}
#define LWIP_RAND() uk_random_u32()

/* checksum.c */
uint16_t uk_net_checksum(const void *data, int length);
#define LWIP_CHKSUM uk_net_checksum

#endif
