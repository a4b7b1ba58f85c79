/* SPDX-License-Identifier: MIT */
/*
 * memmove() and memcpy() in one. They replace musl's assembly, whose `rep movsq` takes some 30 cycles to begin and whose
 * ends go byte by byte: most copies of a server are shorter than that. Up to 128 bytes everything is loaded before
 * anything is stored, so that an overlap does not matter; the ends of a piece may cover the same bytes twice.
 */
#include <stdint.h>
#include <string.h>

typedef uint16_t two __attribute__((aligned(1), may_alias));
typedef uint32_t four __attribute__((aligned(1), may_alias));
typedef uint64_t eight __attribute__((aligned(1), may_alias));
typedef long long block __attribute__((vector_size(16), aligned(1), may_alias)); /* SSE2: every x86-64 has it */

#define AT(type, address) (*(type *)(address))
#define SIZE ((size_t)sizeof(block))

/* The first and the last `type` of a piece that is at least that long and at most twice as long. */
#define COPY_ENDS(type, to, from, n) \
	do { \
		type first = AT(const type, from), last = AT(const type, (from) + (n) - sizeof(type)); \
		AT(type, to) = first; \
		AT(type, (to) + (n) - sizeof(type)) = last; \
	} while (0)

static inline void copy_short(char *to, const char *from, size_t n)
{
	if (n >= 8)
		COPY_ENDS(eight, to, from, n);
	else if (n >= 4)
		COPY_ENDS(four, to, from, n);
	else if (n >= 2)
		COPY_ENDS(two, to, from, n);
	else if (n)
		*to = *from;
}

/* Of 2 * count blocks at most, and at least `count`. */
static inline __attribute__((always_inline)) void copy_blocks(char *to, const char *from, size_t n, size_t count)
{
	const char *end = from + n - count * SIZE;
	block first[4], last[4];
	for (size_t i = 0; i < count; i++) {
		first[i] = AT(const block, from + i * SIZE);
		last[i] = AT(const block, end + i * SIZE);
	}
	for (size_t i = 0; i < count; i++) {
		AT(block, to + i * SIZE) = first[i];
		AT(block, to + n - count * SIZE + i * SIZE) = last[i];
	}
}

struct four_blocks {
	block a, b, c, d;
};

static inline struct four_blocks load(const char *from)
{
	return (struct four_blocks){
		AT(const block, from),
		AT(const block, from + SIZE),
		AT(const block, from + 2 * SIZE),
		AT(const block, from + 3 * SIZE),
	};
}

static inline void store(char *to, struct four_blocks four)
{
	AT(block, to) = four.a;
	AT(block, to + SIZE) = four.b;
	AT(block, to + 2 * SIZE) = four.c;
	AT(block, to + 3 * SIZE) = four.d;
}

/* The last four blocks are loaded before the loop may overwrite them, and stored after it; below, the first ones. */
static void copy_up(char *to, const char *from, size_t n)
{
	char *end = to + n - 4 * SIZE;
	struct four_blocks last = load(from + n - 4 * SIZE);
	for (; to < end; to += 4 * SIZE, from += 4 * SIZE)
		store(to, load(from));
	store(end, last);
}

static void copy_down(char *to, const char *from, size_t n)
{
	struct four_blocks first = load(from);
	for (size_t left = n; left > 4 * SIZE; left -= 4 * SIZE)
		store(to + left - 4 * SIZE, load(from + left - 4 * SIZE));
	store(to, first);
}

void *memmove(void *to, const void *from, size_t n)
{
	if (n <= SIZE)
		copy_short(to, from, n);
	else if (n <= 2 * SIZE)
		copy_blocks(to, from, n, 1);
	else if (n <= 4 * SIZE)
		copy_blocks(to, from, n, 2);
	else if (n <= 8 * SIZE)
		copy_blocks(to, from, n, 4);
	else if ((uintptr_t)to - (uintptr_t)from >= n) /* `to` lies below `from`, or behind its end */
		copy_up(to, from, n);
	else
		copy_down(to, from, n);
	return to;
}
