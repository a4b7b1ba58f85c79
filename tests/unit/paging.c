/* SPDX-License-Identifier: MIT */
/* links: monitor/machine/paging.c monitor/machine/layout.c monitor/base/region.c monitor/base/error.c */
/* The tables are walked as the processor does it: AMD64 Architecture Programmer's Manual vol. 2, 5.3 to 5.6. */
#include "machine/paging.h"

#include <sys/mman.h>

#include "machine/layout.h"
#include "tap.h"

#define PAGE UINT64_C(4096)
#define LARGE (UINT64_C(2) << 20)
#define TABLES_BASE UINT64_C(0x100000000000)

static struct region region;
static struct error err;

/* What the processor makes of one address. */
struct translation {
    bool present, user, write, execute, dirty, accessed;
    uint64_t physical, page_size;
};

static struct translation walk(uint64_t root, uint64_t address) {
    struct translation t = {.user = true, .write = true, .execute = true, .accessed = true};
    uint64_t table = root;
    for (unsigned level = 4; level > 0; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        const uint64_t *entries = region_at_address(&region, table, PAGE);
        if (!entries || table % PAGE)
            return (struct translation){.page_size = 1}; /* the processor would read outside the tables */
        uint64_t entry = entries[address >> shift & 511];
        if (!(entry & 1))
            return (struct translation){0};
        t.write = t.write && (entry & 2);
        t.user = t.user && (entry & 4);
        t.execute = t.execute && !(entry >> 63);
        t.accessed = t.accessed && (entry & 0x20);
        bool large = entry & 0x80 && (level == 2 || level == 3);
        if (entry & UINT64_C(0x7ff0000000000f00) || (level == 4 && entry & 0x80) || entry & 0x18)
            return (struct translation){.page_size = 2}; /* reserved bits, or a memory type other than write-back */
        table = entry & UINT64_C(0x000ffffffffff000);
        if (large || level == 1) {
            t.present = true;
            t.dirty = entry & 0x40;
            t.page_size = UINT64_C(1) << shift;
            t.physical = (table & ~(t.page_size - 1)) | (address & (t.page_size - 1));
            if (table & (t.page_size - 1))
                return (struct translation){.page_size = 3};
            return t;
        }
    }
    abort();
}

static bool is_mapped(uint64_t root, uint64_t address, uint32_t prot, enum paging_level level) {
    struct translation t = walk(root, address);
    return t.present && t.physical == address && t.user == (level == PAGING_USER) &&
           t.write == !!(prot & UKVM_PROT_WRITE) && t.execute == !!(prot & UKVM_PROT_EXEC) && t.accessed && t.dirty;
}

static bool is_absent(uint64_t root, uint64_t address) {
    struct translation t = walk(root, address);
    return !t.present && t.page_size == 0;
}

/* Pages of [base, base + size) that are not as they should be. */
static unsigned wrong_pages(uint64_t root, uint64_t base, uint64_t size, uint32_t prot, enum paging_level level) {
    unsigned wrong = 0;
    for (uint64_t at = base; at < base + size; at += PAGE)
        wrong += !is_mapped(root, at, prot, level) || !is_mapped(root, at + PAGE - 1, prot, level);
    return wrong;
}

static void begin(struct paging *paging, uint64_t tables) {
    if (region.host)
        munmap(region.host, region.size);
    if (region_map(&region, TABLES_BASE, 16 * PAGE + tables, "test", &err) ||
        paging_init(paging, &region, 8 * PAGE, tables, &err))
        abort();
}

/* ---- one mapping at a time ---- */

static void test_rights(void) {
    static const struct {
        uint32_t prot;
        enum paging_level level;
        const char *name;
    } rights[] = {
        {UKVM_PROT_READ, PAGING_USER, "read"},
        {UKVM_PROT_READ | UKVM_PROT_WRITE, PAGING_USER, "read, write"},
        {UKVM_PROT_READ | UKVM_PROT_EXEC, PAGING_USER, "read, execute"},
        {UKVM_PROT_READ | UKVM_PROT_EXEC, PAGING_SUPERVISOR, "supervisor: read, execute"},
        {UKVM_PROT_READ | UKVM_PROT_WRITE, PAGING_SUPERVISOR, "supervisor: read, write"},
    };
    for (unsigned i = 0; i < sizeof rights / sizeof *rights; i++) {
        struct paging paging;
        begin(&paging, 64 * PAGE);
        uint64_t base = UINT64_C(0x123456000), size = 2 * LARGE;
        ok(paging_map(&paging, base, size, rights[i].prot, rights[i].level, &err) == 0, "%s", rights[i].name);
        is_u64(wrong_pages(paging.root, base, size, rights[i].prot, rights[i].level), 0, "each of its pages is so");
        ok(is_absent(paging.root, base - 1) && is_absent(paging.root, base + size),
           "the pages on both sides are absent");
        ok(walk(paging.root, UINT64_C(0x123456000)).page_size == PAGE &&
               walk(paging.root, UINT64_C(0x123600000)).page_size == LARGE,
           "2 MiB pages where they fit, 4 KiB pages elsewhere");
    }
}

static void test_shapes(void) {
    static const struct {
        uint64_t base, size;
        unsigned large; /* pages of 2 MiB */
        const char *name;
    } shapes[] = {
        {PAGE, PAGE, 0, "one page"},
        {0x1ff000, 2 * PAGE, 0, "a page on either side of 2 MiB"},
        {0x200000, LARGE, 1, "2 MiB"},
        {0x200000, LARGE - PAGE, 0, "2 MiB less a page"},
        {0x200000, LARGE + PAGE, 1, "2 MiB and a page"},
        {0x1ff000, LARGE + PAGE, 1, "a page and 2 MiB"},
        {0x3fe00000, 2 * LARGE, 2, "2 MiB on either side of 1 GiB"},
        {UINT64_C(0x7fffe00000), 2 * LARGE, 2, "across 512 GiB"},
        {(UINT64_C(1) << 46) - LARGE - PAGE, LARGE, 0, "near the top"},
        {(UINT64_C(1) << 47) - PAGE, PAGE, 0, "the last page of the lower half"},
    };
    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct paging paging;
        unsigned large = 0;
        begin(&paging, 64 * PAGE);
        uint64_t base = shapes[i].base, end = base + shapes[i].size;
        ok(paging_map(&paging, base, shapes[i].size, 6, PAGING_USER, &err) == 0 &&
               wrong_pages(paging.root, base, shapes[i].size, 6, PAGING_USER) == 0,
           "%s", shapes[i].name);
        for (uint64_t at = base; at < end; at += PAGE)
            large += walk(paging.root, at).page_size == LARGE;
        is_u64(large / 512, shapes[i].large, "pages of 2 MiB");
        ok(is_absent(paging.root, base - 1) && is_absent(paging.root, end) && is_absent(paging.root, 0),
           "the pages on both sides, and page 0, are absent");
    }
}

/* Neighbours with different rights, in one table. */
static void test_neighbours(void) {
    struct paging paging;
    unsigned wrong = 0;
    begin(&paging, 64 * PAGE);
    for (unsigned i = 0; i < 512; i += 2)
        paging_map(&paging, LARGE + i * PAGE, PAGE, i % 4 ? 5 : 6, i % 3 ? PAGING_USER : PAGING_SUPERVISOR, &err);
    for (unsigned i = 0; i < 512; i += 2) {
        wrong += !is_mapped(paging.root, LARGE + i * PAGE, i % 4 ? 5 : 6, i % 3 ? PAGING_USER : PAGING_SUPERVISOR);
        wrong += !is_absent(paging.root, LARGE + (i + 1) * PAGE);
    }
    is_u64(wrong, 0, "neighbours keep their own rights");
    is_u64((paging.next - 8 * PAGE) / PAGE, 4, "and share their tables");
}

static void test_out_of_tables(void) {
    struct paging paging;
    begin(&paging, 3 * PAGE);
    err = (struct error){0};
    ok(paging_map(&paging, LARGE, PAGE, 6, PAGING_USER, &err) == -1 && err.status == EXIT_MONITOR && err.text[0],
       "one table too few is an error");
    unsigned after = 0;
    const uint8_t *behind = region_at(&region, 11 * PAGE, PAGE);
    for (unsigned i = 0; i < PAGE; i++)
        after |= behind[i];
    is_u64(after, 0, "and nothing behind the tables was written");
    ok(paging_init(&paging, &region, 8 * PAGE, 0, &err) == -1, "no room at all");
}

/* ---- with the layout: its bound on the tables holds, and all of it is as the layout says ---- */

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* As many small segments as there may be, with gaps that make each need tables of its own. */
static void scattered_image(struct image *image, unsigned segments_max) {
    static const uint64_t gaps[] = {0x1000, 0x1ff000, 0x200000, 0x201000, 0x3ffff000, 0x7ffff000};
    *image = (struct image){.path = "test", .alignment = UKVM_PAGE_SIZE, .pie = next_random() % 4 != 0};
    uint64_t at = UINT64_C(1) << 20;
    image->segments_count = 1 + (unsigned)(next_random() % segments_max);
    for (unsigned i = 0; i < image->segments_count; i++) {
        uint64_t size = PAGE * (1 + next_random() % (next_random() % 4 ? 3 : 3000));
        image->segments[i] = (struct image_segment){.address = at, .memory_size = size, .prot = i % 2 ? 6 : 5};
        image->high = at + size;
        at += size + gaps[next_random() % (sizeof gaps / sizeof *gaps)];
    }
    image->low = image->segments[0].address;
    const struct image_segment *s = &image->segments[next_random() % image->segments_count];
    image->relro = (struct image_range){.start = s->address, .size = PAGE};
}

/* ---- changes, as the guest's processor carries them out ---- */

#define BLOCKS 5u
#define MODEL_PAGES (BLOCKS * 512u + 300u)

/* What each page of the range allows, from `model_base` on: neither end is that of a block. */
static uint64_t model_base = UINT64_C(0x7fffe00000) - 100 * PAGE; /* across 512 GiB */
static uint32_t model[MODEL_PAGES];

static unsigned wrong_in_model(uint64_t root) {
    unsigned wrong = !is_absent(root, model_base - 1) + !is_absent(root, model_base + MODEL_PAGES * PAGE);
    for (unsigned i = 0; i < MODEL_PAGES; i++) {
        uint64_t at = model_base + i * PAGE;
        wrong += model[i] ? !is_mapped(root, at, model[i], PAGING_USER) : walk(root, at).present;
    }
    return wrong;
}

/* Writes what was planned; false if that is not within one table. */
static bool write_entries(const struct paging *paging, const struct paging_edit *edit) {
    uint64_t bytes = edit->count * sizeof edit->values[0];
    void *entries = region_at_address(&region, edit->target, bytes);
    if (edit->count == 0 || !entries || edit->target % PAGE + bytes > PAGE || edit->target < paging->root)
        return false;
    memcpy(entries, edit->values, bytes);
    return true;
}

/* Counts what is wrong in changing pages [first, first + count) of the model, and in that it changes anything else. */
static unsigned change(struct paging *paging, unsigned first, unsigned count, uint32_t prot, unsigned *steps) {
    uint64_t base = model_base + first * PAGE, end = base + count * PAGE;
    unsigned unused = paging_unused(paging), needed = paging_needed(paging, base, end), wrong = 0;
    struct paging_edit edit = {.next = base};
    while (edit.next < end) {
        paging_plan(paging, edit.next, end, prot, &edit);
        wrong += *steps == 0 && wrong_in_model(paging->root); /* nothing leads to a new table yet */
        wrong += !write_entries(paging, &edit);
        ++*steps;
    }
    for (unsigned i = first; i < first + count; i++)
        model[i] = prot;
    wrong += edit.next != end || unused - paging_unused(paging) != needed;
    return wrong + wrong_in_model(paging->root);
}

static void begin_model(struct paging *paging, uint64_t tables) {
    begin(paging, tables);
    if (paging_map(paging, model_base, MODEL_PAGES * PAGE, 6, PAGING_USER, &err))
        abort();
    for (unsigned i = 0; i < MODEL_PAGES; i++)
        model[i] = 6;
}

static void test_changes(void) {
    static const struct {
        const char *name;
        unsigned first, count, steps;
    } changes[] = {
        {"a page in a table", 3, 1, 1},
        {"all pages of a table", 0, 100, 1},
        {"a page in a block", 100 + 7, 1, 1},
        {"the last page of a block", 100 + 511, 1, 1},
        {"a block", 100, 512, 1},
        {"two blocks and the table before them", 0, 1124, 3},
        {"two blocks and a page on either side", 100 + 511, 1026, 3},
        {"all there is", 0, MODEL_PAGES, 4},
        {"blocks in two directories", 100, 1024, 2},
    };
    for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++) {
        static const uint32_t prots[] = {0, UKVM_PROT_READ};
        for (unsigned j = 0; j < 2; j++) {
            struct paging paging;
            unsigned steps = 0;
            begin_model(&paging, 64 * PAGE);
            is_u64(change(&paging, changes[i].first, changes[i].count, prots[j], &steps), 0, "%s: %s", changes[i].name,
                   j ? "read-only" : "closed");
            is_u64(steps, changes[i].steps, "in %u steps", changes[i].steps);
            is_u64(change(&paging, changes[i].first, changes[i].count, 6, &steps), 0, "and back");
        }
    }
}

static void test_random_changes(void) {
    static const uint32_t prots[] = {0, UKVM_PROT_READ, UKVM_PROT_READ | UKVM_PROT_WRITE};
    unsigned wrong = 0;
    for (unsigned round = 0; round < 8; round++) {
        struct paging paging;
        begin_model(&paging, 64 * PAGE);
        for (unsigned i = 0; i < 40; i++) {
            unsigned first = (unsigned)(next_random() % MODEL_PAGES), steps = 1;
            unsigned count = 1 + (unsigned)(next_random() % (MODEL_PAGES - first));
            wrong += change(&paging, first, next_random() % 2 ? count : 1, prots[next_random() % 3], &steps);
        }
    }
    is_u64(wrong, 0, "any changes in any order do what they say, and nothing else (MEM-06)");
}

/* MEM-08 */
static void test_no_table_left(void) {
    struct paging paging;
    uint64_t block = model_base + 100 * PAGE;
    begin_model(&paging, 64 * PAGE);
    paging.end = paging.next + PAGE; /* one is left */
    is_u64(paging_unused(&paging), 1, "one table left");
    is_u64(paging_needed(&paging, model_base, model_base + 50 * PAGE), 0, "none is needed where there is one");
    is_u64(paging_needed(&paging, block, block + 2 * LARGE), 0, "or for whole blocks");
    is_u64(paging_needed(&paging, block + PAGE, block + 2 * PAGE), 1, "one for a part of a block");
    is_u64(paging_needed(&paging, block, block + LARGE + PAGE), 1, "or for a block and a part");
    is_u64(paging_needed(&paging, block + PAGE, block + 2 * LARGE), 1, "or for a part and a block");
    is_u64(paging_needed(&paging, block + PAGE, block + 2 * LARGE + PAGE), 2, "two for two parts");
    unsigned steps = 1;
    is_u64(change(&paging, 101, 1, 0, &steps), 0, "the last one is taken");
    is_u64(paging_unused(&paging), 0, "none left");
    is_u64(paging_needed(&paging, block + 9 * PAGE, block + 10 * PAGE), 0, "none is needed in that block again");
}

/* ---- with the layout, again ---- */

/* As build_paging() in monitor/guest.c. */
static int map_all(struct paging *paging, const struct layout *l) {
    if (paging_init(paging, &region, l->paging_offset, l->paging_size, &err))
        return -1;
    for (unsigned i = 0; i < l->ranges_count; i++)
        if (paging_map(paging, l->ranges[i].base, l->ranges[i].size, l->ranges[i].prot, PAGING_USER, &err))
            return -1;
    return paging_map(paging, l->system_base, PAGE, 5, PAGING_SUPERVISOR, &err) ||
                   paging_map(paging, l->system_base + PAGE, PAGE, 6, PAGING_SUPERVISOR, &err) ||
                   paging_map(paging, l->system_base + SYSTEM_EDIT_OFFSET, PAGE, 4, PAGING_SUPERVISOR, &err) ||
                   paging_map(paging, l->system_base + l->paging_offset, l->paging_size, 6, PAGING_SUPERVISOR, &err) ||
                   paging_map(paging, l->boot_base, l->boot_size, 4, PAGING_USER, &err) ||
                   paging_map(paging, l->rings_base, l->rings_size, 6, PAGING_USER, &err) ||
                   paging_map(paging, l->arena_base, l->arena_size, 6, PAGING_USER, &err)
               ? -1
               : 0;
}

static bool ends_are_right(uint64_t root, uint64_t base, uint64_t size, uint32_t prot, enum paging_level level) {
    uint64_t middle = base + size / 2 / PAGE * PAGE;
    return is_mapped(root, base, prot, level) && is_mapped(root, base + size - 1, prot, level) &&
           is_mapped(root, middle, prot, level);
}

static unsigned wrong_places(uint64_t root, const struct layout *l) {
    unsigned wrong = 0;
    for (unsigned i = 0; i < l->ranges_count; i++)
        wrong += !ends_are_right(root, l->ranges[i].base, l->ranges[i].size, l->ranges[i].prot, PAGING_USER);
    wrong += !ends_are_right(root, l->system_base, PAGE, 5, PAGING_SUPERVISOR);
    wrong += !ends_are_right(root, l->system_base + PAGE, PAGE, 6, PAGING_SUPERVISOR);
    wrong += !ends_are_right(root, l->system_base + SYSTEM_EDIT_OFFSET, PAGE, 4, PAGING_SUPERVISOR);
    wrong += !ends_are_right(root, l->system_base + l->paging_offset, l->paging_size, 6, PAGING_SUPERVISOR);
    wrong += !ends_are_right(root, l->boot_base, l->boot_size, 4, PAGING_USER);
    wrong += !ends_are_right(root, l->rings_base, l->rings_size, 6, PAGING_USER);
    wrong += !ends_are_right(root, l->arena_base, l->arena_size, 6, PAGING_USER);
    const uint64_t absent[] = {
        0,
        l->stack_base - 1,
        l->stack_base - UKVM_STACK_GUARD,
        l->ram_base - 1,
        l->ram_base + l->ram_size,
        l->system_base - 1,
        l->boot_base - 1,
        l->boot_base + l->boot_size,
        l->rings_base - 1,
        l->rings_base + l->rings_size,
        l->arena_base - 1,
        l->arena_base + l->arena_size,
    };
    for (unsigned i = 0; i < sizeof absent / sizeof *absent; i++)
        wrong += !is_absent(root, absent[i]);
    return wrong;
}

static void test_layouts(void) {
    unsigned planned = 0, failed = 0, wrong = 0, few = 0;
    for (unsigned round = 0; round < 400; round++) {
        struct image image;
        struct layout l;
        struct paging paging;
        bool huge = round % 16 == 0; /* the tables of free memory are what counts then */
        scattered_image(&image, huge ? 1 : IMAGE_MAX_SEGMENTS);
        unsigned bits = huge ? 46 : 38 + (unsigned)(next_random() % 9);
        struct layout_request q = {
            .image = &image,
            .memory = (image.high - image.low) + (UINT64_C(1) << (20 + (huge ? 19 : next_random() % 14))) +
                      PAGE * (next_random() % 999),
            .boot_size = 1 + next_random() % 2000000,
            .rings_size = 17000,
            .arena_size = PAGE * (1 + next_random() % 12000),
            .address_bits = bits,
            .initrd_size = round % 3 ? 0 : 1 + next_random() % (UINT64_C(1) << (bits - 3)),
            .file_size = round % 2 ? 0 : 1 + next_random() % (UINT64_C(1) << (bits - 6)),
            .random = {next_random(), next_random(), next_random(), next_random(), next_random()},
        };
        if (layout_plan(&q, &l, &err))
            continue;
        planned++;
        if (region.host)
            munmap(region.host, region.size);
        region.host = NULL;
        if (region_map(&region, l.system_base, l.system_size, "test", &err))
            abort();
        if (map_all(&paging, &l))
            failed++;
        else
            wrong += wrong_places(paging.root, &l);
        uint64_t blocks = l.ram_size / LARGE;
        few += paging_unused(&paging) < (blocks < 256 ? blocks : 256);
    }
    ok(planned > 100, "%u layouts with scattered segments", planned);
    is_u64(failed, 0, "the tables of each fit into what the layout has reserved");
    is_u64(wrong, 0, "every range has its rights; guard pages and page 0 are absent (IMG-03, MEM-03)");
    is_u64(few, 0, "and 256 tables, or one for each block, are left (MEM-08)");
}

int main(void) {
    test_rights();
    test_shapes();
    test_neighbours();
    test_out_of_tables();
    test_changes();
    test_random_changes();
    test_no_table_left();
    test_layouts();
    return done_testing();
}
