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
for place in far-below-stack farthest-below-stack; do
    ends "UKVM-MEM-09 $place cannot be read" 139 read $place
    ends "UKVM-MEM-09 $place cannot be written" 139 write $place
done
for place in below-boot above-boot below-rings above-rings below-arena above-arena; do
    ends "UKVM-MEM-03 $place cannot be read" 139 read $place
    ends "UKVM-MEM-03 $place cannot be written" 139 write $place
done
if offers INITRD UKVM-MEM-03 UKVM-MEM-04; then
    echo text >file
    options=(--initrd file)
    for place in below-initrd above-initrd; do
        ends "UKVM-MEM-03 $place cannot be read" 139 read $place
        ends "UKVM-MEM-03 $place cannot be written" 139 write $place
    done
fi
guest=boot
if offers IMAGE_FILE UKVM-MEM-03 UKVM-MEM-04; then
    guest="boot-file"
    for place in below-image-file above-image-file; do
        for access in read write; do
            run_ukvm "$SUITE/end-file.elf" end $access $place
            is "UKVM-MEM-03 $access of $place ends the guest" "$status ${out//$'\n'/ }" "139 before"
        done
    done
fi

inside UKVM-MEM-04 $guest
addresses=(image stack boot rings arena ${options:+initrd})
[ $guest = boot ] || addresses+=(image-file)
for boot in 1 2 3; do
    run_ukvm "${options[@]}" "$SUITE/$guest.elf" UKVM-MEM-04
    for what in "${addresses[@]}"; do
        note "$what" >"$what$boot"
    done
done
options=()
for what in "${addresses[@]}"; do
    # two of the three may meet by chance
    ok "UKVM-MEM-04 the address of $what differs from boot to boot" test "$(cat "$what"[123] | sort -u | wc -l)" -gt 1
done

inside UKVM-MEM-05 mem
start "$UKVM" run --mem 128M "$SUITE/mem.elf" "UKVM-MEM-05 thrift"
says returned
rss=$(awk '/^VmRSS/ { print $2 }' /proc/$guest/status)
stop TERM
ok "UKVM-MEM-05 the host has got its pages back ($rss kB are left of 128 MiB)" test "$rss" -lt 65536

if offers MEM_PROTECT UKVM-MEM-06 UKVM-MEM-07 UKVM-MEM-08; then
    inside UKVM-MEM-06 mem
    inside "UKVM-MEM-06 refused" mem
    inside "UKVM-MEM-06 refused" mem --mem 1024M

    # One page of a block of 2 MiB, and the whole of it: nothing (0), reading (4), reading and writing (6).
    for pages in 1 512; do
        for access in read write exec; do
            ends "UKVM-MEM-07 $access of $pages closed pages ends the guest" 139 protect $pages $access 0
        done
        survives "UKVM-MEM-07 read of $pages read-only pages does not" protect $pages read 4
        for access in write exec; do
            ends "UKVM-MEM-07 $access of $pages read-only pages ends the guest" 139 protect $pages $access 4
        done
        survives "UKVM-MEM-07 write of $pages pages that are writable again does not" protect $pages write 4 0 6
        ends "UKVM-MEM-07 exec of $pages pages that are writable again ends the guest" 139 protect $pages exec 0 6
        ends "UKVM-MEM-07 the last protection of several counts for $pages" 139 protect $pages read 6 4 6 0
    done
    ends "UKVM-MEM-07 a closed page stays closed when another is opened" 139 protect 512 read 0 open
    ends "UKVM-MEM-07 a read-only page stays read-only when another is opened" 139 protect 512 write 4 open
    ends "UKVM-MEM-07 so it does in two blocks" 139 protect 513 read 0 open
    if offers MEM_RETURN UKVM-MEM-06; then
        ends "UKVM-MEM-06 a closed page that is returned stays closed" 139 protect 1 read 0 return
        ends "UKVM-MEM-06 a read-only page that is returned stays read-only" 139 protect 1 write 4 return
    fi

    for mebibytes in 2 64 1024; do
        inside UKVM-MEM-08 mem --mem ${mebibytes}M
    done
fi

done_testing
