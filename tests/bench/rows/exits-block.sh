# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# How often the guest leaves the vCPU for one block read at depth 32: the guest counts its own hypercalls.
need_kvm
reads=10000
make_disk "$scratch/disk" 64
random_reads "$scratch/disk" cached $reads
exits=$(field exits "$line")
result "$(jq -n "$exits / $reads")" exits/read "" "$reads reads of 4 KiB at depth 32"
