#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every kind of fault ends the guest with the right status and a report that names the function.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

# fault KIND STATUS REGEX
fault() {
    run_ukvm "$GUESTS/fault.elf" "$1"
    is "$1: exit status" "$status" "$2"
    is "$1: what it said before comes out" "$out" "fault: about to commit $1"
    like "$1: what happened" "$err" "$3"
    like "$1: registers" "$err" "rip [0-9a-f]{16}"
    like "$1: the backtrace reaches main" "$err" "#[0-9]+ +0x[0-9a-f]+ main\+0x"
}

fault null 139 "page fault: read at 0x0 \(a NULL pointer\)"
fault jump-null 139 "page fault: execution at 0x0 \(a NULL pointer\)"
fault guard 139 "page fault: read at .*fff \(the monitor's memory\)"
fault write-text 139 "page fault: write at .* \(the image's code\)"
fault write-rodata 139 "page fault: write at .* \(the image's read-only data\)"
fault write-relro 139 "page fault: write at .* \(the image's read-only data\)"
fault write-boot 139 "page fault: write at .* \(the boot page\)"
fault exec-data 139 "page fault: execution at .* \(the image's data\)"
fault exec-heap 139 "page fault: execution at .* \(free memory\)"
fault exec-arena 139 "page fault: execution at .* \(the I/O arena\)"
fault noncanonical 139 "general protection fault"
fault privileged 139 "general protection fault"
fault hlt 139 "general protection fault"
fault ud 132 "invalid instruction"
fault syscall 132 "invalid instruction"
fault div 136 "divide error"
if [ -z "${UKVM_TEST_EMULATED:-}" ]; then
    fault simd 136 "SIMD floating-point error"
else
    skip "simd" "this processor is emulated and raises no SSE exceptions"
fi
fault int3 133 "breakpoint"

run_ukvm "$GUESTS/fault.elf" jump-null
like "jump-null: an address outside the image has no name" "$err" "at 0x0 in \?"

# What follows has no frame to walk from, or has overwritten it.
run_ukvm "$GUESTS/fault.elf" exec-stack
is "exec-stack: exit status" "$status" 139
is "exec-stack: what it said before comes out" "$out" "fault: about to commit exec-stack"
like "exec-stack: what happened" "$err" "page fault: execution at .* \(the boot stack\)"
run_ukvm "$GUESTS/fault.elf" stack
is "stack: exit status" "$status" 139
like "stack: says that the stack overflowed" "$err" "the guard below the boot stack: a stack overflow; ld's -z stack-size=BYTES"
for kind in int80 sysenter; do
    run_ukvm "$GUESTS/fault.elf" $kind
    like "$kind: ends the guest as a fault" "$status" "^(132|139)$"
done
run_ukvm "$GUESTS/fault.elf" smash
is "smash: the stack protector ends it" "$status" 134
like "smash: says so" "$err" "panic: "

for kind in port trap-port; do
    run_ukvm "$GUESTS/fault.elf" $kind
    like "$kind: the host or the monitor denies it" "$status $err" \
        "^139 .*general protection fault|^159 .*UKVM-CALL-05"
done
for kind in outb in; do
    run_ukvm "$GUESTS/fault.elf" $kind
    is "$kind: exit status" "$status" 159
    is "$kind: what it said before comes out" "$out" "fault: about to commit $kind"
    like "$kind: names the clause" "$err" "UKVM-CALL-05"
done
# KVM may hand a repeated instruction over piece by piece; each piece is then a hypercall like any other.
run_ukvm "$GUESTS/fault.elf" outs
like "outs: ends the guest, or is so many hypercalls" "$status $err$out" "^159 .*UKVM-CALL-05|^1 .*survived"
for kind in sq-tail cq-ahead cq-behind; do
    run_ukvm "$GUESTS/fault.elf" $kind
    is "$kind: exit status" "$status" 159
    like "$kind: names the clause" "$err" "UKVM-RING-02"
done

# A program with handlers, and a fault that is for none of them: the report of the first one, as if there were none.
# unhandled MODE FUNCTION STATUS REGEX
unhandled() {
    run_ukvm "$BUILD/tests/posix/fault.elf" "$1"
    is "handler, $1: exit status" "$status" "$3"
    like "handler, $1: what happened" "$err" "$4"
    like "handler, $1: where" "$err" "at 0x[0-9a-f]+ in $2[.a-z0-9]*\+0x"
}

unhandled other_signal other_signal 139 "page fault: write at 0x8 \(a NULL pointer\)"
unhandled blocked blocked 139 "page fault: write at 0x8 \(a NULL pointer\)"
unhandled inside fault_inside 139 "page fault: write at 0x8 \(a NULL pointer\)"
unhandled no_room overflow 139 "page fault: .*a stack overflow"
unhandled breakpoint breakpoint 133 "breakpoint"

run_ukvm "$GUESTS/fault.elf" panic
is "panic: exit status" "$status" 134
is "panic: what it said before comes out" "$out" "fault: about to commit panic"
like "panic: the message" "$err" "panic: "

done_testing
