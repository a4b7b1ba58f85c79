#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, MEM: what is mapped, with which permissions, and where.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

inside UKVM-MEM-01 boot
for access in read write exec; do
    ends "UKVM-MEM-01 $access at address 0 ends the guest" 139 $access null
done
ends "UKVM-MEM-01 the last byte of page 0 is not mapped" 139 read null-last
for place in below-ranges above-ranges noncanonical noncanonical-high kernel-half far-below-boot farther-below-boot \
    farthest-below-boot far-above-arena; do
    ends "UKVM-MEM-01 a read of $place ends the guest" 139 read $place
    ends "UKVM-MEM-01 a write to $place ends the guest" 139 write $place
done

inside UKVM-MEM-02 boot --mem 16M
for place in free stack rings arena; do
    survives "UKVM-MEM-02 $place can be written" write $place
    ends "UKVM-MEM-02 $place cannot be executed" 139 exec $place
done
ends "UKVM-MEM-02 the boot page cannot be executed" 139 exec boot-argument $'\xc3'

ends "UKVM-MEM-03 the page below the stack cannot be read" 139 read below-stack
ends "UKVM-MEM-03 nor written" 139 write below-stack
for place in below-boot above-boot below-rings above-rings below-arena above-arena; do
    ends "UKVM-MEM-03 $place cannot be read" 139 read $place
    ends "UKVM-MEM-03 $place cannot be written" 139 write $place
done

inside UKVM-MEM-04 boot
for boot in 1 2 3; do
    run_ukvm "$SUITE/boot.elf" UKVM-MEM-04
    for what in image stack boot rings arena; do
        note $what >"$what$boot"
    done
done
for what in image stack boot rings arena; do
    # two of the three may meet by chance
    ok "UKVM-MEM-04 the address of $what differs from boot to boot" test "$(cat "$what"[123] | sort -u | wc -l)" -gt 1
done

inside UKVM-MEM-05 ring
start "$UKVM" run --mem 128M "$SUITE/ring.elf" "UKVM-MEM-05 thrift"
says returned
rss=$(awk '/^VmRSS/ { print $2 }' /proc/$guest/status)
stop TERM
ok "UKVM-MEM-05 the host has got its pages back ($rss kB are left of 128 MiB)" test "$rss" -lt 65536

done_testing
