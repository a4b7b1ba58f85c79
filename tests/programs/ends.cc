/* SPDX-License-Identifier: MIT */
/* How a program of C++ ends, by its argument: what is destroyed, in what order, what is said, and with what status. */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace {

struct says {
    const char *words;
    explicit says(const char *given) : words(given) {}
    ~says() {
        std::puts(words);
    }
};

struct late {
    ~late();
};

says first("the first static object");
thread_local says of_thread("an object of a thread");
thread_local late until_late;
says last("the last static object");

/* A destructor of a thread makes another object of it. */
late::~late() {
    thread_local says more("an object made while others are destroyed");
    std::printf("%s goes\n", more.words);
}

void use_both() {
    static says inside("a static object of a function, made after those of the thread");
    std::puts(of_thread.words);
    (void)until_late;
    (void)inside;
}

void fail() {
    throw std::runtime_error("nobody catches this");
}

} // namespace

int main(int argc, char **argv) {
    const std::string_view how = argc > 1 ? argv[1] : "return";
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    std::atexit([] { std::puts("atexit"); });
    std::at_quick_exit([] { std::puts("at_quick_exit"); });
    use_both();
    std::atexit([] { std::puts("atexit, later"); });
    if (how == "exit")
        std::exit(3);
    if (how == "quick_exit")
        std::quick_exit(4);
    if (how == "exit-in-thread")
        std::thread([] {
            use_both();
            std::exit(5);
        }).join();
    if (how == "thread")
        std::thread(use_both).join();
    if (how == "throw")
        fail();
    if (how == "throw-in-thread")
        std::thread(fail).join();
    if (how == "throw-int")
        throw 1;
    if (how == "throw-noexcept")
        []() noexcept { fail(); }();
    if (how == "terminate")
        std::terminate();
    if (how == "handler") {
        std::set_terminate([] {
            std::puts("the program's own end");
            std::exit(6);
        });
        fail();
    }
    if (how == "joinable") {
        std::thread thread([] { std::this_thread::sleep_for(std::chrono::hours(1)); });
    }
    return 2;
}
