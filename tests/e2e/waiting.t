#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A program that waits for nothing but a signal ends as it wants, however it waits (tests/programs/waiting.c): in a guest as
# on this host.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
NATIVE=$BUILD/tests/programs/waiting

# told WAY COMMAND...: SIGTERM once it waits; leaves $got.
told() {
    local way=$1 process
    shift
    : >waiting.out
    "$@" "$way" >waiting.out 2>waiting.err &
    process=$!
    wait_for 30 grep -q ready waiting.out
    sleep 0.1
    kill -TERM $process 2>/dev/null
    wait $process 2>/dev/null
    got="$? $(tr '\n' ' ' <waiting.out)$(<waiting.err)"
}

mapfile -t ways < <("$NATIVE" | grep -v ever)
ok "there are ways to wait" test ${#ways[@]} -ge 10
for way in "${ways[@]}"; do
    told "$way" "$NATIVE"
    is "$way, on this host" "$got" "7 ready clean end "
    told "$way" "$UKVM" run "$NATIVE.elf"
    is "$way, in a guest" "$got" "7 ready clean end "
done

# Nobody is to be told, and nothing can happen any more.
run_ukvm "$NATIVE.elf" ever
is "for ever, without a handler: status" "$status" 134
like "for ever, without a handler: the guest says so" "$err" "panic: deadlock"

done_testing
