# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# block direct|cached: 4 KiB random reads at depth 32, in a guest, against fio with io_uring on the same file, opened
# the same way. `direct` is the headline: it is how a disk is used when its speed matters, and both sides wait for the
# device. `cached` reads from the page cache, so that nothing is left but what each side spends per read.
#
# fio runs one job with its own defaults: one read per submission, completions taken as they come. Its further options
# only make the two sides do the same thing: draws independent of each other and of the last run (norandommap,
# randrepeat=0), and no dropping of the page cache before it starts (invalidate=0).
need_kvm
need_command fio
mode=$1
disk=$scratch/disk
make_disk "$disk" 256
if [[ $mode == direct ]]; then
    dd if="$disk" of=/dev/null bs=4096 count=1 iflag=direct status=none 2>/dev/null ||
        skip "the file system of the scratch directory has no direct I/O"
    dd of="$disk" oflag=nocache conv=notrunc,fdatasync count=0 status=none
else
    cat "$disk" >/dev/null
fi

native() { # [OPTION...]: reads per second
    timeout --foreground 60 fio --name=bench --thread --filename="$disk" --readonly --ioengine=io_uring --rw=randread \
        --bs=4k --iodepth=32 --direct="$([[ $mode == direct ]] && echo 1 || echo 0)" --time_based --runtime=1 \
        --norandommap --randrepeat=0 --invalidate=0 --output-format=json "$@" |
        jq -e '.jobs[0] | if .error == 0 then .read.iops else empty end'
}

# As many reads as fio does in a second, so that both sides run for about as long.
count=$(native | jq floor)
for ((i = 0; i < rounds; i++)); do
    random_reads "$disk" "$mode" "$count"
    field iops "$line" >>"$scratch/guest"
    native >>"$scratch/native"
    # Not the measure, but a reader will ask: fio told to batch as the guest does.
    native --iodepth_batch_submit=32 --iodepth_batch_complete_min=1 --iodepth_batch_complete_max=32 \
        --registerfiles=1 --fixedbufs=1 >>"$scratch/batched"
done
read -r a1 a a3 < <(quartiles <"$scratch/guest")
read -r b1 b b3 < <(quartiles <"$scratch/native")
read -r _ c _ < <(quartiles <"$scratch/batched")
result "$a" reads/s "$b" "medians of $rounds alternating rounds of 1 s; middle half $a1-$a3, fio $b1-$b3;\
 fio batching 32, fixed files and buffers $c"
