/* SPDX-License-Identifier: MIT */
#include "start.h"

void __stack_chk_fail(void) {
    uk_panic("stack overflow in a function called from %p", __builtin_return_address(0));
}
