#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `make mutants`: builds each monitor of `table` and runs the conformance tests against it, until one fails. Prints TAP: a
# mutant that no test catches, or that can no longer be made, is a failure.
#
#   run.sh [NAME...]    all of the table, or only these
#   run.sh --sample     the first of each section; of the others, whether they can still be made from the sources
#
# The Makefile gives what it takes: $MUTANT_CC compiles, $MUTANT_LD links the objects $MUTANT_OBJS with $MUTANT_LIBS.

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../.." || exit 1
BUILD=$(realpath -m "${BUILD:-build}")
export BUILD

# read_row NAME: sets clause, file, old and new.
read_row() {
    local line
    clause='' file='' old='' new=''
    while IFS= read -r line; do
        case $line in
        "$1 "*) read -r _ clause file <<<"$line" ;;
        -*) [ -z "$clause" ] || old+=${line#-}$'\n' ;;
        +*) [ -z "$clause" ] || new+=${line#+}$'\n' ;;
        '') [ -z "$clause" ] || break ;;
        esac
    done <"$here/table"
    [ -n "$old" ]
}

# mutate FOLDER: writes the file with its defect to FOLDER; what it prints says why it could not.
mutate() {
    local text rest
    text=$(<"$file")$'\n'
    rest=${text#*"$old"}
    [ "$rest" != "$text" ] || { echo "no longer applies to $file" && return 1; }
    [[ $rest != *"$old"* ]] || { echo "applies to $file more than once" && return 1; }
    printf '%s' "${text%%"$old"*}$new$rest" >"$1/${file##*/}"
}

# build FOLDER: makes FOLDER/ukvm of it.
build() {
    local object objects=()
    for object in $MUTANT_OBJS; do
        [[ $object -ef $BUILD/obj/${file%.c}.o ]] && object=$1/mutant.o
        objects+=("$object")
    done
    # shellcheck disable=SC2086 # words
    $MUTANT_CC -iquote "${file%/*}" -c -o "$1/mutant.o" "$1/${file##*/}" 2>&1 &&
        $MUTANT_LD -o "$1/ukvm" "${objects[@]}" $MUTANT_LIBS 2>&1
}

# failure MONITOR TEST: the name of the first check that fails.
failure() {
    UKVM=$1 RUN_SECONDS=5 timeout -k 5 60 "$2" 2>/dev/null | grep -m1 '^not ok' | sed 's/^not ok [0-9]* - //'
}

# try NAME HOW: prints a line of TAP without a number, and perhaps comments. HOW is `run` or `apply`.
try() {
    local folder=$BUILD/mutants/$1 why="the table has no such row" section test catcher=
    mkdir -p "$folder"
    if ! read_row "$1" || ! why=$(mutate "$folder" && { [ "$2" = apply ] || build "$folder"; }); then
        printf 'not ok - %s: %s\n' "$1" "${why//$'\n'/$'\n'# }"
    elif [ "$2" = apply ]; then
        echo "ok - $1: can be made"
    else
        section=${clause%-*}
        for test in "tests/conformance/${section,,}.t" tests/conformance/*.t; do
            catcher=$(failure "$folder/ukvm" "$test")
            [ -z "$catcher" ] || break
        done
        [ -n "$catcher" ] || echo "not ok - $1: no test catches it"
        [ -z "$catcher" ] || echo "ok - $1: caught by $catcher"
    fi
    rm -r "$folder"
}

[ -w /dev/kvm ] || { echo "mutants: there is no /dev/kvm to use, and no mutant runs" >&2 && exit 1; }

if [ "${1:-}" = --one ]; then
    try "$2" "$3"
    exit
fi

# The rows to try, each with how.
rows() {
    local sample='' name clause section last=
    [ "${1:-}" != --sample ] || { sample=1 && shift; }
    if [ $# -gt 0 ]; then
        printf '%s run\n' "$@"
        return
    fi
    grep -E '^[a-z0-9-]+ [A-Z]+-[0-9]+ ' "$here/table" | while read -r name clause _; do
        section=${clause%-*}
        if [ -z "$sample" ] || [ "$section" != "$last" ]; then echo "$name run"; else echo "$name apply"; fi
        last=$section
    done
}

mapfile -t todo < <(rows "$@")
failed=0 count=0
echo "1..${#todo[@]}"
while IFS= read -r line; do
    case $line in
    "ok - "*) echo "ok $((++count)) ${line#ok }" ;;
    "not ok - "*) echo "not ok $((++count)) ${line#not ok }" && failed=1 ;;
    *) echo "$line" ;;
    esac
done < <(printf '%s\n' "${todo[@]}" | xargs -P "$(nproc)" -n 2 "$0" --one)
exit $((failed || count != ${#todo[@]}))
