/* SPDX-License-Identifier: MIT */
/* One submission on its way, and what every handler of an operation does with it. */
#ifndef UKVM_REQUEST_H
#define UKVM_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "ukvm_abi.h"

struct device;
struct io;
struct io_uring_sqe;

/* One submission that was taken and not completed. */
struct request {
    struct ukvm_sqe sqe;   /* the monitor's own copy */
    struct device *device; /* NULL for operations without one */
    uint32_t done;         /* bytes transferred so far */
    uint32_t refused;      /* times in a row that nothing was, and it was to be tried again */
    struct request *next;  /* in the one queue that it is in */
};

/* A request with undefined contents; RING-04 makes sure that there is one for each submission in flight. */
struct request *request_new(struct io *io);

/* After io_uring_prep_*: on a registered file, and coming back as `request`. */
void request_tag(struct io_uring_sqe *sqe, struct request *request);

/* Tells the guest, and forgets the request. `result` is bytes or a negative enum ukvm_error. */
void request_complete(struct io *io, struct request *request, int32_t result);

/*
 * A transfer has done `result` bytes more, or failed with a negative errno. True if it is to be started again, from
 * `done` on: it was short, or only interrupted; a pipe that somebody made non-blocking says EAGAIN when it is full.
 */
bool request_goes_on(struct request *request, int32_t result);

/* The end of one that does not go on. Nothing at all is the end of a file that became shorter. BLK-02. */
void request_complete_transfer(struct io *io, struct request *request, int32_t result);

/* The ABI's code for a negative errno: -UKVM_EIO unless it has a better one. */
int32_t request_error(int32_t result);

/* The host's address of a request's buffer, from `done` on; checked when the request was taken. */
void *request_buffer(const struct io *io, const struct request *request);

#endif
