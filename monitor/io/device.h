/* SPDX-License-Identifier: MIT */
/* The devices of a guest, opened. Their geometry never changes afterwards. ABI.md, BOOT-04. */
#ifndef UKVM_DEVICE_H
#define UKVM_DEVICE_H

#include "base/config.h"
#include "base/error.h"
#include "blk.h"
#include "net.h"
#include "streams.h"

struct device {
    enum ukvm_device_kind kind;
    char name[UKVM_DEVICE_NAME_SIZE];
    int fd;
    unsigned file; /* index among the files registered with io_uring */
    union {
        struct blk blk;
        struct net net;
    };
};

struct devices {
    struct device table[UKVM_MAX_DEVICES];
    unsigned count;
    struct streams streams; /* of the console */
};

/* Whether a network device of the command line is that inherited descriptor. */
bool devices_name_fd(const struct config *config, int fd);

/*
 * Checks the descriptors that the command line names and closes all others that were inherited. To be called before
 * anything is opened: a number could be that of something of ours, and to close a disk that somebody else has open
 * would release our lock on it.
 */
int devices_claim_inherited(const struct config *config, struct error *err);

/* Opens each device of the command line, in its order. On failure the process is about to end; nothing is closed. */
int devices_open(const struct config *config, struct devices *devices, struct error *err);

/* Bytes of arena that these devices and the console are worth. */
uint64_t devices_arena_size(const struct devices *devices);

/* The entry of the boot page. */
void device_describe(const struct device *device, struct ukvm_device *entry);

#endif
