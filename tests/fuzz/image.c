/* SPDX-License-Identifier: MIT */
/* links: monitor/image/kind.c */
/* links: monitor/image/image.c monitor/machine/layout.c monitor/image/load.c monitor/base/region.c */
/* links: monitor/image/symbols.c monitor/base/error.c */
/* The way of an image, the input, from its file into memory, and of its symbols into a fault report. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../lib/elfgen.h"
#include "image/load.h"
#include "image/symbols.h"
#include "machine/layout.h"

#define MEMORY (UINT64_C(1) << 20) /* the least that --mem takes */

static int file = -1;
static char path[32];
static uint8_t *ram;

static void set_up(void) {
    file = memfd_create("image", MFD_CLOEXEC);
    ram = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(file >= 0 && ram != MAP_FAILED);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

static void check_layout(const struct image *image, const struct layout *layout) {
    uint64_t end = UKVM_PAGE_SIZE, entry_prot = 0;
    for (unsigned i = 0; i < layout->ranges_count; i++) {
        const struct ukvm_range *range = &layout->ranges[i];
        must(range->base >= end && range->size > 0 && is_aligned(range->base | range->size, UKVM_PAGE_SIZE));
        must((range->prot & (UKVM_PROT_WRITE | UKVM_PROT_EXEC)) != (UKVM_PROT_WRITE | UKVM_PROT_EXEC));
        end = range->base + range->size;
        if (range->kind == UKVM_RANGE_IMAGE_FILE)
            must(range->base == layout->file_base && range->prot == UKVM_PROT_READ &&
                 range->size - image->file_size < UKVM_PAGE_SIZE && end < layout->system_base);
        else
            must(range->base >= layout->ram_base && end <= layout->ram_base + layout->ram_size);
        if (layout->entry >= range->base && layout->entry < end)
            entry_prot = range->prot;
    }
    must(!image->pie || layout->bias % image->alignment == 0);
    must(image->segments_count > 0 && (entry_prot & UKVM_PROT_EXEC));
}

/* Whether the file's bytes [offset, offset + length) are those at `memory`. */
static bool is_as_in_file(const uint8_t *memory, const uint8_t *data, uint64_t offset, uint64_t length) {
    return memcmp(memory, data + offset, length) == 0;
}

static bool is_zero(const uint8_t *memory, uint64_t length) {
    return length == 0 || (memory[0] == 0 && memcmp(memory, memory + 1, length - 1) == 0);
}

/* IMG-03 and IMG-04: what no relocation may change is what the file says, and between the segments there is nothing. */
static void check_memory(const struct image *image, const struct layout *layout, const uint8_t *data) {
    uint64_t at = 0;
    for (unsigned i = 0; i < image->segments_count; i++) {
        const struct image_segment *segment = &image->segments[i];
        uint64_t start = segment->address + layout->bias - layout->ram_base;
        must(start >= at && range_within(start, segment->memory_size, MEMORY));
        must(is_zero(ram + at, start - at));
        at = start + segment->memory_size;
        if (segment->prot & UKVM_PROT_WRITE)
            continue;
        must(is_as_in_file(ram + start, data, segment->file_offset, segment->file_size));
        must(is_zero(ram + start + segment->file_size, segment->memory_size - segment->file_size));
    }
    must(is_zero(ram + at, MEMORY - at));
}

static void load(const struct image *image, const uint8_t *data) {
    struct error err = {0};
    struct layout layout;
    struct layout_request request = {
        .image = image,
        .memory = MEMORY,
        .boot_size = UKVM_PAGE_SIZE,
        .rings_size = UKVM_PAGE_SIZE,
        .arena_size = UKVM_PAGE_SIZE,
        .address_bits = 39,
        .file_size = image->note.features & UKVM_FEATURE_IMAGE_FILE ? image->file_size : 0,
        .random = {image->entry, image->low, image->high, image->entry, image->low}, /* anything of the input's */
    };
    if (layout_plan(&request, &layout, &err)) {
        must_be_explained(&err);
        return;
    }
    check_layout(image, &layout);
    const struct region region = {.base = layout.ram_base, .size = MEMORY, .host = ram};
    memset(ram, 0, MEMORY);
    if (image_load(image, &region, layout.bias, &err))
        must_be_explained(&err);
    else
        check_memory(image, &layout, data);
}

static void find_symbols(const struct image *image) {
    struct symbol symbols[] = {{.address = image->entry}, {.address = image->low}, {.address = UINT64_MAX}};
    symbols_find(image, symbols, 3);
    for (unsigned i = 0; i < 3; i++) {
        must(strnlen(symbols[i].name, SYMBOL_NAME_MAX) < SYMBOL_NAME_MAX);
        for (const char *c = symbols[i].name; *c; c++)
            must(*c >= ' ' && *c <= '~');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error err = {0};
    struct image image;
    if (file < 0)
        set_up();
    must(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
    if (image_open(path, &image, &err)) {
        must_be_explained(&err);
        must(err.status == EXIT_IMAGE && image.fd < 0);
        return 0;
    }
    load(&image, data);
    find_symbols(&image);
    close(image.fd);
    return 0;
}

/* Most of a file is no table, and a change there shows nothing. So most changes are made where elfgen puts its tables.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    static const struct {
        size_t start, size;
    } tables[] = {
        {0, sizeof(Elf64_Ehdr)}, {sizeof(Elf64_Ehdr), 6 * sizeof(Elf64_Phdr)},
        {ELFGEN_NOTES, 128},     {ELFGEN_RELA, 2 * sizeof(Elf64_Rela)},
        {ELFGEN_RELR, 32},       {ELFGEN_DATA, 8 * sizeof(Elf64_Dyn)},
        {ELFGEN_SYMBOLS, 128},   {ELFGEN_SECTIONS, 3 * sizeof(Elf64_Shdr)},
    };
    const size_t count = sizeof tables / sizeof *tables;
    size_t i = seed % (count + 1);
    if (i == count || size < tables[i].start + tables[i].size)
        return LLVMFuzzerMutate(data, size, max_size);
    LLVMFuzzerMutate(data + tables[i].start, tables[i].size, tables[i].size);
    return size;
}
