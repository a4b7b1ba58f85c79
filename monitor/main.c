/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "ukvm_abi.h"

#ifndef UKVM_VERSION
#define UKVM_VERSION "unknown"
#endif

static const struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv, struct error *err);
} commands[] = {
    {"run", "run a unikernel", cmd_run},
    {"policy", "print what the monitor may do while a guest runs", cmd_policy},
    {"doctor", "check whether this host can run guests", cmd_doctor},
};

static void print_help(FILE *to) {
    fputs("Usage: ukvm COMMAND [OPTION...]\n"
          "Run unikernels on KVM, one in each process, with nothing of the host in reach.\n"
          "\n",
          to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  ukvm %-10s %s; see ukvm %s --help\n", commands[i].name, commands[i].summary, commands[i].name);
    fputs("  ukvm version    print the version of the program and of the guest ABI\n"
          "  ukvm --help     print this text\n",
          to);
}

static int dispatch(int argc, char **argv, struct error *err) {
    if (argc < 2) {
        print_help(stderr);
        return EXIT_MONITOR;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        printf("ukvm " UKVM_VERSION ", guest ABI %u\n", UKVM_ABI_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1, err);
    return error_set(err, EXIT_MONITOR, "there is no command '%s', see ukvm --help", argv[1]);
}

/* What a command has printed may still fail to be written. A guest writes past this stream. */
static int finish_output(struct error *err) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return error_set(err, EXIT_MONITOR, "standard output cannot be written: %s", strerror(errno ? errno : EIO));
}

int main(int argc, char **argv) {
    struct error err = {0};
    int status = dispatch(argc, argv, &err);
    if (status >= 0 && finish_output(&err))
        status = -1;
    if (status >= 0)
        return status;
    fprintf(stderr, "ukvm: %s\n", err.text);
    return err.status;
}
