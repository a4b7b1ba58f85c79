#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A program of C++ ends in a guest as it does on this host: the same objects are destroyed in the same order, the same is said
# and the status is the same. What it does before it ends is in tests/posix/cxx_*.cc.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
NATIVE=$BUILD/tests/programs/ends

for how in return exit quick_exit exit-in-thread thread throw throw-in-thread throw-int throw-noexcept terminate handler joinable; do
    run "$NATIVE" "$how" 2>/dev/null
    want=$status/$out/$err
    run_ukvm "$NATIVE.elf" "$how"
    # The monitor says on standard error which signal it was.
    is "$how" "$status/$out/$(grep -v '^terminated by signal' <<<"$err")" "$want"
done

done_testing
