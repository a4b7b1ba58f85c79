#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, "Rings".
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

run_net() { run "$TOOLS/frame_peer" dgram "$UKVM" run --net n=fd:3,mtu=1500 "$SUITE/net.elf" "$1"; }
over_network() {
    run_net "$1"
    report "${1%% *}"
}

inside UKVM-RING-01 ring

inside UKVM-RING-02 ring
for port in 16 17 18; do
    ends "UKVM-RING-02 sq_tail ahead by more than sq_entries ends the guest, port $port" 159 index sq_tail ++ 1 $port
done
ends "UKVM-RING-02 sq_tail behind ends the guest" 159 index sq_tail - 1 16
ends "UKVM-RING-02 sq_tail half a round ahead ends the guest" 159 index sq_tail + 2147483648 16
for port in 16 17 18; do
    ends "UKVM-RING-02 cq_head ahead ends the guest, port $port" 159 index cq_head + 1 $port
done
ends "UKVM-RING-02 cq_head far ahead ends the guest" 159 index cq_head + 2147483647 16
ends "UKVM-RING-02 cq_head behind by more than cq_entries ends the guest" 159 index cq_head -- 1 16
survives "UKVM-RING-02 cq_head behind by cq_entries does not" index cq_head -- 0 16
run_net UKVM-RING-02
is "UKVM-RING-02 cq_head behind by cq_entries while a submission is in flight ends the guest" "$status" 159

over_network "UKVM-RING-03 copies"
over_network "UKVM-RING-03 order"

inside UKVM-RING-04 ring
over_network UKVM-RING-04

inside UKVM-RING-05 ring

truncate -s 1M disk.img
inside UKVM-RING-06 ring
is "UKVM-RING-06 what breaks a rule has no other effect" "$(grep -c BAD <<<"$out") $err" "0 BAD"
inside UKVM-RING-06 blk --disk d=disk.img
is "UKVM-RING-06 what breaks a rule does not change a disk" "$(tr -d '\0' <disk.img | wc -c)" 0
over_network UKVM-RING-06

inside UKVM-RING-07 blk --disk d=disk.img
inside UKVM-RING-08 ring
inside UKVM-RING-09 ring
over_network UKVM-RING-09
over_network UKVM-RING-10

done_testing
