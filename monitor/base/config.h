/* SPDX-License-Identifier: MIT */
/* What the command line asks for, checked for form and not yet against the host. */
#ifndef UKVM_CONFIG_H
#define UKVM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "trace.h"
#include "ukvm_abi.h"

#define CONFIG_MEMORY_DEFAULT (UINT64_C(64) << 20)

enum sandbox { SANDBOX_ON, SANDBOX_OFF };

enum net_backend { NET_TAP, NET_FD };

struct disk_config {
    const char *path;
    bool readonly;
    bool direct;
};

struct net_config {
    enum net_backend backend;
    const char *ifname; /* NET_TAP; in device_config.buffer */
    int fd;             /* NET_FD */
    bool has_mac;
    uint8_t mac[6];
    uint8_t ip4[4]; /* all zero: none */
    uint8_t prefix4;
    uint8_t gateway4[4];
    uint16_t mtu; /* 0: take the interface's */
};

struct device_config {
    enum ukvm_device_kind kind;
    char name[UKVM_DEVICE_NAME_SIZE];
    char *buffer; /* owned copy of the option's value, which path and ifname point into */
    union {
        struct disk_config disk;
        struct net_config net;
    };
};

struct config {
    const char *image;
    const char *initrd; /* a path; NULL: none */
    uint64_t memory;    /* bytes */
    char **args;        /* args[0] is the image's name; points into argv */
    unsigned args_count;
    const char **env; /* owned array; the strings point into argv */
    unsigned env_count;
    struct device_config devices[UKVM_MAX_DEVICES];
    unsigned devices_count;
    trace_mask trace;
    enum sandbox sandbox;
};

#endif
