#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, NET: network devices, over both kinds of socket that keep frames apart.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

# over TYPE CHECK
over() {
    run "$TOOLS/frame_peer" "$1" "$UKVM" run --net n=fd:3,mtu=1500 "$SUITE/net.elf" "$2"
    report "${2%% *}"
}

for type in dgram seqpacket; do
    over $type UKVM-NET-01
    over $type UKVM-NET-02
    over $type "UKVM-NET-03 order"
    over $type "UKVM-NET-03 rules"
done
over seqpacket UKVM-NET-04
is "UKVM-NET-04 the guest goes on" "$(tail -n 1 <<<"$out")" "still here"

done_testing
