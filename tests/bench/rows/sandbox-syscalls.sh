# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# System calls that a monitor with a disk and a network device may still make, from the filter that the kernel has for it
# while the guest runs. One that is allowed with any arguments is a failure, not a figure.
need_kvm
need_network
read -r cpu _ < <(two_cpus)
network_up
make_disk "$scratch/disk" 1
start guest "${in_clients[@]}" "$cpu" "$ukvm" run --disk "data=$scratch/disk" "${ukvm_network[@]}" "$guests/spin.elf" sleep
for ((tries = 0; tries < 100; tries++)); do
    ! grep -q ready "$scratch/guest.log" || break
    sleep 0.05
done
((tries < 100)) || die "the guest does not start: $(tail -n 1 "$scratch/guest.log")"
status=0
"$bin/seccomp_rights" "$pid" >"$scratch/rights" || status=$?
((status != 3)) || skip "this kernel shows no filters (CONFIG_CHECKPOINT_RESTORE)"
((status == 0)) || die "the filter cannot be read"
stop "$pid" $((128 + 15))
unchecked=$(awk '$2 == "unchecked" { printf " %s", $1 }' "$scratch/rights")
[[ -z $unchecked ]] || die "allowed with any arguments: the system calls$unchecked"
result "$(wc -l <"$scratch/rights")" calls "" \
    "numbers $(awk '{ printf "%s%s", sep, $1; sep = " " }' "$scratch/rights"), each with its arguments checked"
