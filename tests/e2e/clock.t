#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs that set the clock, or live with its being set. Natively they would set this host's.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm

run_ukvm "$BUILD/tests/servers/clock_set.elf"
is "exit status" "$status" 0
is "no check failed" "$(grep '^not ok' <<<"$out")" ""
ok "there were some" grep -q '^ok' "$SCRATCH/.out"

done_testing
