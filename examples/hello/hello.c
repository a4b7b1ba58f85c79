/* SPDX-License-Identifier: MIT */
/*
 * The first unikernel: a greeting, its arguments and its environment.
 *
 *     build/ukvm run -e PLACE=here build/examples/hello.elf one two
 *
 * `--exit N` ends it with status N.
 */
#include "ukvm.h"

static int exit_status(int argc, char **argv) {
    uint64_t status = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--exit") != 0)
            continue;
        if (i + 1 == argc || !uk_parse_u64(argv[i + 1], &status) || status > 255) {
            uk_eprintf("hello: --exit needs a number from 0 to 255\n");
            return 2;
        }
    }
    return (int)status;
}

int main(int argc, char **argv, char **envp) {
    uk_printf("Hello from a unikernel in ring 3.\n");
    for (int i = 0; i < argc; i++)
        uk_printf("argv[%d] = %s\n", i, argv[i]);
    for (; *envp; envp++)
        uk_printf("env %s\n", *envp);
    return exit_status(argc, argv);
}
