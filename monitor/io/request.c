/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#include <inttypes.h>

#include "base/trace.h"
#include "io.h"

struct request *request_new(struct io *io) {
    struct request *request = io->free;
    if (request)
        io->free = request->next;
    else
        request = &io->requests[io->fresh++]; /* RING-04 keeps in_flight within the array */
    return request;
}

void request_complete(struct io *io, struct request *request, int32_t result) {
    trace(TRACE_RING, "complete op=%u user_data=0x%" PRIx64 " result=%d", request->sqe.op, request->sqe.user_data,
          result);
    ring_complete(&io->ring, &request->sqe, result);
    request->next = io->free;
    io->free = request;
}

void request_tag(struct io_uring_sqe *sqe, struct request *request) {
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = (uintptr_t)request;
}

void *request_buffer(const struct io *io, const struct request *request) {
    return io->arena.host + request->sqe.arena + request->done;
}

bool request_goes_on(struct request *request, int32_t result) {
    request->refused = result > 0 ? 0 : request->refused + 1;
    if (result > 0)
        request->done += (uint32_t)result;
    return (result > 0 && request->done < request->sqe.length) || result == -EINTR || result == -EAGAIN;
}

void request_complete_transfer(struct io *io, struct request *request, int32_t result) {
    int32_t outcome = (int32_t)request->done;
    if (result <= 0)
        outcome = result == 0 ? -UKVM_EIO : request_error(result);
    request_complete(io, request, outcome);
}

int32_t request_error(int32_t result) {
    switch (-result) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return -UKVM_ENOSPC;
    case EROFS:
        return -UKVM_EROFS;
    case EOPNOTSUPP:
    case ENOSYS:
        return -UKVM_ENOTSUP;
    default:
        return -UKVM_EIO;
    }
}
