/* SPDX-License-Identifier: MIT */
/* Network devices: a TAP interface or a descriptor that carries one Ethernet frame a message. ABI.md, NET-01 to NET-04.
 */
#ifndef UKVM_NET_H
#define UKVM_NET_H

#include <stdint.h>

#include "base/config.h"
#include "base/error.h"

struct device;
struct io;
struct request;

struct net {
    struct ukvm_net_info info;

    struct request *waiting; /* receive buffers that the guest has given and no read is using */
    unsigned reading;        /* reads in flight */

    /* How many reads to try at once; see net_pump(). */
    bool can_poll;       /* the file knows RWF_NOWAIT */
    bool missed;         /* a read of the current burst found nothing */
    unsigned burst;      /* size of the next burst; 0: arm one read and sleep */
    unsigned taken;      /* frames since the guest last ran */
    unsigned last_taken; /* frames in the turn before */
};

int net_open(const struct net_config *config, const char *name, int *fd, struct net *net, struct error *err);

uint64_t net_arena_size(const struct net *net);
struct ukvm_net_info net_info(const struct net *net);

/* The guest has just left off running: sizes the first burst by what the last turn found. */
void net_begin_turn(struct net *net);

/* More frames are expected shortly: net_pump() tries again. */
void net_look_again(struct net *net);

/* Whether net_pump() may leave a read waiting for the next frame. */
enum net_arm { NET_ONLY_BURST, NET_MAY_ARM };

/* Starts reads into the waiting buffers. */
void net_pump(struct io *io, struct device *device, enum net_arm arm);

/* Handlers of the operations; see struct op in ops.c. */
int32_t net_check_send(const struct io *io, const struct request *request);
int32_t net_check_recv(const struct io *io, const struct request *request);
void net_start_send(struct io *io, struct request *request);
void net_start_recv(struct io *io, struct request *request);
void net_finish_send(struct io *io, struct request *request, int32_t result);
void net_finish_recv(struct io *io, struct request *request, int32_t result);

#endif
