/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/range.h"
#include "kind.h"

/* Where the highest address of a segment must stay: the lower half of the canonical addresses. ABI.md, MEM-01. */
#define ADDRESS_LIMIT (UINT64_C(1) << 46)
#define EXEC_LOW_LIMIT (UINT64_C(1) << 20)

/* What libelf is asked to read in one piece, and how much of a symbol table a fault report goes through. */
#define TABLE_MAX 0x10000u
#define SYMTAB_MAX (UINT64_C(256) << 20)

#define GO_NOTE_NAME "Go" /* and perhaps more NULs: cmd/link of Go, .note.go.buildid */
#define HOW_TO_LINK "build it with ukvm-cc, or link it with -static-pie and the ukvm guest kernel"

/* One image being read. Every failure of the functions below is EXIT_IMAGE with the image's path in front. */
struct reader {
    struct image *image;
    Elf *elf;
    uint64_t file_size;
    bool has_note;
    bool is_go; /* it has a note of the Go linker */
    bool has_stack_note;
    GElf_Phdr dynamic;
    struct error *err;
};

#define refuse(reader, ...) refuse_image((reader)->err, (reader)->image->path, __VA_ARGS__)

static int refuse_image(struct error *err, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse_image(struct error *err, const char *path, const char *format, ...) {
    char why[512];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return error_set(err, EXIT_IMAGE, "%s: %s", path, why);
}

const struct image_segment *image_find_segment(const struct image *image, uint64_t address, uint64_t length) {
    for (unsigned i = 0; i < image->segments_count; i++) {
        const struct image_segment *segment = &image->segments[i];
        if (address >= segment->address && range_within(address - segment->address, length, segment->memory_size))
            return segment;
    }
    return NULL;
}

static int refuse_other(const struct reader *r) {
    char bytes[KIND_BYTES];
    ssize_t size = pread(r->image->fd, bytes, sizeof bytes, 0);
    const char *kind = kind_of_bytes(bytes, size > 0 ? (size_t)size : 0);
    return kind ? refuse(r, "not an ELF file but %s", kind) : refuse(r, "not an ELF file; " HOW_TO_LINK);
}

static int check_header(struct reader *r) {
    GElf_Ehdr header;
    if (elf_kind(r->elf) != ELF_K_ELF || !gelf_getehdr(r->elf, &header))
        return refuse_other(r);
    if (gelf_getclass(r->elf) != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
        return refuse(r, "not a 64-bit little-endian ELF file; build it for x86-64");
    if (header.e_machine != EM_X86_64)
        return refuse(r, "e_machine is %u, not x86-64 (62); build it for x86-64", header.e_machine);
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
        return refuse(r, "e_type is %u: %s", header.e_type, kind_of_type(header.e_type));
    if (!range_within(header.e_phoff, (uint64_t)header.e_phnum * header.e_phentsize, r->file_size))
        return refuse(
            r, "e_phoff 0x%" PRIx64 ": the program headers lie outside the file (0x%" PRIx64 " bytes); it is cut short",
            header.e_phoff, r->file_size);
    r->image->pie = header.e_type == ET_DYN;
    r->image->entry = header.e_entry;
    return 0;
}

static int check_segment(struct reader *r, const struct image_segment *s, unsigned number) {
    const struct image *image = r->image;
    if (s->prot & ~(UKVM_PROT_READ | UKVM_PROT_WRITE | UKVM_PROT_EXEC))
        return refuse(r, "segment %u: p_flags 0x%x has unknown bits", number, s->prot);
    if ((s->prot & UKVM_PROT_WRITE) && (s->prot & UKVM_PROT_EXEC))
        return refuse(r, "segment %u is writable and executable; link with -z separate-code and no -N", number);
    if (!(s->prot & UKVM_PROT_READ))
        return refuse(r, "segment %u is not readable; x86-64 cannot keep that promise", number);
    if (s->file_size > s->memory_size)
        return refuse(r, "segment %u: p_filesz 0x%" PRIx64 " is larger than p_memsz 0x%" PRIx64, number, s->file_size,
                      s->memory_size);
    if (!range_within(s->file_offset, s->file_size, r->file_size))
        return refuse(r,
                      "segment %u: p_offset 0x%" PRIx64 " and p_filesz 0x%" PRIx64 " lie outside the file (0x%" PRIx64
                      " bytes); it is cut short",
                      number, s->file_offset, s->file_size, r->file_size);
    if (!range_within(s->address, s->memory_size, ADDRESS_LIMIT - UKVM_PAGE_SIZE))
        return refuse(r, "segment %u: p_vaddr 0x%" PRIx64 " and p_memsz 0x%" PRIx64 " lie outside guest memory", number,
                      s->address, s->memory_size);
    if (!image->pie && s->address < EXEC_LOW_LIMIT)
        return refuse(r, "segment %u: p_vaddr 0x%" PRIx64 " is below 1 MiB; link it higher or as static-PIE", number,
                      s->address);
    if (image->segments_count) {
        const struct image_segment *last = &image->segments[image->segments_count - 1];
        uint64_t end = align_up(last->address + last->memory_size, UKVM_PAGE_SIZE);
        if (s->address < end)
            return refuse(r,
                          "segment %u: p_vaddr 0x%" PRIx64 " shares a page with the segment before it or lies below it",
                          number, s->address);
    }
    return 0;
}

static int add_segment(struct reader *r, const GElf_Phdr *header, unsigned number) {
    struct image *image = r->image;
    struct image_segment segment = {
        .address = header->p_vaddr,
        .memory_size = header->p_memsz,
        .file_offset = header->p_offset,
        .file_size = header->p_filesz,
        .prot = header->p_flags,
    };
    if (segment.memory_size == 0 && segment.file_size == 0)
        return 0;
    if (image->segments_count == IMAGE_MAX_SEGMENTS)
        return refuse(r, "more than %u PT_LOAD segments", IMAGE_MAX_SEGMENTS);
    if (check_segment(r, &segment, number))
        return -1;
    image->segments[image->segments_count++] = segment;
    return 0;
}

/* The note and PT_GNU_STACK (ld's -z stack-size) may both ask, for 0 if they do not care; the larger wish counts. */
static int want_stack(struct reader *r, uint64_t size) {
    if (size > UKVM_STACK_MAX)
        return refuse(r, "asks for a stack of 0x%" PRIx64 " bytes; the limit is 0x%x", size, UKVM_STACK_MAX);
    if (size > r->image->stack_size)
        r->image->stack_size = size;
    return 0;
}

static int read_abi_note(struct reader *r, const void *desc, size_t size) {
    struct ukvm_note_abi note;
    if (r->has_note)
        return refuse(r, "more than one ukvm ABI note");
    if (size != sizeof note)
        return refuse(r, "the ukvm ABI note has %zu bytes, not %zu", size, sizeof note);
    memcpy(&note, desc, sizeof note);
    if (note.version == 0 || note.version > UKVM_ABI_VERSION)
        return refuse(r, "needs version %u of the ukvm ABI; this monitor has version %u: use a newer ukvm",
                      note.version, UKVM_ABI_VERSION);
    if (note.features & ~UKVM_FEATURES_V1)
        return refuse(r, "needs ABI features 0x%" PRIx64 " that this monitor does not offer: use a newer ukvm",
                      note.features & ~UKVM_FEATURES_V1);
    if (note.reserved != 0)
        return refuse(r, "the ukvm ABI note's reserved field is 0x%x, not 0", note.reserved);
    r->image->note = note;
    r->has_note = true;
    return want_stack(r, note.stack_size);
}

static int read_stack_note(struct reader *r, const void *desc, size_t size) {
    struct ukvm_note_stack note;
    if (r->has_stack_note)
        return refuse(r, "more than one ukvm stack note");
    if (size != sizeof note)
        return refuse(r, "the ukvm stack note has %zu bytes, not %zu", size, sizeof note);
    memcpy(&note, desc, sizeof note);
    if (note.wanted > UKVM_STACK_MAX)
        return refuse(r, "would like a stack of 0x%" PRIx64 " bytes; the limit is 0x%x", note.wanted, UKVM_STACK_MAX);
    r->image->stack_wanted = note.wanted;
    r->has_stack_note = true;
    return 0;
}

static int read_device_note(struct reader *r, const void *desc, size_t size) {
    struct image *image = r->image;
    struct ukvm_note_device note;
    if (size != sizeof note)
        return refuse(r, "a ukvm device note has %zu bytes, not %zu", size, sizeof note);
    memcpy(&note, desc, sizeof note);
    bool any = note.flags & UKVM_NOTE_ANY;
    if ((note.kind != UKVM_DEVICE_BLK && note.kind != UKVM_DEVICE_NET) || note.reserved != 0 ||
        (note.flags & ~(UKVM_NOTE_ANY | UKVM_NOTE_OPTIONAL)) || note.name[sizeof note.name - 1] != '\0' ||
        any != (note.name[0] == '\0'))
        return refuse(r, "a ukvm device note has kind %u, flags 0x%x and a name that do not go together", note.kind,
                      note.flags);
    if (image->device_notes_count == IMAGE_MAX_DEVICE_NOTES)
        return refuse(r, "more than %u ukvm device notes", IMAGE_MAX_DEVICE_NOTES);
    image->device_notes[image->device_notes_count++] = note;
    return 0;
}

static int read_notes(struct reader *r, const GElf_Phdr *header) {
    if (!range_within(header->p_offset, header->p_filesz, r->file_size))
        return refuse(r, "PT_NOTE lies outside the file; it is cut short");
    if (header->p_filesz == 0)
        return 0;
    if (header->p_filesz > TABLE_MAX)
        return refuse(r, "PT_NOTE has 0x%" PRIx64 " bytes; the limit is 0x%x", header->p_filesz, TABLE_MAX);
    Elf_Data *data = elf_getdata_rawchunk(r->elf, (int64_t)header->p_offset, header->p_filesz,
                                          header->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    if (!data)
        return refuse(r, "PT_NOTE cannot be read: %s", elf_errmsg(-1));
    GElf_Nhdr note;
    size_t name, desc;
    for (size_t at = 0; (at = gelf_getnote(data, at, &note, &name, &desc)) > 0;) {
        const char *bytes = data->d_buf;
        r->is_go |=
            note.n_namesz >= sizeof GO_NOTE_NAME && memcmp(bytes + name, GO_NOTE_NAME, sizeof GO_NOTE_NAME) == 0;
        if (note.n_namesz != sizeof UKVM_NOTE_NAME || memcmp(bytes + name, UKVM_NOTE_NAME, note.n_namesz) != 0)
            continue;
        if (note.n_type == UKVM_NOTE_ABI && read_abi_note(r, bytes + desc, note.n_descsz))
            return -1;
        if (note.n_type == UKVM_NOTE_STACK && read_stack_note(r, bytes + desc, note.n_descsz))
            return -1;
        if (note.n_type == UKVM_NOTE_DEVICE && read_device_note(r, bytes + desc, note.n_descsz))
            return -1;
    }
    return 0;
}

/* The base must be a multiple of each; the addresses as linked are the linker's matter. IMG-08. */
static int check_alignment(struct reader *r, const GElf_Phdr *header, unsigned number) {
    uint64_t alignment = header->p_align;
    if ((alignment & (alignment - 1)) != 0)
        return refuse(r, "program header %u: p_align 0x%" PRIx64 " is no power of two", number, alignment);
    if (alignment > UKVM_ALIGN_MAX)
        return refuse(r, "program header %u: p_align 0x%" PRIx64 " is more than 0x%x: ask for less alignment", number,
                      alignment, UKVM_ALIGN_MAX);
    if (alignment > r->image->alignment)
        r->image->alignment = alignment;
    return 0;
}

/* The linker may make it end behind its segment, and over several of them where one has a larger alignment. */
static int check_relro(struct reader *r, const GElf_Phdr *header) {
    if (header->p_memsz == 0)
        return 0;
    if (r->image->relro.size != 0)
        return refuse(r, "more than one PT_GNU_RELRO");
    if (!image_find_segment(r->image, header->p_vaddr, 1))
        return refuse(r, "PT_GNU_RELRO, at 0x%" PRIx64 ", begins in no PT_LOAD segment", header->p_vaddr);
    if (header->p_memsz > r->image->high - header->p_vaddr)
        return refuse(r, "PT_GNU_RELRO, 0x%" PRIx64 " bytes at 0x%" PRIx64 ", ends behind the last PT_LOAD segment",
                      header->p_memsz, header->p_vaddr);
    /* The page that RELRO shares with what follows it stays writable, as with any ELF loader. */
    uint64_t start = align_down(header->p_vaddr, UKVM_PAGE_SIZE);
    uint64_t end = align_down(header->p_vaddr + header->p_memsz, UKVM_PAGE_SIZE);
    if (end > start)
        r->image->relro = (struct image_range){.start = start, .size = end - start};
    return 0;
}

/* The table of relocations at `range` must come from the file, whole. */
static int check_table(struct reader *r, const struct image_range *range, uint64_t entry_size, const char *name) {
    if (range->size == 0)
        return 0;
    const struct image_segment *segment = image_find_segment(r->image, range->start, range->size);
    if (!segment || !range_within(range->start - segment->address, range->size, segment->file_size))
        return refuse(r, "%s at 0x%" PRIx64 " lies outside the segments' file parts", name, range->start);
    if (range->size % entry_size != 0 || !is_aligned(range->start, 8))
        return refuse(r, "%s has 0x%" PRIx64 " bytes at 0x%" PRIx64 ": not whole entries", name, range->size,
                      range->start);
    return 0;
}

static int read_dynamic(struct reader *r) {
    struct image *image = r->image;
    if (r->dynamic.p_filesz == 0)
        return 0;
    if (!range_within(r->dynamic.p_offset, r->dynamic.p_filesz, r->file_size))
        return refuse(r, "PT_DYNAMIC lies outside the file; it is cut short");
    if (r->dynamic.p_filesz > TABLE_MAX)
        return refuse(r, "PT_DYNAMIC has 0x%" PRIx64 " bytes; the limit is 0x%x", r->dynamic.p_filesz, TABLE_MAX);
    Elf_Data *data = elf_getdata_rawchunk(r->elf, (int64_t)r->dynamic.p_offset, r->dynamic.p_filesz, ELF_T_DYN);
    if (!data)
        return refuse(r, "PT_DYNAMIC cannot be read: %s", elf_errmsg(-1));
    GElf_Dyn entry;
    for (int i = 0; gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
        switch (entry.d_tag) {
        case DT_NEEDED:
            return refuse(r, "a dynamic executable (DT_NEEDED); " HOW_TO_LINK);
        case DT_RELA:
            image->rela.start = entry.d_un.d_ptr;
            break;
        case DT_RELASZ:
            image->rela.size = entry.d_un.d_val;
            break;
        case DT_RELR:
            image->relr.start = entry.d_un.d_ptr;
            break;
        case DT_RELRSZ:
            image->relr.size = entry.d_un.d_val;
            break;
        case DT_PLTRELSZ:
        case DT_RELSZ:
            if (entry.d_un.d_val != 0)
                return refuse(r, "has relocations other than R_X86_64_RELATIVE (%s); " HOW_TO_LINK,
                              entry.d_tag == DT_RELSZ ? "DT_REL" : "DT_JMPREL");
            break;
        case DT_TEXTREL:
            return refuse(r, "relocates its code (DT_TEXTREL); compile everything with -fPIE");
        default:
            break;
        }
    }
    return check_table(r, &image->rela, sizeof(Elf64_Rela), "DT_RELA") ||
                   check_table(r, &image->relr, sizeof(Elf64_Relr), "DT_RELR")
               ? -1
               : 0;
}

static void find_extent(struct image *image) {
    const struct image_segment *last = &image->segments[image->segments_count - 1];
    image->low = align_down(image->segments[0].address, UKVM_PAGE_SIZE);
    image->high = align_up(last->address + last->memory_size, UKVM_PAGE_SIZE);
}

static int read_program_headers(struct reader *r) {
    size_t count;
    GElf_Phdr header;
    if (elf_getphdrnum(r->elf, &count) != 0)
        return refuse(r, "the program headers cannot be read: %s", elf_errmsg(-1));
    if (count > 64)
        return refuse(r, "%zu program headers; the limit is 64", count);
    /* Two passes: what the second one checks lies within the segments that the first one finds. */
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(r->elf, (int)i, &header))
            return refuse(r, "program header %zu lies outside the file; it is cut short", i);
        if (header.p_type == PT_INTERP)
            return refuse(r, "a dynamic executable for Linux (PT_INTERP); " HOW_TO_LINK);
        if (header.p_type == PT_LOAD && add_segment(r, &header, (unsigned)i))
            return -1;
        if ((header.p_type == PT_LOAD || header.p_type == PT_TLS) && check_alignment(r, &header, (unsigned)i))
            return -1;
        if (header.p_type == PT_DYNAMIC && r->dynamic.p_type == PT_DYNAMIC)
            return refuse(r, "more than one PT_DYNAMIC");
        if (header.p_type == PT_DYNAMIC)
            r->dynamic = header;
    }
    if (r->image->segments_count == 0)
        return refuse(r, "has no PT_LOAD segment");
    find_extent(r->image);
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(r->elf, (int)i, &header))
            return refuse(r, "program header %zu lies outside the file", i);
        if (header.p_type == PT_NOTE && read_notes(r, &header))
            return -1;
        if (header.p_type == PT_GNU_RELRO && check_relro(r, &header))
            return -1;
        if (header.p_type == PT_GNU_STACK && want_stack(r, header.p_memsz))
            return -1;
    }
    return 0;
}

/* Only a convenience for the fault report: an image without symbols, or with odd ones, still runs. */
static void find_symbols(struct reader *r) {
    GElf_Shdr header, strings;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(r->elf, section));) {
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
            continue;
        Elf_Scn *linked = elf_getscn(r->elf, header.sh_link);
        if (!linked || header.sh_size > SYMTAB_MAX || !gelf_getshdr(linked, &strings) ||
            strings.sh_type != SHT_STRTAB || !range_within(header.sh_offset, header.sh_size, r->file_size) ||
            !range_within(strings.sh_offset, strings.sh_size, r->file_size))
            return;
        r->image->symtab = (struct image_range){.start = header.sh_offset, .size = header.sh_size};
        r->image->strtab = (struct image_range){.start = strings.sh_offset, .size = strings.sh_size};
        return;
    }
}

static int image_read(struct reader *r) {
    struct image *image = r->image;
    if (check_header(r) || read_program_headers(r) || read_dynamic(r))
        return -1;
    if (!r->has_note && r->is_go)
        return refuse(r,
                      "has no ukvm ABI note: a program in Go, whose library makes Linux's system calls by itself; ukvm "
                      "runs programs that are built with ukvm-cc");
    if (!r->has_note)
        return refuse(r, "has no ukvm ABI note: a static program, but not for ukvm; " HOW_TO_LINK);
    const struct image_segment *entry = image_find_segment(image, image->entry, 1);
    if (!entry || !(entry->prot & UKVM_PROT_EXEC))
        return refuse(r, "e_entry 0x%" PRIx64 " lies in no executable segment", image->entry);
    if (image->stack_size == 0)
        image->stack_size = UKVM_STACK_DEFAULT;
    find_symbols(r);
    return 0;
}

/*
 * Before libelf sees the file: it makes room for as many sections as the header says, and the extended numbering lets a
 * small sparse file say millions. The counts in the header itself are of 16 bits.
 */
static int check_counts(struct reader *r) {
    Elf64_Ehdr header;
    if (pread(r->image->fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
        return 0; /* libelf will say what it is */
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
        ((header.e_shoff != 0 && header.e_shnum == 0) || header.e_phnum == PN_XNUM))
        return refuse(r, "e_shnum %u, e_phnum 0x%x: extended numbering is not for images", header.e_shnum,
                      header.e_phnum);
    return 0;
}

static int open_file(struct image *image, uint64_t *size, struct error *err) {
    struct stat status;
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    image->fd = open(image->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (image->fd < 0) {
        int missing = errno == ENOENT || errno == ENOTDIR;
        return error_set(err, missing ? EXIT_NOT_FOUND : EXIT_IMAGE, "%s: %s", image->path, strerror(errno));
    }
    if (fstat(image->fd, &status) < 0)
        return error_set(err, EXIT_IMAGE, "%s: %s", image->path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, EXIT_IMAGE, "%s: not a regular file", image->path);
    *size = (uint64_t)status.st_size;
    return 0;
}

/* The image may be right: it is the host that cannot read it, and libelf's message only what it made of that. */
static void blame_host(const char *path, int number, struct error *err) {
    if (number == ENOMEM || number == EIO || number == EMFILE || number == ENFILE)
        error_set(err, EXIT_MONITOR, "%s: cannot be read: %s", path, strerror(number));
}

int image_open(const char *path, struct image *image, struct error *err) {
    struct reader r = {.image = image, .err = err};
    *image = (struct image){.path = path, .fd = -1, .alignment = UKVM_PAGE_SIZE};
    errno = 0;
    if (open_file(image, &r.file_size, err))
        goto fail;
    image->file_size = r.file_size;
    if (check_counts(&r))
        goto fail;
    elf_version(EV_CURRENT);
    r.elf = elf_begin(image->fd, ELF_C_READ, NULL);
    if (!r.elf) {
        refuse(&r, "cannot be read as ELF: %s", elf_errmsg(-1));
        goto fail;
    }
    int result = image_read(&r);
    elf_end(r.elf);
    if (result == 0)
        return 0;
fail:
    blame_host(path, errno, err);
    if (image->fd >= 0)
        close(image->fd);
    image->fd = -1;
    return -1;
}

static const char *kind_option(unsigned kind) {
    return kind == UKVM_DEVICE_BLK ? "disk" : "net";
}

int image_check_devices(const struct image *image, const struct config *config, struct error *err) {
    for (unsigned i = 0; i < image->device_notes_count; i++) {
        const struct ukvm_note_device *note = &image->device_notes[i];
        bool found = note->flags & (UKVM_NOTE_ANY | UKVM_NOTE_OPTIONAL);
        for (unsigned j = 0; j < config->devices_count && !found; j++)
            found = config->devices[j].kind == note->kind && strcmp(config->devices[j].name, note->name) == 0;
        if (!found)
            return error_set(err, EXIT_IMAGE, "%s: needs the %s device '%s': add --%s %s=...", image->path,
                             kind_option(note->kind), note->name, kind_option(note->kind), note->name);
    }
    for (unsigned j = 0; j < config->devices_count; j++) {
        const struct device_config *device = &config->devices[j];
        bool known = false;
        for (unsigned i = 0; i < image->device_notes_count && !known; i++) {
            const struct ukvm_note_device *note = &image->device_notes[i];
            known =
                note->kind == device->kind && ((note->flags & UKVM_NOTE_ANY) || strcmp(note->name, device->name) == 0);
        }
        if (!known)
            return error_set(err, EXIT_IMAGE, "%s: does not use a %s device '%s': take away --%s %s=...", image->path,
                             kind_option(device->kind), device->name, kind_option(device->kind), device->name);
    }
    return 0;
}
