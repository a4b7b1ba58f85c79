# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# How often the guest leaves the vCPU for one UDP echo while 64 are outstanding: netecho counts its own hypercalls, from
# its start to its last echo. The client keeps 64 outstanding until the guest has ended, so that neither has to know
# what the other counts: which of its datagrams found out whether the guest was ready, which were lost.
need_kvm
need_network
echoes=100000
read -r client_cpu server_cpu < <(two_cpus)
network_up
start guest "${in_clients[@]}" "$server_cpu" "$ukvm" run "${ukvm_network[@]}" "$examples/netecho.elf" --count $echoes
guest=$pid
await_answer "$guest_address"
start client "${in_clients[@]}" "$client_cpu" "$bin/udp_load" -n 64 -t 60 -w 0 "$guest_address" 7
client=$pid

# The client gives up on a guest that is silent or does not end.
status=0
wait -n -p first "$guest" "$client" || status=$?
[[ $first == "$guest" ]] || die "the client ended before the guest: $(tail -n 1 "$scratch/client.log")"
ended "$guest" "$status" 0
stop "$client" 0

line=$(tail -n 1 "$scratch/guest.log")
words='^netecho: ([0-9]+) UDP echoes, ([0-9]+) answers dropped, ([0-9]+) exits, '
[[ $line =~ $words ]] || die "no count of exits in: $line"
made=${BASH_REMATCH[1]} dropped=${BASH_REMATCH[2]} exits=${BASH_REMATCH[3]}
((made >= echoes)) || die "not $echoes echoes: $line"
load=$(tail -n 1 "$scratch/client.log")
result "$(jq -n "$exits / $made")" exits/echo "" "$made echoes, 64 outstanding; $dropped answers dropped, lost\
 $(field lost "$load"), $(field rate "$load") echoes/s"
