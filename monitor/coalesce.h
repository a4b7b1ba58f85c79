/* SPDX-License-Identifier: MIT */
/*
 * When to go back to the guest with what there is, and when to look a little longer. An exit costs as much as a dozen
 * frames where KVM has no hardware help, so a server with a few requests in flight would spend its time on exits that
 * carry one or two frames each. A guest that has just sent n frames mostly gets n answers: while they trickle in, the
 * monitor goes on looking, for no longer than the exit that it saves. Where that does not come true it stops trying for
 * a while. Pure logic; times are nanoseconds of one clock.
 */
#ifndef UKVM_COALESCE_H
#define UKVM_COALESCE_H

#include <stdbool.h>
#include <stdint.h>

struct coalesce {
    uint64_t exit_cost; /* the shortest time seen lately from leaving for the guest to its next hypercall */
    uint64_t left_at;   /* when the guest last went on; 0 at first */
    uint64_t started;   /* when this turn's lingering began; 0: it has not */
    unsigned failures;  /* in a row */
    unsigned skip;      /* turns not to try */
};

/* The guest has made a hypercall. */
void coalesce_begin_turn(struct coalesce *c, uint64_t now);

/* There are completions for the guest, `taken` frames among them, after `sent` frames. True: look again first. */
bool coalesce_more(struct coalesce *c, uint64_t now, unsigned taken, unsigned sent);

/* The guest goes on. */
void coalesce_end_turn(struct coalesce *c, uint64_t now, unsigned taken, unsigned sent);

#endif
