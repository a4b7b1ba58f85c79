/* SPDX-License-Identifier: MIT */
/* links: guest-kernel/posix/fs/archive.c guest-kernel/posix/fs/member.c guest-kernel/posix/fs/tar.c */
/* links: guest-kernel/posix/fs/tar_number.c guest-kernel/posix/fs/tar_pax.c guest-kernel/posix/fs/tar_sparse.c */
/* links: guest-kernel/posix/fs/cpio.c */
#include "posix/fs/archive.h"

#include <errno.h>

#include "tap.h"

/* ---- an archive under construction */

static uint8_t built[1 << 17];
static size_t built_size;

static void put(const void *bytes, size_t size) {
    memcpy(built + built_size, bytes, size);
    built_size += size;
}

static void pad(size_t align) {
    while (built_size % align)
        built[built_size++] = 0;
}

static void clear(void) {
    memset(built, 0, sizeof built);
    built_size = 0;
}

static void sum(uint8_t *header) {
    unsigned total = 0;
    memset(header + 148, ' ', 8);
    for (unsigned i = 0; i < 512; i++)
        total += header[i];
    snprintf((char *)header + 148, 8, "%06o", total);
}

static uint8_t *tar_header(const char *name, char type, size_t size, const char *link) {
    uint8_t *header = built + built_size;
    memset(header, 0, 512);
    memcpy(header, name, strnlen(name, 100));
    memcpy(header + 100, "0000644", 8);
    memcpy(header + 108, "0000007", 8);
    memcpy(header + 116, "0000010", 8);
    snprintf((char *)header + 124, 12, "%011o", (unsigned)size);
    snprintf((char *)header + 136, 12, "%011o", 1000u);
    header[156] = (uint8_t)type;
    memcpy(header + 157, link, strnlen(link, 100));
    memcpy(header + 257,
           "ustar\0"
           "00",
           8);
    sum(header);
    built_size += 512;
    return header;
}

static void tar_member(const char *name, char type, const char *data, const char *link) {
    tar_header(name, type, strlen(data), link);
    put(data, strlen(data));
    pad(512);
}

static void tar_end(void) {
    memset(built + built_size, 0, 1024);
    built_size += 1024;
}

static void pax_record(char *to, const char *key, const char *value) {
    size_t length = strlen(key) + strlen(value) + 3; /* with the blank, the equals sign and the line's end */
    length += length + 1 > 9 ? length + 2 > 99 ? 3 : 2 : 1;
    sprintf(to + strlen(to), "%zu %s=%s\n", length, key, value);
}

static void cpio_member(const char *name, unsigned mode, unsigned ino, unsigned links, const char *data) {
    char header[128];
    snprintf(header, sizeof header, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ino, mode, 1, 2,
             links, 77, (unsigned)strlen(data), 0, 1, 0, 0, (unsigned)strlen(name) + 1, 0);
    put(header, 110);
    put(name, strlen(name) + 1);
    pad(4);
    put(data, strlen(data));
    pad(4);
}

/* ---- reading it: the members as text */

struct listing {
    struct uk_archive_sink sink;
    char text[8192];
    unsigned count, stop_at;
    size_t touched;
    int64_t mtime; /* of the last member */
    uint32_t mtime_nsec;
    unsigned uid;
};

static int list(struct uk_archive_sink *sink, const struct uk_member *member) {
    struct listing *listing = (struct listing *)sink;
    size_t used = strlen(listing->text);
    for (size_t i = 0; member->data && i < member->size; i++) /* all of it is there */
        listing->touched += member->data[i];
    if (member->type == UK_MEMBER_SPECIAL)
        snprintf(listing->text + used, sizeof listing->text - used, "n %s %o %u,%u\n", member->path, member->format,
                 member->major, member->minor);
    else if (!member->data)
        snprintf(listing->text + used, sizeof listing->text - used, "f %s %zu:\n", member->path, member->size);
    else
        snprintf(listing->text + used, sizeof listing->text - used, "%c %s%s%s %.*s\n", "fdsh"[member->type],
                 member -> path, member -> target ? " -> " : "", member->target ? member->target : "",
                 member->type == UK_MEMBER_FILE ? (int)member->size : 0, (const char *)member->data);
    listing->mtime = member->mtime;
    listing->mtime_nsec = member->mtime_nsec;
    listing->uid = member->uid;
    return ++listing->count == listing->stop_at ? -ENOSPC : 0;
}

static int fill(struct uk_archive_sink *sink, uint64_t offset, const uint8_t *data, size_t size) {
    struct listing *listing = (struct listing *)sink;
    size_t used = strlen(listing->text);
    snprintf(listing->text + used, sizeof listing->text - used, "  %llu %.*s\n", (unsigned long long)offset, (int)size,
             (const char *)data);
    return 0;
}

/* From a copy of just that size, so that reading past its end is noticed. */
static int read_copy(const uint8_t *bytes, size_t size, struct listing *listing, struct uk_archive_problem *problem) {
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    *listing = (struct listing){.sink = {.add = list, .fill = fill}, .stop_at = listing->stop_at};
    int result = uk_archive_read(copy, size, &listing->sink, problem);
    free(copy);
    return result;
}

static void reads_as(const char *what, const char *want) {
    static struct listing listing;
    struct uk_archive_problem problem;
    int result = read_copy(built, built_size, &listing, &problem);
    ok(result == 0 && !problem.why, "%s: read", what);
    is_str(listing.text, want, "%s: the members", what);
}

static void fails_with(const char *what, const char *want) {
    static struct listing listing;
    struct uk_archive_problem problem;
    int result = read_copy(built, built_size, &listing, &problem);
    char said[300];
    ok(result == -EINVAL && problem.why, "%s: refused", what);
    snprintf(said, sizeof said, "%s%.200s%s%s", problem.member && problem.is_behind ? "behind " : "",
             problem.member ? problem.member : "", problem.member ? ": " : "", problem.why ? problem.why : "");
    is_str(said, want, "%s: the reason", what);
}

/* ---- tests */

static void build_tar(void) {
    static char long_name[301], records[2000];
    clear();
    memset(long_name, 'n', 300);
    tar_member("./", '5', "", "");
    tar_member("./dir/", '5', "", "");
    tar_member("dir/file", '0', "content", "");
    tar_member("/absolute//twice/./file", 0, "x", "");
    tar_member("../../up", '0', "", "");
    tar_member("a/../../b/..", '5', "", "");
    tar_member("link", '2', "", "../target");
    tar_member("hard", '1', "", "./dir/file");
    tar_member("null", '3', "", "");
    tar_member("old/", 0, "", "");
    tar_member("././@LongLink", 'L', long_name, "");
    tar_member("nnn", '0', "L", "");
    records[0] = 0;
    pax_record(records, "mtime", "12345.678");
    pax_record(records, "path", "pax/name");
    pax_record(records, "linkpath", "pax-target");
    tar_member("PaxHeaders/x", 'x', records, "");
    tar_member("x", '2', "", "y");
    tar_member("PaxHeaders/g", 'g', "20 comment=whatever\n", "");
    tar_member("last", '7', "z", "");
    tar_end();
}

static void test_tar(void) {
    char want[2000], name[301];
    memset(name, 'n', 300);
    name[300] = 0;
    build_tar();
    snprintf(want, sizeof want,
             "d / \nd /dir \nf /dir/file content\nf /absolute/twice/file x\nf /up \nd / \ns /link -> ../target \n"
             "h /hard -> /dir/file \nn /null 20000 0,0\nd /old \nf /%s L\ns /pax/name -> pax-target \nf /last z\n",
             name);
    reads_as("tar", want);

    clear();
    uint8_t *header = tar_header("name", '0', 0, "");
    memcpy(header + 345, "some/prefix", 11);
    sum(header);
    tar_end();
    reads_as("tar: a name in two parts", "f /some/prefix/name \n");

    clear();
    header = tar_header("name", '0', 3, "");
    memset(header + 124, 0, 12);
    header[124] = 0x80;
    header[135] = 3;
    sum(header);
    put("abc", 3);
    pad(512);
    fails_with("tar: no end mark", "behind /name: it is cut off");
    tar_end();
    reads_as("tar: a binary size", "f /name abc\n");

    clear();
    reads_as("nothing at all", "");
    tar_end();
    reads_as("tar: only the end mark", "");
}

static void test_bad_tar(void) {
    static const char *const no_records[] = {
        "x",          "5",           "11 path=x\n", "999999999999999999999 path=x\n",
        "8 path=x\n", "-3 path=x\n", "8 pathxx\n",  "10 path=xyz",
        "0 =\n",      "3 =",         " path=x\n"};
    uint8_t *header;
    clear();
    tar_member("file", '0', "content", "");
    built[3] ^= 1;
    fails_with("tar: a changed byte", "it is no tar or cpio archive, or damaged: a checksum is wrong");

    for (unsigned i = 0; i < sizeof no_records / sizeof no_records[0]; i++) {
        clear();
        tar_member("x", 'x', no_records[i], "");
        fails_with("tar: a bad pax header", "a pax header is malformed");
    }
    clear();
    tar_member("x", 'x', "17 size=-1234567\n", "");
    fails_with("tar: a negative pax size", "a number in a pax header is none");
    clear();
    tar_member("x", 'x', "23 size=99999999999999\n", "");
    tar_header("y", '0', 0, "");
    fails_with("tar: a pax size beyond the end", "it is cut off");
    clear();
    tar_member("x", 'x', "22 GNU.sparse.major=2\n", "");
    fails_with("tar: sparse, of the future", "a sparse file is of a newer format");

    clear();
    header = tar_header("name", '0', 0, "");
    memset(header + 124, 0xff, 12);
    sum(header);
    fails_with("tar: the largest binary size", "a size is no number");
    clear();
    header = tar_header("name", '0', 0, "");
    memcpy(header + 124, "777777777777", 12);
    sum(header);
    fails_with("tar: the largest octal size", "it is cut off");
    clear();
    header = tar_header("name", '0', 0, "");
    memcpy(header + 124, "12x", 3);
    sum(header);
    fails_with("tar: a size that is no number", "a size is no number");
    clear();
    header = tar_header("name", '0', 0, "");
    memcpy(header + 100, "rwxr-x", 6);
    sum(header);
    fails_with("tar: a mode that is no number", "/name: a field of its header is no number");
    clear();
    tar_member("fine", '0', "", "");
    tar_member("odd", 'Z', "", "");
    fails_with("tar: a type that nobody knows", "/odd: it is of a type that is not known");
    clear();
    tar_member("rest", 'M', "", "");
    fails_with("tar: a second volume", "/rest: it is the end of a file that begins on another volume");

    static char long_name[5000];
    memset(long_name, 'n', sizeof long_name - 1);
    clear();
    tar_member("x", 'L', long_name, "");
    tar_member("y", '0', "", "");
    fails_with("tar: a name without end",
               "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...: its name is too long");
    clear();
    tar_member("x", 'K', long_name, "");
    tar_member("y", '2', "", "");
    fails_with("tar: a link without end", "/y: the target of the link is too long");

    clear();
    memset(built, 'A', 700);
    built_size = 700;
    fails_with("no archive", "it is no tar or cpio archive, or damaged: a checksum is wrong");
    built_size = 100;
    fails_with("a short one", "it is no tar or cpio archive");
    memcpy(built, "\x1f\x8b\x08", 3);
    fails_with("gzip", "it is compressed");
}

/* ---- what GNU and pax add */

static void last_time(const char *what, int64_t seconds, uint32_t nanoseconds) {
    static struct listing listing;
    struct uk_archive_problem problem;
    ok(read_copy(built, built_size, &listing, &problem) == 0, "%s: read", what);
    ok(listing.mtime == seconds && listing.mtime_nsec == nanoseconds, "%s: %lld.%09u", what, (long long)listing.mtime,
       listing.mtime_nsec);
}

static void pax_time(const char *value, int64_t seconds, uint32_t nanoseconds) {
    char records[100] = "";
    clear();
    pax_record(records, "mtime", value);
    tar_member("x", 'x', records, "");
    tar_member("file", '0', "", "");
    tar_end();
    last_time(value, seconds, nanoseconds);
}

static void binary_time(const char *name, const void *field, int64_t seconds) {
    clear();
    uint8_t *header = tar_header("file", '0', 0, "");
    memcpy(header + 136, field, 12);
    sum(header);
    tar_end();
    last_time(name, seconds, 0);
}

static void test_times(void) {
    char records[100] = "";
    pax_time("12345.678", 12345, 678000000);
    pax_time("-1", -1, 0);
    pax_time("-1.5", -2, 500000000);
    pax_time("-0.25", -1, 750000000);
    pax_time("0.0000000019", 0, 1);
    pax_time("99999999999", 99999999999, 0);
    binary_time("a binary time below 0", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", -2);
    binary_time("a large binary time", "\x80\0\0\0\0\0\0\x10\0\0\0\0", INT64_C(1) << 36);
    clear();
    tar_member("x", 'x', "19 mtime=yesterday\n", "");
    fails_with("tar: a pax time that is none", "a number in a pax header is none");
    clear();
    pax_record(records, "mtime", "1.2.3");
    tar_member("x", 'x', records, "");
    fails_with("tar: a pax time with two points", "a number in a pax header is none");
}

static void test_defaults(void) {
    static struct listing listing;
    struct uk_archive_problem problem;
    char global[100] = "", own[100] = "";
    pax_record(global, "mtime", "7");
    pax_record(global, "uid", "3000000000");
    pax_record(own, "mtime", "8");
    clear();
    tar_member("g", 'g', global, "");
    tar_member("x", 'x', own, "");
    tar_member("one", '0', "", "");
    tar_end();
    ok(read_copy(built, built_size, &listing, &problem) == 0 && listing.mtime == 8 && listing.uid == 3000000000,
       "a pax header counts before the one for all");
    built_size -= 1024;
    tar_member("two", '0', "", "");
    tar_end();
    ok(read_copy(built, built_size, &listing, &problem) == 0 && listing.mtime == 7, "and for one member");
}

static void test_kinds(void) {
    clear();
    uint8_t *header = tar_header("tty", '4', 0, "");
    memcpy(header + 329, "0000011", 8);
    memcpy(header + 337, "0000102", 8);
    sum(header);
    tar_member("fifo", '6', "", "");
    tar_member("label", 'V', "", "");
    tar_member("dumped/", 'D', "Yfile\0", "");
    tar_member("x", 'X', "14 path=named\n", "");
    tar_member("y", '0', "z", "");
    header = tar_header("caf\xe9", '0', 0, "");
    uint64_t total = 8 * ' ';
    for (unsigned i = 0; i < 512; i++)
        total += i >= 148 && i < 156 ? 0 : (uint64_t)(int8_t)header[i]; /* as signed characters */
    snprintf((char *)header + 148, 8, "%06o", (unsigned)total);
    tar_end();
    reads_as("tar: special files, and what old tars write",
             "n /tty 60000 9,66\nn /fifo 10000 0,0\nd /dumped \nf /named z\nf /caf\xe9 \n");
}

/* ---- sparse files: 4 bytes at 1000 and 3 at 5000 of 6000 */

static const char sparse_want[] = "f /sparse 6000:\n  1000 abcd\n  5000 xyz\n";

static void gnu_piece(uint8_t *at, unsigned offset, unsigned size) {
    snprintf((char *)at, 12, "%011o", offset);
    snprintf((char *)at + 12, 12, "%011o", size);
}

static uint8_t *gnu_header(unsigned size) {
    uint8_t *header = tar_header("sparse", 'S', size, "");
    memcpy(header + 257, "ustar  ", 8);
    snprintf((char *)header + 483, 12, "%011o", 6000u);
    return header;
}

static void build_gnu(void) {
    clear();
    uint8_t *header = gnu_header(7);
    gnu_piece(header + 386, 1000, 4);
    gnu_piece(header + 410, 5000, 3);
    gnu_piece(header + 434, 6000, 0);
    sum(header);
    put("abcdxyz", 7);
    pad(512);
    tar_end();
}

static void test_gnu_sparse(void) {
    char want[600] = "f /sparse 6000:\n";
    build_gnu();
    reads_as("sparse, of GNU", sparse_want);

    clear();
    uint8_t *header = gnu_header(30);
    for (unsigned i = 0; i < 4; i++)
        gnu_piece(header + 386 + 24 * i, 10 * i, 1);
    header[482] = 1;
    sum(header);
    for (unsigned block = 0; block < 2; block++) {
        uint8_t *map = built + built_size;
        for (unsigned i = 0; i < 21 && block * 21 + i < 26; i++)
            gnu_piece(map + 24 * i, 100 + 10 * (block * 21 + i), 1);
        map[504] = block == 0;
        built_size += 512;
    }
    for (unsigned i = 0; i < 30; i++) {
        put(&"abcdefghijklmnopqrstuvwxyz0123"[i], 1);
        sprintf(want + strlen(want), "  %u %c\n", i < 4 ? 10 * i : 60 + 10 * i, "abcdefghijklmnopqrstuvwxyz0123"[i]);
    }
    pad(512);
    tar_end();
    reads_as("sparse, of GNU, with a long map", want);
}

static void pax_sparse(const char *records, const char *name, const char *data) {
    clear();
    tar_member("x", 'x', records, "");
    tar_member(name, '0', data, "");
    tar_end();
}

static void test_pax_sparse(void) {
    char records[1000] = "", data[600] = "";
    pax_record(records, "GNU.sparse.size", "6000");
    pax_record(records, "GNU.sparse.numblocks", "3");
    pax_record(records, "GNU.sparse.offset", "1000");
    pax_record(records, "GNU.sparse.numbytes", "4");
    pax_record(records, "GNU.sparse.offset", "5000");
    pax_record(records, "GNU.sparse.numbytes", "3");
    pax_record(records, "GNU.sparse.offset", "6000");
    pax_record(records, "GNU.sparse.numbytes", "0");
    pax_sparse(records, "sparse", "abcdxyz");
    reads_as("sparse, of pax, 0.0", sparse_want);

    records[0] = 0;
    pax_record(records, "GNU.sparse.size", "6000");
    pax_record(records, "GNU.sparse.name", "sparse");
    pax_record(records, "GNU.sparse.map", "1000,4,5000,3,6000,0");
    pax_sparse(records, "GNUSparseFile.1/x", "abcdxyz");
    reads_as("sparse, of pax, 0.1", sparse_want);

    records[0] = 0;
    pax_record(records, "GNU.sparse.major", "1");
    pax_record(records, "GNU.sparse.minor", "0");
    pax_record(records, "GNU.sparse.name", "sparse");
    pax_record(records, "GNU.sparse.realsize", "6000");
    memset(data, ' ', 512);
    memcpy(data, "3\n1000\n4\n5000\n3\n6000\n0\n", 23);
    strcpy(data + 512, "abcdxyz");
    pax_sparse(records, "GNUSparseFile.1/x", data);
    reads_as("sparse, of pax, 1.0", sparse_want);
}

static void test_bad_sparse(void) {
    static const char *const maps[] = {
        "1000,4,5000",
        "1000,4,5000,4",
        "1000,4,5998,3",
        "6001,0,1000,7",
        "1000;4,5000,3",
        "-1000,4,5000,3",
        "18446744073709551615,7",
        "0,18446744073709551615",
        "a",
        "1000,4,5000,3,",
        "1000,4,,3",
    };
    for (unsigned i = 0; i < sizeof maps / sizeof *maps; i++) {
        char records[1000] = "";
        pax_record(records, "GNU.sparse.size", "6000");
        pax_record(records, "GNU.sparse.map", maps[i]);
        pax_sparse(records, "sparse", "abcdxyz");
        bool is_right = strcmp(maps[i], "1000,4,5000,3,") == 0; /* a comma at the end is none too many */
        if (is_right)
            reads_as(maps[i], sparse_want);
        else
            fails_with(maps[i], "/sparse: the map of a sparse file is malformed");
    }
    char records[1000] = "";
    pax_record(records, "GNU.sparse.major", "1");
    pax_record(records, "GNU.sparse.realsize", "6000");
    pax_sparse(records, "sparse", "1\n0\n");
    fails_with("sparse: a map that ends too early", "/sparse: the map of a sparse file is malformed");
    pax_sparse(records, "sparse", "9999999999999\n0\n");
    fails_with("sparse: a map that is too long for its data", "/sparse: the map of a sparse file is malformed");
    pax_sparse(records, "sparse", "");
    fails_with("sparse: no map at all", "/sparse: the map of a sparse file is malformed");
    clear();
    uint8_t *header = gnu_header(7);
    header[482] = 1;
    sum(header);
    fails_with("sparse: a map that is cut off", "it is cut off");
}

static void build_cpio(void) {
    clear();
    cpio_member(".", 0040755, 1, 2, "");
    cpio_member("dir", 0040755, 2, 2, "");
    cpio_member("dir/one", 0100644, 3, 2, "");
    cpio_member("two", 0100644, 3, 2, "both");
    cpio_member("link", 0120777, 4, 1, "dir/one");
    cpio_member("dev", 0020644, 5, 1, "");
    memcpy(built + built_size - 116 + 78, "0000000300000004", 16);
    cpio_member("fifo", 0010644, 5, 1, "");
    cpio_member("/../x", 0100600, 6, 1, "odd");
    cpio_member("TRAILER!!!", 0, 0, 1, "");
}

static void test_cpio(void) {
    build_cpio();
    pad(512);
    cpio_member("second", 0100600, 7, 1, "");
    cpio_member("TRAILER!!!", 0, 0, 1, "");
    reads_as("cpio", "d / \nd /dir \nf /dir/one \nf /two both\ns /link -> dir/one \nn /dev 20000 3,4\nn /fifo 10000 "
                     "0,0\nf /x odd\nf /second \n");

    clear();
    cpio_member("a", 0100644, 1, 1, "x");
    memcpy(built + 54, "fffffff0", 8);
    fails_with("cpio: a huge size", "it is cut off");
    memcpy(built + 54, "00000001", 8);
    memcpy(built + 94, "ffffffff", 8);
    fails_with("cpio: a huge name", "it is cut off");
    memcpy(built + 94, "0000000g", 8);
    fails_with("cpio: a digit that is none", "a member is no cpio member of format newc");
    clear();
    memcpy(built, "070707", 6);
    built_size = 200;
    fails_with("cpio: the old format", "a member is no cpio member of format newc");
}

/* Whatever a cut or a changed byte makes of an archive, reading it ends, and inside of it. */
static void damage(const char *what, size_t end_mark) {
    static struct listing listing;
    static uint8_t original[sizeof built];
    struct uk_archive_problem problem;
    size_t size = built_size, accepted = 0, unsaid = 0;
    memcpy(original, built, size);
    for (size_t cut = 1; cut < end_mark; cut++)
        accepted += read_copy(original, cut, &listing, &problem) != -EINVAL || !problem.why;
    is_u64(accepted, 0, "%s: cut off at every byte: refused", what);
    for (size_t i = 0; i < size; i++)
        for (unsigned bit = 0; bit < 8; bit += 3) {
            memcpy(built, original, size);
            built[i] ^= (uint8_t)(1u << bit);
            for (size_t at = 0; original[0] != '0' && at + 512 <= size; at += 512) /* past tar's checksums */
                if (i >= at && i < at + 512 && memcmp(original + at + 257, "ustar", 5) == 0)
                    sum(built + at);
            int result = read_copy(built, size, &listing, &problem);
            unsaid += (result != 0) != (problem.why != NULL);
        }
    ok(unsaid == 0, "%s: every byte changed: read or refused with a reason", what);
}

static void test_sink_error(void) {
    static struct listing listing = {.stop_at = 2};
    struct uk_archive_problem problem;
    build_cpio();
    ok(read_copy(built, built_size, &listing, &problem) == -ENOSPC && !problem.why && listing.count == 2,
       "an error of the sink ends it, and comes through");
}

int main(void) {
    test_tar();
    test_bad_tar();
    test_times();
    test_defaults();
    test_kinds();
    test_gnu_sparse();
    test_pax_sparse();
    test_bad_sparse();
    test_cpio();
    build_tar();
    damage("tar", built_size - 512);
    build_gnu();
    damage("sparse", built_size - 512);
    build_cpio();
    damage("cpio", built_size - 3); /* that many zeros are behind the trailer */
    test_sink_error();
    return done_testing();
}
