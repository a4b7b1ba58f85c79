/* SPDX-License-Identifier: MIT */
/* Guest memory that goes back to the host. ABI.md, MEM-05. */
#ifndef UKVM_MEMORY_H
#define UKVM_MEMORY_H

#include <stdint.h>

struct io;
struct request;

int32_t memory_check_return(const struct io *io, const struct request *request);
void memory_start_return(struct io *io, struct request *request);

#endif
