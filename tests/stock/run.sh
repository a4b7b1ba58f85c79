#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs the end-to-end and the conformance tests on Debian's own kernel with a real kvm_amd, in a machine that QEMU
# emulates in software: it needs neither root nor /dev/kvm, and shows that nothing newer than that kernel is required.
#
#   tests/stock/run.sh [TEST...]    run tests/e2e/*.t and tests/conformance/*.t, or only these
#   tests/stock/run.sh --shell      a shell in the same machine; `exit` ends it
#
# The last line is prove's "Result:", and the exit status is prove's. A machine that ends without a verdict, or does not
# end in time, is a failure, and its kernel's messages are shown.
#
# In the machine, the repository is /ukvm; /tmp is a tmpfs, and $TMPDIR is on an ext4 disk, where O_DIRECT works.

set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

# The environment may set these, and STOCK_PROVE to options of prove, such as -v.
readonly limit=${STOCK_TIMEOUT:-35m} # for the whole run, as timeout(1) takes it
readonly memory=${STOCK_MEMORY:-2G}
readonly cpus=${STOCK_CPUS:-1} # with a second one KVM is slower

# thread=multi with two processors hangs in nested guests, as of QEMU 7.2.
readonly accelerator=tcg,thread=single
readonly cpu=EPYC,+svm
readonly disk_size=1G

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
readonly here root cache=$root/build/stock

die() {
    echo "stock: $*" >&2
    exit 1
}

check_packages() {
    local missing
    missing=$("$here/mkinitramfs.sh" missing)
    type -P qemu-system-x86_64 >/dev/null || missing+=" qemu-system-x86"
    type -P mke2fs >/dev/null || missing+=" e2fsprogs"
    [[ -z $missing ]] || die "missing packages:" "${missing//$'\n'/ }" "(apt-get install --no-install-recommends)"
}

# Prints the tests to run, as paths inside the repository.
find_tests() {
    local test path
    if (($# == 0)); then
        shopt -s nullglob
        set -- "$root"/tests/e2e/*.t "$root"/tests/conformance/*.t
        (($# > 0)) || die "tests/e2e and tests/conformance have no test (*.t)"
    fi
    for test; do
        [[ -f $test ]] || die "$test: no such test"
        path=$(realpath --relative-to="$root" "$test")
        [[ $path == tests/* ]] || die "$test: not in this repository's tests/, and the machine is given nothing else"
        echo "$path"
    done
}

newest_package() {
    find "$cache" -maxdepth 1 -name 'linux-image-*-cloud-amd64_*.deb' | sort -V | tail -n 1
}

# linux-image-cloud-amd64 only depends on the package that has the kernel, whose name changes with the version.
download_kernel() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p')
    [[ -n $package ]] || die "apt knows no linux-image-cloud-amd64: run apt-get update"
    rm -rf "$cache/download"
    mkdir "$cache/download"
    # As root, apt would fetch as a user who cannot write here.
    (cd "$cache/download" && apt-get -qq -o APT::Sandbox::User=root download "$package") ||
        die "apt-get cannot download $package: run apt-get update, or put the package into $cache"
    mv "$cache"/download/*.deb "$cache"
    rmdir "$cache/download"
}

unpack_kernel() {
    rm -rf "$kernel.new"
    dpkg -x "$kernel.deb" "$kernel.new"
    mv "$kernel.new" "$kernel"
}

tools_are_current() {
    [[ $kernel/tools.cpio -nt $here/mkinitramfs.sh && $kernel/tools.cpio -nt /var/lib/dpkg/status ]]
}

# What is kept between runs: the kernel, unpacked beside its package, and in it the archive of tools.
prepare_kernel() {
    local lock
    exec {lock}>"$cache/lock"
    flock "$lock"
    [[ -n $(newest_package) ]] || download_kernel
    kernel=$(newest_package)
    kernel=${kernel%.deb}
    [[ -d $kernel ]] || unpack_kernel
    tools_are_current || "$here/mkinitramfs.sh" tools "$kernel/tools.cpio" "$kernel/lib/modules"
    exec {lock}>&-
}

# Makes the disk, the initramfs and the command line of the machine, which starts a shell when there is no test.
prepare_machine() {
    truncate -s "$disk_size" "$run/disk"
    mke2fs -q -t ext4 -m 0 -E root_owner=0:0 "$run/disk"
    "$here/mkinitramfs.sh" project "$run/project.cpio" "$@"
    cat "$kernel/tools.cpio" "$run/project.cpio" >"$run/initramfs"
    # A panic reboots, and -no-reboot makes that the end.
    machine=(
        qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot
        -accel "$accelerator" -cpu "$cpu" -smp "$cpus" -m "$memory"
        -kernel "$kernel"/boot/vmlinuz-* -initrd "$run/initramfs"
        -append "console=ttyS0 quiet loglevel=4 oops=panic panic=-1"
        -drive "file=$run/disk,format=raw,if=virtio,cache=unsafe"
        -serial "file:$run/console"
    )
}

run_shell() {
    "${machine[@]}" -chardev stdio,id=shell,signal=off -serial chardev:shell 2>"$run/emulator" ||
        die "$(cat "$run/emulator")"
}

# Sets status from what the machine left behind, or reason if that is no verdict.
read_verdict() {
    local result=FAIL
    status=$(sed -n 's/^STOCK-EXIT: \([0-9]\+\)$/\1/p' "$run/verdict")
    [[ $status != 0 ]] || result=PASS
    reason=
    if ((emulator == 124 || emulator == 137)); then
        reason="not done after $limit"
    elif ((emulator != 0)); then
        reason="the emulator failed with status $emulator"
    elif grep -q 'Kernel panic' "$run/console"; then
        reason="the kernel panicked"
    elif [[ -z $status ]]; then
        reason="the machine ended without a verdict"
    elif [[ $(tail -n 1 "$run/output") != "Result: $result" ]]; then
        reason="prove ended with status $status, but not with Result: $result"
    fi
}

run_tests() {
    local emulator=0 follower status reason
    touch "$run"/{console,output,verdict}
    timeout -k 10 "$limit" "${machine[@]}" -serial "file:$run/output" -serial "file:$run/verdict" \
        </dev/null 2>"$run/emulator" &
    child=$!
    tail -n +1 -s 0.1 -f --pid=$child "$run/output" &
    follower=$!
    wait $child || emulator=$?
    wait $follower || :
    read_verdict
    [[ -n $reason ]] || return "$status"
    {
        printf "\nstock: the last messages of the emulator and of the machine's kernel:\n"
        sed "/TCG doesn't support requested feature/d" "$run/emulator"
        tail -n 40 "$run/console" | tr -d '\r'
    } >&2
    printf '\nResult: FAIL (%s)\n' "$reason"
    return 1
}

clean_up() {
    [[ -z $child ]] || kill "$child" 2>/dev/null || :
    rm -rf "$run"
}

check_packages
tests=()
if [[ ${1:-} != --shell ]]; then
    list=$(find_tests "$@")
    mapfile -t tests <<<"$list"
fi
[[ -x $root/build/ukvm ]] || die "build/ukvm: not built; run make"

mkdir -p "$cache"
run=$(mktemp -d "$cache/run.XXXXXX")
child=
trap clean_up EXIT
trap 'exit 130' HUP INT TERM
prepare_kernel
prepare_machine "${tests[@]}"
if ((${#tests[@]} == 0)); then
    run_shell
else
    run_tests
fi
