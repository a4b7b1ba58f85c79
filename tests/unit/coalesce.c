/* SPDX-License-Identifier: MIT */
/* links: monitor/io/coalesce.c */
#include "io/coalesce.h"

#include "tap.h"

#define EXIT_NS 30000u /* from leaving for the guest to its next hypercall */

/* One turn: the guest has sent `sent` frames, and one answer comes every `interval`. Returns the answers it waited for.
 */
static unsigned turn(struct coalesce *c, uint64_t *now, unsigned sent, uint64_t interval) {
    uint64_t began = *now;
    coalesce_begin_turn(c, *now);
    c->sent = sent;
    while (coalesce_more(c, *now)) {
        *now += 500;
        c->taken = interval ? (unsigned)((*now - began) / interval) : 0;
    }
    coalesce_end_turn(c, *now);
    *now += EXIT_NS;
    return c->taken;
}

int main(void) {
    struct coalesce c = {0};
    uint64_t now = 1000000;

    ok(turn(&c, &now, 8, 1000) == 0, "before it knows what an exit costs, it does not look");
    ok(turn(&c, &now, 0, 0) == 0, "a guest that sends nothing is not made to wait");
    is_u64(c.exit_cost, EXIT_NS, "it learns what an exit costs");
    ok(turn(&c, &now, 8, 1000) >= 8, "answers that come quickly are collected");
    ok(turn(&c, &now, 1, 20000) >= 1, "and one that takes as long as an exit");

    uint64_t before = now;
    ok(turn(&c, &now, 8, 0) == 0, "without answers");
    ok(now - before - EXIT_NS >= EXIT_NS && now - before - EXIT_NS <= 3 * EXIT_NS, "it gives up after two exits' time");
    before = now;
    turn(&c, &now, 8, 1000);
    is_u64(now - before, EXIT_NS, "and does not look in the next turn");

    uint64_t looked = 0;
    for (unsigned i = 0; i < 10000; i++) {
        before = now;
        turn(&c, &now, 8, 0);
        looked += now - before - EXIT_NS;
    }
    ok(looked < 10000 * (uint64_t)EXIT_NS / 50, "a guest that never gets answers loses less than a fiftieth to it");

    unsigned turns = 0;
    while (turns < 1000 && turn(&c, &now, 4, 1000) < 4)
        turns++;
    ok(turns < 1000, "when answers come again, it notices");
    ok(turn(&c, &now, 4, 1000) >= 4, "and looks again every time");

    coalesce_begin_turn(&c, now + 10 * 1000 * 1000);
    ok(c.exit_cost <= 2 * EXIT_NS, "a guest that computes for long makes no exit dear");
    return done_testing();
}
