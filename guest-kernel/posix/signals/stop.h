/* SPDX-License-Identifier: MIT */
#ifndef UK_STOP_H
#define UK_STOP_H

#include <stdbool.h>

/* From now on the monitor passes SIGTERM and SIGINT on to the program. */
void uk_stop_ask(void);

/* Whether it has been asked for one that has not come. */
bool uk_stop_is_asked(void);

/* The program has a handler for `signal`, or waits for it: the same, if it is one of them. */
void uk_stop_handled(int signal);

#endif
