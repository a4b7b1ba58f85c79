/* SPDX-License-Identifier: MIT */
/* What a program finds before main(): constructors get its arguments, in the order of their priorities. */
#include <unistd.h>

#include "tap.h"

static int given, first_of, order;
static char **arguments, **environment;

__attribute__((constructor(300))) static void later(void) {
    order = order * 10 + 2;
}

__attribute__((constructor(200))) static void sooner(int argc, char **argv, char **envp) {
    order = order * 10 + 1;
    given = argc;
    arguments = argv;
    environment = envp;
    first_of = argv[0][0];
}

__attribute__((constructor)) static void last(void) {
    order = order * 10 + 3;
}

int main(int argc, char **argv, char **envp) {
    ok(order == 123, "constructors by priority");
    ok(given == argc && arguments == argv && environment == envp, "they have the arguments of main()");
    ok(first_of == argv[0][0] && argv[argc] == NULL, "which can be read");
    ok(environ == envp, "the environment is main()'s third argument");
    return done_testing();
}
