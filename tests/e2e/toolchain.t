#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ukvm-cc and what it makes: images without a system call instruction, hardened as they claim to be, from sources and from
# other people's build systems.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
CC=$BUILD/ukvm-cc
command -v objdump >/dev/null || skip_all "objdump is not installed"
[ -x "$CC" ] || skip_all "there is no compiler here"

cat >app.c <<'END'
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
    char small[8];
    if (argc > 1)
        strcpy(small, argv[1]); /* the canary's business */
    else
        strcpy(small, "world");
    printf("hello, %s\n", small);
    return 0;
}
END
run "$CC" -O2 app.c -o app.elf
is "a program is built by changing the compiler's name" "$status" 0
run_ukvm app.elf
is "and runs" "$out" "hello, world"
run "$CC" -O0 -c app.c && run "$CC" app.o -o app2.elf
is "compiled and linked in two steps" "$status" 0
run_ukvm app.elf "$(printf '%0100d' 0)"
is "an overflow of a buffer on the stack ends the guest" "$status" 134
like "with a word of it" "$err" "stack overflow in a function"

# An instruction, not data that looks like one: objdump goes from symbol to symbol. The two of an image that Linux starts as a
# program, in core/entry.S, no guest gets to.
calls=$(objdump -d --no-show-raw-insn "$BUILD"/sysroot/lib/lib{musl,ukvm}.a app.elf 2>/dev/null |
    awk '/^[0-9a-f]+ <.*>:$/ { in_function = $2 } /\t(syscall|sysenter|int) / || /\t(syscall|sysenter|int)$/ { print in_function }' |
    sort | uniq -c | tr -s ' ')
is "no system call instruction is in the C library or the image, but for one that Linux starts" "$calls" " 2 <uk_no_guest>:"

headers=$(readelf -lW app.elf)
like "static-PIE" "$(readelf -hW app.elf)" "Type:.*DYN"
is "no interpreter" "$(grep -c INTERP <<<"$headers")" 0
is "no segment is writable and executable" "$(awk '$1 == "LOAD"' <<<"$headers" | grep -c "RWE")" 0
like "RELRO" "$headers" "GNU_RELRO"
like "no executable stack" "$(grep GNU_STACK <<<"$headers")" " RW "
like "the ABI note" "$(readelf -n app.elf)" "ukvm"
is "no relocation but relative ones" "$(readelf -rW app.elf | grep R_X86_64 | grep -vc R_X86_64_RELATIVE)" 0
"$CC" -g app.c -o debug.elf
like "-g is kept" "$(readelf -SW debug.elf)" "\.debug_info"

# The call is what grows the stack, 1 KiB at a time, and nothing is left of it in a register.
cat >deep.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
static __attribute__((noinline)) unsigned down(unsigned levels) {
    volatile char frame[1024];
    frame[0] = (char)levels;
    return levels ? down(levels - 1) + (frame[0] == (char)levels) : 0;
}
static void *thread(void *levels) {
    printf("thread %u\n", down(*(unsigned *)levels));
    return NULL;
}
int main(int argc, char **argv) {
    struct rlimit limit;
    unsigned levels = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    pthread_t id;
    getrlimit(RLIMIT_STACK, &limit);
    printf("limit %lu\n", limit.rlim_cur);
    fflush(stdout);
    printf("main %u\n", down(levels));
    fflush(stdout);
    return pthread_create(&id, NULL, thread, &levels) || pthread_join(id, NULL);
}
END
"$CC" -O1 deep.c -o deep.elf
run_ukvm --mem 16M deep.elf 3000
is "a stack of 2 MiB is not enough for 3" "$status" 139
is "the program knows its size" "$out" "limit 2097152"
like "the report says what to do" "$err" "stack overflow; ld's -z stack-size=BYTES"
run_ukvm deep.elf 7000
like "where there is memory, it has the 8 MiB of Linux" "$out" "^limit 8388608
main 7000"
"$CC" -O1 deep.c -o deep.elf -Wl,-z,stack-size=4194304
run_ukvm --mem 16M deep.elf 3000
is "-z stack-size asks for more" "$out" $'limit 4194304\nmain 3000\nthread 3000'
"$CC" -O1 deep.c -o deep.elf -Wl,-z,stack-size=67108865
run_ukvm deep.elf
is "more than 64 MiB is refused" "$status" 126
like "with what the limit is" "$err" "asks for a stack of 0x4000001 bytes; the limit is 0x4000000"

cat >headers.c <<'END'
#include <linux/futex.h>
#include <stddef.h>
#include <sys/queue.h>
TAILQ_HEAD(list, item);
struct item { TAILQ_ENTRY(item) link; } item;
int main(void) {
    struct list list = TAILQ_HEAD_INITIALIZER(list);
    TAILQ_INSERT_TAIL(&list, &item, link);
    return TAILQ_FIRST(&list) == &item ? FUTEX_WAKE : 9;
}
END
ok "headers of Linux and BSD" "$CC" -Wall -Wextra -Werror headers.c -o headers.elf
run_ukvm headers.elf
is "are what they are" "$status" 1

cat >crash.c <<'END'
#include <stdlib.h>
static __attribute__((noinline)) int innermost(volatile int *at) { return *at; }
int main(void) { return innermost((volatile int *)16); }
END
"$CC" -O1 crash.c -o crash.elf
run_ukvm crash.elf
is "a NULL pointer ends the guest as in a process" "$status" 139
like "with a backtrace by function names" "$err" "innermost.*main"

cat >many.c <<'END'
#include <sys/syscall.h>
#include <unistd.h>
#include <stdio.h>
int main(void) {
    for (int i = 0; i < 3; i++)
        if (fork() < 0)
            perror("fork");
    execl("/bin/sh", "sh", NULL);
    perror("execl");
    return syscall(400) < 0 ? 7 : 0;
}
END
"$CC" many.c -o many.elf
run_ukvm many.elf
is "what is missing fails with ENOSYS" "$(grep -c "^fork: Function not implemented" <<<"$err")" 3
is "and is named once" "$(grep -c "called fork, which" <<<"$err")" 1
is "the program goes on" "$status" 7

cat >term.c <<'END'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static volatile sig_atomic_t asked;
static void stop(int number) { asked = number; }
int main(void) {
    signal(SIGTERM, stop);
    puts("ready");
    fflush(stdout);
    while (!asked)
        pause();
    printf("stopping for %d\n", asked);
    return 5;
}
END
"$CC" term.c -o term.elf
"$UKVM" run term.elf >term.out 2>term.err &
guest=$!
wait_for 10 grep -q ready term.out
kill $guest
wait $guest
is "a program that handles SIGTERM ends as it wants" $? 5
is "after its last words" "$(tail -n 1 term.out)" "stopping for 15"

cat >streams.cc <<'END'
#include <algorithm>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
int main() {
    std::vector<std::string> words{"c", "b", "a"};
    std::sort(words.begin(), words.end());
    std::map<std::string, int> count;
    for (auto &word : words)
        count[word]++;
    int n = 0;
    std::mutex mutex;
    std::thread thread([&] { std::lock_guard<std::mutex> lock(mutex); n = 7; });
    thread.join();
    std::smatch match;
    std::string text = "xxabbbc", line;
    std::regex_search(text, match, std::regex("a(b+)c"));
    std::ofstream("/tmp/file") << "a line\n";
    std::ifstream file("/tmp/file");
    std::getline(file, line);
    std::ostringstream hex;
    hex << std::hex << 255;
    std::cout << words[0] << count.size() << n << match[1] << hex.str() << line << 3.25
              << std::async(std::launch::async, [] { return 42; }).get() << std::endl;
    try {
        std::stoi("none");
    } catch (const std::invalid_argument &error) {
        std::cout << error.what() << std::endl;
    }
}
END
if command -v g++ >/dev/null; then
    run "$BUILD/ukvm-c++" -O1 streams.cc -o streams.elf
    is "C++ with Debian's libstdc++" "$status" 0
    run_ukvm streams.elf
    is "containers, exceptions, threads, streams" "$out" "a37bbbffa line3.2542
stoi"
else
    skip "C++" "g++ is not installed"
fi

cat >slow.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static volatile int ticks, ended;
static void *tick(void *argument) {
    while (!ended) {
        ticks++;
        usleep(1000);
    }
    return argument;
}
static void *writer(void *argument) {
    char line[3000];
    memset(line, 'a' + (int)(long)argument, sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 100; i++)
        if (write(1 + (i % 2 && argument), line, sizeof line) != sizeof line)
            return argument;
    return NULL;
}
int main(void) {
    pthread_t clock, writers[3];
    pthread_create(&clock, NULL, tick, NULL);
    for (long i = 0; i < 3; i++)
        pthread_create(&writers[i], NULL, writer, (void *)i);
    for (long i = 0; i < 3; i++)
        pthread_join(writers[i], NULL);
    ended = 1;
    return ticks > 100 ? 6 : 0;
}
END
"$CC" slow.c -o slow.elf
lines() { cut -c 1-10 | sort | uniq -c | tr -s ' \n' ' '; }
"$UKVM" run slow.elf 2>slow.err > >(sleep 1; lines >slow.lines)
is "a console that nobody reads for a second stops only the threads that write to it" $? 6
wait_for 10 test -s slow.lines
is "and what they write stays whole" "$(cat slow.lines)" " 100 aaaaaaaaaa 50 bbbbbbbbbb 50 cccccccccc "
is "on standard error, too" "$(lines <slow.err)" " 50 bbbbbbbbbb 50 cccccccccc "

mkdir project && cat >project/Makefile <<'END'
app: main.o part.o
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
END
echo 'int part(void); int main(void) { return part(); }' >project/main.c
echo 'int part(void) { return 9; }' >project/part.c
MAKEFLAGS='' run make -C project CC="$CC" LDLIBS="-lm -lpthread"
is "somebody's Makefile with CC=ukvm-cc" "$status" 0
run_ukvm project/app
is "makes an image" "$status" 9

done_testing
