#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, BLK: block devices, and what the host sees of them.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

head -c 1M /dev/urandom >disk.img
cp disk.img before.img
inside UKVM-BLK-01 blk --disk d=disk.img
ok "UKVM-BLK-01 what was refused has changed nothing" cmp disk.img before.img
run_ukvm --disk d=disk.img,direct "$SUITE/blk.elf" UKVM-BLK-01
if [[ $status == 125 ]]; then
    skip "UKVM-BLK-01 without the page cache" "$err"
else
    report UKVM-BLK-01
    ok "UKVM-BLK-01 without the page cache: nothing has changed" cmp disk.img before.img
fi

inside UKVM-BLK-02 blk --disk d=disk.img
ok "UKVM-BLK-02 blocks before those named stay" cmp -n 16384 disk.img before.img
ok "UKVM-BLK-02 blocks behind them stay" cmp -i 24576 disk.img before.img
ok "UKVM-BLK-02 those named change" bash -c '! cmp -s -i 16384 -n 8192 disk.img before.img'
is "UKVM-BLK-02 the size stays" "$(stat -c %s disk.img)" 1048576
inside "UKVM-BLK-02 many" blk --disk d=disk.img

# What a flush is for, a power cut, cannot be had here; what is seen is whether pages are dirty after it.
truncate -s 1M flush.img
start "$UKVM" run --disk d=flush.img "$SUITE/blk.elf" UKVM-BLK-03
says dirty
before=$("$TOOLS/dirty_pages" flush.img 2>&1)
says clean
after=$("$TOOLS/dirty_pages" flush.img 2>&1)
stop TERM
out=$(<background) err=$(<background.err) status=0
report UKVM-BLK-03
if [[ $before =~ ^[1-9][0-9]*$ ]]; then
    is "UKVM-BLK-03 what was written is on stable storage ($before pages were not before)" "$after" 0
else
    skip "UKVM-BLK-03 what was written is on stable storage" "dirty pages cannot be counted here: $before"
fi

truncate -s 1M discard.img
inside UKVM-BLK-04 blk --disk d=discard.img
is "UKVM-BLK-04 the size stays" "$(stat -c %s discard.img)" 1048576

cp disk.img before.img
inside UKVM-BLK-05 blk --disk d=disk.img,ro
ok "UKVM-BLK-05 the disk stays as it is" cmp disk.img before.img

done_testing
