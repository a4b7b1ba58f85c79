/* SPDX-License-Identifier: MIT */
/* The program as a file: /proc/self/exe, by link, by descriptor and by name. */
#include "tap.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void test_link(const char *name) {
    char path[PATH_MAX] = "", cut[5] = {0}, again[PATH_MAX];
    struct stat link, by_link, by_path;
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    ok(length > 1 && path[0] == '/', "readlink() gives an absolute path");
    is_str(base_name(path), base_name(name), "its last part is the program's name");
    is_u64((uint64_t)readlink("/proc/self/exe", cut, 4), 4, "it is cut off to the buffer's size");
    ok(memcmp(cut, path, 4) == 0, "and what is there is right");
    ok(lstat("/proc/self/exe", &link) == 0 && S_ISLNK(link.st_mode), "it is a symbolic link");
    ok(stat("/proc/self/exe", &by_link) == 0 && S_ISREG(by_link.st_mode), "to a regular file");
    ok((by_link.st_mode & 0100) && access("/proc/self/exe", R_OK | X_OK) == 0, "that can be executed");
    ok(stat(path, &by_path) == 0 && by_path.st_ino == by_link.st_ino && by_path.st_dev == by_link.st_dev,
       "the path that it names is the same file");
    ok(realpath("/proc/self/exe", again) && strcmp(again, path) == 0, "realpath() gives that path");
}

/* The section of a name is behind all segments: only the file has it. */
static bool has_section(const uint8_t *file, size_t size, const char *wanted) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(file + header->e_shoff);
    if (header->e_shoff + header->e_shnum * sizeof *sections > size || header->e_shstrndx >= header->e_shnum)
        return false;
    const Elf64_Shdr *names = &sections[header->e_shstrndx];
    for (unsigned i = 0; i < header->e_shnum; i++)
        if (names->sh_offset + sections[i].sh_name < size &&
            strcmp((const char *)file + names->sh_offset + sections[i].sh_name, wanted) == 0)
            return true;
    return false;
}

static void test_content(void) {
    static uint8_t head[sizeof(Elf64_Ehdr)];
    struct stat status;
    int fd = open("/proc/self/exe", O_RDONLY);
    ok(fd >= 0 && fstat(fd, &status) == 0, "it can be opened");
    size_t size = (size_t)status.st_size;
    is_u64((uint64_t)read(fd, head, sizeof head), sizeof head, "and read");
    ok(memcmp(head, ELFMAG, SELFMAG) == 0, "it begins as an ELF file");
    is_u64(((Elf64_Ehdr *)head)->e_phnum, getauxval(AT_PHNUM), "with as many segments as the program has");
    ok(memcmp((void *)(getauxval(AT_PHDR) - ((Elf64_Ehdr *)head)->e_phoff), head, sizeof head) == 0,
       "its header is the one in memory");
    const uint8_t *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    ok(map != MAP_FAILED, "it can be mapped");
    ok(has_section(map, size, ".symtab") && has_section(map, size, ".shstrtab"), "and has what was not loaded");
    ok(pread(fd, head, 1, (off_t)size) == 0 && pread(fd, head, 2, (off_t)size - 1) == 1,
       "its end is where stat() says");
    ok(lseek(fd, 0, SEEK_END) == (off_t)size, "and lseek()");
    munmap((void *)map, size);
    close(fd);
}

static void test_writing(void) {
    char path[PATH_MAX] = "";
    ok(open("/proc/self/exe", O_WRONLY) < 0 && errno == ETXTBSY, "opened for writing: ETXTBSY");
    ok(open("/proc/self/exe", O_RDWR) < 0 && errno == ETXTBSY, "for both: ETXTBSY");
    ok(truncate("/proc/self/exe", 0) < 0 && errno == ETXTBSY, "truncate(): ETXTBSY");
    ok(readlink("/proc/self/exe", path, sizeof path - 1) > 0 && open(path, O_WRONLY | O_APPEND) < 0 && errno == ETXTBSY,
       "by its name: ETXTBSY");
    ok(open("/proc/self/exe", O_RDONLY | O_CREAT | O_EXCL, 0600) < 0 && errno == EEXIST, "O_CREAT | O_EXCL: EEXIST");
    ok(open("/proc/self/exe", O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP, "O_NOFOLLOW: ELOOP");
    ok(open("/proc/self/exe", O_RDONLY | O_DIRECTORY) < 0 && errno == ENOTDIR, "O_DIRECTORY: ENOTDIR");
}

int main(int argc, char **argv) {
    (void)argc;
    test_link(argv[0]);
    test_content();
    test_writing();
    return done_testing();
}
