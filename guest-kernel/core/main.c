/* SPDX-License-Identifier: MIT */
/* The program of an image without a C library. */
#include "start.h"

int main(int argc, char **argv, char **envp);

void uk_main(int argc, char **argv, char **envp) {
    uk_exit(main(argc, argv, envp));
}
