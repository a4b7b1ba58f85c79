/* SPDX-License-Identifier: MIT */
/*
 * What a unikernel programs against without a C library. A program defines main() and links with the guest kernel:
 *
 *     #include "ukvm.h"
 *
 *     int main(int argc, char **argv, char **envp) {
 *         uk_printf("hello, %s\n", argc > 1 ? argv[1] : "world");
 *         return 0;
 *     }
 *
 * What main returns is the exit status. The strings of argv and envp are in the boot page and cannot be written.
 *
 * One processor, no interrupts, no threads: nothing here runs by itself. I/O is submitted at once and carried out when
 * the program next enters the monitor, which uk_wait() does for the whole program in one exit. Callbacks run inside
 * uk_wait(), uk_poll(), uk_sleep() and uk_sleep_until(), and nowhere else; a blocking call (uk_await(), uk_blk_read(),
 * uk_printf()...) never runs one, so it may be made from a callback.
 *
 * Conventions: sizes are bytes, times are nanoseconds, results are 0 or a count, or a negative error. A buffer stays
 * its caller's; "in flight" means from submission to completion, when it must be left alone. Breaking a rule said here
 * is a uk_panic() where it is noticed.
 */
#ifndef UKVM_H
#define UKVM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ukvm_abi.h"

/* ------------------------------------------------------------------ what the image says of itself ---- */

/* ELF notes, read by the monitor before it starts the guest: ABI.md, IMG-05 and IMG-06. For use at file scope. */

struct uk_note_header {
    uint32_t name_size, desc_size, type;
    char name[8]; /* with its padding to four bytes */
};

struct uk_image_note {
    struct uk_note_header header;
    struct ukvm_note_abi desc;
} __attribute__((packed, aligned(4)));

struct uk_device_note {
    struct uk_note_header header;
    struct ukvm_note_device desc;
} __attribute__((packed, aligned(4)));

#define UK_NOTE_SECTION __attribute__((section(".note.ukvm"), used, retain, aligned(4)))
#define UK_NOTE_HEADER(note_type, size) \
    .header = {.name_size = sizeof UKVM_NOTE_NAME, .desc_size = (size), .type = (note_type), .name = UKVM_NOTE_NAME}

extern const struct uk_image_note uk_image_note;

/*
 * UKVM_IMAGE(.min_memory = 8 << 20, .stack_size = 1 << 20): the needs of this program, fields of struct ukvm_note_abi.
 * At most once in a program; without it, the library's note asks for nothing special.
 */
#define UKVM_IMAGE(...)                                              \
    const struct uk_image_note uk_image_note UK_NOTE_SECTION = {     \
        UK_NOTE_HEADER(UKVM_NOTE_ABI, sizeof(struct ukvm_note_abi)), \
        .desc = {.version = UKVM_ABI_VERSION, __VA_ARGS__},          \
    }

struct uk_stack_note {
    struct uk_note_header header;
    struct ukvm_note_stack desc;
} __attribute__((packed, aligned(4)));

/* UKVM_WANTS_STACK(8u << 20): a stack that large if the guest's memory has room for it. At most once in a program. */
#define UKVM_WANTS_STACK(bytes)                                          \
    static const struct uk_stack_note uk_stack_note UK_NOTE_SECTION = {  \
        UK_NOTE_HEADER(UKVM_NOTE_STACK, sizeof(struct ukvm_note_stack)), \
        .desc = {.wanted = (bytes)},                                     \
    }

#define UK_NOTE_JOIN(a, b) a##b
#define UK_NOTE_VARIABLE(line) UK_NOTE_JOIN(uk_device_note_, line)
#define UK_DEVICE_NOTE(device_kind, device_flags, device_name)                                               \
    _Static_assert(sizeof(device_name) <= UKVM_DEVICE_NAME_SIZE, "a device name has at most 23 characters"); \
    static const struct uk_device_note UK_NOTE_VARIABLE(__COUNTER__) UK_NOTE_SECTION = {                     \
        UK_NOTE_HEADER(UKVM_NOTE_DEVICE, sizeof(struct ukvm_note_device)),                                   \
        .desc = {.kind = (device_kind), .flags = (device_flags), .name = device_name},                       \
    }

/* The program does not start without a device of this name. NAME is a string literal of a-z, 0-9, - and _. */
#define UKVM_NEEDS_BLK(name) UK_DEVICE_NOTE(UKVM_DEVICE_BLK, 0, name)
#define UKVM_NEEDS_NET(name) UK_DEVICE_NOTE(UKVM_DEVICE_NET, 0, name)

/* The program uses a device of this name if there is one. */
#define UKVM_OPTIONAL_BLK(name) UK_DEVICE_NOTE(UKVM_DEVICE_BLK, UKVM_NOTE_OPTIONAL, name)
#define UKVM_OPTIONAL_NET(name) UK_DEVICE_NOTE(UKVM_DEVICE_NET, UKVM_NOTE_OPTIONAL, name)

/* The program takes any number of devices of this kind (UKVM_DEVICE_BLK, UKVM_DEVICE_NET) under any name. */
#define UKVM_ACCEPTS_ANY(kind) UK_DEVICE_NOTE(kind, UKVM_NOTE_ANY, "")

/* ------------------------------------------------------------------ the boot page, errors, the end ---- */

/* The boot page, which lives as long as the guest. */
const struct ukvm_boot *uk_boot(void);

/* Its table of `ranges_count` ranges of memory, by rising address. */
static inline const struct ukvm_range *uk_boot_ranges(const struct ukvm_boot *boot) {
    return (const struct ukvm_range *)((uintptr_t)boot + boot->ranges_offset);
}

/* Its table of `devices_count` devices, by device number. */
static inline const struct ukvm_device *uk_boot_devices(const struct ukvm_boot *boot) {
    return (const struct ukvm_device *)((uintptr_t)boot + boot->devices_offset);
}

/* The range that holds `address`, and the first one of a kind; NULL if there is none. */
const struct ukvm_range *uk_range_at(uintptr_t address);
const struct ukvm_range *uk_range_find(enum ukvm_range_kind kind);

/* Errors of the guest kernel itself, beside enum ukvm_error; also returned negated. */
enum uk_error {
    UK_ENOMEM = 64, /* the guest's memory or its I/O arena is used up */
};

/* "EINVAL" for -UKVM_EINVAL and so on; "OK" for a result of 0 or more; "E?" for what is no error of this system. */
const char *uk_error_name(int result);

/*
 * Ends the guest with the low 8 bits of `status`, after all that was written to the console has appeared. When some of
 * it could not be written and nobody has been told, a status of 0 becomes 141 (nobody is left to read) or 125.
 */
_Noreturn void uk_exit(int status);

/* Prints "panic: " and the message to standard error and ends the guest with status 134, as abort() would. */
_Noreturn void uk_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ------------------------------------------------------------------ console ---- */

/*
 * Writes to UKVM_CONSOLE_OUT or UKVM_CONSOLE_ERR. Copies, so `text` is free at once. Standard output is gathered and
 * goes out with the next exit, at the latest when a line ends and the last exit was more than 10 ms ago; standard error
 * goes out at once, after what was written to standard output before it. Blocks while all console buffers are in
 * flight.
 */
void uk_console_write(unsigned stream, const char *text, size_t length);

/*
 * Blocks until everything written has appeared. Returns 0, or the first error since the last call. Who never calls it
 * ends with a status other than 0 after an error: see uk_exit().
 */
int uk_console_flush(void);

/*
 * printf to standard output and standard error, without limit of length. Conversions: d i u x X c s p %, with the flags
 * - 0 + # and space, width and precision (also by *), and the lengths hh h l ll z. Return the characters written.
 */
int uk_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int uk_eprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int uk_vprintf(unsigned stream, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/*
 * The same into `buffer`: at most `size` bytes with the terminating NUL, nothing if `size` is 0. Return the length that
 * the whole text has.
 */
int uk_snprintf(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int uk_vsnprintf(char *buffer, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));

/* ------------------------------------------------------------------ submissions and completions ---- */

/*
 * One operation, embedded in a structure of the caller's, who sets `done` and `sqe` (all but user_data) and submits. It
 * must stay where it is while in flight and may be used again from its callback on. All zero is a good initial state.
 */
struct uk_io {
    void (*done)(struct uk_io *io, int32_t result); /* NULL: the result is collected by uk_await() */
    struct uk_io *next;                             /* the kernel's */
    struct ukvm_sqe sqe;
    int32_t result; /* of the last completion */
    bool in_flight; /* read only for the caller */
    void *waiter;   /* the kernel's: the thread that uk_await() blocks */
};

/* The structure of type `type` whose member `member` is at `pointer`. */
#define uk_container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/*
 * Submits; never fails, never calls back, never exits. What the ring has no room for is queued in memory and follows in
 * order as soon as there is room. The monitor has at most cq_entries operations in flight: a program that keeps many
 * receives waiting must leave room for its other I/O, or that waits for a frame to arrive.
 */
void uk_submit(struct uk_io *io);

/* The number that a submission names a device of the boot page by. */
uint16_t uk_device_number(const struct ukvm_device *device);

/* Starts what was submitted, in one exit, without waiting for anything. Rarely needed: uk_wait() does it too. */
void uk_kick(void);

/*
 * Calls back for every completion that is ready and every timer that is due. If there was none, enters the monitor:
 * starts what was submitted, sleeps until something completes, a timer is due or the monotonic clock reads `deadline`
 * (UKVM_DEADLINE_NONE for never), and then calls back. Returns the completions and timers taken, those of uk_await()
 * included; 0 says that the deadline passed.
 */
unsigned uk_wait(uint64_t deadline);

/* uk_wait() without the sleep. No exit at all while nothing is in flight. */
unsigned uk_poll(void);

/* Blocks until `io`, which has no callback and no UKVM_SQE_QUIET, has completed. Returns its result. Calls nobody back.
 */
int32_t uk_await(struct uk_io *io);

struct uk_stats {
    uint64_t kicks, waits; /* exits to the monitor: their sum */
    uint64_t submissions, completions;
    uint64_t wait_ns; /* in WAIT: asleep, and on the way there and back */
};

/* Counted since boot. */
struct uk_stats uk_stats(void);

/* ------------------------------------------------------------------ time ---- */

#define UK_MICROSECOND UINT64_C(1000)
#define UK_MILLISECOND UINT64_C(1000000)
#define UK_SECOND UINT64_C(1000000000)

/* Since the guest started. Never goes back. */
uint64_t uk_clock_monotonic(void);

/* Since 1970-01-01 UTC. */
uint64_t uk_clock_wall(void);

/* Sleep until the monotonic clock reads `deadline`, or for `duration`; callbacks run meanwhile. */
void uk_sleep_until(uint64_t deadline);
void uk_sleep(uint64_t duration);

/* Calls `fire` once, from uk_wait() or uk_poll(), when the monotonic clock reads `due` or more. */
struct uk_timer {
    void (*fire)(struct uk_timer *timer); /* may start the timer again */
    uint64_t due;
    struct uk_timer *next; /* the kernel's, as the rest */
    bool armed;
    bool on_wall; /* it stands for a time of the wall clock: uk_timers_shift() */
};

/* Starts a timer in the caller's memory, or moves one that is running. */
void uk_timer_start(struct uk_timer *timer, uint64_t due);

/* Does nothing if it is not running. */
void uk_timer_stop(struct uk_timer *timer);

/* ------------------------------------------------------------------ memory ---- */

/*
 * `count` contiguous pages, or NULL if there is no such run. Zero-filled if they have never been used before; the
 * lowest free ones are taken, since a page that was used before costs no page fault.
 */
void *uk_pages_alloc(size_t count);

/* The same, at an address that is a multiple of `align`, a power of two. */
void *uk_pages_alloc_aligned(size_t count, size_t align);

/* Frees pages in the same or in smaller pieces. Panics when they are not allocated. */
void uk_pages_free(void *pages, size_t count);

/* Gives the memory of freed pages back to the host; blocks. They stay free. Returns the bytes given back. */
uint64_t uk_pages_return(void);

/* Pages free now, and in all. */
size_t uk_pages_available(void);
size_t uk_pages_total(void);

/*
 * As in C, 16-byte aligned, contents undefined; NULL when memory is used up. A size of 0 is as good as 1. uk_free()
 * panics on anything but NULL and the start of an allocated block, a block freed twice included.
 */
void *uk_malloc(size_t size);
void uk_free(void *block);
void *uk_realloc(void *block, size_t size);

/* `align` is a power of two of any size; the block is freed by uk_free(). */
void *uk_aligned_alloc(size_t align, size_t size);

/*
 * Buffers for I/O, from the arena that the monitor does its transfers to and from. `align` is a power of two of at most
 * a page; sizes are rounded up to 512. NULL when the arena is used up.
 */
void *uk_arena_alloc(size_t size, size_t align);

/* `size` as it was allocated. Panics when it was not. */
void uk_arena_free(void *buffer, size_t size);

/* Whether all of [buffer, buffer + size) is in the arena. */
bool uk_arena_contains(const void *buffer, size_t size);

/* What a submission names a buffer by; panics on one outside the arena. And the way back. */
uint64_t uk_arena_offset(const void *buffer);
void *uk_arena_pointer(uint64_t offset);

/* ------------------------------------------------------------------ block devices ---- */

/* The block device called `name`, NULL if there is none; the first one for a NULL `name`. Geometry is in its ->blk. */
const struct ukvm_device *uk_blk_find(const char *name);

/*
 * Submits `op` (UKVM_OP_BLK_*) with `io`, whose `done` the caller has set: `length` bytes at `offset` of the device, to
 * or from `buffer`, which is in the arena. What the operation does not use is 0 or NULL. The rules are those of ABI.md,
 * BLK-01 to BLK-05; breaking one completes with -UKVM_EINVAL.
 */
void uk_blk_submit(const struct ukvm_device *device, enum ukvm_op op, uint64_t offset, const void *buffer,
                   uint32_t length, struct uk_io *io);

/*
 * Block until all of it is done; 0 or the first error. `offset` and `length` are multiples of the block size and within
 * the capacity, else -UKVM_EINVAL. A `buffer` that is not in the arena, or not aligned to a block, is copied.
 */
int uk_blk_read(const struct ukvm_device *device, uint64_t offset, void *buffer, size_t length);
int uk_blk_write(const struct ukvm_device *device, uint64_t offset, const void *buffer, size_t length);
int uk_blk_discard(const struct ukvm_device *device, uint64_t offset, uint64_t length);

/* Blocks until every write that had completed is on stable storage. */
int uk_blk_flush(const struct ukvm_device *device);

/* ------------------------------------------------------------------ network devices ---- */

/* The network device called `name`, NULL if there is none; the first one for a NULL `name`. Settings: its ->net. */
const struct ukvm_device *uk_net_find(const char *name);

/*
 * Submits one Ethernet frame (NET-01) from `frame`, which is in the arena, with `io`, whose `done` the caller has set.
 * The result is `length`, or -UKVM_EAGAIN or -UKVM_EDOWN when the frame was dropped. That a frame has left does not end
 * uk_wait() (RING-10): its callback may come only with the next frame or deadline.
 */
void uk_net_send(const struct ukvm_device *device, const void *frame, uint32_t length, struct uk_io *io);

struct uk_net;

/* A receive buffer. Its receiver owns it, `io` included, until uk_net_recycle(). */
struct uk_frame {
    struct uk_io io; /* free for the owner to send this or another frame with */
    struct uk_net *net;
    uint8_t *data;     /* `capacity` bytes in the arena, mtu + 18 or more */
    uint32_t length;   /* bytes received */
    uint32_t capacity; /* bytes */
    struct uk_frame *next;
};

struct uk_net {
    const struct ukvm_device *device;
    void (*receive)(struct uk_net *net, struct uk_frame *frame);
    void *context;         /* the program's */
    unsigned buffers;      /* how many there really are */
    uint64_t received;     /* frames */
    uint64_t errors;       /* receives that failed; the device is down, mostly */
    struct uk_timer retry; /* the kernel's, as the rest */
    struct uk_frame *parked;
    struct uk_frame *frames;
};

/*
 * Receives from now on, with up to `buffers` buffers waiting: fewer when the arena has no more room, and never more
 * than half of cq_entries, so that other I/O is not held up. Each frame is passed to `receive`, whose it is until it
 * calls uk_net_recycle(), at once or later; it may change the frame in place and send it from there. NULL when there is
 * no memory for a single buffer. There is no way to stop.
 */
struct uk_net *uk_net_start(const struct ukvm_device *device, unsigned buffers,
                            void (*receive)(struct uk_net *net, struct uk_frame *frame), void *context);

/* Makes a buffer wait for the next frame. Its `io` must not be in flight. */
void uk_net_recycle(struct uk_frame *frame);

/* ------------------------------------------------------------------ strings and numbers ---- */

/* As in C; in one archive member, which a C library replaces. */
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
char *strchr(const char *text, int byte);

/* All of `text` as a number, decimal or hexadecimal after 0x. False, and `*value` as it was, for anything else. */
bool uk_parse_u64(const char *text, uint64_t *value);

#endif
