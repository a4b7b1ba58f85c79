/* SPDX-License-Identifier: MIT */
#include "console.h"
#include "hypercall.h"
#include "wait.h"

#define STATUS_PANIC 134 /* 128 + SIGABRT */
#define STATUS_PIPE 141  /* 128 + SIGPIPE */
#define STATUS_LOST 125

static _Noreturn void leave(int status) {
    for (;;)
        uk_hypercall(UKVM_PORT_EXIT, (uint32_t)status);
}

/* Output was lost, and nobody has been told: a program that ends well in its own eyes has not. As CALL-06. */
static int status_after(int status) {
    uk_reap();
    uk_console_look();
    int32_t out = uk_console_error(UKVM_CONSOLE_OUT), err = uk_console_error(UKVM_CONSOLE_ERR);
    if (status != 0 || (out == 0 && err == 0))
        return status;
    if (out == -UKVM_EPIPE || err == -UKVM_EPIPE)
        return STATUS_PIPE;
    uk_eprintf("output is lost: %s\n", uk_error_name(out ? out : err));
    return STATUS_LOST;
}

void uk_exit(int status) {
    status = status_after(status);
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
