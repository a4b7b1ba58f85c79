# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# How often the guest leaves the vCPU for one UDP echo while 64 are outstanding: netecho counts its own hypercalls.
need_kvm
need_network
echoes=10000
read -r client_cpu server_cpu < <(two_cpus)
network_up
start "${in_clients[@]}" "$server_cpu" "$ukvm" run "${ukvm_network[@]}" "$examples/netecho.elf" $echoes
"${in_clients[@]}" "$client_cpu" timeout 30 "$bin/udp_load" -n 64 -c $echoes "$guest_address" 7 >"$scratch/load"
wait "$pid"
exits=$(field exits "$(cat "$scratch/started.log")")
result "$(jq -n "$exits / $echoes")" exits/echo "" "$echoes echoes, 64 outstanding; $(cat "$scratch/load")"
