# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# udp-echo OUTSTANDING: echoes per second of netecho in a guest behind a TAP, against udp_echo.c behind a veth pair. The
# client is the same program with the same options, in the same namespace, on the same CPU; the server, guest or native,
# has another CPU to itself. Servers are started anew each round, so that neither is there while the other is measured.
need_kvm
need_network
outstanding=$1
rounds=7
read -r client_cpu server_cpu < <(two_cpus)
network_up

load() { # ADDRESS: one second of load; prints the rate
    local line
    line=$("${in_clients[@]}" "$client_cpu" timeout 30 "$bin/udp_load" -n "$outstanding" -t 1 "$1" 7)
    lost=$((lost + $(field lost "$line")))
    rate=$(field rate "$line")
}

lost_guest=0 lost_native=0
for ((i = 0; i < rounds; i++)); do
    start "${in_clients[@]}" "$server_cpu" "$ukvm" run "${ukvm_network[@]}" "$examples/netecho.elf"
    lost=0
    load "$guest_address"
    stop "$pid"
    echo "$rate" >>"$scratch/guest"
    lost_guest=$((lost_guest + lost))

    start "${in_native[@]}" "$server_cpu" "$bin/udp_echo" 7
    lost=0
    load "$native_address"
    stop "$pid"
    echo "$rate" >>"$scratch/native"
    lost_native=$((lost_native + lost))
done

read -r a1 a a3 < <(quartiles <"$scratch/guest")
read -r b1 b b3 < <(quartiles <"$scratch/native")
result "$a" echoes/s "$b" "medians of $rounds alternating rounds of 1 s, client on CPU $client_cpu, server on\
 $server_cpu; middle half $a1-$a3, native $b1-$b3; lost $lost_guest, native $lost_native"
