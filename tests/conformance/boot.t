#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, "Boot page".
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

inside UKVM-BOOT-01 boot
inside UKVM-BOOT-01 boot -e KEY=VALUE
for place in boot boot-last; do
    survives "UKVM-BOOT-01 $place can be read" read $place
    ends "UKVM-BOOT-01 $place cannot be written" 139 write $place
done

# A blob of more than a page; strings that are empty, that have spaces, and what an option would look like.
long=$(printf 'x%.0s' {1..5000})
run_ukvm -e KEY=VALUE -e EMPTY= -e "LONG=$long" "$SUITE/boot.elf" UKVM-BOOT-02 '' 'two words' --mem "$long" $'\xff='
report UKVM-BOOT-02
is "UKVM-BOOT-02 arguments and environment are those of the command line" \
    "$(sed '/^ok /d' <<<"$out")" \
    "$(printf '%s\n' "$SUITE/boot.elf" UKVM-BOOT-02 '' 'two words' --mem "$long" $'\xff=' -- KEY=VALUE EMPTY= "LONG=$long")"
cp "$SUITE/boot.elf" .
run_ukvm ./boot.elf UKVM-BOOT-02
is "UKVM-BOOT-02 argv[0] is the image's name as it was given" "$(sed '/^ok /d' <<<"$out" | head -n 1)" ./boot.elf
is "UKVM-BOOT-02 there need be no environment" "$(sed -n '/^--$/,$p' <<<"$out")" --

for mebibytes in 2 64 1024; do
    run_ukvm --mem ${mebibytes}M "$SUITE/boot.elf" UKVM-BOOT-03 $mebibytes
    report UKVM-BOOT-03
done

truncate -s 1M a.img
truncate -s 2M b.img
printf a | dd of=a.img conv=notrunc status=none
printf b | dd of=b.img conv=notrunc status=none
net=n=fd:3,mac=02:00:00:00:00:09,mtu=1400,ip=10.1.2.3/24,gw=10.1.2.1
for order in "--disk a=a.img --net $net --disk b=b.img,ro" "--disk b=b.img,ro --disk a=a.img --net $net"; do
    # shellcheck disable=SC2086 # words
    run "$TOOLS/frame_peer" dgram "$UKVM" run $order "$SUITE/boot.elf" UKVM-BOOT-04
    report UKVM-BOOT-04
done

seen=
for _ in 1 2; do
    inside UKVM-BOOT-05 boot
    seen+=$(note entropy)$'\n'
done
is "UKVM-BOOT-05 no word of the entropy is the same in two boots" "$(grep -c . <<<"$seen") $(sort <<<"$seen" | uniq -d)" "16 "

inside UKVM-BOOT-06 boot

ends "UKVM-BOOT-07 the guest cannot write what the monitor could read back" 139 write boot-arena-size
inside UKVM-BOOT-07 boot --disk a=a.img

printf '\xc3' >one # an instruction that returns, for who can execute it
if offers INITRD UKVM-BOOT-08; then
    inside UKVM-BOOT-08 boot
    { cat one && head -c 4095 /dev/urandom; } >page
    { cat one && head -c 3000000 /dev/urandom; } >odd # more than a large page, and no whole pages
    options=(--initrd odd)
    for place in initrd initrd-last; do
        survives "UKVM-BOOT-08 $place can be read" read $place
        ends "UKVM-BOOT-08 $place cannot be written" 139 write $place
    done
    ends "UKVM-BOOT-08 initrd cannot be executed" 139 exec initrd
    for file in one page odd; do
        run_ukvm --initrd $file "$SUITE/boot.elf" UKVM-BOOT-08 "$(stat -c %s $file)"
        report UKVM-BOOT-08
        "$UKVM" run --initrd $file "$SUITE/boot.elf" "UKVM-BOOT-08 copy" >copy 2>/dev/null
        ok "UKVM-BOOT-08 every byte is the file's ($file)" cmp $file copy
    done
    for mebibytes in 64 2; do
        run_ukvm --initrd odd --mem ${mebibytes}M "$SUITE/boot.elf" UKVM-BOOT-03 $mebibytes
        report UKVM-BOOT-03
    done

    # Whether it sees that its file has become shorter is the monitor's choice.
    cp odd short
    start "$UKVM" run --initrd short "$SUITE/boot.elf" "UKVM-BOOT-08 late"
    says before
    : >short
    ended
    like "UKVM-BOOT-08 touching what the file no longer has ends the guest" "$status $(tr '\n' ' ' <background)" \
        "^(125 before|0 before after) \$"
fi

if offers IMAGE_FILE UKVM-BOOT-09; then
    inside UKVM-BOOT-09 boot # its note does not ask
    cat "$SUITE/end-file.elf" one >returns.elf # the file's last byte is an instruction that returns
    for place in image-file image-file-last; do
        run_ukvm returns.elf end read $place
        is "UKVM-BOOT-09 $place can be read" "$status ${out//$'\n'/ }" "0 before after"
        for access in write exec; do
            run_ukvm returns.elf end $access $place
            is "UKVM-BOOT-09 $access of $place ends the guest" "$status ${out//$'\n'/ }" "139 before"
        done
    done
    run_ukvm "$SUITE/boot-file.elf" UKVM-BOOT-09 "$(stat -c %s "$SUITE/boot-file.elf")"
    report UKVM-BOOT-09
    "$UKVM" run "$SUITE/boot-file.elf" "UKVM-BOOT-09 copy" >copy 2>/dev/null
    ok "UKVM-BOOT-09 every byte is the file's" cmp "$SUITE/boot-file.elf" copy
    for mebibytes in 64 2; do
        run_ukvm --initrd one --mem ${mebibytes}M "$SUITE/boot-file.elf" UKVM-BOOT-03 $mebibytes
        report UKVM-BOOT-03
    done
fi

done_testing
