#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Makes the initramfs of tests/stock/run.sh in two archives, which the kernel unpacks one over the other: this machine's
# tools, kept between runs, and the project, made anew each time.
#
#   mkinitramfs.sh missing                        print the packages this machine lacks
#   mkinitramfs.sh tools OUT MODULE_FOLDER
#   mkinitramfs.sh project OUT [TEST...]          no test: the machine starts a shell

set -euo pipefail
# Only packaged programs: dpkg's status file then says when the tools archive is out of date.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Programs to carry, by the package that has them; a package marked `?` is carried when it is installed.
readonly programs='
bash            bash
binutils        nm objcopy objdump readelf
busybox-static  busybox
coreutils       [ base64 basename cat chgrp chmod chown chroot cksum comm cp cut date dd df dirname du echo env expr
coreutils       false fold head id install join ln ls md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc numfmt od
coreutils       paste printenv printf pwd readlink realpath rm rmdir seq sha256sum shuf sleep sort split stat stty sync
coreutils       tac tail tee test timeout touch tr true truncate tty uname uniq unlink wc whoami yes
cpio?           cpio
libarchive-tools? bsdtar
curl?           curl
dash            sh
diffutils       cmp diff
findutils       find xargs
grep            grep
gzip            gzip
iproute2        bridge ip ss tc
iputils-ping    ping
mawk            awk
mount           losetup mount umount
passt?          passt
perl            perl prove
procps?         free pgrep pkill ps
redis-tools?    redis-cli
sed             sed
socat           socat
strace?         strace
tar             tar
util-linux      dmesg fallocate findmnt flock lsns mountpoint nsenter prlimit setpriv setsid taskset unshare
'

# Kernel modules to load, in this order: each after those it depends on.
readonly modules='
irqbypass kvm kvm-amd
virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk
tun veth llc stp bridge dummy
sch_ingress cls_u32 act_mirred
'

# What of the repository the tests need; what is not there is left out.
readonly project='tests guest-abi/ukvm_abi.h monitor/cli/ukvm.1 build/ukvm examples build/examples build/native/lua
    build/tests'

root=$(cd "$(dirname "$0")/../.." && pwd)
readonly root

missing() {
    local package names name
    while read -r package names; do
        for name in $names; do
            [[ $package == *\? ]] || type -P "$name" >/dev/null || echo "$package"
        done
    done <<<"$programs" | sort -u
}

# Copies files of this machine to the same places in the tree. All are put below usr, as on a merged-/usr system: a
# folder named lib in the second archive would replace the link of that name from the first.
carry() {
    local file
    for file; do
        install -D -m "$(stat -L -c %a "$file")" "$file" "$tree/usr/${file#/usr}"
    done
}

# Carries the shared libraries of the programs named.
carry_libraries() {
    local libraries
    # ldd fails, with its other answers intact, when one of the files is no dynamic executable.
    mapfile -t libraries < <((ldd "$@" 2>/dev/null || :) | sed -nE 's/^\t(.* => )?(\/[^ ]+) \(0x.*/\2/p' | sort -u)
    ((${#libraries[@]} == 0)) || carry "${libraries[@]}"
}

# Perl's modules: whatever is loaded once prove has run a test that fails.
carry_prove() {
    local files
    echo 'print "not ok 1";' >"$work/one.t"
    perl -e '
        use App::Prove;
        use TAP::Formatter::Console;   # what prove adds on a terminal
        use TAP::Formatter::Console::Session;
        use TAP::Formatter::Color;
        use IO::Socket::INET;          # what tests ask for
        open my $out, ">&", \*STDOUT;
        open STDOUT, ">", "/dev/null";
        my $prove = App::Prove->new;
        $prove->process_args("-v", @ARGV);
        $prove->run;
        print $out "$_\n" for values %INC, @DynaLoader::dl_shared_objects;
    ' "$work/one.t" >"$work/perl"
    mapfile -t files <"$work/perl"
    carry "${files[@]}"
    carry_libraries "${files[@]}"
}

carry_programs() {
    local names files
    read -rd '' -a names < <(sed -E 's/^\S+//' <<<"$programs") || :
    mapfile -t files < <(type -P "${names[@]}")
    carry "${files[@]}"
    carry_libraries "${files[@]}"
}

# The one locale that every Debian has (libc-bin): C++ programs ask for it by name.
carry_locale() {
    local files
    mapfile -t files < <(find /usr/lib/locale/C.utf8 -type f)
    carry "${files[@]}"
}

carry_modules() {
    local name file count=100
    for name in $modules; do
        file=$(find "$1" -name "$name.ko")
        [[ -n $file ]] || { echo "stock: the kernel has no module $name" >&2; exit 1; }
        install -D -m 644 "$file" "$tree/modules/$((count++))-$name.ko"
    done
}

make_etc() {
    mkdir "$tree/etc"
    printf '%s\n' >"$tree/etc/passwd" \
        root:x:0:0:root:/root:/bin/bash \
        daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin \
        nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
    printf '%s\n' root:x:0: daemon:x:1: nogroup:x:65534: >"$tree/etc/group"
    printf '%s\n' '127.0.0.1 localhost stock' '::1 localhost' >"$tree/etc/hosts"
}

pack() {
    # It counts the blocks on standard error.
    (cd "$tree" && find . | busybox cpio -o -H newc -R 0:0 2>"$work/log") >"$work/archive" || {
        cat "$work/log" >&2
        exit 1
    }
    mv "$work/archive" "$out"
}

make_tools() {
    local name
    mkdir -p "$tree"/{dev,mnt,proc,root,run,sys,tmp,var,work-disk} "$tree"/usr/{bin,lib,lib64,sbin}
    for name in bin lib lib64 sbin; do
        ln -s "usr/$name" "$tree/$name"
    done
    carry_programs
    carry_prove
    carry_locale
    carry_modules "$1"
    make_etc
    pack
}

make_project() {
    local path files
    mkdir -p "$tree/ukvm" "$tree/etc/stock"
    cd "$root"
    for path in $project; do
        [[ ! -e $path ]] || cp -a --parents "$path" "$tree/ukvm"
    done
    find "$tree/ukvm" -name '*.[ado]' -delete
    strip -g "$tree/ukvm/build/ukvm"
    mapfile -t files < <(find "$tree/ukvm/build" -type f -perm -u+x)
    carry_libraries "${files[@]}"
    install -m 755 tests/stock/init "$tree/init"
    (($# == 0)) || printf '%s\n' "$@" >"$tree/etc/stock/tests"
    printf '%s\n' "${STOCK_PROVE:-}" >"$tree/etc/stock/prove"
    pack
}

if [[ $1 == missing ]]; then
    missing
    exit
fi
readonly action=$1 out=$2
shift 2
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
readonly work tree=$work/tree
mkdir "$tree"
"make_$action" "$@"
