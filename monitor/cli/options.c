/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

const char options_run_help[] =
    "Usage: ukvm run [OPTION...] IMAGE [ARG...]\n"
    "Run a unikernel. Options end at IMAGE; what follows it is the guest's.\n"
    "\n"
    "  --mem SIZE            guest memory, with K, M or G (default 64M)\n"
    "  --initrd FILE         show FILE to the guest, read-only, in its memory\n"
    "  -e KEY=VALUE          a variable of the guest's environment; may be repeated\n"
    "  --disk NAME=PATH[,ro][,direct]\n"
    "                        attach a file or block device as disk NAME\n"
    "  --net NAME=tap:IFNAME[,ip=A.B.C.D/N][,gw=A.B.C.D][,mac=XX:XX:XX:XX:XX:XX][,mtu=N]\n"
    "                        attach an existing TAP interface as network device NAME\n"
    "  --net NAME=fd:N[,...] the same for an inherited descriptor: a TAP, or a datagram\n"
    "                        or seqpacket socket that carries one Ethernet frame a message\n"
    "  --trace[=LIST]        print what happens: boot, exits, ring (default all of them)\n"
    "  --no-sandbox          for debugging the monitor: keep all of its rights while the guest runs\n"
    "  --help                print this text\n"
    "\n"
    "Exit status: the guest's own; 125 the monitor or the host could not do it; 126 IMAGE\n"
    "cannot run; 127 there is no IMAGE; 128+N ended by signal N; 139, 132, 136 the guest made\n"
    "a bad access, an invalid instruction, a division error; 159 it broke a rule of the ABI.\n";

/* Linux takes arguments of up to 128 KiB each; all of a guest's together fit in the boot pages. */
#define BLOB_MAX (UINT64_C(1) << 20)

enum option_code {
    OPTION_MEM = 256,
    OPTION_INITRD,
    OPTION_DISK,
    OPTION_NET,
    OPTION_TRACE,
    OPTION_NO_SANDBOX,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"mem", required_argument, NULL, OPTION_MEM},     {"initrd", required_argument, NULL, OPTION_INITRD},
    {"disk", required_argument, NULL, OPTION_DISK},   {"net", required_argument, NULL, OPTION_NET},
    {"trace", optional_argument, NULL, OPTION_TRACE}, {"no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX},
    {"help", no_argument, NULL, OPTION_HELP},         {NULL, 0, NULL, 0},
};

/* Takes the next word of a comma-separated list off `*rest`; NULL at its end. */
static char *next_word(char **rest) {
    char *word = *rest;
    if (word) {
        char *comma = strchr(word, ',');
        *rest = comma ? comma + 1 : NULL;
        if (comma)
            *comma = '\0';
    }
    return word;
}

/* The value of KEY=VALUE if `word` has that key, NULL otherwise. */
static char *value_of(char *word, const char *key) {
    size_t length = strlen(key);
    return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* What a guest that ukvm-cc has linked finds in /dev, or as an interface, already: a device would not be reachable. */
static const struct {
    enum ukvm_device_kind kind;
    const char *name;
} reserved[] = {
    {UKVM_DEVICE_BLK, "null"},    {UKVM_DEVICE_BLK, "zero"},    {UKVM_DEVICE_BLK, "full"},
    {UKVM_DEVICE_BLK, "random"},  {UKVM_DEVICE_BLK, "urandom"}, {UKVM_DEVICE_BLK, "tty"},
    {UKVM_DEVICE_BLK, "console"}, {UKVM_DEVICE_BLK, "stdin"},   {UKVM_DEVICE_BLK, "stdout"},
    {UKVM_DEVICE_BLK, "stderr"},  {UKVM_DEVICE_BLK, "fd"},      {UKVM_DEVICE_BLK, "shm"},
    {UKVM_DEVICE_NET, "lo"},
};

static bool is_reserved(enum ukvm_device_kind kind, const char *name) {
    for (unsigned i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (reserved[i].kind == kind && strcmp(reserved[i].name, name) == 0)
            return true;
    return false;
}

static int refuse_twice(const char *option, const char *value, const char *word, struct error *err) {
    return error_set(err, EXIT_MONITOR, "%s '%s': '%s' is given twice", option, value, word);
}

/* NAME=REST of --disk and --net: reserves the device and returns a writable copy of REST. */
static char *add_device(struct config *config, enum ukvm_device_kind kind, const char *option, const char *value,
                        struct device_config **device, struct error *err) {
    if (config->devices_count == UKVM_MAX_DEVICES) {
        error_set(err, EXIT_MONITOR, "%s '%s': a guest has at most %u devices", option, value, UKVM_MAX_DEVICES);
        return NULL;
    }
    struct device_config *new = &config->devices[config->devices_count];
    char *buffer = strdup(value);
    if (!buffer) {
        error_set(err, EXIT_MONITOR, "out of memory");
        return NULL;
    }
    *new = (struct device_config){.kind = kind, .buffer = buffer};
    config->devices_count++;
    char *equals = strchr(buffer, '=');
    if (!equals) {
        error_set(err, EXIT_MONITOR, "%s '%s': expected NAME=..., see ukvm run --help", option, value);
        return NULL;
    }
    *equals = '\0';
    if (!parse_device_name(buffer, new->name)) {
        error_set(err, EXIT_MONITOR, "%s '%s': the name '%s' must be 1 to %u of a-z, 0-9, - and _", option, value,
                  buffer, UKVM_DEVICE_NAME_SIZE - 1);
        return NULL;
    }
    if (is_reserved(kind, new->name)) {
        error_set(err, EXIT_MONITOR, "%s '%s': the guest has %s%s already; take another name", option, value,
                  kind == UKVM_DEVICE_BLK ? "/dev/" : "an interface ", new->name);
        return NULL;
    }
    for (unsigned i = 0; i + 1 < config->devices_count; i++)
        if (strcmp(config->devices[i].name, new->name) == 0) {
            error_set(err, EXIT_MONITOR, "%s '%s': there is already a device '%s'", option, value, new->name);
            return NULL;
        }
    *device = new;
    return equals + 1;
}

static int parse_disk(struct config *config, const char *value, struct error *err) {
    struct device_config *device;
    char *rest = add_device(config, UKVM_DEVICE_BLK, "--disk", value, &device, err);
    if (!rest)
        return -1;
    device->disk.path = next_word(&rest);
    if (*device->disk.path == '\0')
        return error_set(err, EXIT_MONITOR, "--disk '%s': there is no path after '%s='", value, device->name);
    for (char *word; (word = next_word(&rest));) {
        bool *setting = strcmp(word, "ro") == 0       ? &device->disk.readonly
                        : strcmp(word, "direct") == 0 ? &device->disk.direct
                                                      : NULL;
        if (!setting)
            return error_set(err, EXIT_MONITOR, "--disk '%s': '%s' is neither 'ro' nor 'direct'", value, word);
        if (*setting)
            return refuse_twice("--disk", value, word, err);
        *setting = true;
    }
    return 0;
}

static int parse_net_backend(struct net_config *net, char *word, const char *value, struct error *err) {
    uint64_t number;
    if (strncmp(word, "tap:", 4) == 0) {
        net->backend = NET_TAP;
        net->ifname = word + 4;
        if (*net->ifname == '\0' || strlen(net->ifname) >= IFNAMSIZ)
            return error_set(err, EXIT_MONITOR, "--net '%s': an interface's name has 1 to %d characters", value,
                             IFNAMSIZ - 1);
        return 0;
    }
    if (strncmp(word, "fd:", 3) == 0) {
        net->backend = NET_FD;
        if (!parse_number(word + 3, INT32_MAX, &number))
            return error_set(err, EXIT_MONITOR, "--net '%s': '%s' is not the number of a descriptor", value, word + 3);
        net->fd = (int)number;
        return 0;
    }
    return error_set(err, EXIT_MONITOR, "--net '%s': expected NAME=tap:IFNAME or NAME=fd:N", value);
}

static int parse_address(struct net_config *net, char *text, const char *word, const char *value, struct error *err) {
    if (ip4_is_host(net->ip4))
        return refuse_twice("--net", value, "ip=", err);
    if (!parse_ip4_prefix(text, net->ip4, &net->prefix4))
        return error_set(err, EXIT_MONITOR, "--net '%s': '%s' is not of the form ip=A.B.C.D/N", value, word);
    if (!ip4_is_host(net->ip4) || ip4_is_network(net->ip4, net->prefix4))
        return error_set(err, EXIT_MONITOR, "--net '%s': '%s' is not the address of one host in its network", value,
                         word);
    return 0;
}

static int parse_gateway(struct net_config *net, const char *text, const char *word, const char *value,
                         struct error *err) {
    if (ip4_is_host(net->gateway4))
        return refuse_twice("--net", value, "gw=", err);
    if (!parse_ip4(text, net->gateway4))
        return error_set(err, EXIT_MONITOR, "--net '%s': '%s' is not of the form gw=A.B.C.D", value, word);
    if (!ip4_is_host(net->gateway4))
        return error_set(err, EXIT_MONITOR, "--net '%s': '%s' is not the address of a host", value, word);
    return 0;
}

static int parse_hardware_address(struct net_config *net, const char *text, const char *word, const char *value,
                                  struct error *err) {
    if (net->has_mac)
        return refuse_twice("--net", value, "mac=", err);
    net->has_mac = parse_mac(text, net->mac);
    return net->has_mac ? 0
                        : error_set(err, EXIT_MONITOR,
                                    "--net '%s': '%s' is not a unicast address mac=XX:XX:XX:XX:XX:XX", value, word);
}

static int parse_mtu(struct net_config *net, const char *text, const char *word, const char *value, struct error *err) {
    uint64_t number;
    if (net->mtu)
        return refuse_twice("--net", value, "mtu=", err);
    /* 68: RFC 791's minimum for IPv4. 9000: jumbo frames; a receive buffer holds a whole frame. */
    if (!parse_number(text, 9000, &number) || number < 68)
        return error_set(err, EXIT_MONITOR, "--net '%s': '%s' is not a number from 68 to 9000", value, word);
    net->mtu = (uint16_t)number;
    return 0;
}

static int parse_net_setting(struct net_config *net, char *word, const char *value, struct error *err) {
    char *text;
    if ((text = value_of(word, "ip")))
        return parse_address(net, text, word, value, err);
    if ((text = value_of(word, "gw")))
        return parse_gateway(net, text, word, value, err);
    if ((text = value_of(word, "mac")))
        return parse_hardware_address(net, text, word, value, err);
    if ((text = value_of(word, "mtu")))
        return parse_mtu(net, text, word, value, err);
    return error_set(err, EXIT_MONITOR, "--net '%s': '%s' is none of ip=, gw=, mac=, mtu=", value, word);
}

/* What only the settings together can show; they come in any order. */
static int check_net(const struct net_config *net, const char *value, struct error *err) {
    if (!ip4_is_host(net->gateway4))
        return 0;
    if (!ip4_is_host(net->ip4))
        return error_set(err, EXIT_MONITOR, "--net '%s': a gateway needs an address: add ip=A.B.C.D/N", value);
    if (memcmp(net->ip4, net->gateway4, sizeof net->ip4) == 0)
        return error_set(err, EXIT_MONITOR, "--net '%s': the gateway is the guest itself", value);
    if (!ip4_is_near(net->ip4, net->gateway4, net->prefix4) || ip4_is_network(net->gateway4, net->prefix4))
        return error_set(err, EXIT_MONITOR, "--net '%s': the gateway is no host in the network of ip=", value);
    return 0;
}

static int parse_net(struct config *config, const char *value, struct error *err) {
    struct device_config *device;
    char *rest = add_device(config, UKVM_DEVICE_NET, "--net", value, &device, err);
    if (!rest || parse_net_backend(&device->net, next_word(&rest), value, err))
        return -1;
    for (char *word; (word = next_word(&rest));)
        if (parse_net_setting(&device->net, word, value, err))
            return -1;
    return check_net(&device->net, value, err);
}

static int parse_memory(struct config *config, const char *value, struct error *err) {
    if (config->memory)
        return error_set(err, EXIT_MONITOR, "--mem '%s': --mem is given twice", value);
    if (!parse_size(value, &config->memory))
        return error_set(err, EXIT_MONITOR, "--mem '%s': expected a number with K, M or G, such as 64M", value);
    /* 1 MiB is less than any image needs; 1 TiB more than any host maps. Both keep later arithmetic far from wrapping.
     */
    if (config->memory < (UINT64_C(1) << 20) || config->memory > (UINT64_C(1) << 40) ||
        config->memory % UKVM_PAGE_SIZE != 0)
        return error_set(err, EXIT_MONITOR, "--mem '%s': expected 1M to 1024G, in whole pages of 4K", value);
    return 0;
}

static int parse_env(struct config *config, const char *value, struct error *err) {
    const char *equals = strchr(value, '=');
    if (!equals || equals == value)
        return error_set(err, EXIT_MONITOR, "-e '%s': expected KEY=VALUE", value);
    config->env[config->env_count++] = value;
    return 0;
}

static int parse_option(struct config *config, int code, const char *value, struct error *err) {
    switch (code) {
    case OPTION_MEM:
        return parse_memory(config, value, err);
    case OPTION_INITRD:
        if (config->initrd)
            return error_set(err, EXIT_MONITOR,
                             "--initrd '%s': --initrd is given twice; put all files into one archive", value);
        config->initrd = value;
        return 0;
    case OPTION_DISK:
        return parse_disk(config, value, err);
    case OPTION_NET:
        return parse_net(config, value, err);
    case OPTION_TRACE:
        return trace_parse(value, &config->trace, err);
    case 'e':
        return parse_env(config, value, err);
    case OPTION_NO_SANDBOX:
        config->sandbox = SANDBOX_OFF;
        return 0;
    default:
        return error_set(err, EXIT_MONITOR, "unexpected option");
    }
}

/* getopt_long has just returned '?' or ':' and moved past the word, or stands within a word of short options. */
static int option_error(char **argv, int code, struct error *err) {
    if (optopt == 'e' && code == ':')
        return error_set(err, EXIT_MONITOR, "-e needs a value, see ukvm run --help");
    if (optopt > ' ' && optopt < 0x7f)
        return error_set(err, EXIT_MONITOR, "unknown option '-%c', see ukvm run --help", optopt);
    const char *word = argv[optind - 1];
    if (code == ':')
        return error_set(err, EXIT_MONITOR, "%s needs a value, see ukvm run --help", word);
    if (optopt >= OPTION_MEM)
        return error_set(err, EXIT_MONITOR, "%s takes no value, see ukvm run --help", word);
    return error_set(err, EXIT_MONITOR, "unknown option '%s', see ukvm run --help", word);
}

static int check_blobs(const struct config *config, struct error *err) {
    uint64_t bytes = 0;
    for (char *const *arg = config->args; *arg; arg++) /* argv ends in NULL */
        bytes += strlen(*arg) + 1;
    for (const char *const *variable = config->env; *variable; variable++) /* so does this */
        bytes += strlen(*variable) + 1;
    if (bytes > BLOB_MAX)
        return error_set(err, EXIT_MONITOR, "the guest's arguments and environment have %llu bytes; the limit is %llu",
                         (unsigned long long)bytes, (unsigned long long)BLOB_MAX);
    return 0;
}

enum options_result options_parse_run(int argc, char **argv, struct config *config, struct error *err) {
    *config = (struct config){0};
    config->env = calloc((size_t)argc + 1, sizeof *config->env);
    if (!config->env)
        return error_set(err, EXIT_MONITOR, "out of memory");

    optind = 0; /* glibc: start over */
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, "+:e:", long_options, NULL)) != -1;) {
        if (code == OPTION_HELP)
            return OPTIONS_HELP;
        if (code == '?' || code == ':')
            return option_error(argv, code, err);
        if (parse_option(config, code, optarg, err))
            return OPTIONS_ERROR;
    }
    if (optind >= argc)
        return error_set(err, EXIT_MONITOR, "there is no IMAGE to run, see ukvm run --help");
    if (config->memory == 0)
        config->memory = CONFIG_MEMORY_DEFAULT;
    config->image = argv[optind];
    config->args = argv + optind;
    config->args_count = (unsigned)(argc - optind);
    return check_blobs(config, err) ? OPTIONS_ERROR : OPTIONS_RUN;
}

void config_free(struct config *config) {
    for (unsigned i = 0; i < config->devices_count; i++)
        free(config->devices[i].buffer);
    free(config->env);
    *config = (struct config){0};
}
