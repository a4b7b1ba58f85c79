#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Block devices, read back from the host.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

truncate -s 16M disk.img
run_ukvm --disk data=disk.img "$EXAMPLES/blk.elf"
is "blk: exit status" "$status" 0
like "blk: verified" "$out" "blk: 16777216 bytes written, read back and verified"
cp disk.img first.img
run_ukvm --disk data=disk.img "$EXAMPLES/blk.elf"
ok "blk: the pattern depends on the offset alone" cmp disk.img first.img
is "blk: the host sees data, not a hole" "$(tr -d '\0' <disk.img | head -c 1 | wc -c)" 1

# Only the blocks named change: guard bytes of the host around them stay.
head -c 65536 /dev/urandom >random.img
cp random.img before.img
run_ukvm --disk data=random.img "$GUESTS/blkio.elf" write 4096 8192 7
is "write: exit status" "$status" 0
ok "write: before it nothing changed" cmp -n 4096 random.img before.img
ok "write: behind it nothing changed" cmp -i 12288 random.img before.img
ok "write: itself changed" bash -c '! cmp -s -i 4096 -n 8192 random.img before.img'
run_ukvm --disk data=random.img,ro "$GUESTS/blkio.elf" check 4096 8192 7
is "check: another guest reads what was written" "$status" 0
run_ukvm --disk data=random.img,ro "$GUESTS/blkio.elf" check 4096 8192 8
is "check: and would notice other data" "$status" 1

run_ukvm --disk data=random.img "$GUESTS/blkio.elf" discard 0 32768
if [[ $out == *ENOTSUP* ]]; then
    skip "discard: reads as zero" "this file system cannot punch holes"
else
    is "discard: exit status" "$status" 0
    ok "discard: reads as zero" cmp -n 32768 random.img /dev/zero
    ok "discard: behind it nothing changed" cmp -i 32768 random.img before.img
fi
is "discard: the size stays" "$(stat -c %s random.img)" 65536

run_ukvm --disk data=random.img "$GUESTS/blkio.elf" flush
is "flush: exit status" "$status" 0

# Rules, each a completion
run_ukvm --disk data=random.img "$GUESTS/blkio.elf" errors
is "errors: exit status" "$status" 0
ok "errors: a dozen rules were broken" test "$(grep -c "errors:" "$SCRATCH/.out")" -ge 12
is "errors: each is EINVAL" "$(grep "errors:" "$SCRATCH/.out" | grep -vc "EINVAL$")" 0
cp random.img before.img
run_ukvm --disk data=random.img,ro "$GUESTS/blkio.elf" write 0 512 1
like "read-only: a write is EROFS" "$out$err" "EROFS"
run_ukvm --disk data=random.img,ro "$GUESTS/blkio.elf" discard 0 512
like "read-only: a discard is EROFS" "$out$err" "EROFS"
ok "read-only: nothing changed" cmp random.img before.img

# Devices that fail are completions
truncate -s 1M short.img
"$UKVM" run --disk data=short.img "$GUESTS/blkio.elf" info wait 1500 read 0 1048576 >short.out 2>&1 &
guest=$!
wait_for 10 test -s short.out
truncate -s 512K short.img
wait $guest
like "a disk that was truncated: EIO, and the guest goes on" "$(<short.out)" "EIO"

if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=256k tmpfs small 2>/dev/null; then
    at_end "umount $SCRATCH/small"
    truncate -s 4M small/disk.img
    run_ukvm --disk data=small/disk.img "$GUESTS/blkio.elf" write 0 1048576 3
    like "a full file system: ENOSPC" "$out$err" "ENOSPC"
else
    skip "a full file system: ENOSPC" "mounting a tmpfs needs root"
fi

# Many in flight, direct and cached
truncate -s 8M many.img
run_ukvm --disk data=many.img "$GUESTS/blkio.elf" mixed 5
is "mixed operations, cached: exit status" "$status" 0
run_ukvm --disk data=many.img,direct "$GUESTS/blkio.elf" mixed 6
if [[ $err == *"no direct I/O"* ]]; then
    skip "mixed operations, direct: exit status" "this file system has no direct I/O"
else
    is "mixed operations, direct: exit status" "$status" 0
fi

# Several disks
truncate -s 1M one.img
run_ukvm --disk data=one.img --disk other=short.img "$EXAMPLES/blk.elf"
is "a disk that the image does not know: refused" "$status" 126

# The lock
"$UKVM" run --disk data=one.img "$GUESTS/blkio.elf" wait 10000 >/dev/null 2>&1 &
guest=$!
wait_for 5 grep -q "WRITE.*:$(stat -c %i one.img) " /proc/locks
run_ukvm --disk data=one.img "$EXAMPLES/blk.elf"
is "one disk, two writers: refused" "$status" 125
like "one disk, two writers: says why" "$err" "one.img: in use"
kill -9 $guest
wait $guest 2>/dev/null
for _ in 1 2 3 4 5; do
    run_ukvm --disk data=one.img "$EXAMPLES/blk.elf"
    [ "$status" = 0 ] || break
done
run_ukvm --disk data=one.img "$EXAMPLES/blk.elf"
is "after SIGKILL the disk is free again" "$status" 0

done_testing
