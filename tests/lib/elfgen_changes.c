/* SPDX-License-Identifier: MIT */
/* The changes of elfgen.h, one row each. */
#include <stdlib.h>
#include <string.h>

#include "elfgen.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static Elf64_Dyn *find_dynamic(struct elfgen *g, int64_t tag) {
    for (unsigned i = 0; i < g->dynamic_count; i++)
        if (g->dynamic[i].d_tag == tag)
            return &g->dynamic[i];
    elfgen_add_dynamic(g, tag, 0);
    return &g->dynamic[g->dynamic_count - 1];
}

static int make_exec(struct elfgen *g, uint64_t base) {
    g->header.e_type = ET_EXEC;
    g->base = base;
    return 0;
}

static int change_class(struct elfgen *g, const char *value) {
    g->header.e_ident[EI_CLASS] = ELFCLASS32;
    return strcmp(value, "32") == 0 ? 0 : -1;
}

static int change_type(struct elfgen *g, const char *value) {
    static const char *const names[] = {[ET_NONE] = "none", [ET_REL] = "rel", [ET_EXEC] = "exec", [ET_CORE] = "core"};
    for (unsigned i = 0; i < COUNT(names); i++)
        if (names[i] && strcmp(value, names[i]) == 0) {
            g->header.e_type = (uint16_t)i;
            return 0;
        }
    return -1;
}

static int change_exec(struct elfgen *g, const char *value) {
    (void)value;
    return make_exec(g, ELFGEN_EXEC_BASE);
}

static int change_low(struct elfgen *g, const char *value) {
    (void)value;
    return make_exec(g, 0xff000);
}

static int add_device(struct elfgen *g, const char *value, uint16_t flags) {
    uint16_t kind = strncmp(value, "blk", 3) == 0 ? UKVM_DEVICE_BLK : UKVM_DEVICE_NET;
    if ((kind == UKVM_DEVICE_NET && strncmp(value, "net", 3) != 0) || g->devices_count == COUNT(g->devices))
        return -1;
    const char *name = value + 3 + (value[3] == ':');
    struct ukvm_note_device *device = &g->devices[g->devices_count++];
    *device = (struct ukvm_note_device){.kind = kind, .flags = flags};
    memcpy(device->name, name, strnlen(name, sizeof device->name)); /* 24 characters leave no room for the NUL */
    return 0;
}

static int change_device(struct elfgen *g, const char *value) {
    return add_device(g, value, 0);
}

static int change_device_optional(struct elfgen *g, const char *value) {
    return add_device(g, value, UKVM_NOTE_OPTIONAL);
}

static int change_device_any(struct elfgen *g, const char *value) {
    return add_device(g, value, UKVM_NOTE_ANY);
}

static int change_stack_wanted(struct elfgen *g, const char *value) {
    g->stack.wanted = strtoull(value, NULL, 0);
    g->stack_count++;
    return 0;
}

static int change_device_notes(struct elfgen *g, const char *value) {
    for (long i = strtol(value, NULL, 0); i > 0; i--)
        if (add_device(g, "blk:many", UKVM_NOTE_OPTIONAL))
            return -1;
    return 0;
}

static int change_bad_device_note(struct elfgen *g, const char *value) {
    add_device(g, "blk:data", UKVM_NOTE_OPTIONAL);
    struct ukvm_note_device *device = &g->devices[g->devices_count - 1];
    if (strcmp(value, "short") == 0)
        g->device_size -= 4;
    else if (strcmp(value, "kind") == 0)
        device->kind = 3;
    else if (strcmp(value, "flags") == 0)
        device->flags = 4;
    else if (strcmp(value, "reserved") == 0)
        device->reserved = 1;
    else if (strcmp(value, "unended") == 0)
        memset(device->name, 'x', sizeof device->name);
    else if (strcmp(value, "unnamed") == 0)
        device->name[0] = '\0';
    else if (strcmp(value, "any-named") == 0)
        device->flags = UKVM_NOTE_ANY;
    else
        return -1;
    return 0;
}

static int change_note_align(struct elfgen *g, const char *value) {
    g->phdr[ELFGEN_P_NOTE].p_align = g->note_align = 8;
    return strcmp(value, "8") == 0 ? 0 : -1;
}

static int change_note_owner(struct elfgen *g, const char *value) {
    if (strlen(value) + 1 != sizeof UKVM_NOTE_NAME)
        return -1;
    g->abi_owner = value;
    return 0;
}

static int change_interp(struct elfgen *g, const char *value) {
    (void)value;
    elfgen_add_phdr(g, PT_INTERP, PF_R, ELFGEN_NOTES, 8, 8);
    return 0;
}

static int change_tls_align(struct elfgen *g, const char *value) {
    elfgen_add_phdr(g, PT_TLS, PF_R, ELFGEN_WORD, 8, 8);
    g->phdr[g->phdr_count - 1].p_align = strtoull(value, NULL, 0);
    return 0;
}

static int change_gnu_stack(struct elfgen *g, const char *value) {
    elfgen_add_phdr(g, PT_GNU_STACK, PF_R | PF_W, 0, 0, strtoull(value, NULL, 0));
    return 0;
}

static int change_no_load(struct elfgen *g, const char *value) {
    (void)value;
    for (unsigned i = 0; i < g->phdr_count; i++)
        if (g->phdr[i].p_type == PT_LOAD)
            g->phdr[i].p_type = PT_NULL;
    return 0;
}

static int change_phnum(struct elfgen *g, const char *value) {
    unsigned long count = strtoul(value, NULL, 0);
    if (count > COUNT(g->phdr))
        return -1;
    while (g->phdr_count < count)
        elfgen_add_phdr(g, PT_NULL, 0, 0, 0, 0);
    return 0;
}

/* PT_LOAD segments behind the others, of a page each, until there are so many. */
static int change_loads(struct elfgen *g, const char *value) {
    unsigned long count = strtoul(value, NULL, 0);
    if (count > 32)
        return -1;
    for (unsigned long i = 3; i < count; i++) {
        elfgen_add_phdr(g, PT_LOAD, PF_R, 0x10000 + i * UKVM_PAGE_SIZE, 0, UKVM_PAGE_SIZE);
        g->phdr[g->phdr_count - 1].p_offset = 0;
    }
    return 0;
}

static int change_needed(struct elfgen *g, const char *value) {
    (void)value;
    elfgen_add_dynamic(g, DT_NEEDED, 1);
    return 0;
}

static int change_textrel(struct elfgen *g, const char *value) {
    (void)value;
    elfgen_add_dynamic(g, DT_TEXTREL, 0);
    return 0;
}

static int change_jmprel(struct elfgen *g, const char *value) {
    (void)value;
    elfgen_add_dynamic(g, DT_JMPREL, ELFGEN_RELA);
    elfgen_add_dynamic(g, DT_PLTRELSZ, sizeof(Elf64_Rela));
    return 0;
}

static int change_rel(struct elfgen *g, const char *value) {
    (void)value;
    elfgen_add_dynamic(g, DT_REL, ELFGEN_RELA);
    elfgen_add_dynamic(g, DT_RELSZ, sizeof(Elf64_Rel));
    return 0;
}

static int add_relr(struct elfgen *g, uint64_t entry) {
    if (g->relr_count == COUNT(g->relr))
        return -1;
    g->relr[g->relr_count++] = entry;
    find_dynamic(g, DT_RELR)->d_un.d_val = ELFGEN_RELR;
    find_dynamic(g, DT_RELRSZ)->d_un.d_val = g->relr_count * sizeof *g->relr;
    return 0;
}

/* RELR for word 1, and by a bitmap for words 2, 4 and 64 (its first, third and last bit). */
static int change_relr(struct elfgen *g, const char *value) {
    (void)value;
    return add_relr(g, ELFGEN_WORD + 8) ||
                   add_relr(g, UINT64_C(1) << 63 | UINT64_C(1) << 3 | UINT64_C(1) << 1 | UINT64_C(1))
               ? -1
               : 0;
}

static int change_relr_entry(struct elfgen *g, const char *value) {
    return add_relr(g, strtoull(value, NULL, 0));
}

static int change_rela_add(struct elfgen *g, const char *value) {
    if (g->rela_count == COUNT(g->rela))
        return -1;
    g->rela[g->rela_count++] = (Elf64_Rela){.r_offset = strtoull(value, NULL, 0), .r_info = R_X86_64_RELATIVE};
    find_dynamic(g, DT_RELASZ)->d_un.d_val = g->rela_count * sizeof *g->rela;
    return 0;
}

static int change_no_rela(struct elfgen *g, const char *value) {
    (void)value;
    g->rela_count = 0;
    find_dynamic(g, DT_RELASZ)->d_un.d_val = 0;
    return 0;
}

static int change_no_symbols(struct elfgen *g, const char *value) {
    (void)value;
    g->header.e_shoff = 0;
    g->header.e_shnum = 0;
    return 0;
}

static int change_spin(struct elfgen *g, const char *value) {
    (void)value;
    g->code[0] = 0xeb; /* jmp itself */
    g->code[1] = 0xfe;
    return 0;
}

/* Changes that set a number in the structure, to their value or, where there is none, to `fixed`. */
#define NUMBER(name, field) \
    { (name), NULL, offsetof(struct elfgen, field), sizeof(((struct elfgen *)0)->field), 0, 1 }
#define FIXED(name, field, value) \
    { (name), NULL, offsetof(struct elfgen, field), sizeof(((struct elfgen *)0)->field), (value), 0 }
#define FUNCTION(name, function) \
    { (name), (function), 0, 0, 0, 1 }
#define FLAG(name, function) \
    { (name), (function), 0, 0, 0, 0 }

static const struct change {
    const char *name;
    int (*apply)(struct elfgen *g, const char *value);
    size_t offset, size;
    uint64_t fixed;
    int has_value;
} changes[] = {
    FIXED("magic", header.e_ident[1], 'X'),
    FUNCTION("class", change_class),
    NUMBER("data", header.e_ident[EI_DATA]),
    NUMBER("machine", header.e_machine),
    FUNCTION("type", change_type),
    FLAG("exec", change_exec),
    FLAG("low", change_low),
    NUMBER("base", base),
    NUMBER("entry", header.e_entry),
    NUMBER("phoff", header.e_phoff),
    FUNCTION("phnum", change_phnum),
    FUNCTION("loads", change_loads),
    FLAG("no-load", change_no_load),
    FLAG("interp", change_interp),

    FIXED("wx", phdr[ELFGEN_P_TEXT].p_flags, PF_R | PF_W | PF_X),
    FIXED("no-read", phdr[ELFGEN_P_TEXT].p_flags, PF_X),
    NUMBER("flags", phdr[ELFGEN_P_DATA].p_flags),
    FIXED("overlap", phdr[ELFGEN_P_TEXT].p_memsz, UKVM_PAGE_SIZE + 1),
    FIXED("same-page", phdr[ELFGEN_P_DATA].p_vaddr, ELFGEN_TEXT + 0x800),
    FIXED("unsorted", phdr[ELFGEN_P_RODATA].p_vaddr, 0x10000),
    FIXED("outside-file", phdr[ELFGEN_P_DATA].p_offset, ELFGEN_FILE_MAX - 8),
    FIXED("filesz", phdr[ELFGEN_P_TEXT].p_filesz, 0x20),
    NUMBER("memsz", phdr[ELFGEN_P_DATA].p_memsz),
    FIXED("memsz-huge", phdr[ELFGEN_P_DATA].p_memsz, UINT64_C(1) << 46),
    NUMBER("vaddr", phdr[ELFGEN_P_DATA].p_vaddr),
    FIXED("wrap", phdr[ELFGEN_P_DATA].p_vaddr, UINT64_MAX - 0xfff),

    FIXED("no-note", abi_count, 0),
    FIXED("two-notes", abi_count, 2),
    NUMBER("version", abi.version),
    NUMBER("features", abi.features),
    FIXED("note-reserved", abi.reserved, 1),
    FIXED("note-short", abi_size, sizeof(struct ukvm_note_abi) - 4),
    FIXED("note-long", abi_size, sizeof(struct ukvm_note_abi) + 8),
    FUNCTION("note-align", change_note_align),
    FUNCTION("note-owner", change_note_owner),
    FIXED("note-outside", phdr[ELFGEN_P_NOTE].p_offset, ELFGEN_FILE_MAX),
    NUMBER("note-size", phdr[ELFGEN_P_NOTE].p_filesz),
    NUMBER("stack", abi.stack_size),
    FUNCTION("gnu-stack", change_gnu_stack),
    FUNCTION("stack-wanted", change_stack_wanted),
    FIXED("stack-note-short", stack_size, 4),
    NUMBER("min-memory", abi.min_memory),
    FUNCTION("device", change_device),
    FUNCTION("device-optional", change_device_optional),
    FUNCTION("device-any", change_device_any),
    FUNCTION("device-notes", change_device_notes),
    FUNCTION("bad-device-note", change_bad_device_note),

    FIXED("relro-outside", phdr[ELFGEN_P_RELRO].p_vaddr, 0x100000),
    NUMBER("relro", phdr[ELFGEN_P_RELRO].p_memsz),
    NUMBER("relro-at", phdr[ELFGEN_P_RELRO].p_vaddr),
    NUMBER("align", phdr[ELFGEN_P_DATA].p_align),
    FUNCTION("tls-align", change_tls_align),
    FIXED("dynamic-outside", phdr[ELFGEN_P_DYNAMIC].p_offset, ELFGEN_FILE_MAX),
    FLAG("needed", change_needed),
    FLAG("textrel", change_textrel),
    FLAG("jmprel", change_jmprel),
    FLAG("rel", change_rel),
    NUMBER("rela-type", rela[0].r_info),
    NUMBER("rela-target", rela[0].r_offset),
    FUNCTION("rela-add", change_rela_add),
    NUMBER("rela-at", dynamic[0].d_un.d_val),
    NUMBER("rela-size", dynamic[1].d_un.d_val),
    FLAG("no-rela", change_no_rela),
    FLAG("relr", change_relr),
    FUNCTION("relr-entry", change_relr_entry),

    FLAG("no-symbols", change_no_symbols),
    FLAG("spin", change_spin),
    NUMBER("cut", file_size),
};

const char elfgen_help[] =
    "  magic class=32 data=N machine=N type=none|rel|exec|core entry=N    the ELF header\n"
    "  exec low base=N                    ET_EXEC at 4 MiB; below 1 MiB; add N to all addresses\n"
    "  phoff=N phnum=N loads=N no-load interp gnu-stack=N                 program headers\n"
    "  wx no-read overlap same-page unsorted outside-file filesz          segments\n"
    "  memsz=N memsz-huge vaddr=N wrap flags=N                            the data segment\n"
    "  no-note two-notes version=N features=N note-reserved note-short note-long note-outside\n"
    "  note-owner=FOUR note-align=8 note-size=N stack=N min-memory=N    the ABI note\n"
    "  stack-wanted=N stack-note-short                                    the stack note\n"
    "  device=KIND:NAME device-optional=KIND:NAME device-any=KIND device-notes=N\n"
    "  bad-device-note=short|kind|flags|reserved|unended|unnamed|any-named  device notes\n"
    "  needed textrel jmprel rel dynamic-outside relro-outside relro=N relro-at=N\n"
    "  align=N tls-align=N                p_align of the data segment; of a PT_TLS\n"
    "  rela-type=N rela-target=N rela-add=N rela-at=N rela-size=N no-rela relr relr-entry=N\n"
    "  no-symbols spin cut=BYTES          no section headers; loop for ever; a shorter file\n";

static int set_number(struct elfgen *g, const struct change *change, const char *value) {
    uint64_t number = change->fixed;
    if (change->has_value) {
        char *end;
        number = strtoull(value, &end, 0);
        if (end == value || *end != '\0')
            return -1;
    }
    memcpy((uint8_t *)g + change->offset, &number, change->size); /* little-endian: the low bytes */
    return 0;
}

int elfgen_change(struct elfgen *g, const char *change) {
    size_t length = strcspn(change, "=");
    const char *value = change[length] ? change + length + 1 : NULL;
    for (unsigned i = 0; i < COUNT(changes); i++) {
        const struct change *c = &changes[i];
        if (strlen(c->name) != length || strncmp(change, c->name, length) != 0)
            continue;
        if (c->has_value != (value != NULL))
            return -1;
        if (!c->apply)
            return set_number(g, c, value);
        return c->apply(g, value);
    }
    return -1;
}
