#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# An ordinary server program (tests/servers/sockets.c) against the kernel's TCP, UDP and ping, in a namespace of the test's
# own: many connections, connections that end badly, peers that do not read, lost and reordered frames, and nonsense.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
need_network

SERVER=$BUILD/tests/servers/sockets.elf
ADDRESS=10.77.0.2
MAC=02:00:00:00:00:02

# start COMMAND...: runs it in the namespace until `stop`; leaves $guest. It says "ready".
start() {
    ip netns exec "$NS" "$@" >server.out 2>server.err &
    guest=$!
    wait_for 10 grep -q ready server.out
}

# The kernel takes a moment after the end of a process with an io_uring to close what that held.
is_detached() { ip -n "$NS" -o link show tap0 | grep -q NO-CARRIER; }

stop() {
    kill "$guest" 2>/dev/null
    wait "$guest" 2>/dev/null
    wait_for 5 is_detached
    return 0
}
guest=
at_end stop

start_on_tap() { start "$UKVM" run "$@" --net "net=tap:tap0,ip=$ADDRESS/24,mac=$MAC" "$SERVER"; }

# client SECONDS PORT MODE COUNT
client() { timeout "$1" ip netns exec "$NS" "$TOOLS/tcp_client" "$ADDRESS" "$2" "$3" "$4"; }

udp() { printf '%s' "$1" | in_ns socat -t0.5 -T2 - "$2"; }

run ip netns exec "$NS" "$UKVM" run --net "net=tap:tap0,ip=$ADDRESS/24,mac=$MAC" "$BUILD/tests/servers/interfaces.elf"
is "getifaddrs" "$out" "link $MAC
ip $ADDRESS mask 255.255.255.0 broadcast 10.77.0.255"
wait_for 5 is_detached

ok "the server starts" start_on_tap || done_testing

# ---- both families

ok "ping" in_ns ping -c 3 -i 0.05 -W 5 "$ADDRESS"
ok "ping: 1472 bytes" in_ns ping -c 2 -i 0.05 -s 1472 -M "do" -W 5 "$ADDRESS"
ok "ping: 5000 bytes, in fragments" in_ns ping -c 2 -i 0.05 -s 5000 -W 5 "$ADDRESS"
is "UDP echo" "$(udp hello "UDP4:$ADDRESS:7")" hello
long=$(head -c 4000 /dev/zero | tr '\0' y)
is "UDP echo of 4000 bytes, in fragments" "$(udp "$long" "UDP4:$ADDRESS:7")" "$long"
ok "5000 datagrams come back in order" in_ns "$TOOLS/udp_order" "$ADDRESS" 7 5000 32
LINK_LOCAL="fe80::ff:fe00:2%tap0"
ok "ping by IPv6, once the address is known to be unique" wait_for 20 in_ns ping -c 1 -W 1 "$LINK_LOCAL"
is "TCP echo by IPv6" "$(echo six | in_ns socat -t2 - "TCP6:[$LINK_LOCAL]:7")" six
is "UDP echo by IPv6" "$(udp six "UDP6:[$LINK_LOCAL]:7")" six

# ---- transfer

ok "5 MB there and back, every byte" client 60 7 bytes 5000000
ok "3 MB, closing one direction first" client 60 7 half 3000000
is "a line from a client that closes its direction" "$(echo hello | in_ns socat -t5 - "TCP:$ADDRESS:7")" hello
seq -f '%09.0f' 200000 >want
echo 200000 | in_ns socat -t20 - "TCP:$ADDRESS:19" >got
ok "2 MB of lines" cmp want got
ok "a refused port" bash -c "! ip netns exec $NS socat -u OPEN:/dev/null TCP:$ADDRESS:1"

# ---- many

# An emulated machine takes milliseconds where this one takes microseconds.
many=10000 at_once=1000 megabyte=1000000
if [ -n "${UKVM_TEST_EMULATED:-}" ]; then many=300 at_once=100 megabyte=50000; fi
ok "$many connections, closed by the client" client 120 7 connect $many
ok "$many connections, closed by the server" client 120 19 lines $many
ok "$at_once connections at once" client 60 7 hold $at_once
ok "connections that are reset" client 60 7 reset 300

# ---- peers that do not read, and nobody else suffers

client 30 7 stall 50 >stall.out 2>&1 &
stall=$!
ok "an exchange while 50 others do not read" client 20 7 bytes 100000
wait "$stall"
ok "after them" client 20 7 bytes 100000

# ---- nonsense

if [ -x "$TOOLS/raw_frames" ]; then
    ok "malformed frames are sent" in_ns "$TOOLS/raw_frames" tap0 "$ADDRESS" "$MAC"
fi
ok "an exchange after them" client 20 7 bytes 100000
ip -n "$NS" link set tap0 down
sleep 0.3
ip -n "$NS" link set tap0 up
ok "an exchange after the TAP was down" client 20 7 bytes 100000
ok "it has said nothing" test ! -s server.err
stop

# ---- little memory

ok "with 16 MB of memory" start_on_tap --mem 16M || done_testing
client 60 7 stall 200 >stall.out 2>&1
sleep 0.5
ok "the server outlives 200 connections that send and do not read" kill -0 "$guest"
ok "and answers" client 60 7 bytes 100000
stop

# ---- the end of a program

for how in "" abort; do
    # shellcheck disable=SC2086 # an argument or none
    start "$UKVM" run --net "net=tap:tap0,ip=$ADDRESS/24,mac=$MAC" "$BUILD/tests/servers/last_words.elf" $how
    is "what a program writes before it ends is sent, and the end of it${how:+ ($how)}" \
        "$(timeout 10 ip netns exec "$NS" socat -u "TCP:$ADDRESS:7" - | wc -c)" 200000
    wait "$guest"
    is "and its status is its own${how:+ ($how)}" $? "$([ "$how" ] && echo 134 || echo 9)"
done
start "$UKVM" run --net "net=tap:tap0,ip=$ADDRESS/24,mac=$MAC" "$BUILD/tests/servers/last_words.elf"
ip netns exec "$NS" timeout 2 socat -u "TCP:$ADDRESS:7,rcvbuf=2000" "EXEC:sleep 60" 2>/dev/null
ok "a peer that does not read holds it up for a few seconds at most" wait_for 8 bash -c "! kill -0 $guest 2>/dev/null"
stop

# ---- a bad network: of a thousand frames so many are lost, late, doubled, damaged

for trouble in "-l 10 -r 20 -d 5 -c 5" "-l 50 -r 50 -d 10 -c 10"; do
    # shellcheck disable=SC2086 # options
    ok "with $trouble of a thousand frames" start "$TOOLS/socketpair" $trouble tap0 "$UKVM" run \
        --net "net=fd:3,ip=$ADDRESS/24,mac=$MAC" "$SERVER" || done_testing
    wait_for 20 in_ns ping -c 1 -W 1 "$ADDRESS" # the TAP has a carrier again
    ok "$megabyte bytes, every one" client 120 7 bytes $megabyte
    ok "300 kB, closing one direction first" client 120 7 half 300000
    ok "20 connections" client 120 7 connect 20
    stop
done

# Segments are sent again from a timer, which is late here, and not in the midst of sending others.
ok "a server that computes, with 100 of a thousand frames lost" start "$TOOLS/socketpair" -l 100 tap0 "$UKVM" run \
    --net "net=fd:3,ip=$ADDRESS/24,mac=$MAC" "$BUILD/tests/servers/busy.elf" || done_testing
wait_for 20 in_ns ping -c 1 -W 1 "$ADDRESS"
is "what it sends, every byte" "$(timeout 120 ip netns exec "$NS" socat -u "TCP:$ADDRESS:7" - | wc -c)" 50000
stop

# ---- an address by DHCP

if busybox udhcpd --help >/dev/null 2>&1; then
    cat >udhcpd.conf <<-END
	start 10.77.0.50
	end 10.77.0.50
	interface tap0
	lease_file $SCRATCH/leases
	pidfile $SCRATCH/udhcpd.pid
	option subnet 255.255.255.0
	option router 10.77.0.1
	option dns 10.77.0.1
	END
    touch leases
    ip netns exec "$NS" busybox udhcpd -f "$SCRATCH/udhcpd.conf" >udhcpd.out 2>&1 &
    dhcp=$!
    at_end "kill $dhcp 2>/dev/null"
    ok "without an address" start "$UKVM" run --net "net=tap:tap0,mac=$MAC" "$SERVER"
    ADDRESS=10.77.0.50
    ok "it gets one by DHCP" wait_for 15 in_ns ping -c 1 -W 1 "$ADDRESS"
    ok "and serves" client 20 7 bytes 100000
    stop
else
    skip "an address by DHCP" "busybox has no udhcpd here"
fi

done_testing
