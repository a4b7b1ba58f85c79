# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Resident memory of an HTTP server that has answered and now waits: the monitor and everything the guest touched.
need_kvm
need_network
need_command curl
need_file "$examples/rest.elf"
read -r client_cpu server_cpu < <(two_cpus)
network_up
start guest "${in_clients[@]}" "$server_cpu" "$ukvm" run "${ukvm_network[@]}" "$examples/rest.elf"
await_port "$guest_address" 8080
for ((i = 0; i < 20; i++)); do
    "${in_clients[@]}" "$client_cpu" curl -sf -m 5 -o /dev/null "http://$guest_address:8080/todos" || die "no answer"
done
kilobytes=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status")
stop "$pid"
result "$(jq -n "$kilobytes * 1024 / 1e6")" MB "" "after 20 requests"
