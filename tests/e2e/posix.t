#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ordinary C programs (tests/posix/) say in a guest what they say on this host, test for test. They are the same sources,
# built by gcc and by ukvm-cc.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

# Test lines and their names; what is behind # is for people.
verdicts() {
    sed -n 's/^\(\(not \)\{0,1\}ok .*\)/\1/p; /^1\.\./p' "$1" | sed 's/ *#.*//'
}

for native in "$BUILD"/tests/posix/*; do
    case $native in *.elf | *.d) continue ;; esac
    program=${native##*/}
    run "$native"
    if [[ $out == "1..0 # SKIP "* ]]; then
        skip "$program" "${out#*SKIP }"
        continue
    fi
    is "$program on this host" "$status" 0 || sed 's/^/# /' "$SCRATCH/.out" "$SCRATCH/.err" >&2
    verdicts "$SCRATCH/.out" >native.tap
    run_ukvm "$native.elf"
    is "$program in a guest" "$status" 0 || sed 's/^/# /' "$SCRATCH/.out" "$SCRATCH/.err" >&2
    verdicts "$SCRATCH/.out" >guest.tap
    ok "$program: the same answers" diff native.tap guest.tap
    ok "$program: there are some" test -s guest.tap
done

done_testing
