/* SPDX-License-Identifier: MIT */
#include "coalesce.h"

#define COST_MAX UINT64_C(50000) /* nanoseconds; more is the guest's own work between two hypercalls */
#define BUDGET_EXITS 2u          /* an exit and a sleep */
#define FAILURES_MAX 8u          /* 2 to this power is the longest pause, in turns */

void coalesce_begin_turn(struct coalesce *c, uint64_t now) {
    uint64_t cost = now - c->left_at;
    bool known = c->left_at != 0 && cost <= COST_MAX;
    /* Follows the minimum down at once and drifts up slowly, should the guest's exits have become dearer. */
    if (known && (c->exit_cost == 0 || cost < c->exit_cost))
        c->exit_cost = cost;
    else if (known)
        c->exit_cost += c->exit_cost / 256;
    c->started = 0;
    c->taken = c->sent = 0;
}

bool coalesce_more(struct coalesce *c, uint64_t now) {
    if (c->taken >= c->sent || c->skip || c->exit_cost == 0)
        return false;
    if (!c->started)
        c->started = now;
    return now - c->started < BUDGET_EXITS * c->exit_cost;
}

void coalesce_end_turn(struct coalesce *c, uint64_t now) {
    if (c->started && c->taken < c->sent) {
        c->failures += c->failures < FAILURES_MAX;
        c->skip = 1u << c->failures;
    } else if (c->started) {
        c->failures = 0;
    } else if (c->skip) {
        c->skip--;
    }
    c->left_at = now;
}
