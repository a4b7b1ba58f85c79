/* SPDX-License-Identifier: MIT */
#include "kind.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const struct {
    const char *magic, *kind;
} magics[] = {
    {"#!", "a script; a guest runs one program, so build the script's interpreter with ukvm-cc and give it the script"},
    {"!<arch>\n", "an archive of object files; link it: ukvm-cc -o app.elf FILE"},
    {"!<thin>\n", "an archive of object files; link it: ukvm-cc -o app.elf FILE"},
    {"MZ", "a program for Windows or UEFI; build it from its source with ukvm-cc"},
    {"\xcf\xfa\xed\xfe", "a program for macOS; build it from its source with ukvm-cc"},
    {"\x1f\x8b", "compressed; unpack it first"},
    {"\xfd"
     "7zXZ",
     "compressed; unpack it first"},
    {"\x28\xb5\x2f\xfd", "compressed; unpack it first"},
    {"BZh", "compressed; unpack it first"},
};

/* ASCII or UTF-8, as far as a look at each byte tells. */
static bool is_text(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] < ' ' && !strchr("\t\n\v\f\r", bytes[i] ? bytes[i] : 1))
            return false;
    return true;
}

const char *kind_of_bytes(const void *bytes, size_t size) {
    if (size == 0)
        return "an empty file";
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        size_t length = strlen(magics[i].magic);
        if (size >= length && memcmp(bytes, magics[i].magic, length) == 0)
            return magics[i].kind;
    }
    return is_text(bytes, size) ? "text; if it is a program's source, compile it: ukvm-cc -o app.elf FILE" : NULL;
}

const char *kind_of_type(unsigned type) {
    switch (type) {
    case ET_REL:
        return "an object file, not an executable; link it: ukvm-cc -o app.elf FILE";
    case ET_CORE:
        return "a core dump, not an executable; give the image that it came from";
    default:
        return "not an executable; build it with ukvm-cc";
    }
}
