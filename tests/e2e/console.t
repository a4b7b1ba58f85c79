#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The standard streams of a program, which does in a guest what it does on this host (tests/programs/console.c).
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
NATIVE=$BUILD/tests/programs/console

# ---- last words: what a program has written comes out, whatever ends it ----

# quietly COMMAND...: without what bash says of a process that a signal has ended.
quietly() { ("$@"; exit $?) 2>/dev/null; }

for deed in fault division abort exit overflow signal; do
    quietly "$NATIVE" $deed >want
    want=$?
    run_ukvm "$NATIVE.elf" $deed
    is "last words, $deed: the status of a process" "$status" $want
    ok "last words, $deed: all of them, to a file" cmp "$SCRATCH/.out" want
    timeout 60 "$UKVM" run "$NATIVE.elf" $deed 2>/dev/null | (sleep 0.2 && cat) >got
    ok "last words, $deed: all of them, to a slow pipe" cmp got want
done

done_testing
