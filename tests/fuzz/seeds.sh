#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Writes what each fuzz target starts from:
#
#     seeds.sh MKELF DIRECTORY      a folder for each target
#
# What once broke the monitor is in corpus/TARGET/, a file each, and is tried first.
set -euo pipefail
mkelf=$1
cd "$2"
mkdir -p archive image note options ring

# seed FILE: standard input, hexadecimal, with comments
seed() {
    sed 's/#.*//' | tr -d ' \n' | perl -pe '$_ = pack "H*", $_' >"$1"
}

words() {
    local file=$1
    shift
    printf '%s\0' "$@" >"$file"
}

for changes in base=0 exec relr "rela-add=0x4010 rela-at=0x1800" no-rela note-align=8 "device=blk:data device-any=net" \
    no-symbols spin "relr-entry=0x4000 relr-entry=3" "stack=0x10000 min-memory=0x8000" features=64; do
    # shellcheck disable=SC2086 # a list of changes
    "$mkelf" "image/${changes// /,}" $changes
done

zeroes=$(printf '00%.0s' {1..20})
abi="05000000 20000000 01000000 756b766d00 000000  01000000 00000000 0000000000000000 0000100000000000 0000000000000000"
disk="05000000 20000000 02000000 756b766d00 000000  0100 0000 00000000 64617461 $zeroes"
long="05000000 20000000 02000000 756b766d00 000000  0100 0100 00000000 $(printf '61%.0s' {1..23}) 00"
net="05000000 20000000 02000000 756b766d00 000000  0200 0200 00000000 00000000 $zeroes"
seed note/abi <<<"04 $abi"
seed note/devices <<<"04 $abi $disk $net $long"
seed note/other-owner <<<"04 04000000 04000000 03000000 474e5500 01020304 $abi"
seed note/by-eight <<<"08 $abi"

words options/everything --mem 64M -e A=B --disk data=/disk,ro,direct \
    --net net=tap:tap0,ip=10.0.0.2/24,gw=10.0.0.1,mac=02:00:00:00:00:01,mtu=1500 \
    --trace=boot,exits,ring --no-sandbox image one two
words options/descriptors --net a=fd:3 --net b=fd:4,mtu=9000 --trace image
words options/joined --mem=1024G -eA= -- --image
words options/help --help
words options/unknown --memory
words options/value-missing --disk

# The first three bytes are the signals and the rings' cursors; see step() in ring.c.
seed ring/console <<'END'
    01 00 00  08 21 01 00  08 41 01 01  00  02  01 ff00
END
seed ring/disk <<'END'
    00 10 20  08 02 08 00 04  08 03 08 10 08  08 04  08 05 10 20  81  fa
END
seed ring/read-only <<'END'
    00 10 20  08 32 01 00 04  08 33 01 00 04  08 34  08 35 01 00  81  fa
END
seed ring/network <<'END'
    00 ff ff  08 47 08 00  08 47 08 08  08 c6 01 10  81  02  08 67 08 20  01 1000
    30 40 00 00 30 30 00 00 00 00
END
seed ring/memory <<'END'
    00 00 00  08 18 01 00  08 18 01 01  08 18 08 08  00  fa
END
seed ring/protect <<'END'
    00 00 00  08 9a 01 00  08 da 01 01  08 0a 02 00  08 fa 01 00  00  fa
END
seed ring/signal <<'END'
    01 00 00  08 09  00  08 09  01 0010  ff 01 0010
END
seed ring/many <<'END'
    00 05 05  f6 42 08 00 00  f6 47 08 08 00  00  fc  00  fc  01 0000
END
# More receives than there is room for completions: RING-04.
seed ring/full <<'END'
    00 00 00  f6 47 08 08 00  00  f6 47 08 08 00  00  f6 47 08 08 00  00  08 47 08 08  00  01 0000
END
seed ring/rules <<'END'
    00 80 80  05 0000000000000000000000000000000000000000000000000000000000  00
    03 02 7f  03 03 80  00  04 01 00010000  00
END

# The first byte: checksums are put right.
tree=$(mktemp -d)
mkdir -p "$tree/d/e"
echo content >"$tree/d/file"
ln "$tree/d/file" "$tree/hard"
ln -s ../file "$tree/d/e/link"
echo long >"$tree/d/$(printf 'n%.0s' {1..120})"
for format in gnu posix ustar; do
    { printf '\1' && tar --format=$format -C "$tree" -cf - . 2>/dev/null; } >archive/$format || true
done
truncate -s 100000 "$tree/hole"
printf x | dd of="$tree/hole" bs=1 seek=50000 conv=notrunc status=none
for version in 0.0 0.1 1.0; do
    { printf '\1' && tar --format=posix --sparse-version=$version -C "$tree" -cSf - hole; } >archive/sparse-$version
done
{ printf '\1' && tar --format=gnu -C "$tree" -cSf - hole; } >archive/sparse-gnu
if command -v cpio >/dev/null; then
    { printf '\0' && cd "$tree" && find . | cpio --quiet -o -H newc; } >archive/newc
fi
rm -r "$tree"
