/* SPDX-License-Identifier: MIT */
/* Free guest memory: giving it back to the host, and what it allows. ABI.md, MEM-05 to MEM-08. */
#ifndef UKVM_MEMORY_H
#define UKVM_MEMORY_H

#include <stdint.h>

struct io;
struct request;

int32_t memory_check_return(const struct io *io, const struct request *request);
void memory_start_return(struct io *io, struct request *request);

int32_t memory_check_protect(const struct io *io, const struct request *request);
void memory_start_protect(struct io *io, struct request *request);

#endif
