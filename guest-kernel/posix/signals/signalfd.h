/* SPDX-License-Identifier: MIT */
#ifndef UK_SIGNALFD_H
#define UK_SIGNALFD_H

/* A signal is pending now: wakes who reads it from a descriptor. For the hooks of signal.h. */
void uk_signalfd_notify(int signal);

#endif
