/* SPDX-License-Identifier: MIT */
#include "guest.h"

/* Of the image that the guest is to be, where it must ask for something. */
#ifndef GUEST_FEATURES
#define GUEST_FEATURES 0
#endif

NOTE(note_abi, UKVM_NOTE_ABI, ukvm_note_abi, .version = UKVM_ABI_VERSION, .features = GUEST_FEATURES);

uint64_t entry_registers[REGISTERS];
const struct ukvm_boot *boot;

static uint32_t sq_tail, cq_head;
static uint64_t serial = UINT64_C(0x7465787400000000); /* of the harness's own submissions */
static unsigned failures;
static char text[64 * 1024];
static size_t text_size;

_Noreturn void guest_start(const struct ukvm_boot *page);

__asm__(".pushsection .text\n"
        ".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        "mov %rax, entry_registers+0(%rip)\n"
        "mov %rbx, entry_registers+8(%rip)\n"
        "mov %rcx, entry_registers+16(%rip)\n"
        "mov %rdx, entry_registers+24(%rip)\n"
        "mov %rsi, entry_registers+32(%rip)\n"
        "mov %rbp, entry_registers+40(%rip)\n"
        "mov %r8, entry_registers+48(%rip)\n"
        "mov %r9, entry_registers+56(%rip)\n"
        "mov %r10, entry_registers+64(%rip)\n"
        "mov %r11, entry_registers+72(%rip)\n"
        "mov %r12, entry_registers+80(%rip)\n"
        "mov %r13, entry_registers+88(%rip)\n"
        "mov %r14, entry_registers+96(%rip)\n"
        "mov %r15, entry_registers+104(%rip)\n"
        "mov %rdi, entry_registers+112(%rip)\n"
        "mov %rsp, entry_registers+120(%rip)\n"
        "pushfq\n"
        "pop %rax\n"
        "mov %rax, entry_registers+128(%rip)\n"
        "rdfsbase %rax\n"
        "mov %rax, entry_registers+136(%rip)\n"
        "rdgsbase %rax\n"
        "mov %rax, entry_registers+144(%rip)\n"
        "cld\n"
        "fninit\n"
        "push $0x1f80\n"
        "ldmxcsr (%rsp)\n"
        "pop %rax\n"
        "xor %ebp, %ebp\n"
        "call guest_start\n"
        ".size _start, .-_start\n"
        ".popsection\n");

/* ---- memory ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return start;
}

void *memset(void *to, int byte, size_t size) {
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t size) {
    const volatile uint8_t *x = a, *y = b;
    for (; size > 0; x++, y++, size--)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

size_t strlen(const char *string) {
    const volatile char *end_of_it = string;
    while (*end_of_it)
        end_of_it++;
    return (size_t)(end_of_it - string);
}

bool same(const char *a, const char *b) {
    size_t size = strlen(a);
    return size == strlen(b) && memcmp(a, b, size) == 0;
}

bool all_bytes(const void *memory, uint8_t byte, size_t size) {
    const volatile uint8_t *bytes = memory;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

static uint8_t byte_of(uint64_t seed, size_t i) {
    return (uint8_t)(((seed + i + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

void fill(void *memory, size_t size, uint64_t seed) {
    uint8_t *bytes = memory;
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_of(seed, i);
}

bool is_filled(const void *memory, size_t size, uint64_t seed) {
    const uint8_t *bytes = memory;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte_of(seed, i))
            return false;
    return true;
}

/* ---- what the guest was given ---- */

static const void *in_boot(uint32_t offset) {
    return (const uint8_t *)boot + offset;
}

const char *argument(unsigned number) {
    const char *at = in_boot(boot->args_offset);
    if (number >= boot->args_count)
        return NULL;
    for (; number > 0; number--)
        at += strlen(at) + 1;
    return at;
}

uint64_t number_argument(unsigned number) {
    uint64_t value = 0;
    for (const char *at = argument(number); at && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

const struct ukvm_range *ranges(void) {
    return in_boot(boot->ranges_offset);
}

const struct ukvm_device *devices(void) {
    return in_boot(boot->devices_offset);
}

const struct ukvm_range *range_of(uint64_t address) {
    for (unsigned i = 0; i < boot->ranges_count; i++)
        if (address >= ranges()[i].base && address - ranges()[i].base < ranges()[i].size)
            return &ranges()[i];
    return NULL;
}

const struct ukvm_range *largest_free(void) {
    const struct ukvm_range *best = NULL;
    for (unsigned i = 0; i < boot->ranges_count; i++)
        if (ranges()[i].kind == UKVM_RANGE_FREE && (!best || ranges()[i].size > best->size))
            best = &ranges()[i];
    return best;
}

uint16_t first_device(uint32_t kind) {
    for (unsigned i = 0; i < boot->devices_count; i++)
        if (devices()[i].kind == kind)
            return (uint16_t)i;
    say("there is no device of the kind that this check needs");
    end(2);
}

/* ---- telling ---- */

static void add_bytes(const char *bytes, size_t size) {
    if (size > sizeof text - text_size)
        size = sizeof text - text_size;
    memcpy(text + text_size, bytes, size);
    text_size += size;
}

static void add(const char *string) {
    add_bytes(string, strlen(string));
}

/* The first word of the check's name. */
static void add_clause(void) {
    const char *name = argument(1);
    size_t size = 0;
    while (name[size] && name[size] != ' ')
        size++;
    add_bytes(name, size);
}

static void add_hex(uint64_t value) {
    char digits[17];
    for (unsigned i = 0; i < 16; i++)
        digits[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    digits[16] = '\0';
    add("0x");
    add(digits);
}

void say(const char *line) {
    add(line);
    add("\n");
}

void note(const char *what, uint64_t value) {
    add("# ");
    add(what);
    add(" ");
    add_hex(value);
    add("\n");
}

void ok(bool passed, const char *what) {
    failures += !passed;
    add(passed ? "ok " : "not ok ");
    add_clause();
    add(" ");
    say(what);
}

void is(int64_t got, int64_t want, const char *what) {
    ok(got == want, what);
    if (got != want) {
        note("got", (uint64_t)got);
        note("want", (uint64_t)want);
    }
}

void flush(void) {
    for (size_t done = 0; done < text_size;) {
        size_t piece = text_size - done < ARENA_FREE ? text_size - done : ARENA_FREE;
        memcpy(arena(0), text + done, piece);
        int32_t result = perform(
            (struct ukvm_sqe){.op = UKVM_OP_CONSOLE_WRITE, .device = UKVM_CONSOLE_OUT, .length = (uint32_t)piece});
        if (result <= 0)
            break;
        done += (size_t)result;
    }
    text_size = 0;
}

_Noreturn void end(uint32_t status) {
    flush();
    for (;;)
        hypercall(UKVM_PORT_EXIT, status);
}

/* ---- rings ---- */

uint64_t now(void) {
    uint64_t ticks = __builtin_ia32_rdtsc() - boot->tsc_base;
    return (uint64_t)(((unsigned __int128)ticks * boot->tsc_mult) >> 32);
}

struct ukvm_rings *rings(void) {
    return (struct ukvm_rings *)boot->rings_addr;
}

uint8_t *arena(uint64_t offset) {
    return (uint8_t *)boot->arena_addr + offset;
}

void wait_until(uint64_t deadline) {
    __atomic_store_n(&rings()->deadline, deadline, __ATOMIC_RELEASE);
    hypercall(UKVM_PORT_WAIT, 0);
}

void spin_until(uint64_t deadline) {
    while (now() < deadline)
        __asm__ volatile("pause");
}

void push(struct ukvm_sqe sqe) {
    struct ukvm_sqe *slots = (struct ukvm_sqe *)boot->sq_addr;
    slots[sq_tail++ & (boot->sq_entries - 1)] = sqe;
    __atomic_store_n(&rings()->sq_tail, sq_tail, __ATOMIC_RELEASE);
}

uint32_t ready(void) {
    return __atomic_load_n(&rings()->cq_tail, __ATOMIC_ACQUIRE) - cq_head;
}

bool take(struct ukvm_cqe *cqe) {
    const struct ukvm_cqe *slots = (const struct ukvm_cqe *)boot->cq_addr;
    if (ready() == 0)
        return false;
    *cqe = slots[cq_head++ & (boot->cq_entries - 1)];
    __atomic_store_n(&rings()->cq_head, cq_head, __ATOMIC_RELEASE);
    return true;
}

/* WAIT returns for every completion that is there, so between two that are awaited the guest looks without sleeping. */
bool await(uint32_t count) {
    uint64_t limit = now() + 3 * SECOND;
    while (ready() < count && now() < limit) {
        if (ready() == 0)
            wait_until(limit);
        else
            kick();
    }
    return ready() >= count;
}

int32_t perform(struct ukvm_sqe sqe) {
    struct ukvm_cqe cqe;
    sqe.user_data = ++serial;
    push(sqe);
    while (await(1))
        if (take(&cqe) && cqe.user_data == sqe.user_data)
            return cqe.result;
    return LOST;
}

void refused(const struct bad *bad, size_t count) {
    for (size_t i = 0; i < count; i++)
        is(perform(bad[i].sqe), -UKVM_EINVAL, bad[i].what);
}

bool registers_survive(uint16_t port) {
    uint64_t a = 0x1111111100000000, b = 2, c = 3, d = port | UINT64_C(0x4444444444440000), s = 5, t = 6;
    register uint64_t r8 __asm__("r8") = 8, r9 __asm__("r9") = 9, r10 __asm__("r10") = 10, r11 __asm__("r11") = 11;
    register uint64_t r12 __asm__("r12") = 12, r13 __asm__("r13") = 13, r14 __asm__("r14") = 14,
                          r15 __asm__("r15") = 15;
    __asm__ volatile("outl %%eax, %%dx"
                     : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(s), "+D"(t), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r11),
                       "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
                     :
                     : "memory");
    return a == 0x1111111100000000 && b == 2 && c == 3 && d == (port | UINT64_C(0x4444444444440000)) && s == 5 &&
           t == 6 && r8 == 8 && r9 == 9 && r10 == 10 && r11 == 11 && r12 == 12 && r13 == 13 && r14 == 14 && r15 == 15;
}

/* ---- the table ---- */

_Noreturn void guest_start(const struct ukvm_boot *page) {
    boot = page;
    for (const struct check *check = checks; check->name && argument(1); check++) {
        if (!same(check->name, argument(1)))
            continue;
        check->run();
        end(failures > 0);
    }
    say("there is no such check");
    end(2);
}
