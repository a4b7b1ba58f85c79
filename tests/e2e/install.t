#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `make install` and `make deb` put somewhere works from there, knows nothing of the folder it was built in, and goes away
# again.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
{ [ -d "$TOP/packaging" ] && command -v gcc >/dev/null; } || skip_all "there is no compiler here"
scratch=$PWD
version=$(sed -n 's/^VERSION := //p' "$TOP/Makefile")

cat >app.c <<'END'
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
int main(void) { puts("installed"); return FUTEX_WAKE; }
END
printf '#include <iostream>\nint main() { std::cout << "installed" << std::endl; return 1; }\n' >app.cc
echo 'fn main() { println!("installed"); std::process::exit(1) }' >app.rs
printf '#include <ukvm.h>\nint main(int argc, char **argv) { (void)argc; (void)argv; uk_printf("installed\\n"); return 1; }\n' >bare.c

# runs NAME IMAGE: an image that says so, where guests run.
runs() {
    if have_kvm; then
        run "$root/bin/ukvm" run "$2"
        is "$1 runs" "$status $out" "1 installed"
    else
        ok "$1 is an image" readelf -n "$2"
    fi
}

(cd "$TOP" && packaging/install.sh "$BUILD" "$scratch/stage" /opt/it "$version" README.md) || exit 1
is "everything is below DESTDIR and PREFIX" "$(ls stage stage/opt)" $'stage:\nopt\n\nstage/opt:\nit'
# The folder moves: what is installed finds itself.
mkdir -p elsewhere && mv stage/opt/it elsewhere
root=$scratch/elsewhere/it
is "nothing names the folder it was built in" "$(grep -rlF -e "$TOP" -e "$BUILD" "$root")" ""
is "nor where it was put first" "$(grep -rlF -e "$scratch" "$root")" ""
like "the monitor" "$("$root/bin/ukvm" --version)" "^ukvm $version,"

ok "ukvm-cc" "$root/bin/ukvm-cc" -Wall -Werror -O2 app.c -o app.elf
runs "what it makes" app.elf
run "$root/bin/ukvm-cc" -Wl,--verbose app.c -o app.elf
is "it reads nothing of the folder it was built in" "$(grep -cF "$BUILD" <<<"$out")" 0
if command -v g++ >/dev/null; then
    ok "ukvm-c++" "$root/bin/ukvm-c++" -O1 app.cc -o app-c++.elf
    runs "what it makes" app-c++.elf
else
    skip "ukvm-c++" "g++ is not installed"
fi
if [ -x /usr/bin/rustc ]; then
    ok "ukvm-rustc" env REALRUSTC=/usr/bin/rustc "$root/bin/ukvm-rustc" app.rs -o app-rust.elf
    runs "what it makes" app-rust.elf
else
    skip "ukvm-rustc" "rustc is not installed"
fi
# As pkg-config(1) would answer.
file=$root/share/pkgconfig/ukvm-guest.pc
like "the file for pkg-config has the version" "$(<"$file")" "Version: $version"
flags() { sed -n "s/^$1: //p" "$file" | sed "s|\${includedir}|$root/include/ukvm|; s|\${libdir}|$root/lib/ukvm/lib|"; }
# shellcheck disable=SC2046
ok "a program without a C library, as it says" gcc $(flags Cflags) bare.c -o bare.elf $(flags Libs)
runs "what that makes" bare.elf
for page in ukvm.1 ukvm-cc.1 ukvm-c++.1 ukvm-abi.7; do
    ok "a manual page: $page" test -s "$root/share/man/man${page##*.}/$page"
done

touch "$root/lib/ukvm/of-somebody-else"
"$TOP/packaging/uninstall.sh" "$scratch/elsewhere" /it
is "what is left after uninstall is not ours" "$(find elsewhere ! -type d)" "elsewhere/it/lib/ukvm/of-somebody-else"
run "$TOP/packaging/uninstall.sh" "$scratch/elsewhere" /it
is "a second time there is nothing to take away" "$status" 1

if command -v dpkg-deb >/dev/null; then
    # Its folder is below the build's, so it works on a copy of that.
    mkdir copy && cp -R "$BUILD"/{ukvm,ukvm-cc,ukvm-c++,ukvm-rustc,sysroot,man,libukvm-guest.a} copy
    ok "a Debian package" env -C "$TOP" packaging/deb.sh "$scratch/copy" "$version" "$scratch/ukvm.deb" README.md CHANGELOG.md
    contents=$(dpkg-deb --contents ukvm.deb)
    for file in usr/bin/ukvm usr/bin/ukvm-cc usr/lib/ukvm/lib/libc.a usr/share/man/man7/ukvm-abi.7.gz; do
        like "has $file" "$contents" "root/root .*$file"
    done
    is "its version" "$(dpkg-deb --field ukvm.deb Version)" "$version"
    dpkg-deb --extract ukvm.deb unpacked
    root=$scratch/unpacked/usr
    # Linux's own headers are links to other packages' files.
    ok "what it has works" "$root/bin/ukvm-cc" -DFUTEX_WAKE=1 -x c <(sed /linux/d app.c) -o app.elf
    runs "what it makes" app.elf
    if command -v lintian >/dev/null; then
        RUN_SECONDS=300 run lintian --tag-display-limit 0 --fail-on warning ukvm.deb
        is "lintian has nothing to say" "$status $out" "0 "
    else
        skip "lintian" "it is not installed"
    fi
else
    skip "the Debian package" "there is no dpkg-deb"
fi

done_testing
