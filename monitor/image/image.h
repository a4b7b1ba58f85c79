/* SPDX-License-Identifier: MIT */
/*
 * An ELF image, read and checked but not yet placed. ABI.md, IMG-01 to IMG-06.
 * Everything in struct image has been validated: sizes cannot wrap, segments are sorted and do not share a page.
 */
#ifndef UKVM_IMAGE_H
#define UKVM_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "ukvm_abi.h"

#define IMAGE_MAX_SEGMENTS 16u
#define IMAGE_MAX_DEVICE_NOTES 32u

struct image_segment {
    uint64_t address; /* as linked: p_vaddr */
    uint64_t memory_size;
    uint64_t file_offset;
    uint64_t file_size;
    uint32_t prot; /* UKVM_PROT_* */
};

/* A range of linked addresses or of file offsets; size 0 when absent. */
struct image_range {
    uint64_t start;
    uint64_t size;
};

struct image {
    const char *path;
    int fd;
    uint64_t file_size; /* bytes */
    bool pie;           /* static-PIE: may be placed anywhere */
    uint64_t entry;
    uint64_t low;       /* the first page of the first segment */
    uint64_t high;      /* one past the last page of the last segment */
    uint64_t alignment; /* of the base: a power of two from a page to UKVM_ALIGN_MAX */
    struct image_segment segments[IMAGE_MAX_SEGMENTS];
    unsigned segments_count;
    struct image_range relro;  /* pages, from one segment on, perhaps into others and what is between */
    struct image_range rela;   /* DT_RELA, within one segment's file part */
    struct image_range relr;   /* DT_RELR, likewise */
    struct image_range symtab; /* file offsets, for the fault report */
    struct image_range strtab;
    struct ukvm_note_abi note;
    uint64_t stack_size;   /* bytes of the boot stack, from 1 to UKVM_STACK_MAX */
    uint64_t stack_wanted; /* what it would like: IMG-07; 0: it does not say */
    struct ukvm_note_device device_notes[IMAGE_MAX_DEVICE_NOTES];
    unsigned device_notes_count;
};

/* Opens and checks. On success image->fd stays open for image_load() and the fault report, until the process ends. */
int image_open(const char *path, struct image *image, struct error *err);

/* IMG-06: the devices on the command line against those that the image names. */
int image_check_devices(const struct image *image, const struct config *config, struct error *err);

/* The segment that holds all of [address, address + length), as linked, or NULL. */
const struct image_segment *image_find_segment(const struct image *image, uint64_t address, uint64_t length);

#endif
