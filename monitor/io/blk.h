/* SPDX-License-Identifier: MIT */
/* Disks: a file or a block device of the host. ABI.md, BLK-01 to BLK-05. */
#ifndef UKVM_BLK_H
#define UKVM_BLK_H

#include <stdint.h>

#include "base/config.h"
#include "base/error.h"

struct io;
struct request;

struct blk {
    uint64_t capacity;
    uint32_t block_size;
    uint32_t max_transfer;
    bool readonly;
    uint64_t host_device, host_inode; /* which file it is, by whatever path */
};

/* Opens and locks the file, so that no two guests write one disk. */
int blk_open(const struct disk_config *config, const char *name, int *fd, struct blk *blk, struct error *err);

/* Whether both are one file of the host. */
bool blk_is_same_file(const struct blk *a, const struct blk *b);

/* What the arena has for each disk. */
#define BLK_ARENA_SIZE (UINT64_C(1) << 20)

struct ukvm_blk_info blk_info(const struct blk *blk);

/* Handlers of the operations; see struct op in ops.c. */
int32_t blk_check_transfer(const struct io *io, const struct request *request);
int32_t blk_check_blocks(const struct io *io, const struct request *request);
void blk_start_transfer(struct io *io, struct request *request);
void blk_start_flush(struct io *io, struct request *request);
void blk_start_discard(struct io *io, struct request *request);
void blk_finish_transfer(struct io *io, struct request *request, int32_t result);
void blk_finish(struct io *io, struct request *request, int32_t result);

#endif
