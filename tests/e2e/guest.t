#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The guest kernel and the ABI as seen from inside: each guest prints one line "ok NAME" or "not ok NAME" for each check.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

# inside ARG...: runs a guest and passes its checks on.
inside() {
    local line checks=0
    run_ukvm "$@"
    while IFS= read -r line; do
        case $line in
        "ok "*) checks=$((checks + 1)); is "${line#ok }" ok ok ;;
        "not ok "*) checks=$((checks + 1)); is "${line#not ok }" "not ok" ok ;;
        esac
    done <<<"$out"
    ok "$*: made checks" test $checks -gt 0
    is "$*: exit status" "$status" 0
}

inside "$GUESTS/ring.elf"
inside --mem 16M "$GUESTS/mem.elf"

run_ukvm "$EXAMPLES/clock.elf" --ticks 3 --interval 20
is "clock: exit status" "$status" 0
now=$(date -u +%Y-%m-%dT%H:)
like "clock: the wall clock is the host's" "$out" "$now"

done_testing
