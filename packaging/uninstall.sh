#!/bin/sh
# SPDX-License-Identifier: MIT
#
#   uninstall.sh DESTDIR PREFIX
#
# Takes away what install.sh has put there, and the folders of ours that are empty then.

set -eu
root=$1$2
list=$root/lib/ukvm/installed
[ -f "$list" ] || {
    echo "uninstall: $list: ukvm is not installed there" >&2
    exit 1
}
cd "$root"
copy=$(mktemp)
cp lib/ukvm/installed "$copy"
while read -r file; do
    case $file in /* | *../*) continue ;; esac
    rm -f "./$file"
done <"$copy"
rm "$copy"
for folder in lib/ukvm include/ukvm share/doc/ukvm; do
    [ ! -d "$folder" ] || find "$folder" -depth -type d -exec rmdir --ignore-fail-on-non-empty {} +
done
