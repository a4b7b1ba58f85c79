#!/bin/sh
# SPDX-License-Identifier: MIT
#
#   deb.sh BUILD VERSION PACKAGE DOCUMENT...
#
# Makes a Debian package of what install.sh installs.

set -eu
umask 022
build=$1 version=$2 package=$3
shift 3
# As Debian's own tools have it.
maintainer="${DEBFULLNAME:-The ukvm authors} <${DEBEMAIL:-ukvm@ukvm.invalid}>"
root=$build/deb
doc=$root/usr/share/doc/ukvm
rm -rf "$root"
mkdir -p "$root/DEBIAN"
packaging/install.sh "$build" "$root" /usr "$version" "$@"

# Debian's habits: no list of files, licences in one file, manual pages and the log of changes compressed, links relative.
rm "$root/usr/lib/ukvm/installed" "$doc/LICENSE"
cp packaging/copyright "$doc/copyright"
{
    printf 'ukvm (%s) unstable; urgency=medium\n\n  * CHANGELOG.md says what has changed.\n\n' "$version"
    printf ' -- %s  %s\n' "$maintainer" "$(date -R ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})"
} >"$doc/changelog"
gzip -9n "$doc/changelog" "$root"/usr/share/man/man?/*
for name in ukvm-c++ ukvm-rustc; do
    ln -sf ukvm-cc.1.gz "$root/usr/share/man/man1/$name.1.gz"
done
mkdir -p "$root/usr/share/lintian/overrides"
cp packaging/lintian-overrides "$root/usr/share/lintian/overrides/ukvm"
find "$root/usr" -type l -lname '/*' | while read -r link; do
    ln -sfn "$(realpath -ms --relative-to="${link%/*}" "$root$(readlink "$link")")" "$link"
done

size=$(du -ks "$root/usr" | cut -f 1)
sed "s/@VERSION@/$version/; s/@SIZE@/$size/; s/@MAINTAINER@/$maintainer/" packaging/control.in >"$root/DEBIAN/control"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
