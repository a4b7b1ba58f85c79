/* SPDX-License-Identifier: MIT */
#include "process.h"
#include "ukvm.h"

static void (*end_hook)(void);

void uk_at_process_end(void (*hook)(void)) {
    end_hook = hook;
}

_Noreturn void uk_process_end(int status) {
    if (end_hook)
        end_hook();
    uk_exit(status);
}
