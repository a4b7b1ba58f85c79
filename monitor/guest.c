/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "bootpage.h"
#include "image/load.h"
#include "io/ring.h"
#include "machine/paging.h"
#include "machine/traps.h"

/* What the page tables of a small guest take. */
#define PAGING_TYPICAL (8 * UKVM_PAGE_SIZE)

struct randomness {
    uint8_t entropy[UKVM_ENTROPY_SIZE];
    uint64_t layout[LAYOUT_RANDOM_WORDS];
};

static int read_randomness(struct randomness *randomness, struct error *err) {
    if (getrandom(randomness, sizeof *randomness, 0) != (ssize_t)sizeof *randomness)
        return error_set(err, EXIT_MONITOR, "getrandom: %s", strerror(errno));
    return 0;
}

static int map_memory(struct guest *guest, struct error *err) {
    const struct layout *layout = &guest->layout;
    return region_map(&guest->ram, layout->ram_base, layout->ram_size, "guest memory (--mem)", err) ||
                   region_map(&guest->system, layout->system_base, layout->system_size, "the guest's tables", err) ||
                   vm_add_region(&guest->vm, &guest->ram, VM_READ_WRITE, err) ||
                   vm_add_region(&guest->vm, &guest->system, VM_READ_WRITE, err)
               ? -1
               : 0;
}

static int map_initrd(struct guest *guest, const struct initrd *initrd, struct error *err) {
    if (initrd->size == 0)
        return 0;
    return region_map_file(&guest->initrd, guest->layout.initrd_base, initrd->fd, initrd->size, initrd->path, err) ||
                   vm_add_region(&guest->vm, &guest->initrd, VM_READ_ONLY, err)
               ? -1
               : 0;
}

/* BOOT-09. */
static int map_image_file(struct guest *guest, struct error *err) {
    const struct layout *layout = &guest->layout;
    const struct image *image = guest->image;
    if (layout->file_size == 0)
        return 0;
    return region_map_file(&guest->file, layout->file_base, image->fd, layout->file_size, image->path, err) ||
                   vm_add_region(&guest->vm, &guest->file, VM_READ_ONLY, err)
               ? -1
               : 0;
}

/* Who may do what where: all of the guest's rights to memory are in this one function. */
static int build_paging(struct guest *guest, struct error *err) {
    const struct layout *layout = &guest->layout;
    const struct {
        uint64_t base, size;
        uint32_t prot;
        enum paging_level level;
    } provided[] = {
        {layout->system_base + SYSTEM_TABLES_OFFSET, UKVM_PAGE_SIZE, UKVM_PROT_READ | UKVM_PROT_EXEC,
         PAGING_SUPERVISOR},
        {layout->system_base + SYSTEM_TRAP_STACK_OFFSET, UKVM_PAGE_SIZE, UKVM_PROT_READ | UKVM_PROT_WRITE,
         PAGING_SUPERVISOR},
        {layout->system_base + SYSTEM_EDIT_OFFSET, UKVM_PAGE_SIZE, UKVM_PROT_READ, PAGING_SUPERVISOR},
        {layout->system_base + layout->paging_offset, layout->paging_size, UKVM_PROT_READ | UKVM_PROT_WRITE,
         PAGING_SUPERVISOR},
        {layout->boot_base, layout->boot_size, UKVM_PROT_READ, PAGING_USER},
        {layout->rings_base, layout->rings_size, UKVM_PROT_READ | UKVM_PROT_WRITE, PAGING_USER},
        {layout->arena_base, layout->arena_size, UKVM_PROT_READ | UKVM_PROT_WRITE, PAGING_USER},
    };
    struct paging *paging = &guest->paging;
    region_populate(&guest->system, layout->paging_offset, PAGING_TYPICAL);
    if (paging_init(paging, &guest->system, layout->paging_offset, layout->paging_size, err))
        return -1;
    for (unsigned i = 0; i < layout->ranges_count; i++) {
        const struct ukvm_range *range = &layout->ranges[i];
        if (paging_map(paging, range->base, range->size, range->prot, PAGING_USER, err))
            return -1;
    }
    for (unsigned i = 0; i < sizeof provided / sizeof *provided; i++)
        if (paging_map(paging, provided[i].base, provided[i].size, provided[i].prot, provided[i].level, err))
            return -1;
    return 0;
}

static uint64_t wall_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int write_boot_pages(struct guest *guest, const struct config *config, const struct devices *devices,
                            const struct randomness *randomness, struct error *err) {
    struct bootpage_source source = {
        .config = config,
        .devices = devices,
        .layout = &guest->layout,
        .wall_base = wall_clock_ns(),
    };
    if (vm_start_clock(&guest->vm, &guest->clock, err))
        return -1;
    source.clock = guest->clock;
    memcpy(source.entropy, randomness->entropy, sizeof source.entropy);
    return bootpage_write(&source, &guest->system, err);
}

int guest_build(struct guest *guest, const struct config *config, const struct image *image,
                const struct initrd *initrd, const struct devices *devices, struct error *err) {
    struct randomness randomness;
    guest->image = image;
    if (read_randomness(&randomness, err))
        return -1;
    struct layout_request request = {
        .image = image,
        .memory = config->memory,
        .boot_size = bootpage_size(config),
        .rings_size = sizeof(struct ring_memory),
        .arena_size = devices_arena_size(devices),
        .initrd_size = initrd->size,
        .file_size = image->note.features & UKVM_FEATURE_IMAGE_FILE ? image->file_size : 0,
        .address_bits = guest->vm.cpu.address_bits,
    };
    memcpy(request.random, randomness.layout, sizeof request.random);
    if (layout_plan(&request, &guest->layout, err) || map_memory(guest, err) || map_initrd(guest, initrd, err) ||
        map_image_file(guest, err) || vm_add_vcpu(&guest->vm, err) ||
        image_load(image, &guest->ram, guest->layout.bias, err))
        return -1;

    struct vm_entry entry = {
        .system = &guest->system,
        .rip = guest->layout.entry,
        .rsp = guest->layout.stack_base + guest->layout.stack_size,
        .rdi = guest->layout.boot_base,
    };
    traps_build(&guest->system);
    if (build_paging(guest, err))
        return -1;
    entry.page_table = guest->paging.root;
    if (vm_set_entry(&guest->vm, &entry, err))
        return -1;
    return write_boot_pages(guest, config, devices, &randomness, err);
}
