# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# boot IMAGE: the whole process of `ukvm run IMAGE` against that of floor.c, which runs a virtual machine and no more.
need_kvm
case $1 in
hello) image=$examples/hello.elf ;;
hello_libc) image=$bin/hello_libc.elf ;;
esac
need_file "$image"
"$bin/spawn_time" 100 5 "$ukvm" run "$image" -- "$bin/floor" >"$scratch/samples"

quartiles_of() { # PROGRAM: in milliseconds
    awk -v p="$1" '$1 == p { print $2 / 1e6 }' "$scratch/samples" | quartiles
}
read -r a1 a a3 < <(quartiles_of 0)
read -r b1 b b3 < <(quartiles_of 1)
result "$a" ms "$b" "medians of 100 alternating runs; middle half $a1-$a3 ms, floor $b1-$b3 ms"
