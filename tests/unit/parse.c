/* SPDX-License-Identifier: MIT */
/* links: monitor/cli/parse.c */
#include "cli/parse.h"

#include "tap.h"
#include "ukvm_abi.h"

static void test_number(void) {
    uint64_t value = 7;
    ok(parse_number("0", 0, &value) && value == 0, "0 is a number");
    ok(parse_number("00012", 12, &value) && value == 12, "leading zeroes are decimal");
    ok(parse_number("18446744073709551615", UINT64_MAX, &value) && value == UINT64_MAX, "the largest number");
    ok(!parse_number("18446744073709551616", UINT64_MAX, &value), "one more does not fit");
    ok(!parse_number("99999999999999999999999999", UINT64_MAX, &value), "nor does a very long one");
    ok(parse_number("9000", 9000, &value), "the maximum is allowed");
    ok(!parse_number("9001", 9000, &value), "one more is not");

    static const char *const bad[] = {"", " ", "+1", "-1", " 1", "1 ", "1x", "x1", "0x10", "1.0", "1e3", "1K", "\n1"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!parse_number(bad[i], UINT64_MAX, &value), "'%s' is no number", bad[i][0] == '\n' ? "\\n1" : bad[i]);
}

static void test_size(void) {
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"4096", 4096},
        {"1K", 1024},
        {"1k", 1024},
        {"64M", UINT64_C(64) << 20},
        {"64m", UINT64_C(64) << 20},
        {"3G", UINT64_C(3) << 30},
        {"3g", UINT64_C(3) << 30},
        {"0G", 0},
        {"17179869183G", UINT64_C(17179869183) << 30},
        {"18014398509481983K", UINT64_C(18014398509481983) << 10},
        {"18446744073709551615", UINT64_MAX},
    };
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t bytes = 7;
        ok(parse_size(good[i].text, &bytes), "'%s' is a size", good[i].text);
        is_u64(bytes, good[i].bytes, "'%s' is so many bytes", good[i].text);
    }
    static const char *const bad[] = {
        "",
        "K",
        "M",
        "G",
        "1x",
        "1KK",
        "1KB",
        "K1",
        "-1",
        "+1M",
        "1 M",
        " 1M",
        "1M ",
        "0x1",
        "1.5G",
        "99999999999G",
        "17179869184G",
        "1T",
        "1,",
        "1M,ro",

        "--",
        "1\t\tK",
        "1e9",
        "1152921504606846976K",
        "18446744073709551616",
        "00000000000000000000000000001",
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t bytes = 7;
        ok(!parse_size(bad[i], &bytes) && bytes == 7, "'%s' is no size, and changes nothing", bad[i]);
    }
}

static void test_device_name(void) {
    char name[UKVM_DEVICE_NAME_SIZE + 1];
    memset(name, '#', sizeof name);
    ok(parse_device_name("data", name), "a name");
    is_str(name, "data", "is copied");
    unsigned rest = 0;
    for (unsigned i = 4; i < UKVM_DEVICE_NAME_SIZE; i++)
        rest |= (uint8_t)name[i];
    is_u64(rest, 0, "and zeroes follow, for the guest sees all of it");
    ok(name[UKVM_DEVICE_NAME_SIZE] == '#', "and nothing behind");
    ok(parse_device_name("abcdefghijklmnopqrstuvw", name), "23 characters");
    is_u64(strlen(name), 23, "all of them");
    ok(!parse_device_name("abcdefghijklmnopqrstuvwx", name), "24 are too many");
    ok(parse_device_name("x", name) && parse_device_name("0-_9", name), "digits, - and _");

    unsigned wrong = 0;
    for (unsigned c = 1; c < 256; c++) {
        const char text[] = {'a', (char)c, '\0'};
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        wrong += parse_device_name(text, name) != allowed;
    }
    is_u64(wrong, 0, "[a-z0-9_-] and no other byte");
    ok(!parse_device_name("", name), "no name");
}

static void test_mac(void) {
    static const uint8_t want[6] = {0x02, 0xab, 0xcd, 0xef, 0x00, 0x99};
    uint8_t mac[6] = {0};
    ok(parse_mac("02:ab:CD:eF:00:99", mac) && memcmp(mac, want, 6) == 0, "either case");
    ok(parse_mac("00:00:00:00:00:01", mac), "only the last bit");
    ok(parse_mac("fe:ff:ff:ff:ff:ff", mac), "all but the multicast bit");
    static const char *const bad[] = {
        "",
        "00:00:00:00:00:00",
        "01:00:5e:00:00:01",
        "ff:ff:ff:ff:ff:ff",
        "03:00:00:00:00:01",
        "02:ab:cd:ef:00",
        "02:ab:cd:ef:00:99:11",
        "02:ab:cd:ef:00:9",
        "02:ab:cd:ef:00:999",
        "02-ab-cd-ef-00-99",
        "2:ab:cd:ef:00:9900",
        "0g:ab:cd:ef:00:99",
        "02:ab:cd:ef:00:9g",
        "02ab:cd:ef:00:99:1",
        "02:ab:cd:ef:00:99 ",
        " 02:ab:cd:ef:00:9",
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!parse_mac(bad[i], mac), "'%s' is no unicast address", bad[i]);
}

static void test_ip4(void) {
    static const uint8_t want[4] = {10, 77, 0, 255};
    uint8_t ip[4], prefix;
    ok(parse_ip4("10.77.0.255", ip) && memcmp(ip, want, 4) == 0, "an address, in network order");
    static const char *const bad[] = {
        "",           "10",      "10.77",      "10.77.0",    "10.77.0.256", "10.77.0.1.2", "10.77.0.1/24",
        "10.77.0.-1", "a.b.c.d", " 10.77.0.1", "10.77.0.1 ", "::1"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!parse_ip4(bad[i], ip), "'%s' is no address", bad[i]);

    char good[] = "10.77.0.255/24";
    ok(parse_ip4_prefix(good, ip, &prefix) && memcmp(ip, want, 4) == 0 && prefix == 24, "an address and a prefix");
    is_str(good, "10.77.0.255/24", "the text is put back");
    char whole[] = "10.77.0.255/32", none[] = "10.77.0.255/0";
    ok(parse_ip4_prefix(whole, ip, &prefix) && prefix == 32, "/32");
    ok(parse_ip4_prefix(none, ip, &prefix) && prefix == 0, "/0");
    static const char *const bad_prefix[] = {
        "",    "/",         "10.0.0.1",       "10.0.0.1/",    "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/2x",
        "/24", "10.0.0/24", "10.0.0.1/24/24", "10.0.0.1//24", "10.0.0.1/ 24"};
    for (unsigned i = 0; i < sizeof bad_prefix / sizeof *bad_prefix; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", bad_prefix[i]);
        ok(!parse_ip4_prefix(text, ip, &prefix) && strcmp(text, bad_prefix[i]) == 0,
           "'%s' is not A.B.C.D/N, and is unchanged", bad_prefix[i]);
    }
}

int main(void) {
    test_number();
    test_size();
    test_device_name();
    test_mac();
    test_ip4();
    return done_testing();
}
