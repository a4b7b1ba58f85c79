/* SPDX-License-Identifier: MIT */
/* The operations of the ABI, a table row each: what a submission may say, how it starts, what its completion means. */
#ifndef UKVM_OPS_H
#define UKVM_OPS_H

#include <stdint.h>

struct io;
struct request;

/* Copies the next submission, checks the copy, and starts it or completes it with an error. ring_available() says when.
 */
void ops_take(struct io *io);

/* io_uring has done what a request asked of it. */
void ops_finish(struct io *io, struct request *request, int32_t result);

#endif
