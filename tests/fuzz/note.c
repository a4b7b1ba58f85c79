/* SPDX-License-Identifier: MIT */
/* links: monitor/image/kind.c */
/* links: monitor/image/image.c monitor/base/error.c tests/lib/elfgen.c tests/lib/elfgen_changes.c */
/*
 * The notes of an otherwise correct image: IMG-05 and IMG-06. The input is the alignment of the notes, and the notes;
 * the command line has one disk and one network device.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../lib/elfgen.h"
#include "image/image.h"

static int file = -1;
static char path[32];
static uint8_t bytes[ELFGEN_FILE_MAX];
static struct elfgen elf;

static void set_up(void) {
    file = memfd_create("image", MFD_CLOEXEC);
    must(file >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    elfgen_init(&elf);
}

static void check_notes(const struct image *image) {
    must(image->note.version > 0 && image->note.version <= UKVM_ABI_VERSION && image->note.reserved == 0);
    must((image->note.features & ~UKVM_FEATURES_V1) == 0 && image->stack_size > 0 &&
         image->stack_size <= UKVM_STACK_MAX && image->stack_wanted <= UKVM_STACK_MAX);
    must(image->device_notes_count <= IMAGE_MAX_DEVICE_NOTES);
    for (unsigned i = 0; i < image->device_notes_count; i++) {
        const struct ukvm_note_device *note = &image->device_notes[i];
        must(note->kind == UKVM_DEVICE_BLK || note->kind == UKVM_DEVICE_NET);
        must(strnlen(note->name, sizeof note->name) < sizeof note->name);
        must((note->name[0] == '\0') == ((note->flags & UKVM_NOTE_ANY) != 0));
    }
}

/* IMG-06, said in another way than image_check_devices() does. */
static bool devices_fit(const struct image *image, const struct config *config) {
    for (unsigned i = 0; i < image->device_notes_count; i++) {
        const struct ukvm_note_device *note = &image->device_notes[i];
        unsigned found = 0;
        for (unsigned j = 0; j < config->devices_count; j++)
            found += note->kind == config->devices[j].kind && strcmp(note->name, config->devices[j].name) == 0;
        if (note->flags == 0 && found == 0)
            return false;
    }
    for (unsigned j = 0; j < config->devices_count; j++) {
        unsigned named = 0;
        for (unsigned i = 0; i < image->device_notes_count; i++) {
            const struct ukvm_note_device *note = &image->device_notes[i];
            named += note->kind == config->devices[j].kind &&
                     (note->flags >= UKVM_NOTE_ANY || strcmp(note->name, config->devices[j].name) == 0);
        }
        if (named == 0)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct config config = {
        .devices = {{.kind = UKVM_DEVICE_BLK, .name = "data"}, {.kind = UKVM_DEVICE_NET, .name = "net"}},
        .devices_count = 2,
    };
    struct error err = {0};
    struct image image;
    if (file < 0)
        set_up();
    if (size < 2 || size - 1 > ELFGEN_NOTES_MAX)
        return 0;
    elf.phdr[ELFGEN_P_NOTE].p_align = data[0];
    elf.phdr[ELFGEN_P_NOTE].p_filesz = elf.phdr[ELFGEN_P_NOTE].p_memsz = size - 1;
    size_t file_size = elfgen_build(&elf, bytes);
    memset(bytes + ELFGEN_NOTES, 0, ELFGEN_NOTES_MAX);
    memcpy(bytes + ELFGEN_NOTES, data + 1, size - 1);
    must(pwrite(file, bytes, file_size, 0) == (ssize_t)file_size);
    if (image_open(path, &image, &err)) {
        must_be_explained(&err);
        return 0;
    }
    check_notes(&image);
    bool fits = image_check_devices(&image, &config, &err) == 0;
    must(fits == devices_fit(&image, &config));
    if (!fits)
        must_be_explained(&err);
    close(image.fd);
    return 0;
}
