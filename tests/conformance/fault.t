#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, "Faults": the monitor's exit status.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

ends "UKVM-FAULT-01 a bad access is SIGSEGV" 139 read null
ends "UKVM-FAULT-01 a privileged instruction is SIGSEGV" 139 instruction hlt
ends "UKVM-FAULT-01 an invalid instruction is SIGILL" 132 instruction ud2
ends "UKVM-FAULT-01 a division error is SIGFPE" 136 instruction divide
if [ -z "${UKVM_TEST_EMULATED:-}" ]; then
    ends "UKVM-FAULT-01 an SSE exception is SIGFPE" 136 instruction simd
    ends "UKVM-FAULT-01 a stack segment fault is SIGBUS" 135 instruction stack-segment
else
    skip "UKVM-FAULT-01 an SSE exception is SIGFPE" "this processor is emulated and raises none"
    skip "UKVM-FAULT-01 a stack segment fault is SIGBUS" "this processor is emulated and raises another exception"
fi
ends "UKVM-FAULT-01 an x87 exception is SIGFPE" 136 instruction x87
ends "UKVM-FAULT-01 a breakpoint is SIGTRAP" 133 instruction int3
ends "UKVM-FAULT-01 a debug trap is SIGTRAP" 133 instruction trap-flag
run_ukvm "$SUITE/end.elf" end read null
ok "UKVM-FAULT-01 the monitor reports what the guest did" test -n "$err"

ends "UKVM-FAULT-02 a breach of CALL-05 is SIGSYS" 159 out 1 16
ends "UKVM-FAULT-02 a breach of RING-02 is SIGSYS" 159 index sq_tail ++ 1 16
run_ukvm "$SUITE/end.elf" end index sq_tail ++ 1 16
ok "UKVM-FAULT-02 the monitor reports what the guest did" test -n "$err"

image good
image disk device=blk:data
run_ukvm --disk data=none.img disk.elf
is "UKVM-FAULT-03 a disk that is not there: 125" "$status" 125
run_ukvm --mem nonsense good.elf
is "UKVM-FAULT-03 an option that makes no sense: 125" "$status" 125
echo text >text.elf
run_ukvm text.elf
is "UKVM-FAULT-03 no image at all: 126" "$status" 126
run_ukvm none.elf
is "UKVM-FAULT-03 no such file: 127" "$status" 127
for how in spin sleep; do
    for signal in TERM:143 INT:130; do
        # a shell's background job ignores SIGINT, and so would the monitor without this
        start env --default-signal=INT "$UKVM" run "$SUITE/end.elf" end $how
        says before
        stop ${signal%:*}
        is "UKVM-FAULT-03 ended by SIG${signal%:*} while it does $how: ${signal#*:}" "$status" "${signal#*:}"
    done
done

inside UKVM-FAULT-04 fault
for how in twice inside; do
    run_ukvm "$SUITE/fault.elf" "UKVM-FAULT-04 $how"
    is "UKVM-FAULT-04 an exception $how, when the handler is taken: as without one" "$status" 132
done

for place in null noncanonical noncanonical-high kernel-half rodata relro data bss stack below-stack free below-ranges \
    above-ranges boot below-boot far-below-boot farther-below-boot rings arena above-arena far-above-arena; do
    ends "UKVM-FAULT-05 a handler in $place is none" 132 handler $place
done

inside UKVM-FAULT-06 fault
inside "UKVM-FAULT-06 told" fault
inside UKVM-FAULT-07 fault
inside "UKVM-FAULT-07 step" fault
inside UKVM-FAULT-08 fault
inside "UKVM-FAULT-08 untouched" fault
start "$UKVM" run "$SUITE/fault.elf" "UKVM-FAULT-08 forever"
says before
stop TERM
is "UKVM-FAULT-08 the same exception for ever: SIGTERM ends it" "$status" 143

# last NAME STATUS WORD...: what is in the ring comes out, whatever the guest does next.
last() {
    local name=$1 want=$2
    shift 2
    run_ukvm "$SUITE/end.elf" last "$@"
    like "UKVM-FAULT-09 last words before $name" "$status ${out//$'\n'/ }" "^($want) before last words\$"
    ok "UKVM-FAULT-09 last words before $name: a report all the same" test -n "$err"
}
last "a bad access" 139 read null
last "an invalid instruction" 132 instruction ud2
last "an out to a port that is not there" "139|159" out 4 100
last "an in from a port of ours" 159 in 4 16
run_ukvm "$SUITE/end.elf" last index sq_tail ++ 1 16
is "UKVM-FAULT-09 of a ring that is broken nothing is taken" "$status $out" "159 before"
start "$UKVM" run "$SUITE/end.elf" last spin
says before
stop TERM
is "UKVM-FAULT-09 last words before SIGTERM" "$status $(tr '\n' ' ' <background)" "143 before last words "
truncate -s 1M disk.img
run_ukvm --disk d=disk.img "$SUITE/blk.elf" UKVM-FAULT-09
is "UKVM-FAULT-09 block writes, too" "$status $(tr -d '\0' <disk.img | wc -c)" "132 32768"
run_ukvm "$SUITE/mem.elf" UKVM-FAULT-09
is "UKVM-FAULT-09 what is behind a change of memory in the ring" "$status $out" "132 last words"

done_testing
