/* SPDX-License-Identifier: MIT */
/* As socket.c: a program with pairs and nothing else has the sockets too. */
#include <sys/socket.h>
#include "syscall.h"

long uk_sys_socketpair(int, int, int, int *);

int socketpair(int domain, int type, int protocol, int fds[2])
{
	return __syscall_ret(uk_sys_socketpair(domain, type, protocol, fds));
}
