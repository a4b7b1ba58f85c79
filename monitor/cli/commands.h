/* SPDX-License-Identifier: MIT */
#ifndef UKVM_COMMANDS_H
#define UKVM_COMMANDS_H

#include "base/error.h"

/* A subcommand gets the words from its own name on, and returns the exit status, or -1 with `err`. */
int cmd_run(int argc, char **argv, struct error *err);
int cmd_policy(int argc, char **argv, struct error *err);
int cmd_doctor(int argc, char **argv, struct error *err);

#endif
