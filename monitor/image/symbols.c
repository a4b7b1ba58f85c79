/* SPDX-License-Identifier: MIT */
#include "symbols.h"

#include <elf.h>
#include <unistd.h>

#define CHUNK 128u

static void consider(const Elf64_Sym *entry, struct symbol *symbols, unsigned count) {
    if (ELF64_ST_TYPE(entry->st_info) != STT_FUNC && ELF64_ST_TYPE(entry->st_info) != STT_NOTYPE)
        return;
    if (entry->st_shndx == SHN_UNDEF || entry->st_shndx >= SHN_LORESERVE || entry->st_name == 0)
        return;
    for (unsigned i = 0; i < count; i++) {
        struct symbol *symbol = &symbols[i];
        bool sized = entry->st_size != 0;
        if (symbol->address < entry->st_value || (sized && symbol->address - entry->st_value >= entry->st_size))
            continue;
        /* Labels of assembly have no size: the closest one below is the name where no function holds the address. */
        if (sized > symbol->sized || (sized == symbol->sized && entry->st_value >= symbol->start)) {
            symbol->start = entry->st_value;
            symbol->name_offset = entry->st_name;
            symbol->sized = sized;
        }
    }
}

static void read_name(const struct image *image, struct symbol *symbol) {
    ssize_t n = 0;
    if (symbol->name_offset && symbol->name_offset < image->strtab.size)
        n = pread(image->fd, symbol->name, sizeof symbol->name - 1, (off_t)(image->strtab.start + symbol->name_offset));
    symbol->name[n > 0 ? n : 0] = '\0';
    for (char *c = symbol->name; *c; c++)
        if (*c < ' ' || *c > '~') /* not to the terminal */
            *c = '?';
    symbol->offset = symbol->address - symbol->start;
}

void symbols_find(const struct image *image, struct symbol *symbols, unsigned count) {
    Elf64_Sym chunk[CHUNK];
    for (unsigned i = 0; i < count; i++)
        symbols[i] = (struct symbol){.address = symbols[i].address};
    for (uint64_t done = 0; done < image->symtab.size;) {
        uint64_t want = image->symtab.size - done < sizeof chunk ? image->symtab.size - done : sizeof chunk;
        ssize_t n = pread(image->fd, chunk, want, (off_t)(image->symtab.start + done));
        if (n < (ssize_t)sizeof *chunk)
            break;
        size_t entries = (size_t)n / sizeof *chunk;
        for (size_t i = 0; i < entries; i++)
            consider(&chunk[i], symbols, count);
        done += entries * sizeof *chunk;
    }
    for (unsigned i = 0; i < count; i++)
        read_name(image, &symbols[i]);
}
