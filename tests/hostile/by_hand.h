/* SPDX-License-Identifier: MIT */
/*
 * The rings without the library, whose cursors are private: from the first put() on, a guest must not use anything of
 * ukvm.h that does I/O, and says what it has to say by say().
 */
#ifndef BY_HAND_H
#define BY_HAND_H

#include "core/hypercall.h"
#include "ukvm.h"

static struct ukvm_rings *rings;
static struct ukvm_sqe *sq;
static const struct ukvm_cqe *cq;
static uint32_t sq_entries, cq_entries;
static uint64_t outstanding; /* put and not taken */

static inline void open_rings(void) {
    const struct ukvm_boot *boot = uk_boot();
    rings = (struct ukvm_rings *)boot->rings_addr;
    sq = (struct ukvm_sqe *)boot->sq_addr;
    cq = (const struct ukvm_cqe *)boot->cq_addr;
    sq_entries = boot->sq_entries;
    cq_entries = boot->cq_entries;
    rings->deadline = UKVM_DEADLINE_NONE;
}

static inline void kick(void) {
    uk_hypercall(UKVM_PORT_KICK, 0);
}

static inline void wait(void) {
    uk_hypercall(UKVM_PORT_WAIT, 0);
}

static inline bool has_room(void) {
    return rings->sq_tail - rings->sq_head < sq_entries;
}

static inline void put(struct ukvm_sqe sqe) {
    outstanding++;
    sq[rings->sq_tail % sq_entries] = sqe;
    __atomic_store_n(&rings->sq_tail, rings->sq_tail + 1, __ATOMIC_RELEASE);
}

/* Takes all completions; returns how many had an error. */
static inline uint32_t take(void) {
    uint32_t tail = __atomic_load_n(&rings->cq_tail, __ATOMIC_ACQUIRE), errors = 0;
    for (; rings->cq_head != tail; rings->cq_head++, outstanding--)
        errors += cq[rings->cq_head % cq_entries].result < 0;
    return errors;
}

/* A line on standard error, from the arena's last page. */
static inline void say(const char *format, ...) {
    static uint64_t lines;
    uint64_t at = uk_boot()->arena_size - 512 * (1 + lines++ % 8);
    va_list args;
    va_start(args, format);
    int length = uk_vsnprintf((char *)uk_boot()->arena_addr + at, 512, format, args);
    va_end(args);
    put((struct ukvm_sqe){.op = UKVM_OP_CONSOLE_WRITE,
                          .device = UKVM_CONSOLE_ERR,
                          .arena = at,
                          .length = (uint32_t)(length < 511 ? length : 511)});
    wait();
    take();
}

static _Noreturn inline void end(uint32_t status) {
    for (;;)
        uk_hypercall(UKVM_PORT_EXIT, status);
}

/* xorshift64 */
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
