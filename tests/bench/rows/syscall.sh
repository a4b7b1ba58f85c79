# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# A system call inside a unikernel, which is a function call, against one of this host's kernel.
need_kvm
need_file "$bin/syscall.elf" "$bin/syscall"
for ((i = 0; i < rounds; i++)); do
    line=$("$ukvm" run "$bin/syscall.elf")
    field ns "$line" >>"$scratch/guest"
    line=$("$bin/syscall")
    field ns "$line" >>"$scratch/native"
done
read -r a1 a a3 < <(quartiles <"$scratch/guest")
read -r b1 b b3 < <(quartiles <"$scratch/native")
result "$a" ns "$b" "getppid(); medians of $rounds alternating runs; middle half $a1-$a3, native $b1-$b3"
