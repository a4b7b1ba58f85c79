/* SPDX-License-Identifier: MIT */
/* links: monitor/cli/options.c monitor/cli/parse.c monitor/base/trace.c monitor/base/error.c */
#include "cli/options.h"

#include "tap.h"

#define MAX_WORDS 64

static struct config config;
static struct error err;

/* `ukvm run WORD...`; the words are copied, for getopt and the parser may write them. */
static enum options_result parse_words(const char *const *words) {
    static char storage[MAX_WORDS][1024];
    static char *argv[MAX_WORDS + 1];
    int argc = 0;
    snprintf(storage[argc], sizeof storage[0], "run");
    argv[argc] = storage[argc];
    for (argc++; *words && argc < MAX_WORDS; words++, argc++) {
        snprintf(storage[argc], sizeof storage[0], "%s", *words);
        argv[argc] = storage[argc];
    }
    argv[argc] = NULL;
    err = (struct error){0};
    return options_parse_run(argc, argv, &config, &err);
}

#define parse(...) parse_words((const char *const[]){__VA_ARGS__, NULL})

/* The words are refused with a message that contains all of `wanted`. */
static void refused(const char *const *words, const char *const *wanted) {
    char line[512] = "";
    size_t used = 0;
    for (unsigned i = 0; words[i] && used < sizeof line; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%.60s", i ? " " : "", words[i]);
    bool good = parse_words(words) == OPTIONS_ERROR && err.status == EXIT_MONITOR && !strchr(err.text, '\n');
    for (; *wanted; wanted++)
        good = good && strstr(err.text, *wanted);
    if (!ok(good, "'%s' is refused and the message names it", line))
        diag("status %d: %s", err.status, err.text);
    config_free(&config);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define refused(words, ...) refused(words, WORDS(__VA_ARGS__))

static void test_plain(void) {
    ok(parse("image") == OPTIONS_RUN, "an image is enough");
    is_str(config.image, "image", "its path");
    is_u64(config.args_count, 1, "one argument");
    is_str(config.args[0], "image", "which is its name");
    is_u64(config.memory, CONFIG_MEMORY_DEFAULT, "the default memory");
    is_u64(config.env_count + config.devices_count + config.trace, 0, "nothing else");
    config_free(&config);

    ok(parse("image", "--mem", "0", "-e", "--", "--help", "-x") == OPTIONS_RUN, "options end at IMAGE");
    is_u64(config.args_count, 7, "the rest is the guest's");
    is_str(config.args[1], "--mem", "its options too");
    is_str(config.args[4], "--", "and --");
    is_u64(config.memory, CONFIG_MEMORY_DEFAULT, "and changes nothing here");
    config_free(&config);

    ok(parse("--mem=1M", "--", "--mem=0", "x") == OPTIONS_RUN, "-- ends the options before IMAGE");
    is_str(config.image, "--mem=0", "so that IMAGE may look like one");
    is_u64(config.args_count, 2, "and its arguments follow");
    config_free(&config);

    ok(parse("-") == OPTIONS_RUN, "- is a name like any other");
    config_free(&config);
    ok(parse("--help") == OPTIONS_HELP, "--help");
    config_free(&config);
    ok(parse("--mem=1M", "--help", "--nonsense") == OPTIONS_HELP, "--help wins over what follows");
    config_free(&config);
    refused(WORDS("--mem=1M"), "IMAGE");
    refused(WORDS("--"), "IMAGE");
    ok(parse_words((const char *const[]){NULL}) == OPTIONS_ERROR && strstr(err.text, "IMAGE"), "no words: no IMAGE");
    config_free(&config);
}

static void test_memory(void) {
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1M", UINT64_C(1) << 20},       {"64M", UINT64_C(64) << 20},    {"1024G", UINT64_C(1) << 40},
                {"1028K", UINT64_C(1028) << 10}, {"1048576", UINT64_C(1) << 20}, {"2g", UINT64_C(2) << 30}};
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
        char joined[32];
        snprintf(joined, sizeof joined, "--mem=%s", good[i].text);
        ok(parse(joined, "image") == OPTIONS_RUN && config.memory == good[i].bytes, "%s", joined);
        config_free(&config);
        ok(parse("--mem", good[i].text, "image") == OPTIONS_RUN && config.memory == good[i].bytes, "--mem %s",
           good[i].text);
        config_free(&config);
    }
    config_free(&config);

    static const char *const bad[] = {"0",    "",    "x",    "64",           "1023K", "1025K", "1048577", "1025G",
                                      "64MB", "-1M", "1.5G", "99999999999G", "1T",    "64M,",  "1048576G"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        char quoted[32];
        snprintf(quoted, sizeof quoted, "--mem '%s'", bad[i]);
        refused(WORDS("--mem", bad[i], "image"), quoted);
    }
    refused(WORDS("--mem"), "--mem", "value");
}

static void test_environment(void) {
    ok(parse("-e", "A=1", "-eB=", "-e", "C=x=y", "image") == OPTIONS_RUN, "-e in both forms");
    is_u64(config.env_count, 3, "three variables");
    is_str(config.env[0], "A=1", "the first");
    is_str(config.env[1], "B=", "one without a value");
    is_str(config.env[2], "C=x=y", "one with another =");
    config_free(&config);
    refused(WORDS("-e", "A", "image"), "-e 'A'", "KEY=VALUE");
    refused(WORDS("-e", "=1", "image"), "-e '=1'");
    refused(WORDS("-e", "", "image"), "-e ''");
    refused(WORDS("-e"), "-e", "value");
}

static void test_initrd(void) {
    ok(parse("--initrd", "a,b=c", "image") == OPTIONS_RUN, "--initrd");
    is_str(config.initrd, "a,b=c", "a path as it is");
    config_free(&config);
    refused(WORDS("--initrd=a", "--initrd=b", "image"), "--initrd 'b'", "twice");
    refused(WORDS("--mem=2M", "--mem=2M", "image"), "--mem '2M'", "twice");
    config_free(&config);
    ok(parse("image") == OPTIONS_RUN && !config.initrd, "none by itself");
    config_free(&config);
    refused(WORDS("--initrd"), "--initrd", "value");
}

static void test_unknown(void) {
    refused(WORDS("--nonsense", "image"), "'--nonsense'");
    refused(WORDS("--nonsense=1", "image"), "'--nonsense=1'");
    refused(WORDS("-x", "image"), "'-x'");
    refused(WORDS("-xe", "A=1", "image"), "'-x'");
    refused(WORDS("--help=1", "image"), "--help=1", "no value");
    refused(WORDS("--mem=1M", "--disc", "d=f", "image"), "'--disc'");
    refused(WORDS("--disk"), "--disk", "value");
    refused(WORDS("--mem=1M", "--net"), "--net", "value");
    refused(WORDS("-\xc3\xa9", "image"), "unknown option");
}

static void test_disks(void) {
    ok(parse("--disk", "data=/dev/x=y", "--disk=log=b.img,ro", "--disk=c=c,direct,ro", "image") == OPTIONS_RUN,
       "disks");
    is_u64(config.devices_count, 3, "three of them, in their order");
    const struct device_config *d = config.devices;
    is_u64(d[0].kind, UKVM_DEVICE_BLK, "a disk");
    is_str(d[0].name, "data", "its name");
    is_str(d[0].disk.path, "/dev/x=y", "its path, which may have a =");
    ok(!d[0].disk.readonly && !d[0].disk.direct, "neither flag is on by itself");
    is_str(d[1].disk.path, "b.img", "the path ends at the comma");
    ok(d[1].disk.readonly && !d[1].disk.direct, "ro");
    ok(d[2].disk.readonly && d[2].disk.direct, "direct,ro");
    config_free(&config);

    refused(WORDS("--disk", "data", "image"), "--disk 'data'", "NAME=");
    refused(WORDS("--disk", "", "image"), "--disk ''");
    refused(WORDS("--disk", "=f", "image"), "--disk '=f'", "name");
    refused(WORDS("--disk", "Data=f", "image"), "--disk 'Data=f'", "name", "'Data'");
    refused(WORDS("--disk", "abcdefghijklmnopqrstuvwx=f", "image"), "--disk", "23");
    refused(WORDS("--disk", "data=", "image"), "--disk 'data='", "path");
    refused(WORDS("--disk", "data=,ro", "image"), "--disk 'data=,ro'", "path");
    refused(WORDS("--disk", "data=f,rw", "image"), "--disk 'data=f,rw'", "'rw'");
    refused(WORDS("--disk", "data=f,", "image"), "--disk 'data=f,'", "''");
    refused(WORDS("--disk", "data=f,ro,", "image"), "--disk 'data=f,ro,'");
    refused(WORDS("--disk", "data=f,readonly", "image"), "'readonly'");
    refused(WORDS("--disk", "data=f", "--disk", "data=g", "image"), "--disk 'data=g'", "already");
    refused(WORDS("--disk", "data=f", "--net", "data=tap:t", "image"), "--net 'data=tap:t'", "already");
}

static void test_network(void) {
    static const uint8_t ip[4] = {10, 1, 2, 3}, gateway[4] = {10, 1, 2, 254}, mac[6] = {2, 0, 0, 0, 0, 0x1f};
    ok(parse("--net", "net0=tap:tap0", "--net=lan=fd:3,mtu=9000,mac=02:00:00:00:00:1F,gw=10.1.2.254,ip=10.1.2.3/24",
             "image") == OPTIONS_RUN,
       "network devices");
    const struct device_config *d = config.devices;
    is_u64(config.devices_count, 2, "two of them");
    is_u64(d[0].kind, UKVM_DEVICE_NET, "a network device");
    ok(d[0].net.backend == NET_TAP, "a TAP");
    is_str(d[0].net.ifname, "tap0", "its interface");
    ok(!d[0].net.has_mac && d[0].net.mtu == 0 && d[0].net.prefix4 == 0, "nothing else is set");
    ok(d[1].net.backend == NET_FD && d[1].net.fd == 3, "a descriptor");
    ok(d[1].net.has_mac && memcmp(d[1].net.mac, mac, 6) == 0, "mac=");
    ok(memcmp(d[1].net.ip4, ip, 4) == 0 && d[1].net.prefix4 == 24, "ip=");
    ok(memcmp(d[1].net.gateway4, gateway, 4) == 0, "gw=");
    is_u64(d[1].net.mtu, 9000, "mtu=");
    config_free(&config);
    ok(parse("--net=n=tap:abcdefghijklmno,mtu=68", "image") == OPTIONS_RUN,
       "15 characters of interface, the least MTU");
    config_free(&config);

    refused(WORDS("--net", "n", "image"), "--net 'n'", "NAME=");
    refused(WORDS("--net", "n=", "image"), "--net 'n='", "tap:");
    refused(WORDS("--net", "n=veth0", "image"), "--net 'n=veth0'", "tap:");
    refused(WORDS("--net", "n=tap:", "image"), "--net 'n=tap:'", "interface");
    refused(WORDS("--net", "n=tap:abcdefghijklmnop", "image"), "--net", "15");
    refused(WORDS("--net", "n=fd:", "image"), "--net 'n=fd:'", "descriptor");
    refused(WORDS("--net", "n=fd:-1", "image"), "--net 'n=fd:-1'", "'-1'");
    refused(WORDS("--net", "n=fd:2147483648", "image"), "--net", "'2147483648'");
    refused(WORDS("--net", "n=fd:3x", "image"), "'3x'");
    refused(WORDS("--net", "n=tap:t,", "image"), "--net 'n=tap:t,'", "''");
    refused(WORDS("--net", "n=tap:t,ip", "image"), "'ip'");
    refused(WORDS("--net", "n=tap:t,ip=10.0.0.1", "image"), "'ip=10.0.0.1'");
    refused(WORDS("--net", "n=tap:t,ip=10.0.0.1/33", "image"), "'ip=10.0.0.1/33'");
    refused(WORDS("--net", "n=tap:t,ip=10.0.0.256/8", "image"), "'ip=10.0.0.256/8'");
    refused(WORDS("--net", "n=tap:t,gw=10.0.0.1/8", "image"), "'gw=10.0.0.1/8'");
    refused(WORDS("--net", "n=tap:t,mac=01:00:5e:00:00:01", "image"), "'mac=01:00:5e:00:00:01'", "unicast");
    refused(WORDS("--net", "n=tap:t,mac=00:00:00:00:00:00", "image"), "'mac=00:00:00:00:00:00'");
    refused(WORDS("--net", "n=tap:t,mac=", "image"), "'mac='");
    refused(WORDS("--net", "n=tap:t,mtu=67", "image"), "'mtu=67'");
    refused(WORDS("--net", "n=tap:t,mtu=9001", "image"), "'mtu=9001'");
    refused(WORDS("--net", "n=tap:t,mtu=65604", "image"), "'mtu=65604'");
    refused(WORDS("--net", "n=tap:t,ttl=3", "image"), "'ttl=3'", "mtu=");
    static const char *const strange[] = {"0.0.0.0/8",     "0.1.2.3/8",          "127.0.0.1/8", "10.0.0.0/24",
                                          "10.0.0.255/24", "255.255.255.255/32", "224.0.0.1/24"};
    for (unsigned i = 0; i < sizeof strange / sizeof *strange; i++) {
        char option[64];
        snprintf(option, sizeof option, "n=tap:t,ip=%s", strange[i]);
        refused(WORDS("--net", option, "image"), strange[i], "host");
    }
    ok(parse("--net=n=tap:t,ip=10.0.0.0/31", "--net=m=tap:u,ip=10.0.0.0/32", "image") == OPTIONS_RUN,
       "with a prefix of 31 or 32 there is no network address");
    config_free(&config);
    refused(WORDS("--net", "n=tap:t,ip=10.0.0.2/24,gw=10.0.1.1", "image"), "gateway", "network");
    refused(WORDS("--net", "n=tap:t,gw=10.0.0.255,ip=10.0.0.2/24", "image"), "gateway", "network");
    refused(WORDS("--net", "n=tap:t,ip=10.0.0.2/24,gw=10.0.0.2", "image"), "gateway", "itself");
    refused(WORDS("--net", "n=tap:t,ip=10.0.0.2/24,gw=224.0.0.1", "image"), "'gw=224.0.0.1'");
    refused(WORDS("--net", "n=tap:t,gw=10.0.0.1", "image"), "ip=");
    refused(WORDS("--net", "n=tap:t,ip=10.0.0.2/24,ip=10.0.0.3/24", "image"), "'ip='", "twice");
    refused(WORDS("--net", "n=tap:t,ip=10.0.0.2/24,gw=10.0.0.1,gw=10.0.0.1", "image"), "'gw='", "twice");
    refused(WORDS("--net", "n=tap:t,mac=02:00:00:00:00:01,mac=02:00:00:00:00:01", "image"), "'mac='", "twice");
    refused(WORDS("--net", "n=tap:t,mtu=1500,mtu=1500", "image"), "'mtu='", "twice");
    refused(WORDS("--net", "lo=tap:t", "image"), "already", "another name");
    refused(WORDS("--disk", "null=x", "image"), "/dev/null", "another name");
    refused(WORDS("--disk", "d=x,ro,direct,ro", "image"), "'ro'", "twice");
    refused(WORDS("--disk", "d=x,direct,direct", "image"), "'direct'", "twice");
    ok(parse("--net=null=tap:t", "--disk=lo=x", "image") == OPTIONS_RUN,
       "the names of one kind are free for the other");
    config_free(&config);
    refused(WORDS("--net", "n=tap:t,ipx=3", "image"), "'ipx=3'");
}

static void test_many_devices(void) {
    const char *words[2 * (UKVM_MAX_DEVICES + 1) + 2];
    char values[UKVM_MAX_DEVICES + 1][16];
    for (unsigned i = 0; i <= UKVM_MAX_DEVICES; i++) {
        snprintf(values[i], sizeof values[i], "d%u=f", i);
        words[2 * i] = "--disk";
        words[2 * i + 1] = values[i];
    }
    words[2 * UKVM_MAX_DEVICES] = "image";
    words[2 * UKVM_MAX_DEVICES + 1] = NULL;
    ok(parse_words(words) == OPTIONS_RUN && config.devices_count == UKVM_MAX_DEVICES, "16 devices");
    is_str(config.devices[15].name, "d15", "the last of them");
    config_free(&config);
    words[2 * UKVM_MAX_DEVICES] = "--disk";
    words[2 * UKVM_MAX_DEVICES + 1] = values[UKVM_MAX_DEVICES];
    words[2 * UKVM_MAX_DEVICES + 2] = "image";
    words[2 * UKVM_MAX_DEVICES + 3] = NULL;
    refused(words, "--disk 'd16=f'", "16");
}

static void test_trace(void) {
    ok(parse("--trace", "boot") == OPTIONS_RUN, "--trace takes no separate word");
    is_str(config.image, "boot", "which is IMAGE then");
    is_u64(config.trace, (1u << TRACE_COUNT) - 1, "alone it is all categories");
    config_free(&config);
    ok(parse("--trace=ring,boot", "image") == OPTIONS_RUN && config.trace == (1u << TRACE_RING | 1u << TRACE_BOOT),
       "--trace=LIST");
    config_free(&config);
    refused(WORDS("--trace=ring,foo", "image"), "--trace", "'foo'");
    refused(WORDS("--trace=", "image"), "--trace");
}

/* The guest's strings fill the boot pages, so there is an end to them. */
static void test_blobs(void) {
    static char huge[(1 << 20) + 16];
    char run[] = "run", e[] = "-e", image[] = "image";
    char *argv[] = {run, e, huge, image, NULL};
    memset(huge, 'x', sizeof huge);
    huge[1] = '=';
    huge[(1 << 20) - sizeof image - 1] = '\0';
    ok(options_parse_run(4, argv, &config, &err) == OPTIONS_RUN, "1 MiB of arguments and environment");
    config_free(&config);
    memset(huge, 'x', sizeof huge);
    huge[1] = '=';
    huge[(1 << 20) - sizeof image] = '\0';
    ok(options_parse_run(4, argv, &config, &err) == OPTIONS_ERROR && strstr(err.text, "1048577") &&
           strstr(err.text, "environment"),
       "one byte more is refused");
    config_free(&config);
}

/* A message has room for 512 bytes; what is wrong must be within. */
static void test_long_values(void) {
    char value[900], option[920];
    memset(value, 'x', sizeof value);
    value[sizeof value - 1] = '\0';
    snprintf(option, sizeof option, "--%s", value);
    ok(parse(option, "image") == OPTIONS_ERROR && strlen(err.text) < sizeof err.text, "a very long option is refused");
    config_free(&config);
}

int main(void) {
    test_plain();
    test_memory();
    test_environment();
    test_initrd();
    test_unknown();
    test_disks();
    test_network();
    test_many_devices();
    test_trace();
    test_blobs();
    test_long_values();
    return done_testing();
}
