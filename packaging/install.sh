#!/bin/sh
# SPDX-License-Identifier: MIT
#
#   install.sh BUILD DESTDIR PREFIX VERSION DOCUMENT...
#
# Copies what `make` has built below DESTDIR/PREFIX. lib/ukvm is what the compilers look for, by their own place: the sysroot.
# lib/ukvm/installed lists all files, for uninstall.sh. Nothing names the build folder: debugging information is left out.

set -eu
umask 022
build=$1 root=$2$3 prefix=$3 version=$4
shift 4
case $prefix in /*) ;; *) echo "install: PREFIX=$prefix is not an absolute path" >&2 && exit 1 ;; esac
# What an older version had and this one has not is not left there.
[ ! -f "$root/lib/ukvm/installed" ] || "$(dirname "$0")/uninstall.sh" "${root%"$prefix"}" "$prefix"

sysroot=$root/lib/ukvm
mkdir -p "$root/bin" "$sysroot" "$root/include/ukvm" "$root/share/pkgconfig" "$root/share/man/man1" "$root/share/man/man7" \
    "$root/share/doc/ukvm"
strip -o "$root/bin/ukvm" "$build/ukvm"
for compiler in ukvm-cc ukvm-c++ ukvm-rustc; do
    # shellcheck disable=SC2016
    sed 's|^sysroot=.*|sysroot=$(realpath -- "${self%/*}/../lib/ukvm")|' "$build/$compiler" >"$root/bin/$compiler"
done
chmod 755 "$root"/bin/ukvm*

cp -R "$build/sysroot/include" "$build/sysroot/lib" "$sysroot"
cp "$build/libukvm-guest.a" "$sysroot/lib"
# But those that are scripts for the linker.
for file in "$sysroot"/lib/*.[ao]; do
    grep -qs '^GROUP' "$file" || strip --strip-debug --remove-section=.comment "$file"
done
cp guest-kernel/include/ukvm.h guest-abi/ukvm_abi.h "$root/include/ukvm"
sed "s|@PREFIX@|$prefix|; s|@VERSION@|$version|" packaging/ukvm-guest.pc.in >"$root/share/pkgconfig/ukvm-guest.pc"
cp "$build"/man/*.1 "$root/share/man/man1"
cp "$build"/man/*.7 "$root/share/man/man7"
for name in ukvm-c++ ukvm-rustc; do
    echo '.so man1/ukvm-cc.1' >"$root/share/man/man1/$name.1"
done
cp "$@" LICENSE "$root/share/doc/ukvm"
(cd "$root" && find bin/ukvm bin/ukvm-cc bin/ukvm-c++ bin/ukvm-rustc lib/ukvm include/ukvm share/pkgconfig/ukvm-guest.pc \
    share/man/man1/ukvm*.1 share/man/man7/ukvm*.7 share/doc/ukvm ! -type d) >"$sysroot/installed.new"
mv "$sysroot/installed.new" "$sysroot/installed"
sed -i '/installed\.new$/d; $a lib/ukvm/installed' "$sysroot/installed"
