/* SPDX-License-Identifier: MIT */
/* Eight bytes at a time, where musl's goes byte by byte. */
#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t eight __attribute__((aligned(1), may_alias));

int memcmp(const void *left, const void *right, size_t n)
{
	const unsigned char *l = left, *r = right;
	for (; n >= sizeof(eight); n -= sizeof(eight), l += sizeof(eight), r += sizeof(eight)) {
		uint64_t a = be64toh(*(const eight *)l), b = be64toh(*(const eight *)r);
		if (a != b)
			return a < b ? -1 : 1;
	}
	for (; n; n--, l++, r++)
		if (*l != *r)
			return *l - *r;
	return 0;
}
