/* SPDX-License-Identifier: MIT */
/* The part in C++ of program.c: an exception, a destructor of a thread's variable, a static object. */
#include <cstdio>
#include <stdexcept>
#include <string>

extern "C" int part(int number);

namespace {
struct says {
    ~says() {
        std::puts("destroyed");
    }
};
says at_the_end;
thread_local std::string of_this_thread = "an exception that crosses a function";

void fail(int number) {
    if (number)
        throw std::runtime_error(of_this_thread);
}
} // namespace

int part(int number) {
    (void)at_the_end;
    try {
        fail(number);
    } catch (const std::exception &error) {
        std::puts(error.what());
        return number;
    }
    return -1;
}
