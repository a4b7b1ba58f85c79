/* SPDX-License-Identifier: MIT */
#include "ukvm.h"

static const char names[][8] = {
    [UKVM_EINVAL] = "EINVAL", [UKVM_EIO] = "EIO",       [UKVM_ENOSPC] = "ENOSPC",   [UKVM_EROFS] = "EROFS",
    [UKVM_EDOWN] = "EDOWN",   [UKVM_EAGAIN] = "EAGAIN", [UKVM_ENOTSUP] = "ENOTSUP", [UKVM_EPIPE] = "EPIPE",
};

const char *uk_error_name(int result) {
    if (result >= 0)
        return "OK";
    if (result == -UK_ENOMEM)
        return "ENOMEM";
    if (result <= -(int)(sizeof names / sizeof names[0]))
        return "E?";
    return names[-result];
}
