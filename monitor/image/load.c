/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static int load_segment(const struct image *image, const struct image_segment *segment, const struct region *ram,
                        uint64_t bias, struct error *err) {
    uint8_t *to = region_at_address(ram, segment->address + bias, segment->memory_size);
    if (!to)
        return error_set(err, EXIT_IMAGE, "%s: a segment at 0x%" PRIx64 " lies outside memory", image->path,
                         segment->address);
    if (segment->file_size == 0)
        return 0;
    region_populate(ram, segment->address + bias - ram->base, segment->file_size);
    for (uint64_t done = 0; done < segment->file_size;) {
        ssize_t n = pread(image->fd, to + done, segment->file_size - done, (off_t)(segment->file_offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, EXIT_MONITOR, "%s: cannot be read: %s", image->path, strerror(errno));
        if (n == 0)
            return error_set(err, EXIT_IMAGE, "%s: became shorter while it was read", image->path);
        done += (uint64_t)n;
    }
    return 0;
}

/* The eight bytes at a linked address, if a relocation may change them: within one writable segment. */
static uint64_t *relocation_target(const struct image *image, const struct region *ram, uint64_t bias,
                                   uint64_t address) {
    const struct image_segment *segment = image_find_segment(image, address, sizeof(uint64_t));
    if (!segment || !(segment->prot & UKVM_PROT_WRITE))
        return NULL;
    return region_at_address(ram, address + bias, sizeof(uint64_t));
}

static int refuse_target(const struct image *image, uint64_t address, struct error *err) {
    return error_set(err, EXIT_IMAGE, "%s: a relocation at 0x%" PRIx64 " lies in no writable segment", image->path,
                     address);
}

static int apply_rela(const struct image *image, const struct region *ram, uint64_t bias, struct error *err) {
    const Elf64_Rela *table = region_at_address(ram, image->rela.start + bias, image->rela.size);
    for (uint64_t i = 0; i < image->rela.size / sizeof *table; i++) {
        Elf64_Rela entry = table[i]; /* a copy: a relocation may name the table itself */
        if (ELF64_R_TYPE(entry.r_info) != R_X86_64_RELATIVE)
            return error_set(err, EXIT_IMAGE,
                             "%s: relocation %" PRIu64 " has type %u; only R_X86_64_RELATIVE (8) is allowed: link with "
                             "-static-pie and no undefined symbols",
                             image->path, i, (unsigned)ELF64_R_TYPE(entry.r_info));
        uint64_t *target = relocation_target(image, ram, bias, entry.r_offset);
        if (!target)
            return refuse_target(image, entry.r_offset, err);
        uint64_t value = (uint64_t)entry.r_addend + bias;
        memcpy(target, &value, sizeof value); /* not always aligned */
    }
    return 0;
}

static int relocate_by_bias(const struct image *image, const struct region *ram, uint64_t bias, uint64_t address,
                            struct error *err) {
    uint64_t *target = relocation_target(image, ram, bias, address);
    uint64_t value;
    if (!target)
        return refuse_target(image, address, err);
    memcpy(&value, target, sizeof value);
    value += bias;
    memcpy(target, &value, sizeof value);
    return 0;
}

/* An even entry is an address; an odd one is a bitmap of the 63 words that follow. gABI, "Relative Relocation Table".
 */
static int apply_relr(const struct image *image, const struct region *ram, uint64_t bias, struct error *err) {
    const Elf64_Relr *table = region_at_address(ram, image->relr.start + bias, image->relr.size);
    uint64_t next = 0;
    for (uint64_t i = 0; i < image->relr.size / sizeof *table; i++) {
        Elf64_Relr entry = table[i];
        if ((entry & 1) == 0) {
            if (relocate_by_bias(image, ram, bias, entry, err))
                return -1;
            next = entry + 8;
            continue;
        }
        for (unsigned bit = 1; bit < 64; bit++)
            if ((entry >> bit & 1) && relocate_by_bias(image, ram, bias, next + 8 * (bit - 1), err))
                return -1;
        next += UINT64_C(8) * 63;
    }
    return 0;
}

int image_load(const struct image *image, const struct region *ram, uint64_t bias, struct error *err) {
    for (unsigned i = 0; i < image->segments_count; i++)
        if (load_segment(image, &image->segments[i], ram, bias, err))
            return -1;
    return apply_rela(image, ram, bias, err) || apply_relr(image, ram, bias, err) ? -1 : 0;
}
