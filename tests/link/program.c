/* SPDX-License-Identifier: MIT */
/* What a linker can get wrong: constructors and their order, thread-local data, pointers in read-only data, a large
 * bss. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#ifdef WITH_PART
int part(int number);
#endif

static char zeroes[3 << 20];
static __thread int counted = 40;
static __thread char aligned[64] __attribute__((aligned(64)));
static int made;

__attribute__((constructor(200))) static void second(void) {
    made = made * 10 + 2;
}

__attribute__((constructor(150))) static void first(void) {
    made = made * 10 + 1;
}

__attribute__((destructor)) static void end(void) {
    puts("end");
}

static int add(int a, int b) {
    return a + b;
}

static int take(int a, int b) {
    return a - b;
}

static int (*const table[])(int, int) = {add, take};

static void *thread(void *argument) {
    counted += table[0](1, 1);
    memset(aligned, 1, sizeof aligned);
    printf("thread %d\n", counted);
    return argument;
}

int main(int argc, char **argv) {
    pthread_t id;
    (void)argv;
    printf("made %d\n", made);
    pthread_create(&id, NULL, thread, zeroes);
    pthread_join(id, NULL);
    counted -= table[argc > 0](5, 5);
    printf("main %d %d %d\n", counted, zeroes[sizeof zeroes - 1], (int)((unsigned long)aligned % 64));
#ifdef WITH_PART
    printf("part %d\n", part(7));
#endif
    return 7;
}
