/* SPDX-License-Identifier: MIT */
/* console DEED: uses the standard streams, and says on standard error what came of it; in a guest or on the host alike.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(const char *text) {
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        perror("write");
}

/* ---- ends after a few words: all of them have to come out */

static void last_words(void) {
    put("written\n");
    printf("printed\n");
    fflush(stdout);
    for (int i = 0; i < 2000; i++)
        printf("line %d\n", i);
    fflush(stdout);
    put("the last, without an end of line");
}

static void end_by_fault(void) {
    last_words();
    static volatile int *volatile nowhere;
    *nowhere = 1;
}

static void end_by_division(void) {
    volatile int zero = 0;
    last_words();
    exit(7 / zero);
}

static void end_by_abort(void) {
    last_words();
    abort();
}

static void end_by_exit(void) {
    last_words();
    _exit(9);
}

static void end_by_signal(void) {
    last_words();
    raise(SIGTERM);
}

static void overflow(int depth) {
    volatile char frame[1000];
    memset((char *)frame, depth, sizeof frame);
    if (frame[999] == (char)depth) /* always */
        overflow(depth + 1);
    frame[0] = 1;
}

static void end_by_overflow(void) {
    last_words();
    overflow(0);
}

static const struct {
    const char *name;
    void (*run)(void);
} deeds[] = {
    {"fault", end_by_fault}, {"division", end_by_division}, {"abort", end_by_abort},
    {"exit", end_by_exit},   {"overflow", end_by_overflow}, {"signal", end_by_signal},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof deeds / sizeof *deeds; i++)
        if (strcmp(argv[1], deeds[i].name) == 0) {
            deeds[i].run();
            return 0;
        }
    fprintf(stderr, "there is no such deed\n");
    return 2;
}
