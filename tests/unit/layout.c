/* SPDX-License-Identifier: MIT */
/* links: monitor/machine/layout.c monitor/base/error.c */
#include "machine/layout.h"

#include "base/range.h"
#include "tap.h"

typedef unsigned __int128 u128;

#define ROUNDS 20000u
#define PAGE UINT64_C(4096)
#define RAM_LOW (UINT64_C(4) << 30)

/* xorshift64*, from a fixed seed: the same requests at each run. */
static uint64_t state = 88172645463325252u;

static uint64_t next_random(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

/* Up to `max`, small ones as likely as large ones. */
static uint64_t scaled(uint64_t max) {
    uint64_t value = next_random() >> (next_random() % 64);
    return value % (max + 1);
}

static uint64_t up(uint64_t value) {
    return (value + PAGE - 1) / PAGE * PAGE;
}

/* ---- requests ---- */

/* An image as image_open() lets it through: segments rise and share no page, RELRO lies within one of them. */
static void random_image(struct image *image) {
    static const uint32_t prots[] = {4, 5, 6, 6};
    *image = (struct image){.path = "test", .pie = next_random() % 4 != 0};
    image->segments_count = 1 + (unsigned)(next_random() % IMAGE_MAX_SEGMENTS);
    uint64_t at = image->pie ? scaled(UINT64_C(1) << 40) : (UINT64_C(1) << 20) + scaled(UINT64_C(1) << 34);
    for (unsigned i = 0; i < image->segments_count; i++) {
        struct image_segment *s = &image->segments[i];
        *s = (struct image_segment){
            .address = at, .memory_size = 1 + scaled(UINT64_C(1) << 22), .prot = prots[next_random() % 4]};
        at = up(at + s->memory_size) + (next_random() % 2 ? 0 : scaled(UINT64_C(1) << 23));
    }
    const struct image_segment *last = &image->segments[image->segments_count - 1];
    image->low = align_down(image->segments[0].address, PAGE);
    image->high = up(last->address + last->memory_size);
    image->entry = image->low + scaled(image->high - image->low - 1);
    image->alignment = PAGE << (next_random() % 2 ? 0 : next_random() % 10);
    const struct image_segment *s = &image->segments[next_random() % image->segments_count];
    uint64_t start = align_down(s->address, PAGE), end = align_down(s->address + s->memory_size, PAGE);
    if (next_random() % 4 == 0) /* over the segments behind it */
        end = image->high;
    if (end > start && next_random() % 4) {
        uint64_t pages = (end - start) / PAGE, from = next_random() % 2 ? 0 : scaled(pages - 1);
        image->relro.start = start + from * PAGE;
        image->relro.size = (next_random() % 2 ? pages - from : 1 + scaled(pages - from - 1)) * PAGE;
    }
    image->stack_size = next_random() % 3 ? 1 + scaled(UKVM_STACK_MAX - 1) : UKVM_STACK_DEFAULT;
    image->stack_wanted = next_random() % 2 ? scaled(UKVM_STACK_MAX) : 0;
    image->note.min_memory = next_random() % 3 ? scaled(UINT64_C(1) << 26) : 0;
}

/* Before a static-PIE image, for its alignment. */
static uint64_t lead(const struct image *image) {
    return image->pie ? image->low % image->alignment : 0;
}

static uint64_t needed(const struct image *image) {
    return lead(image) + image->high - image->low + up(image->stack_size);
}

/* IMG-07, said in another way than layout.c does. */
static uint64_t stack_of(const struct layout_request *q) {
    const struct image *image = q->image;
    uint64_t bytes = up(image->stack_size);
    while (bytes < image->stack_wanted && bytes + PAGE <= q->memory / UKVM_STACK_SHARE &&
           lead(image) + image->high - image->low + bytes + PAGE + image->note.min_memory <= q->memory)
        bytes += PAGE;
    return bytes;
}

static void random_request(struct layout_request *q, const struct image *image) {
    *q = (struct layout_request){
        .image = image,
        .boot_size = sizeof(struct ukvm_boot) + scaled(UINT64_C(2) << 20),
        .rings_size = 1 + scaled(UINT64_C(1) << 16),
        .arena_size = PAGE + up(scaled(UINT64_C(48) << 20)),
        .address_bits = 36 + (unsigned)(next_random() % 11),
    };
    if (next_random() % 2) /* sometimes a little more than there is room for */
        q->initrd_size = 1 + scaled((UINT64_C(1) << (q->address_bits - 2)) / 4 * 3 - 3 * PAGE);
    if (next_random() % 2)
        q->file_size = 1 + scaled((UINT64_C(1) << (q->address_bits - 4)) - 3 * PAGE);
    for (unsigned i = 0; i < LAYOUT_RANDOM_WORDS; i++)
        q->random[i] = next_random() % 8 == 0 ? 0 : next_random() % 8 == 0 ? UINT64_MAX : next_random();
    uint64_t least = needed(image) + image->note.min_memory;
    switch (next_random() % 4) {
    case 0: /* just enough, or a page too little or too much */
        q->memory = up(least) + (next_random() % 3) * PAGE - PAGE;
        break;
    case 1: /* as much as there is, or a page more */
        q->memory = (UINT64_C(1) << (q->address_bits - 1)) - RAM_LOW - UKVM_STACK_GUARD + (next_random() % 2) * PAGE;
        break;
    default:
        q->memory = up(least) + up(scaled(UINT64_C(1) << (q->address_bits - 1)));
        break;
    }
    if (q->memory < UINT64_C(1) << 20)
        q->memory = UINT64_C(1) << 20;
    if (q->memory > UINT64_C(1) << 40)
        q->memory = UINT64_C(1) << 40;
}

static bool should_fit(const struct layout_request *q) {
    uint64_t half = UINT64_C(1) << (q->address_bits - 1);
    return needed(q->image) + q->image->note.min_memory <= q->memory &&
           q->memory <= half - RAM_LOW - UKVM_STACK_GUARD &&
           (q->image->pie || (u128)q->image->low + q->memory + UKVM_STACK_GUARD <= half) &&
           q->initrd_size <= half / 8 * 3 - 2 * LAYOUT_LARGE_PAGE && q->file_size <= half / 8 - LAYOUT_LARGE_PAGE;
}

/* ---- invariants ---- */

/* What the page at `address` must be, told from the image alone. False: not mapped. */
static bool expected(const struct layout_request *q, const struct layout *l, uint64_t address, uint32_t *kind,
                     uint32_t *prot) {
    const struct image *image = q->image;
    uint64_t image_start = image->low + l->bias, image_end = image->high + l->bias;
    *kind = UKVM_RANGE_FREE;
    *prot = UKVM_PROT_READ | UKVM_PROT_WRITE;
    if (q->initrd_size && address >= l->initrd_base && address - l->initrd_base < up(q->initrd_size)) {
        *kind = UKVM_RANGE_INITRD;
        *prot = UKVM_PROT_READ;
        return true;
    }
    if (q->file_size && address >= l->file_base && address - l->file_base < up(q->file_size)) {
        *kind = UKVM_RANGE_IMAGE_FILE;
        *prot = UKVM_PROT_READ;
        return true;
    }
    if (address < l->ram_base || address - l->ram_base >= l->ram_size)
        return false;
    if (address < image_start || address >= l->stack_base + l->stack_size)
        return true;
    if (address >= l->stack_base) {
        *kind = UKVM_RANGE_STACK;
        return true;
    }
    if (address >= image_end)
        return false; /* the guard */
    *kind = UKVM_RANGE_IMAGE;
    uint64_t linked = address - l->bias;
    for (unsigned i = 0; i < image->segments_count; i++) {
        const struct image_segment *s = &image->segments[i];
        if (linked < align_down(s->address, PAGE) || linked >= up(s->address + s->memory_size))
            continue;
        bool relro = linked >= image->relro.start && linked - image->relro.start < image->relro.size;
        *prot = relro && (s->prot & UKVM_PROT_WRITE) ? UKVM_PROT_READ : s->prot;
        return true;
    }
    return false; /* between segments */
}

static const struct ukvm_range *find(const struct layout *l, uint64_t address) {
    for (unsigned i = 0; i < l->ranges_count; i++)
        if (address >= l->ranges[i].base && address - l->ranges[i].base < l->ranges[i].size)
            return &l->ranges[i];
    return NULL;
}

static bool page_is_right(const struct layout_request *q, const struct layout *l, uint64_t address) {
    uint32_t kind, prot;
    const struct ukvm_range *range = find(l, address);
    if (!expected(q, l, address, &kind, &prot))
        return !range;
    return range && range->kind == kind && range->prot == prot;
}

/* The pages on both sides of every place where something may change. */
static bool pages_are_right(const struct layout_request *q, const struct layout *l) {
    const struct image *image = q->image;
    uint64_t places[9 + 2 * IMAGE_MAX_SEGMENTS + 2 * LAYOUT_MAX_RANGES];
    unsigned count = 0;
    places[count++] = l->ram_base;
    places[count++] = l->ram_base + l->ram_size;
    places[count++] = l->stack_base - UKVM_STACK_GUARD;
    places[count++] = l->stack_base - PAGE;
    places[count++] = l->stack_base;
    places[count++] = l->stack_base + l->stack_size;
    places[count++] = image->relro.start + l->bias;
    places[count++] = image->relro.start + image->relro.size + l->bias;
    for (unsigned i = 0; i < image->segments_count; i++) {
        places[count++] = align_down(image->segments[i].address, PAGE) + l->bias;
        places[count++] = up(image->segments[i].address + image->segments[i].memory_size) + l->bias;
    }
    for (unsigned i = 0; i < l->ranges_count; i++) {
        places[count++] = l->ranges[i].base;
        places[count++] = l->ranges[i].base + l->ranges[i].size;
    }
    bool right = true;
    for (unsigned i = 0; i < count; i++)
        right = right && page_is_right(q, l, places[i]) && page_is_right(q, l, places[i] - PAGE);
    return right;
}

static bool ranges_are_sorted(const struct layout *l) {
    bool right = l->ranges_count <= LAYOUT_MAX_RANGES;
    uint64_t end = PAGE; /* MEM-01: page 0 is in none */
    for (unsigned i = 0; i < l->ranges_count; i++) {
        const struct ukvm_range *r = &l->ranges[i];
        right = right && r->base >= end && r->size > 0 && r->base % PAGE == 0 && r->size % PAGE == 0;
        right = right && (r->kind == UKVM_RANGE_INITRD || r->kind == UKVM_RANGE_IMAGE_FILE ||
                          (r->base >= l->ram_base && range_within(r->base - l->ram_base, r->size, l->ram_size)));
        right = right && (r->prot & 3) != 3; /* MEM-02: never writable and executable */
        end = r->base + r->size;
    }
    return right;
}

static bool ram_is_right(const struct layout_request *q, const struct layout *l) {
    const struct image *image = q->image;
    uint64_t half = UINT64_C(1) << (q->address_bits - 1);
    bool right =
        l->ram_size == q->memory + UKVM_STACK_GUARD && (u128)l->ram_base + l->ram_size <= half && l->bias % PAGE == 0;
    right = right && l->entry == image->entry + l->bias;
    right = right && l->stack_size == stack_of(q);
    right = right && l->stack_base % PAGE == 0 && l->stack_base == image->high + l->bias + UKVM_STACK_GUARD;
    if (image->pie)
        return right && l->ram_base >= RAM_LOW && l->ram_base % LAYOUT_LARGE_PAGE == 0 &&
               l->bias % image->alignment == 0; /* IMG-08 */
    return right && l->bias == 0 && l->ram_base == image->low;
}

/* What min_memory promises is there, in pages that are free. */
static bool enough_is_free(const struct layout_request *q, const struct layout *l) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < l->ranges_count; i++)
        bytes += l->ranges[i].kind == UKVM_RANGE_FREE ? l->ranges[i].size : 0;
    return bytes >= q->image->note.min_memory &&
           bytes == q->memory - needed(q->image) + lead(q->image) - (stack_of(q) - up(q->image->stack_size));
}

/* BOOT-08: behind all RAM and before the system region, with an unmapped page on both sides (MEM-03). */
static bool initrd_is_right(const struct layout_request *q, const struct layout *l) {
    if (q->initrd_size == 0)
        return l->initrd_base == 0 && l->initrd_size == 0;
    return l->initrd_size == q->initrd_size && l->initrd_base % LAYOUT_LARGE_PAGE == 0 &&
           l->initrd_base >= l->ram_base + l->ram_size + PAGE &&
           l->initrd_base + up(l->initrd_size) + PAGE <= l->system_base;
}

/* BOOT-09: behind an initrd, likewise. */
static bool image_file_is_right(const struct layout_request *q, const struct layout *l) {
    if (q->file_size == 0)
        return l->file_base == 0 && l->file_size == 0;
    return l->file_size == q->file_size && l->file_base % LAYOUT_LARGE_PAGE == 0 &&
           l->file_base >= l->ram_base + l->ram_size + PAGE &&
           l->file_base >= l->initrd_base + up(l->initrd_size) + PAGE &&
           l->file_base + up(l->file_size) + PAGE <= l->system_base;
}

/* MEM-03, and that nothing of the system region lies on anything else. */
static bool system_is_right(const struct layout_request *q, const struct layout *l) {
    uint64_t half = UINT64_C(1) << (q->address_bits - 1);
    uint64_t system_end = l->system_base + l->system_size;
    uint64_t tables_end = l->system_base + l->paging_offset + l->paging_size;
    bool right = l->system_base >= half && l->system_base % LAYOUT_LARGE_PAGE == 0 && system_end <= 2 * half - PAGE;
    right = right && l->paging_size % PAGE == 0 && l->paging_size >= 4 * PAGE;
    right = right && l->boot_base >= l->system_base + SYSTEM_EDIT_OFFSET + 2 * PAGE && l->boot_base % PAGE == 0 &&
            l->boot_size % PAGE == 0;
    right = right && l->rings_base >= l->boot_base + l->boot_size + PAGE && l->rings_base % PAGE == 0;
    right = right && l->arena_base >= l->rings_base + l->rings_size + PAGE && l->arena_base % PAGE == 0;
    right = right && l->boot_size >= q->boot_size && l->rings_size >= q->rings_size && l->rings_size % PAGE == 0;
    right =
        right && l->system_base + l->paging_offset >= l->arena_base + l->arena_size + PAGE && tables_end == system_end;
    return right && l->arena_size == q->arena_size;
}

static void test_random_requests(void) {
    static const char *const names[] = {
        "accepted exactly when it fits",
        "ranges rise, are whole pages of RAM, never writable and executable, never page 0 (BOOT-03, MEM-01, MEM-02)",
        "every page is what the image says: segments, RELRO, the guard, free memory (IMG-03, MEM-03, MEM-09)",
        "RAM, entry, stack; ET_EXEC where it is linked, static-PIE at 4 GiB or above and aligned (IMG-08)",
        "min_memory is free (IMG-05)",
        "the system region is in the upper half with a guard page at both ends of boot pages, rings, arena (MEM-03)",
        "a refusal has the right status and says what to change",
        "an initrd lies between RAM and the system region, its size to the byte (BOOT-08)",
        "so does the image's file, behind the initrd (BOOT-09)",
    };
    unsigned wrong[9] = {0}, accepted = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct image image;
        struct layout_request q;
        struct layout l;
        struct error err = {0};
        random_image(&image);
        random_request(&q, &image);
        bool fits = layout_plan(&q, &l, &err) == 0;
        wrong[0] += fits != should_fit(&q);
        if (!fits) {
            bool is_image = err.status == EXIT_IMAGE && strncmp(err.text, "test: ", 6) == 0;
            bool is_host = err.status == EXIT_MONITOR && (strstr(err.text, "--mem") || strstr(err.text, "--initrd"));
            wrong[6] += !is_image && !is_host;
            continue;
        }
        accepted++;
        wrong[1] += !ranges_are_sorted(&l);
        wrong[2] += !pages_are_right(&q, &l);
        wrong[3] += !ram_is_right(&q, &l);
        wrong[4] += !enough_is_free(&q, &l);
        wrong[5] += !system_is_right(&q, &l);
        wrong[7] += !initrd_is_right(&q, &l);
        wrong[8] += !image_file_is_right(&q, &l);
    }
    for (unsigned i = 0; i < 9; i++)
        is_u64(wrong[i], 0, "%u requests: %s", ROUNDS, names[i]);
    ok(accepted > ROUNDS / 4 && accepted < ROUNDS, "%u of them fit", accepted);
}

/* ---- one request, seen closely ---- */

static struct image image;
static struct layout_request request;
static struct layout layout;
static struct error err;

static void reset(void) {
    image = (struct image){
        .path = "test",
        .pie = true,
        .low = 0x10000,
        .high = 0x14000,
        .entry = 0x10123,
        .segments_count = 2,
        .segments = {{.address = 0x10123, .memory_size = 0x100, .prot = 5},
                     {.address = 0x11008, .memory_size = 0x2800, .prot = 6}},
        .alignment = PAGE,
        .relro = {.start = 0x11000, .size = 0x1000},
        .stack_size = UKVM_STACK_DEFAULT,
    };
    request = (struct layout_request){
        .image = &image,
        .memory = UINT64_C(64) << 20,
        .boot_size = 3000,
        .rings_size = 17000,
        .arena_size = 0x4000,
        .address_bits = 46,
        .random = {1, 2, 3, 4, 5},
    };
}

static void test_refusals(void) {
    reset();
    image.note.min_memory = request.memory;
    ok(layout_plan(&request, &layout, &err) && err.status == EXIT_IMAGE && strstr(err.text, "--mem"),
       "no room beside min_memory: refused, with what to change");
    image.note.min_memory = UINT64_MAX;
    ok(layout_plan(&request, &layout, &err) && err.status == EXIT_IMAGE, "a min_memory beyond all bounds");
    reset();
    image.high = image.low + (UINT64_C(1) << 45);
    ok(layout_plan(&request, &layout, &err) && err.status == EXIT_IMAGE, "an image beyond all bounds");
    reset();
    image.stack_size = UKVM_STACK_MAX;
    ok(layout_plan(&request, &layout, &err) && err.status == EXIT_IMAGE, "a stack as large as the memory");
    reset();
    request.address_bits = 36;
    request.memory = UINT64_C(29) << 30;
    ok(layout_plan(&request, &layout, &err) && err.status == EXIT_MONITOR && strstr(err.text, "--mem"),
       "more memory than the processor has addresses for");
    reset();
    image.pie = false;
    image.low += UINT64_C(1) << 45;
    image.high += UINT64_C(1) << 45;
    ok(layout_plan(&request, &layout, &err) && err.status == EXIT_IMAGE && strstr(err.text, "0x200000010000"),
       "ET_EXEC linked too high: refused, with the address");
    reset();
    request.file_size = UINT64_MAX;
    ok(layout_plan(&request, &layout, &err) && err.status == EXIT_IMAGE && strstr(err.text, "0xffffffffffffffff"),
       "an image's file beyond all bounds: refused, with its size");
}

static void test_relro(void) {
    reset();
    uint64_t data;
    ok(layout_plan(&request, &layout, &err) == 0, "an image with RELRO at the start of its data");
    data = 0x11000 + layout.bias;
    ok(find(&layout, data) && find(&layout, data)->prot == UKVM_PROT_READ, "the page of RELRO is read-only");
    ok(find(&layout, data + PAGE) && find(&layout, data + PAGE)->prot == (UKVM_PROT_READ | UKVM_PROT_WRITE) &&
           find(&layout, data + PAGE)->size == 2 * PAGE,
       "the rest is writable");
    image.relro = (struct image_range){.start = 0x12000, .size = 0x1000};
    ok(layout_plan(&request, &layout, &err) == 0 && find(&layout, data)->size == PAGE &&
           find(&layout, data + PAGE)->prot == UKVM_PROT_READ && find(&layout, data + 2 * PAGE)->size == PAGE,
       "RELRO in the middle splits its segment in three");
    image.relro = (struct image_range){.start = 0x11000, .size = 0x3000};
    ok(layout_plan(&request, &layout, &err) == 0 && find(&layout, data)->prot == UKVM_PROT_READ &&
           find(&layout, data)->size == 3 * PAGE,
       "RELRO of all of it leaves nothing to write");
    image.relro = (struct image_range){.size = 0};
    ok(layout_plan(&request, &layout, &err) == 0 && find(&layout, data)->prot == 6 &&
           find(&layout, data)->size == 3 * PAGE,
       "no RELRO, no split");
}

/* MEM-04: each of the random words moves something. */
static void test_randomness(void) {
    uint64_t seen[LAYOUT_RANDOM_WORDS][256];
    unsigned different[LAYOUT_RANDOM_WORDS] = {0};
    for (unsigned word = 0; word < LAYOUT_RANDOM_WORDS; word++)
        for (unsigned i = 0; i < 256; i++) {
            reset();
            request.initrd_size = 5000;
            request.file_size = 6000;
            request.random[word] = next_random();
            layout_plan(&request, &layout, &err);
            const uint64_t moved[] = {layout.ram_base, layout.entry, layout.system_base, layout.initrd_base,
                                      layout.file_base};
            uint64_t value = moved[word];
            bool is_new = true;
            for (unsigned j = 0; j < i; j++)
                is_new = is_new && seen[word][j] != value;
            seen[word][i] = value;
            different[word] += is_new;
        }
    ok(different[0] > 250, "RAM lies elsewhere each time");
    ok(different[1] > 150, "so does the image in its RAM");
    ok(different[2] > 250, "and the system region");
    ok(different[3] > 250, "and the initrd");
    ok(different[4] > 250, "and the image's file");
    reset();
    image.pie = false;
    image.low += UINT64_C(1) << 22;
    image.high += UINT64_C(1) << 22;
    layout_plan(&request, &layout, &err);
    is_u64(layout.ram_base, image.low, "ET_EXEC lies where it was linked");
}

int main(void) {
    test_random_requests();
    test_refusals();
    test_relro();
    test_randomness();
    return done_testing();
}
