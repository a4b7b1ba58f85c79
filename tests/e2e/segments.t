#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# TCP segment by segment, against a peer that sends and sees single ones (tests/tools/raw_tcp.c): how what a program writes
# is cut, and ends that are not orderly.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
need_network

ADDRESS=10.77.0.2
MAC=02:00:00:00:00:02
PORT=4000

ip netns exec "$NS" "$UKVM" run --net "net=tap:tap0,ip=$ADDRESS/24,mac=$MAC" "$BUILD/tests/servers/script.elf" >server.out 2>&1 &
guest=$!
at_end "kill $guest 2>/dev/null; wait $guest 2>/dev/null"
wait_for 20 grep -q ready server.out

# peer STEP...: a peer with a port of its own
peer() {
    PORT=$((PORT + 1))
    in_ns "$TOOLS/raw_tcp" tap0 "$ADDRESS" "$MAC" "from=$PORT" "$@"
}

# script WORDS STEP...: what a peer sees of a connection to a server that obeys WORDS
script() {
    local words=$1
    shift
    peer syn want=SA ack "data=$words " "$@" rst
}

# ---- how what is written is cut

is "a write that is not a whole number of segments: its end waits for nothing" "$(script s2000 hold=1 sizes=2000)" "1460 540"
is "MSG_MORE: full segments, and the rest with the next write" "$(script 'm1000 m1000 m1000 s1' hold=1 sizes=3001)" "1460 1460 81"
is "MSG_MORE with TCP_NODELAY" "$(script 'N m1000 m1000 m1000 s1' hold=1 sizes=3001)" "1460 1460 81"
is "MSG_MORE: an acknowledgment lets the rest go" "$(script 'm1000 m1000' acks=1 sizes=2000)" "1460 540"
is "MSG_MORE alone: it comes by itself" "$(script m100 hold=1 sizes=100)" 100
is "TCP_CORK: full segments, and the rest when it ends" \
    "$(script 'C s100 s1000 s100 s1000 s100 s1000 c' acks=1 sizes=3300)" "1460 1460 380"
is "TCP_CORK with TCP_NODELAY" "$(script 'N C s100 s1000 s100 s1000 c' acks=1 sizes=2200)" "1460 740"
is "TCP_CORK alone: it comes by itself" "$(script 'C s100' hold=1 sizes=100)" 100
is "TCP_CORK: full segments, and later the rest by itself" "$(script 'C s1000 s1000' acks=1 sizes=2000)" "1460 540"

# ---- Nagle's rule

is "a second small write waits for an acknowledgment" \
    "$(script s1 hold=1 sizes=1 "data=s10 " quiet=300 "data=s20 " quiet=300 hold=0 ack sizes=30)" "$(printf '1\n30')"
is "with TCP_NODELAY it does not" "$(script 'N s1' hold=1 sizes=1 "data=s10 " sizes=10)" "$(printf '1\n10')"
is "and no longer once TCP_NODELAY is set" "$(script s1 hold=1 sizes=1 "data=s10 " "data=N " sizes=10)" "$(printf '1\n10')"
is "nor when the connection ends" "$(script s1 hold=1 sizes=1 "data=s10 " "data=e " sizes=10)" "$(printf '1\n10')"
is "a full segment does not wait, and what follows it does" \
    "$(script s1 hold=1 sizes=1 "data=s1470 " sizes=1460 quiet=300 hold=0 ack sizes=10)" "$(printf '1\n1460\n10')"

# ---- a port that is used again while the guest is in TIME_WAIT

PORT=4900
# again STEP...: after a connection whose last number was 5003
again() { peer seq=5000 syn want=SA ack "data=e " want=FA fin want=A "$@" rst; }
ok "a SYN with a higher number begins a new connection" again seq=6000 syn want=SA
ok "one with a lower number is told what is expected" again seq=1000 syn want=A
ok "and begins a new connection when the old one has been reset" again seq=1000 syn want=A seq=5004 rst seq=1000 syn want=SA
ok "a SYN with the number that is expected is told so, too" again seq=5004 syn want=A
ok "a reset with another number is none" again seq=5003 rst seq=1000 syn want=A

# ---- acknowledgments

ok "a small segment is acknowledged although it has no answer" peer syn want=SA ack data=x want=A data=x want=A data=x want=A rst

ok "a connection that is half open" peer syn want=SA
kill "$guest"
wait "$guest"
is "does not disturb the server's end" $? 143

# ---- a connection that the program has closed and whose peer takes nothing: after an hour it is over

ip netns exec "$NS" env UKVM_JUMP="15000 3600" "$BUILD/tests/ukvm-faults" run --net "net=tap:tap0,ip=$ADDRESS/24,mac=$MAC" \
    "$BUILD/tests/servers/script.elf" >jump.out 2>&1 &
guest=$!
wait_for 20 grep -q ready jump.out
ok "a closed connection with a shut window ends" peer window=1000 syn want=SA window=0 ack "data=s5000 e " want=RA

done_testing
