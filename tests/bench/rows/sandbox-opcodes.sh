# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# io_uring operations that a monitor with a disk and a network device may still ask for: those of its policy, once an
# attempt at each of the 256 from inside has shown that every other is refused.
need_kvm
need_network
read -r cpu _ < <(two_cpus)
network_up
make_disk "$scratch/disk" 1
options=(--disk "data=$scratch/disk" "${ukvm_network[@]}" "$guests/spin.elf")
attempt() { # WHAT
    UKVM_PROBE=$1 "${in_clients[@]}" "$cpu" "$probe" run "${options[@]}" 2>&1
}
attempt calls | awk '$1 == "operation" && $3 == 1 { print $2 }' | sort >"$scratch/listed"
attempt opcodes | awk '$1 == "opcode" && $3 >= 0 || $1 == "opcode" && $3 != -13 && $3 != -22 { print $2 }' |
    sort >"$scratch/allowed"
[[ -s $scratch/listed ]] || die "the probe says nothing"
beyond=$(comm -13 "$scratch/listed" "$scratch/allowed" | tr '\n' ' ')
[[ -z $beyond ]] || die "allowed, but not in the policy: the operations $beyond"
names=$("$ukvm" policy "${options[@]}" | sed '1,/^io_uring/d' | awk '/^    / { printf "%s%s", sep, $1; sep = " " }')
result "$(wc -l <"$scratch/listed")" operations "" "$names"
