#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ukvm-cc and ukvm-c++ as builds use them: every way to link that they know gives an image that runs, or is refused in a sentence.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
CC=$BUILD/ukvm-cc

said=$'made 12\nthread 42\nmain 40 0 0\n'
if have_kvm; then
    for image in "$BUILD"/tests/link/*.elf; do
        want="7 ${said}end"
        case $image in */c++-*) want="7 ${said}an exception that crosses a function"$'\npart 7\ndestroyed\nend' ;; esac
        run_ukvm "$image"
        is "an image linked this way runs: $(basename "$image" .elf)" "$status $out" "$want"
    done
else
    skip "images linked in every way" "there is no /dev/kvm to use"
fi

run "$BUILD/tests/link/plain.elf"
is "an image executed as a program ends with a status of its own" "$status" 126
is "and says what it is" "$err" "this is a ukvm image, not a program of this system: run it with \`ukvm run FILE\`"
is "and nothing else" "$out" ""
run "$BUILD/examples/hello.elf"
is "so does one without a C library" "$status" 126

if ! { command -v gcc && [ -x "$CC" ]; } >/dev/null; then
    skip "the compiler" "there is none here"
    done_testing
fi

echo 'int main(void) { return 0; }' >app.c
echo 'int f(void) { return 1; }' >f.c
for flag in -shared -pg -fsanitize=address -fsanitize=thread -fsanitize=leak; do
    run "$CC" "$flag" app.c -o app.elf
    is "$flag is refused" "$status" 1
    like "in a sentence" "$err" "^gcc: error: ${flag}[: ].*(ukvm image)"
done
run "$CC" -nostdlib -r -o part.o app.c f.c
is "a partial link" "$status" 0
like "makes an object" "$(readelf -hW part.o)" "REL \(Relocatable"
run "$CC" -print-file-name=libc.a
is "-print-file-name names the C library that is linked" "$(realpath "$out")" "$(realpath "$BUILD/sysroot/lib/libc.a")"
is "-dumpmachine" "$("$CC" -dumpmachine)" "$(gcc -dumpmachine)"
echo '-O2 app.c f.c -o app.elf' >arguments
ok "arguments in a file, and several sources" "$CC" @arguments
ok "-nostdlib links with a start of its own" "$CC" -nostdlib -Wl,-e,main app.c -o bare.elf -lc
ok "-save-temps, -MMD, -S" "$CC" -save-temps -MMD -c app.c
printf '#include <string>\nint main() { return (int)std::string("four").size(); }\n' >four.txt
ok "-x c++ with ukvm-cc" "$CC" -x c++ four.txt -o four.elf -lstdc++
# C++ has its own <math.h> and <stdlib.h>, which come before the C library's.
printf '#include <math.h>\n#include <stdlib.h>\nusing std::isnan;\nstatic_assert(sizeof(abs(1.5)) == sizeof(double));\nint main() {}\n' >math.cc
ok "the headers of C as C++ has them" "$BUILD/ukvm-c++" -std=c++17 math.cc -o math.elf
like "-no-pie is a fixed address" "$(readelf -hW "$BUILD/tests/link/fixed.elf")" "EXEC"
is "no linker is warned about" "$("$CC" -fuse-ld=lld app.c -o lld.elf 2>&1; "$CC" -fuse-ld=gold app.c -o gold.elf 2>&1)" ""
mkdir other
ln -s "$CC" other/ukvm-cc
ok "a symbolic link to the compiler works" other/ukvm-cc app.c -o app.elf

done_testing
