/* SPDX-License-Identifier: MIT */
#ifndef UKVM_OPTIONS_H
#define UKVM_OPTIONS_H

#include "base/config.h"
#include "base/error.h"

/* The options of `ukvm run`, for --help and the man page's check. */
extern const char options_run_help[];

enum options_result { OPTIONS_ERROR = -1, OPTIONS_RUN = 0, OPTIONS_HELP = 1 };

/*
 * Reads the words after `ukvm run`. `config` may point into `argv` afterwards; release it with config_free().
 * Nothing is opened here: this can be asked about any command line at no cost.
 */
enum options_result options_parse_run(int argc, char **argv, struct config *config, struct error *err);

void config_free(struct config *config);

#endif
