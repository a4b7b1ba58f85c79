/* SPDX-License-Identifier: MIT */
/*
 * What Debian's libstdc++ and libgcc_eh, built for glibc, ask for beyond what musl has: enough for ukvm-c++ to link
 * with them. Only in images that refer to it.
 */
#include <elf.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

/* glibc: <sys/single_threaded.h>. Threads are cooperative: a plain counter is as good as an atomic one. */
char __libc_single_threaded = 1;

/* glibc: <dlfcn.h>, struct dl_find_object on x86-64. Where the unwinder finds the tables for an address. */
struct dl_find_object {
    unsigned long long flags;
    void *map_start, *map_end;
    void *link_map;
    void *eh_frame_header;
    unsigned long long reserved[7];
};

/* The linker's, whichever it is. There is one object, the image. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
extern char _end[] __attribute__((visibility("hidden")));

int _dl_find_object(void *address, struct dl_find_object *result);

/* An image that is not static-PIE has its addresses in the headers, and its lowest segment is not at 0. */
static const Elf64_Phdr *find_tables(uintptr_t *bias) {
    const Elf64_Phdr *headers = (const void *)((const char *)&__ehdr_start + __ehdr_start.e_phoff), *tables = NULL;
    for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
        if (headers[i].p_type == PT_LOAD && headers[i].p_offset == 0)
            *bias = (uintptr_t)&__ehdr_start - headers[i].p_vaddr;
        if (headers[i].p_type == PT_GNU_EH_FRAME)
            tables = &headers[i];
    }
    return tables;
}

int _dl_find_object(void *address, struct dl_find_object *result) {
    uintptr_t at = (uintptr_t)address, bias = 0;
    if (at < (uintptr_t)&__ehdr_start || at >= (uintptr_t)_end)
        return -1;
    const Elf64_Phdr *tables = find_tables(&bias);
    if (!tables)
        return -1;
    *result = (struct dl_find_object){
        .map_start = (void *)(uintptr_t)&__ehdr_start,
        .map_end = _end,
        .eh_frame_header = (void *)(bias + tables->p_vaddr),
    };
    return 0;
}

/*
 * The unwinder's references to threads are weak, and it takes all of them for there when one is. Nothing else here
 * takes them out of the library.
 */
__attribute__((used)) static void (*const referenced[])(void) = {
    (void (*)(void))pthread_once,        (void (*)(void))pthread_key_create, (void (*)(void))pthread_getspecific,
    (void (*)(void))pthread_setspecific, (void (*)(void))pthread_mutex_lock, (void (*)(void))pthread_mutex_unlock,
};

/* musl/src/locale/c_locale.c, and musl's <ctype.h> as the Linux Standard Base has it */
extern struct locale {
    const void *unused[13];
    const void *tables[3];
} uk_c_locale, uk_utf8_locale;
const unsigned short **__ctype_b_loc(void);
const int32_t **__ctype_tolower_loc(void);
const int32_t **__ctype_toupper_loc(void);

/* Before any constructor of the program: std::cout's copies from here. */
__attribute__((constructor(101))) static void fill_locales(void) {
    uk_c_locale.tables[0] = *__ctype_b_loc();
    uk_c_locale.tables[1] = *__ctype_tolower_loc();
    uk_c_locale.tables[2] = *__ctype_toupper_loc();
    memcpy(uk_utf8_locale.tables, uk_c_locale.tables, sizeof uk_utf8_locale.tables);
}
