/* SPDX-License-Identifier: MIT */
/*
 * What Rust's library, built for glibc, asks of it beyond what musl has. In a library of its own, which only rustc
 * names: a configure script that finds these would take musl for glibc.
 */
#include <resolv.h>

int __res_init(void);
const char *gnu_get_libc_version(void);

/* glibc: behind res_init() in <resolv.h>. musl reads /etc/resolv.conf each time anyway. */
int __res_init(void) {
    return res_init();
}

/* glibc: <gnu/libc-version.h>. Below 2.26 it would call __res_init() after each failure. */
const char *gnu_get_libc_version(void) {
    return "2.36";
}
