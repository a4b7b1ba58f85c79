/* SPDX-License-Identifier: MIT */
/* mkelf OUT [CHANGE...]: writes a correct ukvm image that exits with status 42, or one with the defects named. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/elfgen.h"

int main(int argc, char **argv) {
    static struct elfgen image;
    static uint8_t bytes[ELFGEN_FILE_MAX];
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        printf("Usage: mkelf OUT [CHANGE...]\n%s", elfgen_help);
        return argc < 2 ? 2 : 0;
    }
    elfgen_init(&image);
    for (int i = 2; i < argc; i++)
        if (elfgen_change(&image, argv[i])) {
            fprintf(stderr, "mkelf: there is no change '%s', see mkelf --help\n", argv[i]);
            return 2;
        }
    size_t size = elfgen_build(&image, bytes);
    FILE *out = fopen(argv[1], "wb");
    if (!out || fwrite(bytes, 1, size, out) != size || fclose(out) != 0) {
        fprintf(stderr, "mkelf: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    return 0;
}
