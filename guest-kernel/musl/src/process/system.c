/* SPDX-License-Identifier: MIT */
/* Lies over the file of this name. There is no shell: system(NULL) says so, and anything else fails as starting it does. */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

int system(const char *command)
{
	if (!command)
		return 0;
	pid_t shell;
	char *const arguments[] = {"sh", "-c", (char *)command, 0};
	errno = posix_spawn(&shell, "/bin/sh", 0, 0, arguments, environ);
	return -1;
}
