/* SPDX-License-Identifier: MIT */
/*
 * Sockets are a part of the guest kernel that only programs that call socket() are linked with: the reference to
 * uk_sys_socket() pulls it in (guest-kernel/net/).
 */
#include <sys/socket.h>
#include "syscall.h"

long uk_sys_socket(int, int, int);

int socket(int domain, int type, int protocol)
{
	return __syscall_ret(uk_sys_socket(domain, type, protocol));
}
