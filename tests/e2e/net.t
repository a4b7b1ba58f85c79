#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Network devices against the kernel's own ping and a stock UDP client, in a namespace of the test's own.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
need_network

start_echo() {
    ip netns exec "$NS" "$UKVM" run --net net=tap:tap0,ip=10.77.0.2/24,mac=02:00:00:00:00:02"${1:-}" "$EXAMPLES/netecho.elf" \
        >echo.out 2>echo.err &
    guest=$!
    at_end "kill $guest 2>/dev/null; wait $guest 2>/dev/null"
    wait_for 10 grep -q "10.77.0.2" echo.out
}

ok "netecho starts" start_echo || done_testing
ok "ping" in_ns ping -c 5 -i 0.05 -W 5 10.77.0.2
ok "ping: 1472 bytes, a whole frame" in_ns ping -c 3 -i 0.05 -s 1472 -M "do" -W 5 10.77.0.2
ok "ping: flood of 2000" bash -c "ip netns exec $NS ping -f -c 2000 -W 5 -w 30 10.77.0.2 | grep -q ' 0% packet loss'"
like "the neighbour's address is the one given" "$(ip -n "$NS" neigh show 10.77.0.2)" "02:00:00:00:00:02"

udp() { printf '%s' "$1" | in_ns socat -t0.5 -T2 - UDP4:10.77.0.2:7; }
is "UDP echo" "$(udp hello)" hello
long=$(head -c 1472 /dev/zero | tr '\0' y)
is "UDP echo of 1472 bytes" "$(udp "$long")" "$long"

# Order and content of many datagrams in flight
ok "5000 datagrams come back in order" in_ns "$TOOLS/udp_order" 10.77.0.2 7 5000 32

# Malformed frames change nothing
ok "malformed frames are sent" in_ns "$TOOLS/raw_frames" tap0 10.77.0.2 02:00:00:00:00:02
ok "ping after malformed frames" in_ns ping -c 2 -i 0.05 -W 5 10.77.0.2

# A TAP that goes down and comes back
ip -n "$NS" link set tap0 down
sleep 0.3
ok "the guest survives a TAP that is down" kill -0 "$guest"
ip -n "$NS" link set tap0 up
ok "ping after the TAP came back" in_ns ping -c 3 -i 0.2 -W 5 10.77.0.2
ip -n "$NS" link del tap0
sleep 0.3
ok "the guest survives a TAP that was removed" kill -0 "$guest"
kill "$guest"
wait "$guest"
is "SIGTERM ends it" $? 143

# A socket instead of a TAP: frames as messages
if [ -x "$TOOLS/socketpair" ]; then
    ip -n "$NS" tuntap add tap0 mode tap
    ip -n "$NS" addr add 10.77.0.1/24 dev tap0
    ip -n "$NS" link set tap0 up
    ip netns exec "$NS" "$TOOLS/socketpair" tap0 "$UKVM" run --net net=fd:3,ip=10.77.0.2/24 "$EXAMPLES/netecho.elf" >fd.out 2>fd.err &
    bridge=$!
    at_end "kill $bridge 2>/dev/null; wait $bridge 2>/dev/null"
    wait_for 10 grep -q "10.77.0.2" fd.out
    ok "ping over an inherited socket" in_ns ping -c 3 -i 0.05 -W 5 10.77.0.2
else
    skip "ping over an inherited socket" "no socketpair tool"
fi

done_testing
