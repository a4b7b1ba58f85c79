/* SPDX-License-Identifier: MIT */
/* Timers, for who waits. timer.c */
#ifndef UK_CORE_TIMER_H
#define UK_CORE_TIMER_H

#include "ukvm.h"

/* Timers, from uk_wait(). UKVM_DEADLINE_NONE: no timer is running. */
uint64_t uk_timers_next(void);

/* The wall clock was set forward by so many nanoseconds, or back: what stands for a time of it is due earlier. */
void uk_timers_shift(int64_t by);

/* Fires what is due at `now`; returns how many. */
unsigned uk_timers_run(uint64_t now);

#endif
