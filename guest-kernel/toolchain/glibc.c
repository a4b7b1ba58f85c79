/* SPDX-License-Identifier: MIT */
/*
 * What Debian's libraries of the compiler, built for glibc, ask of a C library beyond what musl has: libstdc++ and
 * libgfortran. Only in images that refer to it. What the unwinder and C++ need is in cxx.c.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

uint32_t arc4random(void);
long double jnl(int n, long double x);
long double ynl(int n, long double x);
int __issignaling(double x);
int __issignalingf(float x);
int __issignalingl(long double x);
int __issignalingf128(__float128 x);

/* glibc: <stdlib.h>. The kernel's generator never blocks and never fails for so little. */
uint32_t arc4random(void) {
    uint32_t value;
    if (getrandom(&value, sizeof value, 0) != sizeof value)
        abort();
    return value;
}

/* glibc: <math.h>. Bessel's functions, no more exact than for a double. */
long double jnl(int n, long double x) {
    return jn(n, (double)x);
}

long double ynl(int n, long double x) {
    return yn(n, (double)x);
}

/* glibc: <math.h>, behind issignaling(). The highest bit of the fraction is clear in a NaN that signals. */
int __issignaling(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isnan(x) && !(bits >> 51 & 1);
}

int __issignalingf(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isnan(x) && !(bits >> 22 & 1);
}

int __issignalingl(long double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isnan(x) && !(bits >> 62 & 1);
}

int __issignalingf128(__float128 x) {
    uint64_t bits[2];
    memcpy(bits, &x, sizeof bits);
    return x != x && !(bits[1] >> 47 & 1);
}
