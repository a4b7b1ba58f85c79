/* SPDX-License-Identifier: MIT */
#include "enter.h"

#include <errno.h>
#include <string.h>

/*
 * Since Linux 6.13 the first KVM_RUN of a machine starts a thread of the kernel, which a limit may forbid for a moment
 * or for good. How long KVM may say "try again", in nanoseconds to each try, and how long to wait
 * between two of them.
 */
#define PATIENCE UINT64_C(1000000000)
#define PAUSE UINT64_C(5000000)

/* EFAULT: the host has no page for where the guest went, which happens in a file that has become shorter. */
static enum entered failed(const struct guest *guest, int result, struct error *err) {
    if (result == -EFAULT && (guest->initrd.size || guest->file.size))
        error_set(err, EXIT_MONITOR,
                  "KVM_RUN: %s: the host cannot give the guest its memory; has the file of --initrd or the image "
                  "become shorter?",
                  strerror(EFAULT));
    else
        error_set(err, EXIT_MONITOR, "KVM_RUN: %s%s", strerror(-result), result == -EAGAIN ? ": " ERROR_NO_THREAD : "");
    return ENTERED_ERROR;
}

enum entered enter_guest(struct guest *guest, struct io *io, struct error *err) {
    uint64_t refused_since = 0;
    while (true) {
        int result = vm_run(&guest->vm);
        if (result == 0)
            return ENTERED_EXIT;
        uint64_t now = clock_now(&guest->clock);
        if (result == -EAGAIN && refused_since == 0)
            refused_since = now;
        if (result != -EINTR && (result != -EAGAIN || now - refused_since > PATIENCE))
            return failed(guest, result, err);
        if ((result == -EAGAIN && io_pause(io, PAUSE, err)) || io_poll_signals(io, err))
            return ENTERED_ERROR;
        if (io->stop_signal)
            return ENTERED_SIGNAL;
    }
}
