#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, "Time": the guest's clocks against the host's.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

inside UKVM-TIME-01 boot

# A guest that reads its clocks after 300 ms. It may have to wait for a processor, so the best of a few counts: leaves what
# its wall clock is behind the host's, and how much more time has passed for the host than for the guest, in ms.
measure() {
    local before after wall monotonic
    slow=1000000 behind=1000000 ahead=0
    for _ in 1 2 3 4 5; do
        before=$(date +%s%N)
        run_ukvm "$SUITE/boot.elf" UKVM-TIME-02 300
        after=$(date +%s%N)
        wall=$(($(note wall))) monotonic=$(($(note monotonic)))
        ((wall >= before)) || ahead=$(((before - wall) / 1000000))
        ((behind < (after - wall) / 1000000)) || behind=$(((after - wall) / 1000000))
        ((slow < (after - before - monotonic) / 1000000)) || slow=$(((after - before - monotonic) / 1000000))
        ((slow > 100 || behind > 100)) || break
    done
}

# An emulated processor needs longer to start the monitor.
limit=250
[ -z "${UKVM_TEST_EMULATED:-}" ] || limit=2500
measure
report UKVM-TIME-02
ok "UKVM-TIME-01 300 ms of the guest are no less of the host ($slow ms more)" test "$slow" -ge 0
ok "UKVM-TIME-01 nor much more" test "$slow" -lt $limit
ok "UKVM-TIME-02 the wall clock is not behind the host's ($behind ms)" test "$behind" -lt $limit
ok "UKVM-TIME-02 nor ahead of it" test "$behind" -ge 0
is "UKVM-TIME-02 nor before the guest was started" "$ahead" 0

done_testing
