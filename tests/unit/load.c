/* SPDX-License-Identifier: MIT */
/* links: monitor/image/kind.c */
/* links: monitor/image/load.c monitor/base/region.c monitor/image/image.c monitor/base/error.c */
/* links: tests/lib/elfgen.c tests/lib/elfgen_changes.c */
#include "image/load.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../lib/elfgen.h"
#include "tap.h"

#define BIAS UINT64_C(0x7654321000)

static struct image image;
static struct error err;
static int file;

/* The image with these changes, opened. */
static bool open_image(const char *const *changes) {
    static uint8_t bytes[ELFGEN_FILE_MAX];
    static char path[64];
    struct elfgen elf;
    elfgen_init(&elf);
    for (; *changes; changes++)
        if (elfgen_change(&elf, *changes))
            abort();
    size_t size = elfgen_build(&elf, bytes);
    file = memfd_create("image", MFD_CLOEXEC);
    if (write(file, bytes, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    err = (struct error){0};
    return image_open(path, &image, &err) == 0;
}

static void close_image(void) {
    close(image.fd);
    close(file);
}

/* RAM for just this image, from the heap, where the sanitizer sees a write on either side. */
static int load_at(uint64_t bias, uint8_t **ram) {
    uint64_t size = image.high - image.low;
    *ram = aligned_alloc(UKVM_PAGE_SIZE, size);
    memset(*ram, 0, size);
    const struct region region = {.base = image.low + bias, .size = size, .host = *ram};
    return image_load(&image, &region, bias, &err);
}

static uint64_t word(const uint8_t *ram, uint64_t address) {
    uint64_t value;
    memcpy(&value, ram + (address - image.low), sizeof value);
    return value;
}

static void test_segments(void) {
    uint8_t *ram;
    static const uint8_t code[] = {0xb8, 42, 0, 0, 0, 0xe7, 0x12};
    ok(open_image((const char *const[]){"no-rela", NULL}), "an image without relocations");
    ok(load_at(BIAS, &ram) == 0, "is loaded");
    ok(memcmp(ram, "\177ELF", 4) == 0 && memcmp(ram + ELFGEN_TEXT, code, sizeof code) == 0,
       "each segment to its place");
    unsigned wrong = 0;
    for (uint64_t i = 0; i < ELFGEN_WORDS; i++)
        wrong += word(ram, ELFGEN_WORD + 8 * i) != i + 1;
    is_u64(wrong, 0, "to its last byte");
    for (uint64_t at = ELFGEN_FILE_END; at < image.high; at++)
        wrong += ram[at] != 0;
    for (uint64_t at = ELFGEN_TEXT + 16; at < ELFGEN_DATA; at++)
        wrong += ram[at] != 0;
    is_u64(wrong, 0, "memory beyond the file part, and between segments, is zero (IMG-03)");
    free(ram);

    const struct region small = {.base = BIAS, .size = ELFGEN_DATA, .host = malloc(ELFGEN_DATA)};
    ok(image_load(&image, &small, BIAS, &err) == -1 && err.status == EXIT_IMAGE, "a segment outside memory is refused");
    free(small.host);

    if (ftruncate(file, ELFGEN_WORD) < 0)
        abort();
    ok(load_at(BIAS, &ram) == -1 && err.status == EXIT_IMAGE && strstr(err.text, "shorter"),
       "a file that has become shorter is refused");
    free(ram);
    close_image();
}

static void test_rela(void) {
    uint8_t *ram;
    /* the last word of the data, one that is not aligned, the last of memory, and one in RELRO */
    ok(open_image(
           (const char *const[]){"rela-add=0x43f8", "rela-add=0x4021", "rela-add=0x67f8", "rela-add=0x3f00", NULL}),
       "DT_RELA");
    ok(load_at(BIAS, &ram) == 0, "is applied");
    is_u64(word(ram, ELFGEN_WORD), BIAS + ELFGEN_WORD, "addend and bias");
    is_u64(word(ram, 0x43f8), BIAS, "the last word of the file part");
    is_u64(word(ram, 0x4021), BIAS, "a word that is not aligned");
    is_u64(word(ram, 0x67f8), BIAS, "the last word of the memory part");
    is_u64(word(ram, 0x3f00), BIAS, "a word in RELRO");
    is_u64(word(ram, ELFGEN_WORD + 8), 2, "its neighbour is as it was");
    free(ram);
    close_image();

    ok(open_image((const char *const[]){"exec", NULL}) && load_at(0, &ram) == 0,
       "ET_EXEC is loaded where it is linked");
    is_u64(word(ram, ELFGEN_EXEC_BASE + ELFGEN_WORD), ELFGEN_EXEC_BASE + ELFGEN_WORD, "with a bias of 0");
    free(ram);
    close_image();

    ok(open_image((const char *const[]){"base=0x100000000", NULL}) && load_at(-UINT64_C(0x80000000), &ram) == 0,
       "a static-PIE that is moved down");
    is_u64(word(ram, 0x100000000 + ELFGEN_WORD), 0x80000000 + ELFGEN_WORD, "has a bias that wraps, and is right");
    free(ram);
    close_image();
}

static void test_relr(void) {
    uint8_t *ram;
    unsigned wrong = 0;
    ok(open_image((const char *const[]){"no-rela", "relr", NULL}) && load_at(BIAS, &ram) == 0, "DT_RELR");
    for (uint64_t i = 0; i < ELFGEN_WORDS; i++) {
        bool moved = i == 1 || i == 2 || i == 4 || i == 64;
        wrong += word(ram, ELFGEN_WORD + 8 * i) != i + 1 + (moved ? BIAS : 0);
    }
    is_u64(wrong, 0, "moves the word of its address and those of its bitmap, and no other");
    free(ram);
    close_image();

    /* an address, and two bitmaps: words 1 to 63 and words 64 to 126 */
    wrong = 0;
    ok(open_image((const char *const[]){"no-rela", "relr-entry=0x4000", "relr-entry=0xffffffffffffffff",
                                        "relr-entry=0xffffffffffffffff", NULL}) &&
           load_at(BIAS, &ram) == 0,
       "two bitmaps in a row");
    for (uint64_t i = 0; i < ELFGEN_WORDS; i++)
        wrong += word(ram, ELFGEN_WORD + 8 * i) != i + 1 + (i < 127 ? BIAS : 0);
    is_u64(wrong, 0, "move 127 words");
    free(ram);
    close_image();
}

static void refused(const char *change, const char *more, const char *wanted) {
    uint8_t *ram;
    if (!ok(open_image((const char *const[]){change, more, NULL}), "%s %s: opens", change, more ? more : ""))
        return;
    bool good = load_at(BIAS, &ram) == -1 && err.status == EXIT_IMAGE && strstr(err.text, wanted) &&
                strncmp(err.text, image.path, strlen(image.path)) == 0;
    if (!ok(good, "%s: refused when it is loaded", change))
        diag("%s", err.text);
    free(ram);
    close_image();
}

/* IMG-04 */
static void test_refusals(void) {
    refused("rela-type=1", NULL, "type 1;");   /* R_X86_64_64 */
    refused("rela-type=6", NULL, "type 6;");   /* R_X86_64_GLOB_DAT */
    refused("rela-type=37", NULL, "type 37;"); /* R_X86_64_IRELATIVE */
    refused("rela-type=0", NULL, "type 0;");
    refused("rela-target=0x2000", NULL, "0x2000"); /* code */
    refused("rela-target=0x1000", NULL, "0x1000"); /* read-only data */
    refused("rela-target=0x2ffc", NULL, "0x2ffc"); /* between segments, and into the next */
    refused("rela-target=0x67f9", NULL, "0x67f9"); /* its last byte is outside */
    refused("rela-target=0x6800", NULL, "0x6800");
    refused("rela-target=0xfffffffffffffffc", NULL, "0xfffffffffffffffc"); /* wraps */
    refused("rela-add=0x2000", NULL, "0x2000");
    refused("relr-entry=0x2000", "no-rela", "0x2000");
    refused("relr-entry=0x67fa", "no-rela", "0x67fa");
    refused("relr-entry=1", "relr-entry=3", "0x1f8"); /* a bitmap without an address */
    refused("relr-entry=0x67f8", "relr-entry=3", "0x6800");
}

/* Any byte of the relocation tables may be anything: no write outside, no crash. */
static void test_any_byte(void) {
    unsigned accepted = 0, tried = 0;
    ok(open_image((const char *const[]){"rela-add=0x4010", "relr", NULL}), "tables to damage");
    for (unsigned at = 0; at < 64; at++)
        for (unsigned value = 0; value < 256; value += 5) {
            uint8_t *ram, old, new = (uint8_t)value;
            off_t offset = at < 48 ? ELFGEN_RELA + at : ELFGEN_RELR + at - 48;
            if (pread(file, &old, 1, offset) != 1 || pwrite(file, &new, 1, offset) != 1)
                abort();
            accepted += load_at(BIAS, &ram) == 0;
            tried++;
            free(ram);
            if (pwrite(file, &old, 1, offset) != 1)
                abort();
        }
    close_image();
    ok(accepted > 0 && accepted < tried, "%u damaged tables: %u harmless, the rest refused", tried, accepted);
}

int main(void) {
    test_segments();
    test_rela();
    test_relr();
    test_refusals();
    test_any_byte();
    return done_testing();
}
