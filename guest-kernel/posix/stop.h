/* SPDX-License-Identifier: MIT */
#ifndef UK_STOP_H
#define UK_STOP_H

/* The program has a handler for `signal`, or waits for it: from now on the monitor passes it on. */
void uk_stop_handled(int signal);

#endif
