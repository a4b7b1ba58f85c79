/* SPDX-License-Identifier: MIT */
/*
 * Variables with more alignment than a page: with a value, without, and of a thread. A C library that loads itself gets
 * some of these wrong on a host, so there is no native run to compare with.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

static _Alignas(8192) char data8k[16] = {1};
static _Alignas(65536) char data64k[16] = {2};
static _Alignas(65536) char zeroes[16];
static const _Alignas(8192) char constants[16] = {3};
static _Thread_local _Alignas(8192) char own[16] = {4};
static _Thread_local _Alignas(8192) char own_zeroes[16];

static void check(const char *name, const volatile char *at, uintptr_t alignment) {
    uintptr_t address = (uintptr_t)at;
    __asm__ volatile("" : "+r"(address)); /* the compiler takes the alignment for granted */
    printf("%s: %s, %d\n", name, address % alignment ? "MISALIGNED" : "aligned", *at);
}

static void *thread(void *name) {
    printf("%s\n", (const char *)name);
    check("thread-local data", own, 8192);
    check("thread-local zeroes", own_zeroes, 8192);
    return NULL;
}

int main(void) {
    static char first[] = "the first thread", second[] = "another thread";
    pthread_t other;
    check("data of 8 KiB", data8k, 8192);
    check("data of 64 KiB", data64k, 65536);
    check("zeroes", zeroes, 65536);
    check("constants", constants, 8192);
    thread(first);
    if (pthread_create(&other, NULL, thread, second) == 0)
        pthread_join(other, NULL);
    return 0;
}
