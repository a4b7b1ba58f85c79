/* SPDX-License-Identifier: MIT */
#include "layout.h"

#include <inttypes.h>

#include "base/range.h"

/* Tables for blocks of 2 MiB of free memory that MEM_PROTECT takes apart (MEM-08); untouched until then. */
#define SPLIT_TABLES 256u

#define RAM_LOW_LIMIT (UINT64_C(4) << 30)

_Static_assert(LAYOUT_LARGE_PAGE % UKVM_ALIGN_MAX == 0, "RAM itself is aligned for every image");

static uint64_t page_up(uint64_t bytes) {
    return align_up(bytes, UKVM_PAGE_SIZE);
}

/* `low` and a random multiple of `unit` more, up to `high`, which is one of these. */
static uint64_t random_between(uint64_t random, uint64_t low, uint64_t high, uint64_t unit) {
    return low + random % ((high - low) / unit + 1) * unit;
}

static void add_range(struct layout *layout, uint64_t base, uint64_t end, uint32_t kind, uint32_t prot) {
    if (end > base)
        layout->ranges[layout->ranges_count++] =
            (struct ukvm_range){.base = base, .size = end - base, .kind = kind, .prot = prot};
}

/* One segment is up to three ranges: what RELRO takes out of it is read-only. IMG-03. */
static void add_segment(struct layout *layout, const struct image *image, const struct image_segment *segment) {
    uint64_t start = align_down(segment->address, UKVM_PAGE_SIZE) + layout->bias;
    uint64_t end = page_up(segment->address + segment->memory_size) + layout->bias;
    uint64_t relro_start = image->relro.start + layout->bias;
    uint64_t relro_end = relro_start + image->relro.size;
    if (!(segment->prot & UKVM_PROT_WRITE))
        relro_start = relro_end = end;
    relro_start = relro_start < start ? start : relro_start > end ? end : relro_start;
    relro_end = relro_end < relro_start ? relro_start : relro_end > end ? end : relro_end;
    add_range(layout, start, relro_start, UKVM_RANGE_IMAGE, segment->prot);
    add_range(layout, relro_start, relro_end, UKVM_RANGE_IMAGE, UKVM_PROT_READ);
    add_range(layout, relro_end, end, UKVM_RANGE_IMAGE, segment->prot);
}

/* IMG-07: what the image would like, as far as the guest's memory has it. What it needs has been found to fit. */
static uint64_t stack_size(const struct layout_request *q, uint64_t image_size) {
    uint64_t needed = page_up(q->image->stack_size), wanted = page_up(q->image->stack_wanted);
    uint64_t share = align_down(q->memory / UKVM_STACK_SHARE, UKVM_PAGE_SIZE);
    uint64_t room = align_down(q->memory - q->image->note.min_memory - image_size, UKVM_PAGE_SIZE);
    if (wanted > share)
        wanted = share;
    if (wanted > room)
        wanted = room;
    return wanted > needed ? wanted : needed;
}

static int place_ram(const struct layout_request *q, struct layout *layout, struct error *err) {
    const struct image *image = q->image;
    uint64_t half = UINT64_C(1) << (q->address_bits - 1);
    uint64_t image_size = image->high - image->low;
    /* RAM starts at a multiple of LAYOUT_LARGE_PAGE, and the base of the image is one of its alignment (IMG-08). */
    uint64_t lead = image->pie ? image->low & (image->alignment - 1) : 0;
    uint64_t needed = lead + image_size + page_up(image->stack_size);

    if (image->note.min_memory > q->memory || needed > q->memory - image->note.min_memory)
        return error_set(err, EXIT_IMAGE,
                         "%s: needs 0x%" PRIx64 " bytes for its segments and stack and 0x%" PRIx64
                         " to work with; --mem gives 0x%" PRIx64 ": give it more",
                         image->path, needed, image->note.min_memory, q->memory);
    if (q->memory > half - RAM_LOW_LIMIT - UKVM_STACK_GUARD)
        return error_set(err, EXIT_MONITOR, "--mem 0x%" PRIx64 ": this host's guests have at most 0x%" PRIx64 " bytes",
                         q->memory, half - RAM_LOW_LIMIT - UKVM_STACK_GUARD);
    uint64_t stack = stack_size(q, lead + image_size);
    needed = lead + image_size + stack;
    layout->ram_size = q->memory + UKVM_STACK_GUARD;

    uint64_t image_base;
    if (image->pie) {
        uint64_t slack = q->memory - image->note.min_memory - needed;
        if (slack > LAYOUT_LARGE_PAGE - UKVM_PAGE_SIZE)
            slack = LAYOUT_LARGE_PAGE - UKVM_PAGE_SIZE;
        layout->ram_base = random_between(q->random[0], RAM_LOW_LIMIT,
                                          align_down(half - layout->ram_size, LAYOUT_LARGE_PAGE), LAYOUT_LARGE_PAGE);
        image_base = layout->ram_base +
                     random_between(q->random[1], lead, lead + align_down(slack, image->alignment), image->alignment);
    } else {
        layout->ram_base = image_base = image->low;
        if (!range_within(image->low, layout->ram_size, half))
            return error_set(err, EXIT_IMAGE, "%s: is linked at 0x%" PRIx64 ", outside guest memory", image->path,
                             image->low);
    }
    layout->bias = image_base - image->low;
    layout->entry = image->entry + layout->bias;
    layout->stack_base = image_base + image_size + UKVM_STACK_GUARD;
    layout->stack_size = stack;

    add_range(layout, layout->ram_base, image_base, UKVM_RANGE_FREE, UKVM_PROT_READ | UKVM_PROT_WRITE);
    for (unsigned i = 0; i < image->segments_count; i++)
        add_segment(layout, image, &image->segments[i]);
    uint64_t stack_end = layout->stack_base + stack;
    add_range(layout, layout->stack_base, stack_end, UKVM_RANGE_STACK, UKVM_PROT_READ | UKVM_PROT_WRITE);
    add_range(layout, stack_end, layout->ram_base + layout->ram_size, UKVM_RANGE_FREE,
              UKVM_PROT_READ | UKVM_PROT_WRITE);
    return 0;
}

/*
 * An upper bound: free memory and the files are mapped by 2 MiB pages (a directory for each GiB), the rest by 4 KiB
 * pages (a table for each 2 MiB), and each range may start and end in the middle of a table, a directory and a level
 * above it.
 */
static uint64_t paging_bound(const struct layout_request *q, const struct layout *layout) {
    uint64_t small =
        (q->image->high - q->image->low) + layout->stack_size + q->arena_size + q->boot_size + q->rings_size;
    uint64_t large = layout->ram_size + q->initrd_size + q->file_size;
    uint64_t tables = 1 + (large >> 30) + (small >> 21) + 6 * (uint64_t)(layout->ranges_count + 7);
    uint64_t blocks = layout->ram_size / LAYOUT_LARGE_PAGE;
    tables += blocks < SPLIT_TABLES ? blocks : SPLIT_TABLES;
    tables += tables / 512; /* the tables are mapped, too */
    return tables * UKVM_PAGE_SIZE;
}

/* Where files may be: behind all RAM, the lower half of what is there. The image's is the last quarter of it. */
static uint64_t files_start(const struct layout_request *q) {
    return UINT64_C(1) << (q->address_bits - 1);
}

static uint64_t files_end(const struct layout_request *q) {
    return files_start(q) / 2 * 3;
}

static uint64_t image_file_start(const struct layout_request *q) {
    return files_end(q) - files_start(q) / 8;
}

/* Not right behind RAM: the page below stays unmapped (MEM-03). */
static int place_initrd(const struct layout_request *q, struct layout *layout, struct error *err) {
    uint64_t start = files_start(q), end = image_file_start(q), room = end - start - 2 * LAYOUT_LARGE_PAGE;
    if (q->initrd_size == 0)
        return 0;
    if (q->initrd_size > room)
        return error_set(err, EXIT_MONITOR,
                         "--initrd: the file has 0x%" PRIx64 " bytes; this host's guests have room for 0x%" PRIx64,
                         q->initrd_size, room);
    uint64_t size = page_up(q->initrd_size);
    layout->initrd_size = q->initrd_size;
    layout->initrd_base = random_between(q->random[3], start + LAYOUT_LARGE_PAGE,
                                         align_down(end - size - UKVM_PAGE_SIZE, LAYOUT_LARGE_PAGE), LAYOUT_LARGE_PAGE);
    add_range(layout, layout->initrd_base, layout->initrd_base + size, UKVM_RANGE_INITRD, UKVM_PROT_READ);
    return 0;
}

static int place_image_file(const struct layout_request *q, struct layout *layout, struct error *err) {
    uint64_t start = image_file_start(q), end = files_end(q), room = end - start - LAYOUT_LARGE_PAGE;
    if (q->file_size == 0)
        return 0;
    if (q->file_size > room)
        return error_set(err, EXIT_IMAGE,
                         "%s: the file has 0x%" PRIx64 " bytes; this host's guests have room for 0x%" PRIx64,
                         q->image->path, q->file_size, room);
    uint64_t size = page_up(q->file_size);
    layout->file_size = q->file_size;
    layout->file_base = random_between(q->random[4], start, align_down(end - size - UKVM_PAGE_SIZE, LAYOUT_LARGE_PAGE),
                                       LAYOUT_LARGE_PAGE);
    add_range(layout, layout->file_base, layout->file_base + size, UKVM_RANGE_IMAGE_FILE, UKVM_PROT_READ);
    return 0;
}

static void place_system(const struct layout_request *q, struct layout *layout) {
    uint64_t half = UINT64_C(1) << (q->address_bits - 1);
    uint64_t low = q->initrd_size || q->file_size ? files_end(q) : half;
    layout->paging_size = paging_bound(q, layout);
    layout->boot_size = page_up(q->boot_size);
    layout->rings_size = page_up(q->rings_size);
    layout->arena_size = q->arena_size;

    uint64_t boot = SYSTEM_EDIT_OFFSET + 2 * UKVM_PAGE_SIZE;
    uint64_t rings = boot + layout->boot_size + UKVM_PAGE_SIZE;
    uint64_t arena = rings + layout->rings_size + UKVM_PAGE_SIZE;
    layout->paging_offset = arena + layout->arena_size + UKVM_PAGE_SIZE;
    layout->system_size = layout->paging_offset + layout->paging_size;
    layout->system_base = random_between(q->random[2], low,
                                         align_down(2 * half - layout->system_size - UKVM_PAGE_SIZE, LAYOUT_LARGE_PAGE),
                                         LAYOUT_LARGE_PAGE);
    layout->boot_base = layout->system_base + boot;
    layout->rings_base = layout->system_base + rings;
    layout->arena_base = layout->system_base + arena;
}

const struct ukvm_range *layout_find_range(const struct layout *layout, uint64_t address) {
    for (unsigned i = 0; i < layout->ranges_count; i++)
        if (address >= layout->ranges[i].base && address - layout->ranges[i].base < layout->ranges[i].size)
            return &layout->ranges[i];
    return NULL;
}

int layout_plan(const struct layout_request *request, struct layout *layout, struct error *err) {
    *layout = (struct layout){0};
    if (place_ram(request, layout, err) || place_initrd(request, layout, err) || place_image_file(request, layout, err))
        return -1;
    place_system(request, layout);
    return 0;
}
