#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, ERR: devices that fail.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

truncate -s 1M disk.img
start "$UKVM" run --disk d=disk.img "$SUITE/blk.elf" "UKVM-ERR-01 cut"
says written
truncate -s 512K disk.img
wait "$guest"
status=$? out=$(<background) err=$(<background.err)
report UKVM-ERR-01

if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=256k tmpfs small 2>/dev/null; then
    at_end "umount -l $SCRATCH/small" # io_uring gives its files back some time after the monitor has ended
    truncate -s 4M small/disk.img
    inside "UKVM-ERR-01 space" blk --disk d=small/disk.img
else
    skip "UKVM-ERR-01 a full file system is -UKVM_ENOSPC" "mounting a tmpfs needs root"
fi

run "$TOOLS/frame_peer" seqpacket "$UKVM" run --net n=fd:3,mtu=1500 "$SUITE/net.elf" UKVM-NET-04
like "UKVM-ERR-01 a network that is gone does not end the guest" "$status $out" "^0 .*still here\$"

done_testing
