/* SPDX-License-Identifier: MIT */
/*
 * What the guests of the conformance suite are linked with: an entry point, the two rings, and lines of text for the
 * test outside. It knows ukvm_abi.h and no guest kernel, so that what fails is the monitor.
 *
 * The first argument names one of the guest's checks, by the clause it is about; the checks' own lines begin with it.
 */
#ifndef CONFORMANCE_GUEST_H
#define CONFORMANCE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ukvm_abi.h"

#define MILLISECOND UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Each guest has this table; a row without a name ends it. */
struct check {
    const char *name; /* UKVM-RING-02 */
    void (*run)(void);
};
extern const struct check checks[];

/* A note of the image; the harness has the UKVM_NOTE_ABI one. */
#define NOTE(ident, kind, type, ...)                                     \
    static const struct __attribute__((packed)) {                        \
        uint32_t name_size, desc_size, number;                           \
        char name[8];                                                    \
        struct type desc;                                                \
    } ident __attribute__((section(".note.ukvm"), used, aligned(4))) = { \
        sizeof UKVM_NOTE_NAME, sizeof(struct type), (kind), UKVM_NOTE_NAME, {__VA_ARGS__}}

/* ---- what the guest was given ---- */

/* In the order in which the entry point stores them. */
enum { RAX, RBX, RCX, RDX, RSI, RBP, R8, R9, R10, R11, R12, R13, R14, R15 };
enum { RDI = R15 + 1, RSP, RFLAGS, FSBASE, GSBASE, REGISTERS };
extern uint64_t entry_registers[REGISTERS];

extern const struct ukvm_boot *boot;

/* NULL beyond the last. */
const char *argument(unsigned number);
uint64_t number_argument(unsigned number);

const struct ukvm_range *ranges(void);
const struct ukvm_device *devices(void);

/* The range that holds an address, or NULL. */
const struct ukvm_range *range_of(uint64_t address);

/* The largest range of kind FREE. */
const struct ukvm_range *largest_free(void);

/* The first device of a kind; ends the guest when there is none. */
uint16_t first_device(uint32_t kind);

/* ---- telling ---- */

void ok(bool passed, const char *what);
void is(int64_t got, int64_t want, const char *what); /* prints both when they differ */
void note(const char *what, uint64_t value);          /* a line `# what 0xvalue` */
void say(const char *text);
_Noreturn void end(uint32_t status); /* EXIT, after all text is out */

/* Text is kept until the guest ends, so that no check meets the harness's own I/O in the rings; this writes it now. */
void flush(void);

/* ---- rings ---- */

/* The arena's first page is the harness's, for text. */
#define ARENA_FREE UKVM_PAGE_SIZE

#define LOST INT32_MIN /* no completion in three seconds */

static inline void hypercall(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void kick(void) {
    hypercall(UKVM_PORT_KICK, 0);
}

uint64_t now(void); /* TIME-01 */

/* One WAIT; or spin without any hypercall. */
void wait_until(uint64_t deadline);
void spin_until(uint64_t deadline);

struct ukvm_rings *rings(void);
uint8_t *arena(uint64_t offset);

/* Writes a submission into the ring, which must have room; no hypercall. */
void push(struct ukvm_sqe sqe);

/* Takes the next completion, if there is one; no hypercall. */
bool take(struct ukvm_cqe *cqe);

/* Completions that are there and not taken. */
uint32_t ready(void);

/* Waits until `count` are ready, three seconds at most. */
bool await(uint32_t count);

/* Submits, waits, and returns the result. No other submission may be in flight. */
int32_t perform(struct ukvm_sqe sqe);

/* Submits each by itself; each must complete with -UKVM_EINVAL. */
struct bad {
    const char *what;
    struct ukvm_sqe sqe;
};
void refused(const struct bad *bad, size_t count);

/* Whether an `out` to KICK or WAIT leaves all general registers. */
bool registers_survive(uint16_t port);

/* ---- memory ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
bool same(const char *a, const char *b);
bool all_bytes(const void *memory, uint8_t byte, size_t size);

/* Bytes that follow from `seed`; and whether they are still so. */
void fill(void *memory, size_t size, uint64_t seed);
bool is_filled(const void *memory, size_t size, uint64_t seed);

#endif
