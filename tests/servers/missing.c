/* SPDX-License-Identifier: MIT */
/* What there cannot be, as a program is told: no shell, no processes, no libraries to load. */
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    char *const arguments[] = {"true", NULL};
    pid_t process;
    printf("system(NULL) %d\n", system(NULL));
    int status = system("true");
    printf("system %d %s\n", status, strerror(errno));
    FILE *pipe = popen("echo", "r");
    printf("popen %d %s\n", pipe != NULL, strerror(errno));
    printf("posix_spawn %s\n", strerror(posix_spawn(&process, "/bin/true", NULL, NULL, arguments, environ)));
    void *library = dlopen("libm.so.6", RTLD_NOW);
    const char *why = dlerror();
    printf("dlopen %d %s\n", library != NULL, why ? why : "");
    return 0;
}
