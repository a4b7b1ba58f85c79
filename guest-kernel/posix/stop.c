/* SPDX-License-Identifier: MIT */
/*
 * The signals that tell the monitor to end, for a program that handles them. ABI.md, SIG: they come to the guest only
 * while it asks for them, and end it otherwise, which is what a program without a handler wants.
 */
#include "stop.h"

#include <signal.h>

#include "signal.h"

static void ask(void);

static void told(struct uk_io *io, int32_t result) {
    (void)io;
    if (result < 0)
        return;
    uk_signal_process(result);
    ask();
}

static void ask(void) {
    static struct uk_io io = {.done = told, .sqe.op = UKVM_OP_SIGNAL};
    if (!io.in_flight)
        uk_submit(&io);
}

void uk_stop_handled(int signal) {
    if ((signal == SIGTERM || signal == SIGINT) && (uk_boot()->features & UKVM_FEATURE_SIGNAL))
        ask();
}
