/* SPDX-License-Identifier: MIT */
/* The standard streams, as the monitor finds them: the guest's console. ABI.md, CON-05. */
#ifndef UKVM_STREAMS_H
#define UKVM_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"

struct streams {
    uint8_t kind[UKVM_STREAMS]; /* enum ukvm_stream_kind */
    bool has_stdin;             /* descriptor 0 is the console's, whether or not it can be read */
};

/*
 * Looks at the three, before anything is opened: a number that is free would be that of the next file. Standard input
 * may be closed, or a network device's; then the guest has none.
 */
int streams_open(const struct config *config, struct streams *streams, struct error *err);

#endif
