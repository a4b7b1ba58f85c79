#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The guest kernel and the ABI as seen from inside: each guest prints one line "ok NAME" or "not ok NAME" for each check.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

# inside ARG...: runs a guest and passes its checks on.
inside() {
    local line checks=0
    run_ukvm "$@"
    while IFS= read -r line; do
        case $line in
        "ok "*) checks=$((checks + 1)); is "${line#ok }" ok ok ;;
        "not ok "*) checks=$((checks + 1)); is "${line#not ok }" "not ok" ok ;;
        esac
    done <<<"$out"
    ok "$*: made checks" test $checks -gt 0
    is "$*: exit status" "$status" 0
}

inside "$GUESTS/entry.elf"
# BOOT-05 and MEM-04: nothing of that is the same in two boots.
seen() { "$UKVM" run "$GUESTS/entry.elf" | sed -n 's/^# entropy //p'; }
read -r entropy1 _ image1 _ rings1 < <(seen)
read -r entropy2 _ image2 _ rings2 < <(seen)
ok "entropy differs from boot to boot" test -n "$entropy1" -a "$entropy1" != "$entropy2"
ok "the image's address differs from boot to boot" test "$image1" != "$image2"
ok "the rings' address differs from boot to boot" test "$rings1" != "$rings2"

inside "$GUESTS/ring.elf"
inside --mem 16M "$GUESTS/mem.elf"

run_ukvm "$EXAMPLES/clock.elf" --ticks 3 --interval 20
is "clock: exit status" "$status" 0
now=$(date -u +%Y-%m-%dT%H:)
like "clock: the wall clock is the host's" "$out" "$now"

run_ukvm "$BUILD/tests/servers/alignment.elf"
is "variables with an alignment beyond a page are aligned: none is not" "$status $(grep -c ": aligned" <<<"$out") ${out//[^M]/}" "0 8 "
done_testing
