/* SPDX-License-Identifier: MIT */
/*
 * Read before every C++ source: what Debian's libstdc++ takes for granted of the C library's headers, which are glibc's
 * where it was built and musl's here. The values are glibc's, as they are compiled into the library.
 */
#ifndef UKVM_CXX_H
#define UKVM_CXX_H

#define __GLIBC_PREREQ(major, minor) 0
#define __locale_t locale_t

/* <ctype.h>: the bits of a character's class. musl's tables are in this format, too. */
#define _ISupper 0x100
#define _ISlower 0x200
#define _ISalpha 0x400
#define _ISdigit 0x800
#define _ISxdigit 0x1000
#define _ISspace 0x2000
#define _ISprint 0x4000
#define _ISgraph 0x8000
#define _ISblank 0x1
#define _IScntrl 0x2
#define _ISpunct 0x4
#define _ISalnum 0x8

/* The library's own configuration, less what musl does not have. */
#include <bits/c++config.h>
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK

/*
 * What it takes for a glibc older than 2.34, whose threads may be missing, is a weak reference: nothing would then take
 * the function from an archive, and the program would call address 0.
 */
#undef _GLIBCXX_GTHREAD_USE_WEAK
#define _GLIBCXX_GTHREAD_USE_WEAK 0
#undef _GLIBCXX_NATIVE_THREAD_ID
#define _GLIBCXX_NATIVE_THREAD_ID pthread_self()

#endif
