# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the tests of this folder: tests/lib/tap.sh, and ways to run a guest. Every name of a test begins with the clause that
# it is about, UKVM-RING-02; tests/e2e/abi.t looks for them here.

# shellcheck source=tests/lib/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/tap.sh"
need_kvm
SUITE=$BUILD/tests/conformance
export RUN_SECONDS=${RUN_SECONDS:-20}
[ -x "$UKVM" ] || skip_all "$UKVM: there is no such monitor"

# report CLAUSE: passes on the checks that the guest of the last run has printed.
report() {
    local line checks=0
    while IFS= read -r line; do
        case $line in
        "ok $1 "*) checks=$((checks + 1)) && is "${line#ok }" ok ok ;;
        "not ok $1 "*) checks=$((checks + 1)) && is "${line#not ok }" "not ok" ok ;;
        "# "*) echo "$line" ;;
        esac
    done <<<"$out"
    # a guest whose check has failed ends with 1
    [[ $status == [01] && $checks -gt 0 ]] || is "$1 the guest makes all of its checks" "$status ${err:-$out}" 0
}

# inside CHECK GUEST [OPTION...]: runs a check of a guest; its first word is the clause.
inside() {
    local check=$1 guest=$2
    shift 2
    run_ukvm "$@" "$SUITE/$guest.elf" "$check"
    report "${check%% *}"
}

# offers FEATURE CLAUSE...: whether the monitor offers a feature; if not, a test of each clause is skipped.
offers() {
    local bit clause feature=$1
    shift
    bit=$(sed -n "s/^#define UKVM_FEATURE_$feature (UINT64_C(1) << \([0-9]*\)).*/\1/p" "$TOP/guest-abi/ukvm_abi.h")
    if [ -z "${features:-}" ]; then
        run_ukvm "$SUITE/boot.elf" UKVM-BOOT-01
        features=$(note features)
        features=${features:--1} # a monitor that cannot say is not spared
    fi
    ((features >> bit & 1)) && return
    for clause; do
        skip "$clause UKVM_FEATURE_$feature" "this monitor does not offer it"
    done
    return 1
}

# ends NAME STATUS WORD...: the guest must not outlive what end.c does for these words; STATUS is a regular expression.
# $options are those of the monitor, here and below.
options=()
ends() {
    local name=$1 want=$2
    shift 2
    run_ukvm "${options[@]}" "$SUITE/end.elf" end "$@"
    like "$name" "$status ${out//$'\n'/ }" "^($want) before\$"
}

# survives NAME WORD...: it must.
survives() {
    local name=$1
    shift
    run_ukvm "${options[@]}" "$SUITE/end.elf" end "$@"
    is "$name" "$status ${out//$'\n'/ }" "0 before after"
}

# runs NAME [CHANGE...]
runs() {
    local name=$1
    shift
    image changed "$@"
    run_ukvm "${options[@]}" changed.elf
    is "$name" "$status$out" 42
}

# refuses NAME [CHANGE...]: the monitor does not start the guest, and says why.
refuses() {
    local name=$1
    shift
    image changed "$@"
    run_ukvm "${options[@]}" changed.elf
    is "$name" "$status${out:+ $out}${err:+ because}" "126 because"
}

# note WHAT: what a guest has printed as "# WHAT value".
note() { sed -n "s/^# $1 //p" <<<"$out"; }

# start COMMAND...: in the background, its output in `background`; leaves $guest, its process. Ended with the test.
start() {
    : >background
    SECONDS=0
    "$@" >background 2>background.err </dev/null &
    guest=$!
    at_end "kill -9 $guest 2>/dev/null"
}

# says PATTERN: waits until the guest in the background has printed it; fails when it ends instead.
says() {
    until grep -q "$1" background 2>/dev/null; do
        kill -0 "$guest" 2>/dev/null && ((SECONDS < RUN_SECONDS)) || return 1
        sleep 0.02
    done
}

# ended: waits until the guest in the background has ended, and leaves $status; kills it when it takes too long.
# shellcheck disable=SC2034 # status is for the tests
ended() {
    while kill -0 "$guest" 2>/dev/null; do
        ((SECONDS < RUN_SECONDS)) || kill -9 "$guest"
        sleep 0.02
    done
    wait "$guest" 2>/dev/null
    status=$?
}

# stop SIGNAL: sends it, and leaves $status.
stop() {
    kill -"$1" "$guest" 2>/dev/null
    ended
}
