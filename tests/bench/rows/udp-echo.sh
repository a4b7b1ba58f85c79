# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# udp-echo OUTSTANDING: echoes per second of netecho in a guest behind a TAP, against udp_echo.c behind a veth pair. The
# client is the same program with the same options, in the same namespace, on the same CPU; the server, guest or native,
# has another CPU to itself. Servers are started anew each round, so that neither is there while the other is measured.
need_kvm
need_network
outstanding=$1
read -r client_cpu server_cpu < <(two_cpus)
network_up

load() { # SERVER ADDRESS: one second of load on what was just started, which it stops; rate and lost to a file
    local line rate lost
    await_answer "$2"
    line=$("${in_clients[@]}" "$client_cpu" timeout --foreground 30 "$bin/udp_load" -n "$outstanding" -t 1 "$2" 7) ||
        die "$(tail -n 1 "$scratch/errors"); $1 printed: $(tail -n 1 "$scratch/$1.log")"
    stop "$pid"
    rate=$(field rate "$line")
    lost=$(field lost "$line")
    echo "$rate $lost" >>"$scratch/$1"
}

for ((i = 0; i < rounds; i++)); do
    start guest "${in_clients[@]}" "$server_cpu" "$ukvm" run "${ukvm_network[@]}" "$examples/netecho.elf"
    load guest "$guest_address"
    start native "${in_native[@]}" "$server_cpu" "$bin/udp_echo" 7
    load native "$native_address"
done

lost() { # FILE
    awk '{ lost += $2 } END { print lost }' "$1"
}

read -r a1 a a3 < <(quartiles <"$scratch/guest")
read -r b1 b b3 < <(quartiles <"$scratch/native")
result "$a" echoes/s "$b" "medians of $rounds alternating rounds of 1 s, client on CPU $client_cpu, server on\
 $server_cpu; middle half $a1-$a3, native $b1-$b3; lost $(lost "$scratch/guest"),\
 native $(lost "$scratch/native")"
