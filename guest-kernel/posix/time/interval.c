/* SPDX-License-Identifier: MIT */
#include "interval.h"

#include <errno.h>

uint64_t uk_interval_expire(struct uk_interval *self) {
    uint64_t times = 1;
    if (self->interval) {
        times += (uk_clock_monotonic() - self->timer.due) / self->interval;
        uk_timer_start(&self->timer, self->timer.due + times * self->interval);
    }
    return times;
}

void uk_interval_get(const struct uk_interval *self, struct itimerspec *value) {
    uint64_t now = uk_clock_monotonic();
    uint64_t left = self->timer.armed && self->timer.due > now ? self->timer.due - now : 0;
    *value = (struct itimerspec){.it_interval = uk_timespec(self->interval), .it_value = uk_timespec(left)};
}

int uk_interval_set(struct uk_interval *self, bool absolute, const struct itimerspec *value, struct itimerspec *old) {
    uint64_t interval, due;
    if (uk_duration(&value->it_interval, &interval) ||
        (absolute ? uk_deadline_at(self->clock, &value->it_value, &due) : uk_deadline_after(&value->it_value, &due)))
        return -EINVAL;
    if (old)
        uk_interval_get(self, old);
    uk_timer_stop(&self->timer);
    self->interval = interval;
    self->timer.on_wall = absolute && uk_clock_is_wall(self->clock);
    if (value->it_value.tv_sec || value->it_value.tv_nsec)
        uk_timer_start(&self->timer, due);
    return 0;
}
