#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every kind of fault ends the guest with the right status and a report that names the function.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

# fault KIND STATUS REGEX
fault() {
    run_ukvm "$GUESTS/fault.elf" "$1"
    is "$1: exit status" "$status" "$2"
    like "$1: what happened" "$err" "$3"
    like "$1: registers" "$err" "rip [0-9a-f]{16}"
    like "$1: the backtrace reaches main" "$err" "#[0-9]+ +0x[0-9a-f]+ main\+0x"
}

fault null 139 "page fault: write at 0x[0-9a-f]+ \(a NULL pointer\)"
fault write-text 139 "page fault: write at .* \(the image's code\)"
fault write-rodata 139 "page fault: write at .* \(the image's read-only data\)"
fault write-relro 139 "page fault: write at .* \(the image's read-only data\)"
fault exec-data 139 "page fault: execution at .* \(the image's data\)"
fault exec-heap 139 "page fault: execution at .* \(free memory\)"
fault exec-stack 139 "page fault: execution at .* \(the boot stack\)"
fault jump-null 139 "page fault: execution at 0x0 \(a NULL pointer\)"
fault write-boot 139 "page fault: write at .* \(the boot page\)"
fault unmapped 139 "page fault: (read|write) at .* \(not mapped\)"
fault ud 132 "invalid instruction"
fault div 136 "divide error"
fault int3 133 "breakpoint"
fault privileged 139 "general protection fault"
fault port 139 "general protection fault"
fault trap-port 139 "general protection fault"

run_ukvm "$GUESTS/fault.elf" stack
is "stack: exit status" "$status" 139
like "stack: says that the stack overflowed" "$err" "the guard page below the boot stack: a stack overflow"

run_ukvm "$GUESTS/fault.elf" syscall
is "syscall: exit status" "$status" 132
like "syscall: what happened" "$err" "invalid instruction"

for kind in bad-width port-in string-out; do
    run_ukvm "$GUESTS/fault.elf" $kind
    is "$kind: exit status" "$status" 159
    like "$kind: names the clause" "$err" "UKVM-CALL-05"
done
for kind in sq-ahead cq-ahead; do
    run_ukvm "$GUESTS/fault.elf" $kind
    is "$kind: exit status" "$status" 159
    like "$kind: names the clause" "$err" "UKVM-RING-02"
done

run_ukvm "$GUESTS/fault.elf" panic
is "panic: exit status" "$status" 134
like "panic: the message" "$err" "panic: "

done_testing
