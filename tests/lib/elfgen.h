/* SPDX-License-Identifier: MIT */
/*
 * Writes ELF images for the tests: one correct ukvm image, and changes to it by name, each of them one defect or one
 * variation. What the fields hold is what the file says; nothing is checked, for most files are meant to be wrong.
 *
 *   linked address  file offset
 *   0x0000          0x0000       R   ELF header, program headers, notes, DT_RELA and DT_RELR tables
 *   0x2000          0x2000       RX  mov $42, %eax; out %eax, $0x12 (EXIT); jmp itself
 *   0x3000          0x3000       RW  DT_DYNAMIC in a page of RELRO, then ELFGEN_WORDS words of data, then zeroes
 *   (not loaded)    0x5000           symbols, names, section headers
 */
#ifndef ELFGEN_H
#define ELFGEN_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "ukvm_abi.h"

#define ELFGEN_FILE_MAX 0x6000u

enum {
    ELFGEN_NOTES = 0x1000,
    ELFGEN_NOTES_MAX = 0x800,
    ELFGEN_RELA = 0x1800,
    ELFGEN_RELR = 0x1c00,
    ELFGEN_RODATA_SIZE = 0x1d00,
    ELFGEN_TEXT = 0x2000,
    ELFGEN_DATA = 0x3000, /* the page of RELRO */
    ELFGEN_WORD = 0x4000, /* the first word behind it, that relocations may change; word i holds i + 1 */
    ELFGEN_WORDS = 128,
    ELFGEN_FILE_END = ELFGEN_WORD + 8 * ELFGEN_WORDS, /* of the data segment */
    ELFGEN_MEMORY_END = 0x6800,
    ELFGEN_SYMBOLS = 0x5000, /* a file offset, as the next two */
    ELFGEN_STRINGS = 0x5400,
    ELFGEN_SECTIONS = 0x5800,
    ELFGEN_EXEC_BASE = 0x400000, /* of the change `exec` */
};

/* The program headers of the unchanged image; changes append more. */
enum elfgen_phdr { ELFGEN_P_RODATA, ELFGEN_P_TEXT, ELFGEN_P_DATA, ELFGEN_P_NOTE, ELFGEN_P_DYNAMIC, ELFGEN_P_RELRO };

struct elfgen {
    Elf64_Ehdr header;
    Elf64_Phdr phdr[72];
    unsigned phdr_count;
    uint64_t base; /* added to every linked address that is written */

    struct ukvm_note_abi abi;
    unsigned abi_count;
    uint32_t abi_size;     /* n_descsz */
    const char *abi_owner; /* of 4 characters */
    uint32_t note_align;   /* 4 or 8 */
    struct ukvm_note_stack stack;
    unsigned stack_count;
    uint32_t stack_size; /* n_descsz */
    struct ukvm_note_device devices[40];
    unsigned devices_count;
    uint32_t device_size; /* n_descsz */

    Elf64_Dyn dynamic[24]; /* without the DT_NULL at the end */
    unsigned dynamic_count;
    Elf64_Rela rela[32];
    unsigned rela_count;
    uint64_t relr[16];
    unsigned relr_count;

    uint8_t code[16];
    size_t file_size; /* the file is cut to this */
};

/* The correct image: a static-PIE with one relocation, DT_RELA, that puts the address of the first word there. */
void elfgen_init(struct elfgen *image);

/* Applies a change NAME or NAME=VALUE of elfgen_help. Returns 0, or -1 when there is no such change or its value is
 * none. */
int elfgen_change(struct elfgen *image, const char *change);

/* Writes the file's bytes to `file`, which has ELFGEN_FILE_MAX of them. Returns their number, at most image->file_size.
 */
size_t elfgen_build(const struct elfgen *image, uint8_t *file);

/* For the changes: appends a program header, whose offset is its address; appends an entry of the dynamic table. */
void elfgen_add_phdr(struct elfgen *image, uint32_t type, uint32_t flags, uint64_t address, uint64_t file,
                     uint64_t memory);
void elfgen_add_dynamic(struct elfgen *image, int64_t tag, uint64_t value);

/* One line for each change, for a help text. */
extern const char elfgen_help[];

#endif
