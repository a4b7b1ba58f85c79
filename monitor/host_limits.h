/* SPDX-License-Identifier: MIT */
#ifndef UKVM_HOST_LIMITS_H
#define UKVM_HOST_LIMITS_H

#include "base/config.h"
#include "base/error.h"

/* Whether the process may open as many files as this command line takes; said before the first one cannot be opened. */
int limits_check(const struct config *config, struct error *err);

#endif
