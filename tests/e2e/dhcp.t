#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A guest without an address: what a program sees until there is one.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
need_network
busybox udhcpd --help >/dev/null 2>&1 || skip_all "busybox has no udhcpd here"
MAC=02:00:00:00:00:02

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
	lease_file $SCRATCH/leases
	pidfile $SCRATCH/udhcpd.pid
	option subnet 255.255.255.0
END
touch leases
ip netns exec "$NS" busybox udhcpd -f "$SCRATCH/udhcpd.conf" >udhcpd.out 2>&1 &
at_end "kill $! 2>/dev/null"
early
is "with one: it connects when there is an address" "$out" "$begins
in the end: connected"
ok "and what is written arrives" wait_for 20 grep -q hello heard

done_testing
