/* SPDX-License-Identifier: MIT */
/*
 * What Debian's libstdc++ and libgcc_eh, built for glibc, ask for beyond what musl has: enough for ukvm-c++ to link
 * with them. Only in images that refer to it.
 */
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

/* The linker's. There is one object, the image. */
extern char __ehdr_start[] __attribute__((visibility("hidden")));
extern char __GNU_EH_FRAME_HDR[] __attribute__((visibility("hidden")));
extern char _end[] __attribute__((visibility("hidden")));

int _dl_find_object(void *address, struct dl_find_object *result);

int _dl_find_object(void *address, struct dl_find_object *result) {
    uintptr_t at = (uintptr_t)address;
    if (at < (uintptr_t)__ehdr_start || at >= (uintptr_t)_end)
        return -1;
    *result = (struct dl_find_object){
        .map_start = __ehdr_start,
        .map_end = _end,
        .eh_frame_header = __GNU_EH_FRAME_HDR,
    };
    return 0;
}

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
