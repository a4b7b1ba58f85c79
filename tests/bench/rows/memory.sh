# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# Peak resident memory of `ukvm run hello`: the monitor and everything the guest touched. The kernel's own memory for
# the virtual machine is not in it.
need_kvm
"$bin/spawn_time" 20 1 "$ukvm" run "$examples/hello.elf" >"$scratch/samples"
grep -q ' -1$' "$scratch/samples" && die "the peak is below that of spawn_time itself and cannot be told from it"
awk '{ print $3 * 1024 / 1e6 }' "$scratch/samples" >"$scratch/peaks"
read -r _ median _ < <(quartiles <"$scratch/peaks")
result "$median" MB "" "median of 20 runs, most $(sort -g "$scratch/peaks" | tail -n 1) MB"
