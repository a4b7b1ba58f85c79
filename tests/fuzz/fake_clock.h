/* SPDX-License-Identifier: MIT */
/* Included before everything else in the ring target: its TSC is the target's own, so that an input means one thing. */
#ifndef FAKE_CLOCK_H
#define FAKE_CLOCK_H

unsigned long long fake_tsc(void);
#define __builtin_ia32_rdtsc() fake_tsc()

#endif
