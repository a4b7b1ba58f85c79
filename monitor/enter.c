/* SPDX-License-Identifier: MIT */
#include "enter.h"

#include <errno.h>
#include <string.h>

/* EFAULT: the host has no page for where the guest went, which happens in a file that has become shorter. */
static enum entered failed(const struct guest *guest, int result, struct error *err) {
    if (result == -EFAULT && (guest->initrd.size || guest->file.size))
        error_set(err, EXIT_MONITOR,
                  "KVM_RUN: %s: the host cannot give the guest its memory; has the file of --initrd or the image "
                  "become shorter?",
                  strerror(EFAULT));
    else
        error_set(err, EXIT_MONITOR, "KVM_RUN: %s", strerror(-result));
    return ENTERED_ERROR;
}

enum entered enter_guest(struct guest *guest, struct io *io, struct error *err) {
    while (true) {
        int result = vm_run(&guest->vm);
        if (result == 0)
            return ENTERED_EXIT;
        if (result != -EINTR && result != -EAGAIN)
            return failed(guest, result, err);
        if (io_poll_signals(io, err))
            return ENTERED_ERROR;
        if (io->stop_signal)
            return ENTERED_SIGNAL;
    }
}
