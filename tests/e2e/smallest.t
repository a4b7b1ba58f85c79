#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The smallest guest, as docs/PORTING.md prints, builds and runs it.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
PAGE=$TOP/docs/PORTING.md SOURCE=examples/smallest/smallest.c
want="0 Hello from a guest without a kernel."

images=("$EXAMPLES/smallest.elf")
if [ -f "$PAGE" ]; then
    # shellcheck disable=SC2016 # grave accents
    is "the page prints the source" "$(sed -n '/^```c$/,/^```$/p' "$PAGE" | sed '1d;$d')" "$(<"$TOP/$SOURCE")"
    command=$(sed -n '/^    gcc /,/smallest\.c$/p' "$PAGE")
    like "the page says how to build it" "$command" "smallest.elf .*smallest.c"
    ln -s "$TOP/examples" "$TOP/guest-abi" .
    ok "the command builds it" sh -ec "$command"
    is "there is nothing in it from elsewhere" "$(nm -u smallest.elf)" ""
    images+=(smallest.elf)
fi

for image in "${images[@]}"; do
    if have_kvm; then
        run_ukvm "$image"
        is "${image##*/} runs" "$status $out" "$want"
    else
        skip "${image##*/} runs" "there is no /dev/kvm"
    fi
done

done_testing
