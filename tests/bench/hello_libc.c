/* SPDX-License-Identifier: MIT */
/* The smallest ordinary C program, for the rows boot-libc and image-size. */
#include <stdio.h>

int main(int argc, char **argv) {
    printf("hello, %s: %d argument(s)\n", argc > 1 ? argv[1] : "world", argc);
    return 0;
}
