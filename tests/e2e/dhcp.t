#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A guest without an address: what a program sees until there is one, and how it keeps the one that it gets by DHCP.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
need_network
busybox udhcpd --help >/dev/null 2>&1 || skip_all "busybox has no udhcpd here"
MAC=02:00:00:00:00:02
LEASE=6

# early: its first act is to connect to 10.77.0.1, where a socat listens
in_ns timeout 120 socat -u TCP-LISTEN:7000,reuseaddr,fork OPEN:heard,creat,append &
at_end "kill $! 2>/dev/null"
early() { run ip netns exec "$NS" "$UKVM" run --net "net=tap:tap0,mac=$MAC" "$BUILD/tests/servers/early.elf" 7000; }

begins="a datagram: Network unreachable
connect: Operation in progress
again: Operation already in progress"
early
is "without a DHCP server: a connection that does not block takes its time, and has no route in the end" "$out" "$begins
in the end: Network unreachable"
is "and another thread may close a socket that connects" "$status" 0

cat >udhcpd.conf <<-END
	start 10.77.0.50
	end 10.77.0.50
	interface tap0
	min_lease 2
	lease_file $SCRATCH/leases
	pidfile $SCRATCH/udhcpd.pid
	option subnet 255.255.255.0
	option lease $LEASE
END
touch leases
ip netns exec "$NS" busybox udhcpd -f "$SCRATCH/udhcpd.conf" >udhcpd.out 2>&1 &
at_end "kill $! 2>/dev/null"
early
is "with one: it connects when there is an address" "$out" "$begins
in the end: connected"
ok "and what is written arrives" wait_for 20 grep -q hello heard

# Each lease is renewed before it ends: the server never hears a new request for an address.
ip netns exec "$NS" "$UKVM" run --net "net=tap:tap0,mac=$MAC" "$BUILD/tests/servers/sockets.elf" >server.out 2>server.err &
guest=$!
at_end "kill $guest 2>/dev/null; wait $guest 2>/dev/null"
ok "a server gets an address" wait_for 30 in_ns ping -c 1 -W 1 10.77.0.50
count() { grep -ci "sending $1" udhcpd.out; }
offers=$(count offer) acks=$(count ack)
renewed() { [ "$(count ack)" -ge $((acks + 3)) ]; }
ok "a lease of $LEASE seconds is renewed, again and again" wait_for 60 renewed
is "and never lost" "$(count offer)" "$offers"
ok "the address still works" in_ns ping -c 1 -W 5 10.77.0.50

done_testing
