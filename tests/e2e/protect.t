#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# MEM_PROTECT: the guest's own checks, what a protection forbids, and what the report calls it.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
GUEST=$GUESTS/protect.elf

# checks NAME ARG...: the guest's own checks all pass.
checks() {
    local name=$1
    shift
    run_ukvm "$@"
    is "$name: exit status" "$status" 0
    is "$name: no check failed" "$(grep "^not ok" <<<"$out")$err" ""
    ok "$name: made checks" grep -q "^ok" "$SCRATCH/.out"
}

checks "protect" "$GUEST"
checks "exhaust" --mem 2G "$GUEST" exhaust

# fault MODE REGEX
fault() {
    run_ukvm "$GUEST" "$1"
    is "$1: exit status" "$status" 139
    like "$1: what happened" "$err" "$2"
    like "$1: in which function" "$err" "#[0-9]+ +0x[0-9a-f]+ ${1/-/_}\+0x"
}

fault closed-read "page fault: read at .*1000 \(a guard page: free memory that MEM_PROTECT has closed\)"
fault closed-write "page fault: write at .*1000 \(a guard page: free memory that MEM_PROTECT has closed\)"
fault closed-execute "page fault: execution at .* \(a guard page: free memory that MEM_PROTECT has closed\)"
fault readonly-write "page fault: write at .* \(free memory that MEM_PROTECT has made read-only\)"
fault split-write "page fault: write at .*64000 \(free memory that MEM_PROTECT has made read-only\)"

done_testing
