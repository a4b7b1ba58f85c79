/* SPDX-License-Identifier: MIT */
#include "hypercall.h"
#include "kernel.h"

#define STATUS_PANIC 134 /* 128 + SIGABRT */

static _Noreturn void leave(int status) {
    for (;;)
        uk_hypercall(UKVM_PORT_EXIT, (uint32_t)status);
}

void uk_exit(int status) {
    uk_console_end();
    /*
     * EXIT takes what is in the ring and completes console writes (CALL-03), so that a flush would be an exit for
     * nothing; but not what has no room in the ring, or would be one more than cq_entries in flight (RING-04).
     */
    if (uk_in_flight() > uk_boot()->sq_entries || uk_in_flight() > uk_boot()->cq_entries)
        uk_console_flush();
    leave(status);
}

void uk_panic(const char *format, ...) {
    static bool panicking;
    char text[256];
    va_list args;
    /* A panic on the way to print a panic: only the end is left. */
    if (panicking)
        leave(STATUS_PANIC);
    panicking = true;
    va_start(args, format);
    uk_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    uk_eprintf("panic: %s\n", text);
    uk_exit(STATUS_PANIC);
}
