/* SPDX-License-Identifier: MIT */
/* links: monitor/base/trace.c monitor/base/error.c */
#include "base/trace.h"

#include <unistd.h>

#include "tap.h"

static int reader, writer;

/* What is printed on standard error meanwhile goes to the pipe. */
static const char *printed(void) {
    static char text[1024];
    ssize_t n = read(reader, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void test_lists(void) {
    static const struct {
        const char *list;
        trace_mask mask;
    } good[] = {
        {"boot", 1u << TRACE_BOOT},
        {"exits", 1u << TRACE_EXITS},
        {"ring", 1u << TRACE_RING},
        {"ring,boot", 1u << TRACE_RING | 1u << TRACE_BOOT},
        {"boot,exits,ring", (1u << TRACE_COUNT) - 1},
        {"boot,boot", 1u << TRACE_BOOT},
    };
    struct error err;
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
        trace_mask mask = 0;
        ok(trace_parse(good[i].list, &mask, &err) == 0 && mask == good[i].mask, "'%s'", good[i].list);
    }
    trace_mask mask = 0;
    ok(trace_parse(NULL, &mask, &err) == 0 && mask == (1u << TRACE_COUNT) - 1, "no list is all of them");
    static const char *const bad[] = {"",     ",",   "boot,", ",boot",     "boot,,ring",
                                      "Boot", "boo", "boots", "boot ring", "all"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (struct error){0};
        ok(trace_parse(bad[i], &mask, &err) == -1 && err.status == EXIT_MONITOR && strstr(err.text, "--trace") &&
               strstr(err.text, "boot, exits, ring"),
           "'%s' is refused; the message says what there is", bad[i]);
    }
    trace_parse("ring,nonsense,boot", &mask, &err);
    ok(strstr(err.text, "'nonsense'") != NULL, "the message names the one word that is wrong");
}

static int evaluated(void) {
    static int count;
    return ++count;
}

static void test_printing(void) {
    char text[1024];
    trace_enable(1u << TRACE_RING);
    ok(trace_on(TRACE_RING) && !trace_on(TRACE_BOOT) && !trace_on(TRACE_EXITS), "one category is on");
    trace(TRACE_BOOT, "not printed %d", evaluated());
    trace(TRACE_RING, "printed %d", evaluated());
    snprintf(text, sizeof text, "%s", printed());
    ok(strncmp(text, "ukvm: ring: ", 12) == 0, "a line says which category it is of");
    ok(strstr(text, " printed 1\n") != NULL, "and what happened; what is off is not even evaluated");
    long long seconds;
    unsigned micros;
    ok(sscanf(text, "ukvm: ring: %lld.%06u printed", &seconds, &micros) == 2, "and when");

    char filler[600];
    memset(filler, 'x', sizeof filler);
    unsigned wrong = 0;
    for (unsigned length = 0; length < sizeof filler; length++) {
        trace(TRACE_RING, "%.*s", (int)length, filler);
        const char *line = printed();
        size_t got = strlen(line);
        wrong += got == 0 || got > 256 || line[got - 1] != '\n' || strchr(line, '\n') != line + got - 1;
        wrong += length < 200 && strspn(strchr(line, 'x') ? strchr(line, 'x') : "", "x") != length;
    }
    is_u64(wrong, 0, "a line of any length is one write with one line end");

    trace_enable(0);
    trace(TRACE_RING, "off");
    trace_enable((1u << TRACE_COUNT) - 1);
    for (enum trace_category i = 0; i < TRACE_COUNT; i++)
        trace_print(i, "x");
    const char *all = printed();
    ok(strncmp(all, "ukvm: boot: ", 12) == 0 && strstr(all, "\nukvm: exits: ") && strstr(all, "\nukvm: ring: "),
       "each category has a name");
}

int main(void) {
    int pipe_ends[2];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (pipe(pipe_ends) < 0)
        return 1;
    reader = pipe_ends[0];
    writer = pipe_ends[1];
    test_lists();
    int stderr_copy = dup(STDERR_FILENO);
    dup2(writer, STDERR_FILENO);
    test_printing();
    close(STDERR_FILENO);
    trace(TRACE_RING, "to nobody");
    ok(true, "a closed standard error is no reason to end");
    dup2(stderr_copy, STDERR_FILENO);
    return done_testing();
}
