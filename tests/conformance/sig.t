#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, SIG: a guest that asks to be told to end.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"
offers SIGNAL UKVM-SIG-01 UKVM-SIG-02 UKVM-SIG-03 UKVM-SIG-04 || done_testing

# sig CHECK: in the background, where a shell's job ignores SIGINT, and so would the monitor without this.
sig() { start env --default-signal=INT "$UKVM" run "$SUITE/sig.elf" "$1"; }

# ready COUNT: waits until the guest has said so often that it can be told.
ready() {
    until [ "$(grep -c ready background)" -ge "$1" ]; do
        kill -0 "$guest" 2>/dev/null && ((SECONDS < RUN_SECONDS)) || return 1
        sleep 0.02
    done
}

# tell NAME CHECK STATUS LINES SIGNAL...: a signal each time that the guest is ready. STATUS is that of its end.
tell() {
    local name=$1 check=$2 want="$3 $4" signal count=0
    shift 4
    sig "$check"
    for signal; do
        count=$((count + 1))
        ready $count
        kill -"$signal" "$guest" 2>/dev/null
    done
    ended
    is "$name" "$status $(tr '\n' ' ' <background)" "$want "
}

inside UKVM-SIG-01 sig
for signal in TERM INT; do
    tell "UKVM-SIG-01 SIG$signal completes a SIGNAL, and the guest goes on" "UKVM-SIG-01 sleeps" 7 "ready $signal" $signal
    tell "UKVM-SIG-01 SIG$signal while it computes is seen at its next hypercall" "UKVM-SIG-01 computes" 7 \
        "ready $signal" $signal
done
tell "UKVM-SIG-01 each signal completes one SIGNAL" "UKVM-SIG-01 again" 7 \
    "ready INT ready TERM ready TERM ready" INT TERM TERM

tell "UKVM-SIG-02 SIGTERM ends a guest that asks no more" "UKVM-SIG-02 once" 143 "ready INT ready" INT TERM
tell "UKVM-SIG-02 SIGINT, too" "UKVM-SIG-02 once" 130 "ready INT ready" INT INT
tell "UKVM-SIG-02 a SIGNAL that was refused is not in flight" "UKVM-SIG-02 refused" 143 "ready" TERM
sig "UKVM-SIG-02 computes"
ready 1
kill -TERM "$guest"
sleep 0.3
ok "UKVM-SIG-02 the first signal is the guest's, also when it does not look" kill -0 "$guest"
stop TERM
is "UKVM-SIG-02 the second one ends it" "$status" 143

inside UKVM-SIG-03 sig
run "$TOOLS/frame_peer" dgram "$UKVM" run --net n=fd:3,mtu=1500 "$SUITE/net.elf" UKVM-SIG-03
report UKVM-SIG-03
tell "UKVM-SIG-03 a second SIGNAL is refused, and the first completes" "UKVM-SIG-03 twice" 7 "ready TERM" TERM

run_ukvm "$SUITE/sig.elf" UKVM-SIG-04
is "UKVM-SIG-04 EXIT does not wait for a SIGNAL" "$status" 7
run_ukvm "$SUITE/sig.elf" "UKVM-SIG-04 ring"
is "UKVM-SIG-04 nor for one that is still in the ring" "$status" 7
mkfifo pipe
exec 8<>pipe
head -c 65536 /dev/zero >&8 # as much as it holds
"$UKVM" run "$SUITE/sig.elf" "UKVM-SIG-04 stuck" >&8 2>background &
guest=$!
at_end "kill -9 $guest 2>/dev/null"
SECONDS=0
says ready
sleep 0.3
ok "UKVM-SIG-04 EXIT waits for a console that nobody reads" kill -0 "$guest"
stop TERM
like "UKVM-SIG-04 a signal ends that wait, not the SIGNAL" "$status" "^(9|143)\$"
exec 8<&-

done_testing
