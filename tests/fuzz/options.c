/* SPDX-License-Identifier: MIT */
/* links: monitor/cli/options.c monitor/cli/parse.c monitor/base/trace.c monitor/base/error.c */
/* The command line of `ukvm run`: the input is its words, with a NUL between them. */
#include "fuzz.h"

#include "base/range.h"
#include "cli/options.h"

#define WORDS_MAX 64

/* Each word in memory of its own size, where the sanitizer sees the byte before and the byte behind. */
static int split(const uint8_t *data, size_t size, char **argv) {
    int argc = 1;
    argv[0] = strdup("run");
    for (size_t at = 0; at < size && argc < WORDS_MAX;) {
        size_t length = strnlen((const char *)data + at, size - at);
        argv[argc++] = strndup((const char *)data + at, length);
        at += length + 1;
    }
    argv[argc] = NULL;
    return argc;
}

static bool is_word(const char *word, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (word >= argv[i] && word <= argv[i] + strlen(argv[i]))
            return true;
    return false;
}

static void check_device(const struct config *config, const struct device_config *device) {
    size_t length = strnlen(device->name, sizeof device->name);
    must(length > 0 && length < sizeof device->name);
    must(strspn(device->name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length);
    for (const struct device_config *other = config->devices; other < device; other++)
        must(strcmp(other->name, device->name) != 0);
    if (device->kind == UKVM_DEVICE_BLK) {
        must(device->disk.path[0] != '\0' && !strchr(device->disk.path, ','));
        return;
    }
    const struct net_config *net = &device->net;
    must(device->kind == UKVM_DEVICE_NET && net->prefix4 <= 32);
    must(net->mtu == 0 || (net->mtu >= 68 && net->mtu <= 9000));
    must(!net->has_mac || (net->mac[0] & 1) == 0);
    must(net->backend == NET_FD ? net->fd >= 0 : strlen(net->ifname) > 0 && strlen(net->ifname) < 16);
}

static void check_config(const struct config *config, int argc, char **argv) {
    must(config->memory >= 1 << 20 && config->memory <= UINT64_C(1) << 40);
    must(is_aligned(config->memory, UKVM_PAGE_SIZE));
    must(config->args_count >= 1 && config->args + config->args_count == argv + argc);
    must(config->image == config->args[0]);
    must(config->trace < 1u << TRACE_COUNT && config->devices_count <= UKVM_MAX_DEVICES);
    for (unsigned i = 0; i < config->env_count; i++) {
        const char *equals = strchr(config->env[i], '=');
        must(is_word(config->env[i], argc, argv) && equals && equals > config->env[i]);
    }
    for (unsigned i = 0; i < config->devices_count; i++)
        check_device(config, &config->devices[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *argv[WORDS_MAX + 1];
    struct error err = {0};
    struct config config;
    int argc = split(data, size, argv);
    switch (options_parse_run(argc, argv, &config, &err)) {
    case OPTIONS_RUN:
        check_config(&config, argc, argv);
        break;
    case OPTIONS_ERROR:
        must_be_explained(&err);
        must(err.status == EXIT_MONITOR);
        break;
    case OPTIONS_HELP:
        break;
    }
    config_free(&config);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return 0;
}
