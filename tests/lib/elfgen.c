/* SPDX-License-Identifier: MIT */
#include "elfgen.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the correct image ---- */

void elfgen_add_phdr(struct elfgen *g, uint32_t type, uint32_t flags, uint64_t address, uint64_t file,
                     uint64_t memory) {
    if (g->phdr_count < COUNT(g->phdr))
        g->phdr[g->phdr_count++] = (Elf64_Phdr){
            .p_type = type,
            .p_flags = flags,
            .p_offset = address,
            .p_vaddr = address,
            .p_paddr = address,
            .p_filesz = file,
            .p_memsz = memory,
            .p_align = type == PT_LOAD ? UKVM_PAGE_SIZE : 8,
        };
}

void elfgen_add_dynamic(struct elfgen *g, int64_t tag, uint64_t value) {
    if (g->dynamic_count < COUNT(g->dynamic) - 1) /* leave room for the DT_NULL */
        g->dynamic[g->dynamic_count++] = (Elf64_Dyn){.d_tag = tag, .d_un.d_val = value};
}

void elfgen_init(struct elfgen *g) {
    *g = (struct elfgen){
        .header =
            {
                .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                .e_type = ET_DYN,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_entry = ELFGEN_TEXT,
                .e_phoff = sizeof(Elf64_Ehdr),
                .e_shoff = ELFGEN_SECTIONS,
                .e_ehsize = sizeof(Elf64_Ehdr),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_shentsize = sizeof(Elf64_Shdr),
                .e_shnum = 3,
            },
        .abi = {.version = UKVM_ABI_VERSION},
        .abi_count = 1,
        .abi_size = sizeof(struct ukvm_note_abi),
        .abi_owner = UKVM_NOTE_NAME,
        .note_align = 4,
        .stack_size = sizeof(struct ukvm_note_stack),
        .device_size = sizeof(struct ukvm_note_device),
        .rela = {{.r_offset = ELFGEN_WORD, .r_info = R_X86_64_RELATIVE, .r_addend = ELFGEN_WORD}},
        .rela_count = 1,
        .code = {0xb8, 42, 0, 0, 0, 0xe7, UKVM_PORT_EXIT, 0xeb, 0xfe},
        .file_size = ELFGEN_FILE_MAX,
    };
    elfgen_add_phdr(g, PT_LOAD, PF_R, 0, ELFGEN_RODATA_SIZE, ELFGEN_RODATA_SIZE);
    elfgen_add_phdr(g, PT_LOAD, PF_R | PF_X, ELFGEN_TEXT, sizeof g->code, sizeof g->code);
    elfgen_add_phdr(g, PT_LOAD, PF_R | PF_W, ELFGEN_DATA, ELFGEN_FILE_END - ELFGEN_DATA,
                    ELFGEN_MEMORY_END - ELFGEN_DATA);
    elfgen_add_phdr(g, PT_NOTE, PF_R, ELFGEN_NOTES, 0, 0); /* its size is known when it is written */
    g->phdr[ELFGEN_P_NOTE].p_align = 4;
    elfgen_add_phdr(g, PT_DYNAMIC, PF_R | PF_W, ELFGEN_DATA, sizeof g->dynamic, sizeof g->dynamic);
    elfgen_add_phdr(g, PT_GNU_RELRO, PF_R, ELFGEN_DATA, UKVM_PAGE_SIZE, UKVM_PAGE_SIZE);
    elfgen_add_dynamic(g, DT_RELA, ELFGEN_RELA);
    elfgen_add_dynamic(g, DT_RELASZ, sizeof *g->rela);
    elfgen_add_dynamic(g, DT_RELAENT, sizeof *g->rela);
}

/* ---- writing ---- */

/* Appends one note; returns the bytes used so far. */
static uint32_t put_note(uint8_t *notes, uint32_t used, const struct elfgen *g, uint32_t type, const void *desc,
                         uint32_t size) {
    const Elf64_Nhdr header = {.n_namesz = sizeof UKVM_NOTE_NAME, .n_descsz = size, .n_type = type};
    /* gABI, "Note Section": the descriptor and the next note are aligned, each from the start of the segment */
    uint32_t mask = g->note_align - 1;
    uint32_t at = (used + (uint32_t)sizeof header + header.n_namesz + mask) & ~mask;
    uint32_t end = (at + size + mask) & ~mask;
    if (end > ELFGEN_NOTES_MAX)
        abort();
    memcpy(notes + used, &header, sizeof header);
    memcpy(notes + used + sizeof header, g->abi_owner, sizeof UKVM_NOTE_NAME);
    memcpy(notes + at, desc, size);
    return end;
}

static uint32_t put_notes(uint8_t *notes, const struct elfgen *g) {
    uint8_t abi[64] = {0}, device[64] = {0}, stack[16] = {0};
    uint32_t used = 0;
    memcpy(abi, &g->abi, sizeof g->abi);
    for (unsigned i = 0; i < g->abi_count; i++)
        used = put_note(notes, used, g, UKVM_NOTE_ABI, abi, g->abi_size);
    memcpy(stack, &g->stack, sizeof g->stack);
    for (unsigned i = 0; i < g->stack_count; i++)
        used = put_note(notes, used, g, UKVM_NOTE_STACK, stack, g->stack_size);
    for (unsigned i = 0; i < g->devices_count; i++) {
        memcpy(device, &g->devices[i], sizeof g->devices[i]);
        used = put_note(notes, used, g, UKVM_NOTE_DEVICE, device, g->device_size);
    }
    return used;
}

static int is_address(int64_t tag) {
    return tag == DT_RELA || tag == DT_RELR || tag == DT_JMPREL;
}

static void put_tables(uint8_t *file, const struct elfgen *g) {
    for (unsigned i = 0; i < g->dynamic_count; i++) {
        Elf64_Dyn entry = g->dynamic[i];
        entry.d_un.d_val += is_address(entry.d_tag) ? g->base : 0;
        memcpy(file + ELFGEN_DATA + i * sizeof entry, &entry, sizeof entry);
    }
    for (unsigned i = 0; i < g->rela_count; i++) {
        Elf64_Rela entry = g->rela[i];
        entry.r_offset += g->base;
        entry.r_addend += (int64_t)g->base;
        memcpy(file + ELFGEN_RELA + i * sizeof entry, &entry, sizeof entry);
    }
    for (unsigned i = 0; i < g->relr_count; i++) {
        uint64_t entry = g->relr[i] + (g->relr[i] & 1 ? 0 : g->base);
        memcpy(file + ELFGEN_RELR + i * sizeof entry, &entry, sizeof entry);
    }
    for (uint64_t i = 0; i < ELFGEN_WORDS; i++) {
        uint64_t word = i + 1;
        memcpy(file + ELFGEN_WORD + i * sizeof word, &word, sizeof word);
    }
}

/* Two functions and a variable, so that a fault report has names to give. */
static void put_symbols(uint8_t *file, const struct elfgen *g) {
    static const char names[] = "\0_start\0spin\0words";
    const Elf64_Sym symbols[] = {
        {0},
        {.st_name = 1, .st_info = STT_FUNC, .st_shndx = 1, .st_value = g->base + ELFGEN_TEXT, .st_size = 7},
        {.st_name = 8, .st_info = STT_FUNC, .st_shndx = 1, .st_value = g->base + ELFGEN_TEXT + 7, .st_size = 2},
        {.st_name = 13, .st_info = STT_OBJECT, .st_shndx = 1, .st_value = g->base + ELFGEN_WORD, .st_size = 8},
    };
    const Elf64_Shdr sections[3] = {
        {0},
        {.sh_type = SHT_SYMTAB,
         .sh_offset = ELFGEN_SYMBOLS,
         .sh_size = sizeof symbols,
         .sh_link = 2,
         .sh_info = 1,
         .sh_addralign = 8,
         .sh_entsize = sizeof *symbols},
        {.sh_type = SHT_STRTAB, .sh_offset = ELFGEN_STRINGS, .sh_size = sizeof names, .sh_addralign = 1},
    };
    memcpy(file + ELFGEN_SYMBOLS, symbols, sizeof symbols);
    memcpy(file + ELFGEN_STRINGS, names, sizeof names);
    memcpy(file + ELFGEN_SECTIONS, sections, sizeof sections);
}

size_t elfgen_build(const struct elfgen *g, uint8_t *file) {
    memset(file, 0, ELFGEN_FILE_MAX);
    uint32_t notes = put_notes(file + ELFGEN_NOTES, g);
    memcpy(file + ELFGEN_TEXT, g->code, sizeof g->code);
    put_tables(file, g);
    put_symbols(file, g);

    Elf64_Ehdr header = g->header;
    header.e_entry += g->base;
    header.e_phnum = (uint16_t)(header.e_phnum + g->phdr_count);
    memcpy(file, &header, sizeof header);
    for (unsigned i = 0; i < g->phdr_count; i++) {
        Elf64_Phdr phdr = g->phdr[i];
        phdr.p_vaddr += g->base;
        phdr.p_paddr = phdr.p_vaddr;
        if (i == ELFGEN_P_NOTE && phdr.p_filesz == 0)
            phdr.p_filesz = phdr.p_memsz = notes;
        memcpy(file + sizeof header + i * sizeof phdr, &phdr, sizeof phdr);
    }
    return g->file_size < ELFGEN_FILE_MAX ? g->file_size : ELFGEN_FILE_MAX;
}
