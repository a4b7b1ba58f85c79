/* SPDX-License-Identifier: MIT */
/*
 * The signals that tell the monitor to end. ABI.md, SIG: they come to the guest only while it asks for them, and end it
 * otherwise, which is what a program wants that has no handler and nothing to do at its end.
 */
#include "stop.h"

#include <signal.h>

#include "signal.h"

static void told(struct uk_io *asked, int32_t result);

static struct uk_io io = {.done = told, .sqe.op = UKVM_OP_SIGNAL};

static void told(struct uk_io *asked, int32_t result) {
    (void)asked;
    if (result < 0)
        return;
    uk_signal_process(result);
    if (!uk_signal_is_default(result)) /* else the program ends, and the next one does not wait for that */
        uk_stop_ask();
}

void uk_stop_ask(void) {
    if (!io.in_flight && (uk_boot()->features & UKVM_FEATURE_SIGNAL))
        uk_submit(&io);
}

bool uk_stop_is_asked(void) {
    return io.in_flight;
}

void uk_stop_handled(int signal) {
    if (signal == SIGTERM || signal == SIGINT)
        uk_stop_ask();
}
