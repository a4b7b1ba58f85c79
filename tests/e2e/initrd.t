#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# --initrd: a file in the guest's memory, read-only, as it is on the host, at no cost; and what happens when it goes away.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
GUEST=$GUESTS/initrd.elf

# checks NAME ARG...: the guest's own checks all pass.
checks() {
    local name=$1
    shift
    run_ukvm "$@"
    is "$name: exit status" "$status" 0
    is "$name: no check failed" "$(grep "^not ok" <<<"$out")" ""
    ok "$name: made checks" grep -q "^ok" "$SCRATCH/.out"
}

checks "none" "$GUEST"
printf x >one
head -c 4096 /dev/urandom >page
head -c 3000001 /dev/urandom >odd # more than one large page, and no whole pages
truncate -s 4M large
for file in one page odd large; do
    checks "$file" --initrd $file "$GUEST"
    "$UKVM" run --initrd $file "$GUEST" cat >copy
    ok "$file: every byte is the file's" cmp $file copy
done
seen() { "$UKVM" run --initrd one "$GUEST" | sed -n 's/^# initrd \([0-9a-f]*\),.*/\1/p'; }
first=$(seen)
ok "it lies elsewhere in each boot" test -n "$first" -a "$first" != "$(seen)"
run_ukvm --initrd one --mem 1M "$GUEST" last
is "it is not part of --mem" "$status $out" "0 120"

truncate -s 8G huge
printf x | dd of=huge bs=1 seek=$(((8 << 30) - 1)) conv=notrunc status=none
run_ukvm --initrd huge "$GUEST" last
is "8 GiB, of which the last byte is read" "$status $out" "0 120"
rm huge

# What no guest may do with it
cp odd before
for mode in write execute; do
    run_ukvm --initrd odd "$GUEST" $mode
    is "$mode: exit status" "$status" 139
    like "$mode: says what it was" "$err" "page fault: .* \(the initrd\)"
done
for mode in below above; do
    run_ukvm --initrd odd "$GUEST" $mode
    is "$mode: exit status" "$status" 139
    like "$mode: nothing is mapped there" "$err" "page fault: read at .* \(not mapped\)"
done
ok "the file is as it was" cmp odd before

# A file that becomes shorter
"$UKVM" run --initrd odd "$GUEST" late >late.out 2>late.err &
guest=$!
wait_for 10 test -s late.out
: >odd
kill -TERM $guest
wait $guest
is "cut short: exit status" $? 125
like "cut short: one line that says so" "$(<late.err)" "^ukvm: KVM_RUN: Bad address: .*--initrd.*shorter"$'[^\n]*$'

done_testing
