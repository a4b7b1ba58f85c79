/* SPDX-License-Identifier: MIT */
/* What a guest finds when it starts: registers, memory, the boot page, the time. ABI.md, IMG, ENTRY, MEM, BOOT, TIME.
 */
#include "guest.h"

NOTE(note_blk, UKVM_NOTE_DEVICE, ukvm_note_device, .kind = UKVM_DEVICE_BLK, .flags = UKVM_NOTE_ANY);
NOTE(note_net, UKVM_NOTE_DEVICE, ukvm_note_device, .kind = UKVM_DEVICE_NET, .flags = UKVM_NOTE_ANY);

#define RW (UKVM_PROT_READ | UKVM_PROT_WRITE)
#define RX (UKVM_PROT_READ | UKVM_PROT_EXEC)

/* ---- the image ---- */

static uint64_t variable = 42;
static uint8_t zeroes[3 * UKVM_PAGE_SIZE];
static const uint64_t constant = 43;
static uint64_t *const relro = &variable;              /* a relocation in RELRO */
static uint64_t *volatile pointers[100] = {&variable}; /* and one in the data */
static const uint64_t *volatile others[] = {&constant, &variable, &constant};

static bool range_is(const volatile void *address, uint32_t kind, uint32_t prot) {
    const struct ukvm_range *range = range_of((uintptr_t)address);
    return range && range->kind == kind && range->prot == prot;
}

static void segments(void) {
    extern const char _end[]; /* the linker's: the end of the image's memory */
    size_t rest = -(uintptr_t)_end % UKVM_PAGE_SIZE;
    ok(*(volatile uint64_t *)&variable == 42, "data is as in the file");
    ok(*(const volatile uint64_t *)&constant == 43, "constants are as in the file");
    ok(all_bytes(zeroes, 0, sizeof zeroes), "memory beyond the file part is zero");
    ok(all_bytes(_end, 0, rest), "and to the end of the page");
    variable = 44;
    ok(*(volatile uint64_t *)&variable == 44, "data can be written");
    ok(range_is((void *)segments, UKVM_RANGE_IMAGE, RX), "code is listed as r-x");
    ok(range_is(&constant, UKVM_RANGE_IMAGE, UKVM_PROT_READ), "constants are listed as r--");
    ok(range_is(&variable, UKVM_RANGE_IMAGE, RW), "data is listed as rw-");
    ok(range_is(&relro, UKVM_RANGE_IMAGE, UKVM_PROT_READ), "RELRO is listed as r--");
}

static void relocations(void) {
    uint64_t *const *hidden = &relro;
    __asm__ volatile("" : "+r"(hidden)); /* the compiler knows what a constant holds */
    ok(*hidden == &variable, "a relocation in RELRO is applied");
    ok(pointers[0] == &variable, "one in the data is applied");
    ok(others[0] == &constant && others[1] == &variable && others[2] == &constant,
       "those that follow each other are applied");
    ok(!pointers[1] && !pointers[99], "words without one are as in the file");
}

/* ---- entry ---- */

static void registers(void) {
    const struct ukvm_range *stack = range_of(entry_registers[RSP] - 1);
    uint64_t others_set = 0;
    uint16_t cs;
    for (unsigned i = RAX; i < RDI; i++)
        others_set |= entry_registers[i];
    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    ok((cs & 3) == 3, "privilege level 3");
    ok(boot->magic == UKVM_BOOT_MAGIC, "RDI is the boot page");
    ok(stack && stack->kind == UKVM_RANGE_STACK && stack->base + stack->size == entry_registers[RSP],
       "RSP is the top of the boot stack");
    ok(stack && stack->size >= UKVM_STACK_DEFAULT, "the stack has the default size");
    ok(entry_registers[RSP] % 16 == 0, "RSP is 16-byte aligned");
    ok(others_set == 0, "all other general registers are 0");
    ok((entry_registers[RFLAGS] & 1u << 10) == 0, "the direction flag is clear");
}

#define WANTED (UINT64_C(1) << 20)
NOTE(note_stack, UKVM_NOTE_STACK, ukvm_note_stack, .wanted = WANTED);

static uint64_t boot_stack(void) {
    const struct ukvm_range *stack = range_of(entry_registers[RSP] - 1);
    return stack ? stack->size : 0;
}

static void liked_stack(void) {
    is((int64_t)boot_stack(), WANTED, "the stack is as large as the image would like");
}

/* The share is of all memory, and what lies between segments is in no range. */
static void liked_stack_of_little(void) {
    uint64_t listed = 0;
    for (unsigned i = 0; i < boot->ranges_count; i++)
        if (ranges()[i].kind <= UKVM_RANGE_STACK)
            listed += ranges()[i].size;
    uint64_t share = listed / UKVM_STACK_SHARE & ~(uint64_t)(UKVM_PAGE_SIZE - 1);
    ok(boot_stack() >= share && boot_stack() < 2 * share && boot_stack() < WANTED, "or has its share of the memory");
}

static bool has_avx(void) {
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if ((c & (1u << 27 | 1u << 28)) != (1u << 27 | 1u << 28))
        return false;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (a & 6) == 6;
}

static void vectors(void) {
    double x = 3, y = 4;
    uint64_t in[4] = {1, 2, 3, 4}, out[4] = {0}, back, word = 42;
    __asm__ volatile("mulsd %1, %0" : "+x"(x) : "x"(y));
    ok(x == 12, "SSE works");
    ok(entry_registers[FSBASE] == 0 && entry_registers[GSBASE] == 0, "the FS and GS bases start at 0");
    __asm__ volatile("wrfsbase %1\n\tmov %%fs:0, %0" : "=r"(back) : "r"(&word));
    ok(back == 42, "wrfsbase, and an access through FS");
    __asm__ volatile("wrgsbase %1\n\tmov %%gs:0, %0" : "=r"(back) : "r"(&word));
    ok(back == 42, "wrgsbase, and an access through GS");
    kick();
    __asm__ volatile("rdfsbase %0" : "=r"(back));
    ok(back == (uintptr_t)&word, "rdfsbase, after a hypercall");
    __asm__ volatile("rdgsbase %0" : "=r"(back));
    ok(back == (uintptr_t)&word, "rdgsbase, after a hypercall");
    if (has_avx()) {
        __asm__ volatile("vmovdqu %0, %%ymm7" : : "m"(in) : "xmm7");
        kick();
        __asm__ volatile("vmovdqu %%ymm7, %0" : "=m"(out));
        ok(memcmp(in, out, sizeof in) == 0, "AVX works, and outlives a hypercall");
    }
}

static void ticks(void) {
    uint64_t last = __builtin_ia32_rdtsc(), back = 0, first = last;
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t next = __builtin_ia32_rdtsc();
        back += next < last;
        last = next;
    }
    kick();
    ok(back == 0 && __builtin_ia32_rdtsc() >= last, "rdtsc never goes back");
    ok(last > first, "and goes on");
}

/* ---- memory ---- */

static bool touch(uint64_t start, uint64_t end_of_it) {
    for (uint64_t page = start; page < end_of_it; page += UKVM_PAGE_SIZE)
        if (*(volatile uint64_t *)page != 0 || *(volatile uint64_t *)(page + UKVM_PAGE_SIZE - 8) != 0)
            return false;
    return true;
}

static void identity(void) {
    bool outside = true;
    for (unsigned i = 0; i < boot->ranges_count; i++)
        outside = outside && ranges()[i].base >= UKVM_PAGE_SIZE;
    ok(outside, "no range holds page 0");
    ok(!range_of((uintptr_t)boot) && !range_of(boot->rings_addr) && !range_of(boot->arena_addr),
       "boot page, rings and arena are outside the ranges");
    ok(range_of((uintptr_t)identity) && range_of(entry_registers[RSP] - 1), "code and stack are inside");
}

static void free_memory(void) {
    uint64_t total = 0;
    bool zero = true, plain = true, writable = true;
    for (unsigned i = 0; i < boot->ranges_count; i++) {
        const struct ukvm_range *range = &ranges()[i];
        plain = plain && (range->prot & (UKVM_PROT_WRITE | UKVM_PROT_EXEC)) != (UKVM_PROT_WRITE | UKVM_PROT_EXEC);
        if (range->kind != UKVM_RANGE_FREE)
            continue;
        volatile uint64_t *first = (volatile uint64_t *)range->base, *last = first + range->size / 8 - 1;
        total += range->size;
        zero = zero && touch(range->base, range->base + range->size);
        *first = 1;
        *last = 2;
        writable = writable && range->prot == RW && *last == 2 && (*first == 1 || range->size == 8);
    }
    ok(total > 0, "there is free memory");
    ok(zero, "it is zero, in each of its pages");
    ok(writable, "it can be written");
    ok(plain, "no range is writable and executable");
}

/* For the test outside, which compares two boots. */
static void addresses(void) {
    const struct ukvm_range *stack = range_of(entry_registers[RSP] - 1);
    note("image", (uintptr_t)addresses);
    note("stack", stack ? stack->base : 0);
    note("boot", (uintptr_t)boot);
    note("rings", boot->rings_addr);
    note("arena", boot->arena_addr);
    note("initrd", boot->initrd_addr);
    note("image-file", boot->image_addr);
    ok(((uintptr_t)boot | boot->arena_addr) % UKVM_PAGE_SIZE == 0, "boot page and arena are page-aligned");
}

/* ---- the boot page ---- */

static bool holds(uint32_t offset, uint64_t size) {
    return offset >= sizeof *boot && offset + size <= boot->size;
}

static void boot_page(void) {
    ok(boot->magic == UKVM_BOOT_MAGIC, "magic");
    ok(boot->version == UKVM_ABI_VERSION, "version");
    ok(boot->size >= sizeof *boot, "size covers the structure");
    ok(holds(boot->ranges_offset, boot->ranges_count * sizeof(struct ukvm_range)) && boot->ranges_offset % 8 == 0,
       "size covers the ranges");
    ok((boot->devices_count == 0 && boot->devices_offset <= boot->size) ||
           (holds(boot->devices_offset, boot->devices_count * sizeof(struct ukvm_device)) &&
            boot->devices_offset % 8 == 0),
       "size covers the devices");
    ok(holds(boot->args_offset, boot->args_size), "size covers the arguments");
    ok(boot->env_size == 0 || holds(boot->env_offset, boot->env_size), "size covers the environment");
    note("features", boot->features);
    ok(boot->sq_entries > 0 && (boot->sq_entries & (boot->sq_entries - 1)) == 0 && boot->cq_entries > 0 &&
           (boot->cq_entries & (boot->cq_entries - 1)) == 0,
       "both rings have a power of two of entries");
    ok(boot->arena_size > 0 && boot->arena_size % UKVM_PAGE_SIZE == 0, "the arena has whole pages");
}

static bool blob_is_sound(uint32_t offset, uint32_t size, uint32_t count) {
    const char *blob = (const char *)boot + offset;
    uint32_t ends = 0;
    for (uint32_t i = 0; i < size; i++)
        ends += blob[i] == '\0';
    return ends == count && (size == 0 || blob[size - 1] == '\0');
}

/* And prints both for the test outside, a line each. */
static void strings(void) {
    const char *at = (const char *)boot + boot->env_offset;
    ok(blob_is_sound(boot->args_offset, boot->args_size, boot->args_count), "the arguments fill their blob");
    ok(blob_is_sound(boot->env_offset, boot->env_size, boot->env_count), "the environment fills its blob");
    for (unsigned i = 0; i < boot->args_count; i++)
        say(argument(i));
    say("--");
    for (unsigned i = 0; i < boot->env_count; i++, at += strlen(at) + 1)
        say(at);
}

/* The second argument is the size of memory in MiB. Files are not part of it. */
static void range_table(void) {
    uint64_t end_of_last = 0, total = 0, memory = number_argument(2) << 20;
    bool rising = true, aligned = true, image = false, stack = false;
    for (unsigned i = 0; i < boot->ranges_count; i++) {
        const struct ukvm_range *range = &ranges()[i];
        rising = rising && range->base >= end_of_last && range->size > 0;
        aligned = aligned && (range->base | range->size) % UKVM_PAGE_SIZE == 0;
        image = image || range->kind == UKVM_RANGE_IMAGE;
        stack = stack || range->kind == UKVM_RANGE_STACK;
        end_of_last = range->base + range->size;
        total += range->kind == UKVM_RANGE_INITRD || range->kind == UKVM_RANGE_IMAGE_FILE ? 0 : range->size;
    }
    ok(rising, "ranges rise and do not overlap");
    ok(aligned, "ranges are whole pages");
    ok(image && stack, "image and stack are listed");
    ok(total <= memory, "all of them together are no more than the guest's memory");
    ok(total + 64 * UKVM_PAGE_SIZE >= memory, "and no less, but for guard pages: all free memory is listed");
    note("missing", memory - total);
}

/* disk a of 1 MiB, disk b of 2 MiB read-only, net n: the test outside attaches them, and puts a letter into each disk.
 */
static void device_table(void) {
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9}, ip[4] = {10, 1, 2, 3}, gateway[4] = {10, 1, 2, 1};
    const struct ukvm_device *a = NULL, *b = NULL, *n = NULL;
    for (unsigned i = 0; i < boot->devices_count; i++) {
        const struct ukvm_device *device = &devices()[i];
        a = same(device->name, "a") ? device : a;
        b = same(device->name, "b") ? device : b;
        n = same(device->name, "n") ? device : n;
    }
    ok(boot->devices_count == 3 && a && b && n, "every attached device is listed by its name");
    if (!a || !b || !n)
        return;
    ok(a->kind == UKVM_DEVICE_BLK && b->kind == UKVM_DEVICE_BLK && n->kind == UKVM_DEVICE_NET, "with its kind");
    ok(a->blk.capacity == 1 << 20 && b->blk.capacity == 2 << 20, "disks have their capacity");
    ok(a->blk.block_size == 512 || a->blk.block_size == 4096, "block_size is 512 or 4096");
    ok(a->blk.max_transfer > 0 && a->blk.max_transfer % a->blk.block_size == 0, "max_transfer is whole blocks");
    ok(a->blk.flags == 0 && b->blk.flags == UKVM_BLK_READONLY, "the read-only one is marked");
    ok(memcmp(n->net.mac, mac, 6) == 0 && n->net.mtu == 1400, "MAC and MTU");
    ok(memcmp(n->net.ip4, ip, 4) == 0 && n->net.prefix4 == 24 && memcmp(n->net.gateway4, gateway, 4) == 0,
       "address, prefix and gateway");
    const struct ukvm_device *disks[] = {a, b};
    for (unsigned i = 0; i < 2; i++) {
        uint16_t number = (uint16_t)(disks[i] - devices());
        *arena(ARENA_FREE) = 0;
        perform((struct ukvm_sqe){.op = UKVM_OP_BLK_READ, .device = number, .arena = ARENA_FREE, .length = 4096});
        is(*arena(ARENA_FREE), i ? 'b' : 'a', i ? "the index of b is its number" : "the index of a is its number");
    }
    is(perform((struct ukvm_sqe){.op = UKVM_OP_BLK_READ, .device = 3, .arena = ARENA_FREE, .length = 4096}),
       -UKVM_EINVAL, "there is no device behind the last");
}

static void entropy(void) {
    unsigned bits = 0;
    bool repeated = false;
    uint64_t words[UKVM_ENTROPY_SIZE / 8];
    memcpy(words, boot->entropy, sizeof words);
    for (unsigned i = 0; i < COUNT(words); i++) {
        for (unsigned bit = 0; bit < 64; bit++)
            bits += words[i] >> bit & 1;
        note("entropy", words[i]);
        for (unsigned j = 0; j < i; j++)
            repeated = repeated || words[j] == words[i];
    }
    ok(!repeated, "no word of the entropy is there twice");
    ok(bits > 256 - 80 && bits < 256 + 80, "half of its bits are set"); /* 7 standard deviations */
}

static void frozen(void) {
    static uint8_t before[sizeof(struct ukvm_boot)];
    memcpy(before, boot, sizeof before);
    for (unsigned i = 0; i < 20; i++) {
        perform((struct ukvm_sqe){.op = UINT8_MAX});
        wait_until(now() + MILLISECOND);
    }
    ok(memcmp(before, boot, sizeof before) == 0, "nothing in it changes while the guest runs");
}

/* No mapping lets the guest write it; a transfer must not, either. Disk a holds letters. */
static void transfer_into_boot(void) {
    static uint8_t before[sizeof(struct ukvm_boot)];
    uint16_t disk = first_device(UKVM_DEVICE_BLK);
    uint64_t at = (uintptr_t)boot - boot->arena_addr; /* modulo 2^64 */
    memcpy(before, boot, sizeof before);
    is(perform((struct ukvm_sqe){.op = UKVM_OP_BLK_READ, .device = disk, .arena = at, .length = 4096}), -UKVM_EINVAL,
       "a disk is not read into it");
    ok(memcmp(before, boot, sizeof before) == 0, "and nothing in it has changed");
}

/* ---- the initrd, and the image's file ---- */

/* A file in memory: what the boot page says of it. */
struct file {
    uint32_t kind;
    uint64_t address, size;
};

/* The one range of a kind, or NULL; and how many there are. */
static const struct ukvm_range *range_of_kind(uint32_t kind, unsigned *count) {
    const struct ukvm_range *range = NULL;
    *count = 0;
    for (unsigned i = 0; i < boot->ranges_count; i++) {
        if (ranges()[i].kind != kind)
            continue;
        range = &ranges()[i];
        ++*count;
    }
    return range;
}

/* The second argument is the file's size, 0 if there is none. */
static void check_file(const struct file *file) {
    unsigned count;
    const struct ukvm_range *range = range_of_kind(file->kind, &count);
    uint64_t size = number_argument(2), whole = (size + UKVM_PAGE_SIZE - 1) & ~(uint64_t)(UKVM_PAGE_SIZE - 1);
    is((int64_t)file->size, (int64_t)size, "the size is the file's");
    is(count, size > 0, "there is one range of its kind if there is a file");
    if (!range || size == 0) {
        is((int64_t)file->address, 0, "the address is 0 if there is none");
        return;
    }
    ok(file->address % UKVM_PAGE_SIZE == 0 && file->address == range->base, "the range is at the address");
    is((int64_t)range->size, (int64_t)whole, "it is the file's pages");
    is(range->prot, UKVM_PROT_READ, "it is listed as r--");
    ok(all_bytes((const void *)(range->base + size), 0, whole - size), "behind the file's last byte it is zero");
    const struct bad bad[] = {
        {"it cannot be returned", {.op = UKVM_OP_MEM_RETURN, .offset = range->base, .length = UKVM_PAGE_SIZE}},
        {"nor made writable",
         {.op = UKVM_OP_MEM_PROTECT, .device = RW, .offset = range->base, .length = UKVM_PAGE_SIZE}},
    };
    refused(bad, COUNT(bad));
}

/* Writes the file to standard output. */
static void copy_file(const struct file *file) {
    uint64_t room = boot->arena_size - ARENA_FREE;
    for (uint64_t done = 0; done < file->size;) {
        uint64_t piece = file->size - done < room ? file->size - done : room;
        memcpy(arena(ARENA_FREE), (const void *)(file->address + done), piece);
        if (perform((struct ukvm_sqe){.op = UKVM_OP_CONSOLE_WRITE,
                                      .device = UKVM_CONSOLE_OUT,
                                      .arena = ARENA_FREE,
                                      .length = (uint32_t)piece}) != (int32_t)piece)
            end(1);
        done += piece;
    }
}

static struct file initrd_file(void) {
    return (struct file){UKVM_RANGE_INITRD, boot->initrd_addr, boot->initrd_size};
}

static struct file image_file(void) {
    return (struct file){UKVM_RANGE_IMAGE_FILE, boot->image_addr, boot->image_size};
}

static void initrd(void) {
    struct file file = initrd_file();
    check_file(&file);
}

static void copy_initrd(void) {
    struct file file = initrd_file();
    copy_file(&file);
}

static void own_file(void) {
    struct file file = image_file();
    check_file(&file);
}

static void copy_own_file(void) {
    struct file file = image_file();
    copy_file(&file);
}

/* Touches the last page for the first time a second after it has said that it will. */
static void late_initrd(void) {
    say("before");
    flush();
    spin_until(now() + SECOND);
    (void)*(volatile uint8_t *)(boot->initrd_addr + boot->initrd_size - 1);
    say("after");
}

/* ---- time ---- */

static void monotonic(void) {
    uint64_t first = now(), last = first;
    bool rises = true;
    note("monotonic", first);
    ok(first < SECOND, "monotonic time is little more than 0 at entry");
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t next = now();
        rises = rises && next >= last;
        last = next;
    }
    ok(rises && last > first, "and never goes back");
}

/* Reads the wall clock after a while, for the test outside. */
static void wall(void) {
    uint64_t pause = now() + number_argument(2) * MILLISECOND;
    spin_until(pause);
    note("wall", boot->wall_base + now());
    note("monotonic", now());
    ok(boot->wall_base > UINT64_C(1700000000) * SECOND, "the wall clock's base is a likely one");
}

const struct check checks[] = {
    {"UKVM-IMG-03", segments},
    {"UKVM-IMG-04", relocations},
    {"UKVM-IMG-07", liked_stack},
    {"UKVM-IMG-07 little", liked_stack_of_little},
    {"UKVM-ENTRY-01", registers},
    {"UKVM-ENTRY-02", vectors},
    {"UKVM-ENTRY-03", ticks},
    {"UKVM-MEM-01", identity},
    {"UKVM-MEM-02", free_memory},
    {"UKVM-MEM-04", addresses},
    {"UKVM-BOOT-01", boot_page},
    {"UKVM-BOOT-02", strings},
    {"UKVM-BOOT-03", range_table},
    {"UKVM-BOOT-04", device_table},
    {"UKVM-BOOT-05", entropy},
    {"UKVM-BOOT-06", frozen},
    {"UKVM-BOOT-07", transfer_into_boot},
    {"UKVM-BOOT-08", initrd},
    {"UKVM-BOOT-08 copy", copy_initrd},
    {"UKVM-BOOT-08 late", late_initrd},
    {"UKVM-BOOT-09", own_file},
    {"UKVM-BOOT-09 copy", copy_own_file},
    {"UKVM-TIME-01", monotonic},
    {"UKVM-TIME-02", wall},
    {NULL, NULL},
};
