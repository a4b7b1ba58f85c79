/* SPDX-License-Identifier: MIT */
/* links: monitor/image/symbols.c */
#include "image/symbols.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

#define STRINGS 0x10000 /* where the names lie in the file */

static struct image image;
static char names[4096];
static size_t names_size;
static Elf64_Sym table[1000];
static unsigned table_count;

static void begin(void) {
    memset(names, 0, sizeof names);
    memset(table, 0, sizeof table);
    names_size = 1;
    table_count = 1; /* the first entry of a symbol table is empty */
}

static Elf64_Sym *add(const char *name, uint64_t value, uint64_t size) {
    Elf64_Sym *entry = &table[table_count++];
    *entry = (Elf64_Sym){.st_name = (uint32_t)names_size, .st_info = STT_FUNC, .st_shndx = 1, .st_value = value};
    entry->st_size = size;
    memcpy(names + names_size, name, strlen(name) + 1);
    names_size += strlen(name) + 1;
    return entry;
}

/* Writes the file, anew for each test. */
static void finish(void) {
    if (image.fd > 0)
        close(image.fd);
    image = (struct image){.fd = memfd_create("symbols", MFD_CLOEXEC)};
    image.symtab = (struct image_range){.start = 8, .size = table_count * sizeof *table};
    image.strtab = (struct image_range){.start = STRINGS, .size = names_size};
    if (pwrite(image.fd, table, image.symtab.size, 8) < 0 || pwrite(image.fd, names, names_size, STRINGS) < 0)
        exit(1);
}

static struct symbol find(uint64_t address) {
    struct symbol symbol;
    memset(&symbol, 0xaa, sizeof symbol); /* only the address is an input */
    symbol.address = address;
    symbols_find(&image, &symbol, 1);
    return symbol;
}

static void is_name(uint64_t address, const char *name, uint64_t offset) {
    struct symbol symbol = find(address);
    is_str(symbol.name, name, "0x%" PRIx64 " is in '%s'", address, name);
    if (*name)
        is_u64(symbol.offset, offset, "at this offset");
    ok(symbol.address == address, "and the address is as it was");
}

static void test_matches(void) {
    begin();
    add("second", 0x2000, 0x100);
    add("first", 0x1000, 0x100);
    add("label", 0x3000, 0)->st_info = STT_NOTYPE;
    add("high", UINT64_MAX - 0xff, 0x100);
    add("data", 0x1000, 0x1000)->st_info = STT_OBJECT;
    add("section", 0x1000, 0x1000)->st_info = STT_SECTION;
    add("undefined", 0x1800, 0x100)->st_shndx = SHN_UNDEF;
    add("absolute", 0x1800, 0x100)->st_shndx = SHN_ABS;
    add("common", 0x1800, 0x100)->st_shndx = SHN_COMMON;
    add("nameless", 0x1800, 0x100)->st_name = 0;
    add("global", 0x4000, 0x10)->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    finish();
    is_name(0x1000, "first", 0);
    is_name(0x10ff, "first", 0xff);
    is_name(0x1100, "", 0);
    is_name(0x1800, "", 0);
    is_name(0xfff, "", 0);
    is_name(0, "", 0);
    is_name(0x2050, "second", 0x50);
    is_name(0x3000, "label", 0);
    is_name(0x3fff, "label", 0xfff);
    is_name(0x4000, "global", 0);
    is_name(0x4010, "label", 0x1010);
    is_name(UINT64_MAX, "high", 0xff);

    begin();
    add("early", 0x1000, 0);
    add("late", 0x1800, 0);
    add("sized", 0x1400, 0x100);
    finish();
    is_name(0x1200, "early", 0x200);
    is_name(0x1480, "sized", 0x80);
    is_name(0x1600, "early", 0x600);
    is_name(0x1900, "late", 0x100);

    begin();
    add("function", 0x1000, 0x100);
    add("label", 0x1040, 0)->st_info = STT_NOTYPE;
    finish();
    is_name(0x1030, "function", 0x30);
    is_name(0x1050, "function", 0x50); /* a label inside has no end of its own */
    is_name(0x1100, "label", 0xc0);
}

static void test_many(void) {
    struct symbol symbols[24];
    char name[16];
    begin();
    for (unsigned i = 0; i < 250; i++) { /* more than one chunk of reading */
        snprintf(name, sizeof name, "f%u", i);
        add(name, 0x1000 + i * 0x100, 0x100);
    }
    finish();
    unsigned wrong = 0;
    for (unsigned i = 0; i < 24; i++)
        symbols[i] = (struct symbol){.address = 0x1000 + i * 10 * 0x100 + i};
    symbols_find(&image, symbols, 24);
    for (unsigned i = 0; i < 24; i++) {
        snprintf(name, sizeof name, "f%u", i * 10);
        wrong += strcmp(symbols[i].name, name) != 0 || symbols[i].offset != i;
    }
    is_u64(wrong, 0, "24 addresses in one pass");
}

static void test_odd_names(void) {
    char longest[200];
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    begin();
    add("esc\x1b[31m\r\n\x7f\xff", 0x1000, 0x10);
    add(longest, 0x2000, 0x10);
    add("beyond", 0x3000, 0x10)->st_name = 0xffffff00;
    add("at the end", 0x4000, 0x10);
    finish();
    is_name(0x1000, "esc?[31m????", 0);
    is_u64(strlen(find(0x2000).name), SYMBOL_NAME_MAX - 1, "a long name is cut");
    is_name(0x3000, "", 0);
    is_name(0x4000, "at the end", 0);
    image.strtab.size = table[4].st_name; /* the last name is now outside the names */
    is_name(0x4000, "", 0);
    is_name(0x1000, "esc?[31m????", 0);
}

static void test_cut_short(void) {
    begin();
    for (unsigned i = 0; i < 200; i++)
        add("f", 0x1000 + i * 0x100, 0x100);
    finish();
    uint64_t whole = image.symtab.size;
    is_name(0x1000 + 199 * 0x100, "f", 0);
    image.symtab.size = whole - 1;
    is_name(0x1000 + 198 * 0x100, "f", 0);
    is_name(0x1000 + 199 * 0x100, "", 0);
    image.symtab.size = whole;
    if (ftruncate(image.fd, 8 + 10 * sizeof *table + 3) < 0)
        exit(1);
    is_name(0x1000, "", 0); /* the names are gone */
    if (pwrite(image.fd, names, names_size, STRINGS) < 0)
        exit(1);
    is_name(0x1000, "f", 0);
    is_name(0x1000 + 100 * 0x100, "", 0);
    image.symtab.size = UINT64_MAX / 2; /* the file ends long before */
    is_name(0x1000, "f", 0);
    image.symtab = (struct image_range){0};
    is_name(0x1000, "", 0);
    close(image.fd);
    image.fd = -1;
    image.symtab.size = whole;
    is_name(0x1000, "", 0);
}

int main(void) {
    test_matches();
    test_many();
    test_odd_names();
    test_cut_short();
    return done_testing();
}
