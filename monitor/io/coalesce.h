/* SPDX-License-Identifier: MIT */
/*
 * When to look for frames a little longer, before going back to the guest with what there is and before going to sleep.
 *
 * An exit costs as much as a dozen frames where KVM has no hardware help, so a server with a few requests in flight
 * would spend its time on exits that carry one or two frames each; and to fall asleep and be woken costs as much again.
 * A guest that has just sent n frames mostly gets n answers. The monitor looks for them for no longer than the exit or
 * the sleep that it hopes to save, and where they do not come it stops trying for a while. Pure logic; times are
 * nanoseconds.
 */
#ifndef UKVM_COALESCE_H
#define UKVM_COALESCE_H

#include <stdbool.h>
#include <stdint.h>

struct coalesce {
    unsigned taken, sent; /* frames of this turn, of all devices, counted by them */
    uint64_t exit_cost;   /* the shortest time seen lately from leaving for the guest to its next hypercall */
    uint64_t left_at;     /* when the guest last went on; 0 at first */
    uint64_t started;     /* when this turn's lingering began; 0: it has not */
    unsigned failures;    /* in a row */
    unsigned skip;        /* turns not to try */
};

/* The guest has made a hypercall. */
void coalesce_begin_turn(struct coalesce *c, uint64_t now);

/* True: look again. */
bool coalesce_more(struct coalesce *c, uint64_t now);

/* The guest goes on. */
void coalesce_end_turn(struct coalesce *c, uint64_t now);

#endif
