/* SPDX-License-Identifier: MIT */
/* links: monitor/image/kind.c */
/* links: monitor/image/image.c monitor/base/error.c tests/lib/elfgen.c tests/lib/elfgen_changes.c */
#include "image/image.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/elfgen.h"
#include "base/range.h"
#include "tap.h"

static struct image image;
static struct error err;
static uint8_t bytes[ELFGEN_FILE_MAX];
static int file;
static char path[64];

static void write_file(size_t size) {
    if (ftruncate(file, 0) < 0 || pwrite(file, bytes, size, 0) != (ssize_t)size)
        abort();
}

/* Writes the correct image with the changes named in `list`, which spaces separate. */
static void make_image(const char *list) {
    static struct elfgen elf;
    static char words[512];
    elfgen_init(&elf);
    snprintf(words, sizeof words, "%s", list);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        if (elfgen_change(&elf, word)) {
            diag("no such change: %s", word);
            abort();
        }
    write_file(elfgen_build(&elf, bytes));
}

static int open_again(void) {
    err = (struct error){0};
    return image_open(path, &image, &err);
}

static int open_with(const char *changes) {
    make_image(changes);
    return open_again();
}

/* ---- refusals ---- */

static void test_refusals(void) {
    static const struct {
        const char *changes, *wanted; /* a part of the message */
    } refused[] = {
        /* IMG-01 */
        {"magic", "not an ELF file"},
        {"cut=0", "not an ELF file"},
        {"cut=3", "not an ELF file"},
        {"class=32", "64-bit"},
        {"data=2", "little-endian"},
        {"data=0", ""},
        {"machine=3", "e_machine is 3,"},
        {"machine=183", "e_machine is 183,"},
        {"type=rel", "e_type is 1"},
        {"type=none", "e_type is 0"},
        {"type=core", "e_type is 4"},
        {"interp", "PT_INTERP"},
        {"needed", "DT_NEEDED"},
        {"interp needed", "dynamic executable"},
        /* program headers */
        {"phoff=0x5ff0", "program header"},
        {"phoff=0x10000", "program header"},
        {"phoff=0xffffffffffffffff", "program header"},
        {"phnum=65", "65 program headers"},
        {"cut=100", "cut short"},
        {"no-load", "no PT_LOAD"},
        {"loads=17", "16 PT_LOAD"},
        /* IMG-02 */
        {"wx", "segment 1 is writable and executable"},
        {"flags=7", "segment 2 is writable and executable"},
        {"flags=0", "segment 2 is not readable"},
        {"no-read", "segment 1 is not readable"},
        {"flags=0x16", "p_flags 0x16"},
        {"flags=0x80000006", "p_flags 0x80000006"},
        {"overlap", "segment 2: p_vaddr 0x3000 shares a page"},
        {"same-page", "segment 2: p_vaddr 0x2800 shares a page"},
        {"vaddr=0x2fff", "segment 2: p_vaddr 0x2fff shares a page"},
        {"unsorted", "segment 1: p_vaddr 0x2000"},
        {"filesz", "segment 1: p_filesz 0x20 is larger than p_memsz 0x10"},
        {"memsz=0", "segment 2: p_filesz"},
        {"outside-file", "segment 2: p_offset 0x5ff8"},
        {"cut=0x4200", "segment 2"},
        {"memsz-huge", "segment 2"},
        {"memsz=0xffffffffffffffff", "segment 2"},
        {"memsz=0x3ffffffffffe", "outside guest memory"},
        {"vaddr=0x400000000000", "outside guest memory"},
        {"vaddr=0xffff800000000000", "outside guest memory"},
        {"wrap", "outside guest memory"},
        {"low", "below 1 MiB"},
        {"exec base=0", "segment 0: p_vaddr 0x0 is below 1 MiB"},
        /* IMG-03 */
        {"relro-outside", "PT_GNU_RELRO"},
        {"relro=0x4001", "PT_GNU_RELRO"},
        {"relro=0xffffffffffffcfff", "PT_GNU_RELRO"},
        {"align=0x3000", "p_align 0x3000"},
        {"align=0x400000", "p_align 0x400000"},
        {"align=0x8000000000000000", "p_align 0x8000000000000000"},
        {"tls-align=3", "p_align 0x3"},
        {"tls-align=0x400000", "p_align 0x400000"},
        {"relro=0xffffffffffffffff", "PT_GNU_RELRO"},
        {"relro-at=0xfffffffffffff000", "PT_GNU_RELRO"},
        {"relro-at=0x2ff0", "PT_GNU_RELRO"},
        /* IMG-04 */
        {"textrel", "DT_TEXTREL"},
        {"jmprel", "DT_JMPREL"},
        {"rel", "DT_REL"},
        {"dynamic-outside", "PT_DYNAMIC"},
        {"rela-size=23", "DT_RELA"},
        {"rela-size=25", "DT_RELA"},
        {"rela-size=0xffffffffffffffe8", "DT_RELA"},
        {"rela-at=0x1801", "DT_RELA"},
        {"rela-at=0x4400", "DT_RELA"}, /* in memory beyond the file part */
        {"rela-at=0x43f0", "DT_RELA"}, /* half of it */
        {"rela-at=0x100000", "DT_RELA"},
        {"rela-at=0xfffffffffffffff0", "DT_RELA"},
        /* IMG-05 */
        {"no-note", "no ukvm ABI note"},
        {"note-owner=vkmu", "no ukvm ABI note"},
        {"note-outside", "PT_NOTE"},
        {"note-size=0xffffffffffffffff", "PT_NOTE"},
        {"note-size=8", "no ukvm ABI note"},
        {"two-notes", "more than one"},
        {"version=2", "version 2"},
        {"version=0", "version 0"},
        {"version=0xffffffff", "version 4294967295"},
        {"features=0x4000000000000000", "features 0x4000000000000000"},
        {"features=0x8000000000000001", "features 0x8000000000000000"},
        {"note-reserved", "reserved"},
        {"note-short", "28 bytes"},
        {"note-long", "40 bytes"},
        {"stack=0x4000001", "stack of 0x4000001"},
        {"stack=0xffffffffffffffff", "stack"},
        {"gnu-stack=0x4000001", "stack of 0x4000001"},
        {"gnu-stack=0xffffffffffffffff", "stack"},
        /* IMG-06 */
        {"bad-device-note=short", "device note"},
        {"bad-device-note=kind", "kind 3"},
        {"bad-device-note=flags", "flags 0x4"},
        {"bad-device-note=reserved", "device note"},
        {"bad-device-note=unended", "device note"},
        {"bad-device-note=unnamed", "device note"},
        {"bad-device-note=any-named", "device note"},
        {"device-notes=33", "32"},
        /* ENTRY-01 */
        {"entry=0x1000", "e_entry 0x1000"},
        {"entry=0x2010", "e_entry 0x2010"},
        {"entry=0x4000", "e_entry 0x4000"},
        {"entry=0", "e_entry 0x0"},
        {"entry=0xffffffffffffffff", "e_entry"},
    };
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        bool good = open_with(refused[i].changes) == -1 && err.status == EXIT_IMAGE && image.fd == -1 &&
                    strncmp(err.text, path, strlen(path)) == 0 && strstr(err.text, refused[i].wanted) &&
                    !strchr(err.text, '\n');
        if (!ok(good, "%s: refused with the field at fault", refused[i].changes))
            diag("status %d, fd %d: %s", err.status, image.fd, err.text);
    }
}

static void test_missing(void) {
    char folder[] = "/tmp/ukvm-image.XXXXXX", name[64];
    if (!mkdtemp(folder))
        abort();
    snprintf(name, sizeof name, "%s/none", folder);
    ok(image_open(name, &image, &err) == -1 && err.status == EXIT_NOT_FOUND && strstr(err.text, name), "no such file");
    ok(image_open(folder, &image, &err) == -1 && err.status == EXIT_IMAGE && strstr(err.text, "regular"),
       "a directory");
    ok(mkfifo(name, 0600) == 0 && image_open(name, &image, &err) == -1 && err.status == EXIT_IMAGE &&
           strstr(err.text, "regular"),
       "a FIFO, without waiting");
    snprintf(name + strlen(folder), sizeof name - strlen(folder), "/none/x");
    ok(image_open(name, &image, &err) == -1 && err.status == EXIT_NOT_FOUND, "below what is no directory");
    ok(image_open("/dev/null", &image, &err) == -1 && err.status == EXIT_IMAGE, "a device");
    ok(image_open("", &image, &err) == -1 && err.status == EXIT_NOT_FOUND, "no name");
    snprintf(name, sizeof name, "%s/none", folder);
    unlink(name);
    rmdir(folder);
}

/* ---- what is accepted ---- */

static void accepted(const char *changes) {
    if (!ok(open_with(changes) == 0, "'%s': accepted", changes))
        diag("%s", err.text);
}

static void close_image(void) {
    if (image.fd >= 0)
        close(image.fd);
}

static void test_accepted(void) {
    accepted("");
    ok(image.pie && image.fd >= 0 && image.path == path, "a static-PIE, which stays open");
    is_u64(image.entry, ELFGEN_TEXT, "entry");
    is_u64(image.low, 0, "low");
    is_u64(image.high, 0x7000, "high");
    is_u64(image.segments_count, 3, "three segments");
    const struct image_segment *data = &image.segments[2];
    ok(data->address == ELFGEN_DATA && data->file_offset == ELFGEN_DATA &&
           data->file_size == ELFGEN_FILE_END - ELFGEN_DATA && data->memory_size == ELFGEN_MEMORY_END - ELFGEN_DATA &&
           data->prot == (UKVM_PROT_READ | UKVM_PROT_WRITE),
       "the data segment is as the header says");
    ok(image.relro.start == ELFGEN_DATA && image.relro.size == UKVM_PAGE_SIZE, "RELRO");
    ok(image.rela.start == ELFGEN_RELA && image.rela.size == 24 && image.relr.size == 0, "relocations");
    ok(image.symtab.start == ELFGEN_SYMBOLS && image.symtab.size == 4 * 24 && image.strtab.start == ELFGEN_STRINGS,
       "symbols");
    ok(image.note.version == UKVM_ABI_VERSION && image.note.stack_size == 0, "note");
    is_u64(image.stack_size, UKVM_STACK_DEFAULT, "the default stack");
    is_u64(image.device_notes_count, 0, "no devices");
    close_image();

    accepted("exec");
    ok(!image.pie, "ET_EXEC");
    is_u64(image.low, ELFGEN_EXEC_BASE, "low");
    is_u64(image.entry, ELFGEN_EXEC_BASE + ELFGEN_TEXT, "entry");
    close_image();
    accepted("exec base=0x100000");
    is_u64(image.low, 0x100000, "ET_EXEC at 1 MiB exactly");
    close_image();
    accepted("base=0x3fffffff8000");
    is_u64(image.high, UINT64_C(0x3ffffffff000), "a page below the limit of addresses");
    close_image();

    accepted("stack=0x4000000 min-memory=0xffffffffffffffff features=1");
    ok(image.stack_size == UKVM_STACK_MAX && image.note.min_memory == UINT64_MAX && image.note.features == 1,
       "the note's numbers are handed on; the layout judges them");
    close_image();
    static const struct {
        const char *changes;
        uint64_t size;
    } stacks[] = {
        {"gnu-stack=0", UKVM_STACK_DEFAULT},
        {"gnu-stack=0x4000000", UKVM_STACK_MAX},
        {"gnu-stack=1", 1},
        {"stack=0x3001 gnu-stack=0x3000", 0x3001},
        {"stack=1 gnu-stack=0x3000", 0x3000},
        {"gnu-stack=0x5000 gnu-stack=0x3000", 0x5000},
    };
    for (unsigned i = 0; i < sizeof stacks / sizeof *stacks; i++) {
        accepted(stacks[i].changes);
        is_u64(image.stack_size, stacks[i].size, stacks[i].changes);
        close_image();
    }
    accepted("stack-wanted=0x4000000");
    ok(image.stack_wanted == UKVM_STACK_MAX && image.stack_size == UKVM_STACK_DEFAULT, "a stack that it would like");
    close_image();
    accepted("device=blk:data device-optional=net:eth0 device-any=blk");
    is_u64(image.device_notes_count, 3, "three device notes");
    ok(image.device_notes[0].kind == UKVM_DEVICE_BLK && strcmp(image.device_notes[0].name, "data") == 0, "the first");
    close_image();
    accepted("note-align=8 device=blk:data device=net:n");
    is_u64(image.device_notes_count, 2, "notes aligned to 8");
    close_image();
    accepted("device-notes=32");
    close_image();

    static const char *const fine[] = {"relr",
                                       "phnum=64",
                                       "loads=16",
                                       "no-rela",
                                       "relro=0",
                                       "relro=0x10",
                                       "relro=0x3800",
                                       "relro=0x4000",
                                       "align=0",
                                       "align=1",
                                       "tls-align=0x200000",
                                       "memsz=0x1400",
                                       "entry=0x200f",
                                       "flags=4",
                                       "rela-at=0x43e8",
                                       "rela-type=1",
                                       "rela-target=0x2000",
                                       "device=blk:abcdefghijklmnopqrstuvw"};
    for (unsigned i = 0; i < sizeof fine / sizeof *fine; i++) {
        accepted(fine[i]);
        close_image();
    }
    accepted("align=0x10");
    is_u64(image.alignment, UKVM_PAGE_SIZE, "the base is aligned to a page at least (IMG-08)");
    close_image();
    accepted("align=0x10000 tls-align=0x2000");
    is_u64(image.alignment, 0x10000, "to the largest p_align");
    close_image();
    accepted("align=0x10000 tls-align=0x20000");
    is_u64(image.alignment, 0x20000, "that of PT_TLS among them");
    close_image();
    accepted("relro-at=0x0 relro=0x4000");
    ok(image.relro.start == 0 && image.relro.size == 4 * UKVM_PAGE_SIZE, "RELRO may span segments");
    close_image();
    accepted("relro=0x1fff");
    is_u64(image.relro.size, UKVM_PAGE_SIZE, "the page that RELRO shares with other data stays writable");
    close_image();
    accepted("relro-at=0x3800 relro=0x1000");
    ok(image.relro.start == ELFGEN_DATA && image.relro.size == UKVM_PAGE_SIZE, "and its first page does not");
    close_image();
}

/* Symbols are a convenience: no image is refused for them. */
static void test_symbols(void) {
    accepted("no-symbols");
    is_u64(image.symtab.size, 0, "no symbols");
    close_image();
    static const struct {
        size_t offset; /* in the section header */
        uint64_t value;
        const char *name;
    } damage[] = {
        {24, 0x100000, "outside the file"}, {24, UINT64_MAX - 7, "with an offset that wraps"},
        {32, 0x100000, "too long"},         {32, UINT64_MAX, "of a length that wraps"},
        {40, 77, "without names"},          {40, 1, "whose names are no names"},
    };
    for (unsigned i = 0; i < sizeof damage / sizeof *damage; i++) {
        make_image("");
        /* sh_link is 32 bits wide, and sh_info behind it may be anything */
        memcpy(bytes + ELFGEN_SECTIONS + 64 + damage[i].offset, &damage[i].value, 8);
        write_file(ELFGEN_FILE_MAX);
        ok(open_again() == 0 && image.symtab.size == 0, "a symbol table %s is as none", damage[i].name);
        close_image();
    }
}

/* ---- devices ---- */

static void check_devices(const char *changes, const char *const *wanted, const char *const *attached) {
    static struct config config;
    config = (struct config){.devices_count = 0};
    for (; *attached; attached++) {
        struct device_config *device = &config.devices[config.devices_count++];
        device->kind = strncmp(*attached, "blk", 3) == 0 ? UKVM_DEVICE_BLK : UKVM_DEVICE_NET;
        snprintf(device->name, sizeof device->name, "%s", *attached + 4);
    }
    if (open_with(changes)) {
        ok(false, "%s: %s", changes, err.text);
        return;
    }
    bool good = image_check_devices(&image, &config, &err) == (*wanted ? -1 : 0);
    for (const char *const *word = wanted; *word; word++)
        good = good && err.status == EXIT_IMAGE && strstr(err.text, *word);
    if (!ok(good, "'%s': %s", changes, *wanted ? wanted[0] : "goes together"))
        diag("status %d: %s", err.status, err.text);
    close_image();
}

#define LIST(...) ((const char *const[]){__VA_ARGS__})
#define GOOD LIST(NULL)

static void test_devices(void) {
    check_devices("", GOOD, LIST(NULL));
    check_devices("device=blk:data", GOOD, LIST("blk:data", NULL));
    check_devices("device=blk:data device=net:n", GOOD, LIST("net:n", "blk:data", NULL));
    check_devices("device-optional=blk:data", GOOD, LIST(NULL));
    check_devices("device-optional=blk:data", GOOD, LIST("blk:data", NULL));
    check_devices("device-any=blk", GOOD, LIST(NULL));
    check_devices("device-any=blk", GOOD, LIST("blk:a", "blk:b", NULL));
    check_devices("device-any=blk device=blk:data", GOOD, LIST("blk:a", "blk:data", NULL));

    check_devices("device=blk:data", LIST("add --disk data=", "'data'", NULL), LIST(NULL));
    check_devices("device=net:n", LIST("add --net n=", "'n'", NULL), LIST(NULL));
    check_devices("device=blk:data", LIST("add --disk data=", NULL), LIST("net:data", NULL));
    check_devices("device=blk:data", LIST("add --disk data=", NULL), LIST("blk:dat", NULL));
    check_devices("device-any=blk device=blk:data", LIST("add --disk data=", NULL), LIST("blk:a", NULL));
    check_devices("", LIST("take away --disk data=", NULL), LIST("blk:data", NULL));
    check_devices("device=blk:data", LIST("take away --net n=", NULL), LIST("blk:data", "net:n", NULL));
    check_devices("device-any=blk", LIST("take away --net a=", NULL), LIST("blk:a", "net:a", NULL));
    check_devices("device-optional=blk:data", LIST("take away --disk more=", NULL), LIST("blk:more", NULL));
}

/* ---- damage of any kind: refused or harmless ---- */

/* What image.h promises of an image that was accepted. */
static bool is_sound(void) {
    bool sound = image.segments_count >= 1 && image.segments_count <= IMAGE_MAX_SEGMENTS && image.fd >= 0 &&
                 image.device_notes_count <= IMAGE_MAX_DEVICE_NOTES && image.low % UKVM_PAGE_SIZE == 0 &&
                 image.high % UKVM_PAGE_SIZE == 0 && image.low < image.high && image.high < UINT64_C(1) << 46;
    uint64_t end = image.low;
    for (unsigned i = 0; i < image.segments_count; i++) {
        const struct image_segment *s = &image.segments[i];
        sound = sound && align_down(s->address, UKVM_PAGE_SIZE) >= end && s->memory_size > 0 &&
                s->file_size <= s->memory_size && range_within(s->file_offset, s->file_size, ELFGEN_FILE_MAX) &&
                (s->prot & 3) != 3 && (s->prot & 4);
        end = align_up(s->address + s->memory_size, UKVM_PAGE_SIZE);
    }
    sound = sound && end == image.high;
    if (image.relro.size)
        sound =
            sound && image.relro.start >= image.low && range_within(image.relro.start, image.relro.size, image.high);
    if (image.rela.size)
        sound = sound && image_find_segment(&image, image.rela.start, image.rela.size) && image.rela.size % 24 == 0;
    for (unsigned i = 0; i < image.device_notes_count; i++)
        sound = sound && image.device_notes[i].name[UKVM_DEVICE_NAME_SIZE - 1] == '\0';
    return sound;
}

static void test_damage(void) {
    unsigned unsound = 0, opened = 0, tried = 0;
    make_image("device=blk:data relr");
    for (size_t size = 0; size < ELFGEN_FILE_MAX; size += size < 0x200 || size % 0x400 > 0x3e0 ? 1 : 7) {
        write_file(size);
        bool good = open_again() == 0;
        unsound += good ? !is_sound() : err.status != EXIT_IMAGE || err.text[0] == '\0';
        opened += good;
        tried++;
        close_image();
    }
    is_u64(unsound, 0, "cut at %u lengths: refused, or sound all the same (%u)", tried, opened);

    static const struct {
        size_t start, size;
    } places[] = {{0, 64 + 6 * 56}, {ELFGEN_NOTES, 128}, {ELFGEN_DATA, 112}, {ELFGEN_SECTIONS, 192}};
    unsound = opened = tried = 0;
    write_file(ELFGEN_FILE_MAX);
    for (unsigned place = 0; place < sizeof places / sizeof *places; place++)
        for (size_t at = places[place].start; at < places[place].start + places[place].size; at++)
            for (unsigned bit = 0; bit < 10; bit++) {
                uint8_t old = bytes[at];
                uint8_t new = (uint8_t)(bit < 8 ? old ^ 1u << bit : bit == 8 ? 0 : 0xffu);
                if (pwrite(file, &new, 1, (off_t)at) != 1)
                    abort();
                bool good = open_again() == 0;
                unsound += good ? !is_sound() : err.status != EXIT_IMAGE || err.text[0] == '\0';
                opened += good;
                tried++;
                close_image();
                if (pwrite(file, &old, 1, (off_t)at) != 1)
                    abort();
            }
    is_u64(unsound, 0, "%u single wrong bytes: refused, or sound all the same (%u)", tried, opened);
}

/* Files that are opened are closed again, also when they are refused. */
static void test_descriptors(int before) {
    int after = dup(file);
    is_u64((uint64_t)after, (uint64_t)before, "no descriptor is left open");
    close(after);
}

int main(void) {
    file = memfd_create("image", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int before = dup(file);
    close(before);
    test_refusals();
    test_missing();
    test_accepted();
    test_symbols();
    test_devices();
    test_damage();
    test_descriptors(before);
    return done_testing();
}
