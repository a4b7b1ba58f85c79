/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <errno.h>
#include <sys/mman.h>

#include "io.h"

int32_t memory_check_return(const struct io *io, const struct request *request) {
    const struct ukvm_sqe *sqe = &request->sqe;
    if (!is_aligned(sqe->offset, UKVM_PAGE_SIZE) || !is_aligned(sqe->length, UKVM_PAGE_SIZE))
        return -UKVM_EINVAL;
    for (unsigned i = 0; i < io->layout->ranges_count; i++) {
        const struct ukvm_range *range = &io->layout->ranges[i];
        if (range->kind == UKVM_RANGE_FREE && sqe->offset >= range->base &&
            range_within(sqe->offset - range->base, sqe->length, range->size))
            return 0;
    }
    return -UKVM_EINVAL;
}

/* At once and not through io_uring, which would start a kernel thread for it. */
void memory_start_return(struct io *io, struct request *request) {
    void *start = region_at_address(io->ram, request->sqe.offset, request->sqe.length);
    int result = start ? madvise(start, request->sqe.length, MADV_DONTNEED) : -1;
    request_complete(io, request, result < 0 ? -UKVM_EIO : 0);
}

int32_t memory_check_protect(const struct io *io, const struct request *request) {
    const struct ukvm_sqe *sqe = &request->sqe;
    /* Nothing executable, ever (MEM-02); write-only pages the processor does not have. */
    bool good = sqe->device == 0 || sqe->device == UKVM_PROT_READ || sqe->device == (UKVM_PROT_READ | UKVM_PROT_WRITE);
    return good && sqe->length <= UKVM_PROTECT_MAX ? memory_check_return(io, request) : -UKVM_EINVAL;
}

void memory_start_protect(struct io *io, struct request *request) {
    io->edit = request;
}
