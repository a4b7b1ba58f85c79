#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Files of ordinary programs: the initrd as a tree of files, and disks under /dev, compared with what the host sees.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
need_kvm
ln -s "$BUILD"/tests/programs/fileop{,.elf} .

# The initrd: what tar and cpio of this host make, as the host lists it
mkdir -p root/sub/deep root/empty root/etc
echo "hello from a file" >root/hello
head -c 300000 /dev/urandom >root/sub/big
: >root/sub/nothing
ln root/hello root/sub/hard
ln -s ../../hello root/sub/deep/link
ln -s /sub/deep root/absolute
ln -s nowhere root/dangling
long=root/$(printf 'a-rather-long-name-%.0s' {1..8})
mkdir -p "$long/$(basename "$long")"
echo deep >"$long/$(basename "$long")/file"
echo "127.0.0.1 mine" >root/etc/hosts
chmod 4751 root/hello
chmod 700 root/empty
touch -d @1234567890 root/hello
seq 1 200 | while read -r i; do echo "$i" >"root/sub/f$i"; done
./fileop list root | sed 's/^root//' >host.list

from_guest() { # the guest's listing, without what every guest has
    "$UKVM" run --initrd "$1" fileop.elf list /. | sed 's|^/\.||' |
        grep -Ev '^/(dev|proc|sys|tmp|var|root|run)[/ ]|^/etc/(passwd|group|hostname|resolv.conf) |^/fileop.elf '
}
for format in gnu posix ustar; do
    tar --format=$format -C root -cf $format.tar . 2>/dev/null || { skip "tar, $format" "this tar cannot"; continue; }
    from_guest $format.tar >guest.list
    ok "tar, $format: the same files" diff host.list guest.list
done
tar -C root -cf bare.tar hello sub etc # without a member for the root, or for directories above
run_ukvm --initrd bare.tar fileop.elf cat /sub/hard cat /sub/deep/link cat /sub/f77
is "tar: names without ./" "$out" "hello from a file
hello from a file
77"
if command -v cpio >/dev/null; then
    (cd root && find . | cpio --quiet -o -H newc >../newc.cpio)
    from_guest newc.cpio >guest.list
    ok "cpio: the same files" diff host.list guest.list
    (cd root && find hello sub -depth | cpio --quiet -o -H newc >../depth.cpio)
    run_ukvm --initrd depth.cpio fileop.elf cat /sub/hard cat /sub/deep/link
    is "cpio: files before their directories" "$out" "hello from a file
hello from a file"
else
    skip "cpio: the same files" "cpio is not installed"
fi

run_ukvm --initrd gnu.tar fileop.elf cat /etc/hosts cat /absolute/link
is "the initrd's files come before the kernel's own" "$out" "127.0.0.1 mine
hello from a file"
cp gnu.tar before.tar
run_ukvm --initrd gnu.tar fileop.elf write /sub/big 4000 200 7 check /sub/big 4000 200 7 write /hello 0 3 1 write /new 0 100000 2 \
    check /new 0 100000 2
is "the guest writes to its files" "$status" 0
ok "and the initrd on the host stays as it is" cmp gnu.tar before.tar

# What no ordinary folder has: holes, times before 1970, long names, special files
mkdir odd
truncate -s 5000000 odd/hollow odd/hole
for at in 0 1000000 3000000 4999000; do
    head -c 900 /dev/urandom | dd of=odd/hollow bs=1 seek=$at conv=notrunc status=none
done
for ((at = 0; at < 3000000; at += 65536)); do # more pieces than a header has room for
    printf x | dd of=odd/hole bs=1 seek=$at conv=notrunc status=none
done
echo old >odd/old
touch -d @-86400 odd/old
echo far >odd/far
touch -d @9999999999 odd/far
name=$(printf 'n%.0s' {1..250})
mkdir -p "odd/$name/$name"
echo deep >"odd/$name/$name/$name"
ln -s "$name/$name/$name" odd/long-link
mkfifo odd/fifo
mknod odd/device c 1 3 2>/dev/null || rm -f odd/device
./fileop list odd | sed 's/^odd//' >odd.list
check_odd() { # check_odd NAME ARCHIVE
    "$UKVM" run --initrd "$2" fileop.elf list /. 2>said | sed 's|^/\.||' |
        grep -Ev '^/(dev|proc|sys|tmp|var|root|run)[/ ]|^/etc[/ ]|^/fileop.elf ' >guest.list
    ok "$1: all that is odd" diff odd.list guest.list || sed 's/^/# /' said >&2
}
tar -C odd -cSf odd.tar --format=gnu .
check_odd "tar, gnu, sparse" odd.tar
for version in 0.0 0.1 1.0; do
    tar -C odd -cSf odd.tar --format=posix --sparse-version=$version .
    check_odd "tar, posix, sparse $version" odd.tar
done
if command -v bsdtar >/dev/null; then
    bsdtar -C odd -cf odd.tar --format=pax .
    check_odd "bsdtar, pax" odd.tar
    bsdtar -C root -cf root.tar --format=gnutar .
    from_guest root.tar >guest.list
    ok "bsdtar, gnutar: the same files" diff host.list guest.list
    bsdtar -C root -cf root.cpio --format=newc .
    from_guest root.cpio >guest.list
    ok "bsdtar, newc: the same files" diff host.list guest.list
else
    skip "bsdtar" "libarchive-tools is not installed"
fi

# What cannot be taken whole is not taken: the program would run with half of its files
refuses() { # refuses NAME ARCHIVE PATTERN
    run_ukvm --initrd "$2" fileop.elf cat /etc/passwd
    is "$1: the program is not started" "$status$out" 125
    like "$1: one line, with the member" "$err" "^ukvm: initrd: $3; the program is not started\$"
}
head -c 200000 gnu.tar >cut.tar
refuses "cut off" cut.tar "behind /[^:]*: it is cut off"
gzip -c gnu.tar >gnu.tar.gz
refuses "compressed" gnu.tar.gz "it is compressed"
mkdir clash
echo file >clash/sub
tar -C clash -cf clash.tar sub
tar -C root -rf clash.tar sub/hard
refuses "a file in a folder's place" clash.tar "/sub/hard: what should be a directory on its path is none"
tar -C root -cf missing.tar --exclude=hello hello sub/hard 2>/dev/null
tar -C root --transform='flags=r;s,^hello,other,' -cf missing.tar hello sub/hard
refuses "a link to what is not there" missing.tar "/sub/hard: it is a link to a file that is not there"

# The image as a file: what follows its sections, too
cp fileop.elf self.elf
echo "something that it carries" >>self.elf
"$UKVM" run ./self.elf cat /proc/self/exe cat /self.elf >copies
cat self.elf self.elf >wanted
ok "/proc/self/exe and its name are the image's bytes" cmp wanted copies
mkdir taken
echo mine >taken/self.elf
tar -C taken -cf taken.tar .
"$UKVM" run --initrd taken.tar ./self.elf cat /proc/self/exe cat /self.elf >copies
cat self.elf taken/self.elf >wanted
ok "a file of the initrd in its place: both can be read" cmp wanted copies

# Memory
run_ukvm --mem 64M fileop.elf fill /tmp/full
is "a full file system" "$out" "fill: No space left on device after more than 10 MiB
fill: there is some memory left for the program
fill: and room again: 1"

# Disks
truncate -s 8M disk.img
run_ukvm --disk data=disk.img fileop.elf size /dev/data edges /dev/data
is "a disk: its size and its end" "$out" "size: mode 60000 st_size 0 end 8388608 bytes 8388608 block 512
edges: read behind the end: 0
edges: read across the end: 7
edges: write across the end: 7
edges: write behind the end: -1 No space left on device
edges: truncate: -1 Invalid argument"
run_ukvm --disk data=disk.img fileop.elf write /dev/data 0 8388608 1 sync /dev/data check /dev/data 0 8388608 1
is "a disk: written whole" "$out$status" 0
ok "a disk: the host sees it" ./fileop check disk.img 0 8388608 1
run_ukvm --disk data=disk.img fileop.elf write /dev/data 1 1 2 write /dev/data 1000 100 2 write /dev/data 5000 3000001 2 \
    write /dev/data 4000000 512 2 sync /dev/data
is "a disk: odd offsets and lengths" "$out$status" 0
ok "a disk: odd, before" ./fileop check disk.img 0 1 1
ok "a disk: odd, itself" ./fileop check disk.img 1 1 2 check disk.img 1000 100 2 check disk.img 5000 3000001 2 check disk.img 4000000 512 2
ok "a disk: odd, between and behind" ./fileop check disk.img 2 998 1 check disk.img 1100 3900 1 check disk.img 3005001 994999 1 \
    check disk.img 4000512 4388096 1
run_ukvm --disk data=disk.img fileop.elf slices /dev/data 1000000 3 sync /dev/data
is "a disk: threads that share blocks" "$out$status" 0
ok "a disk: what each of them wrote is there" ./fileop check disk.img 0 1000000 3
ok "a disk: and nothing else changed" ./fileop check disk.img 1000000 4000 2
cp disk.img before.img
run_ukvm --disk data=disk.img,ro fileop.elf readonly /dev/data check /dev/data 0 1000000 3
is "a read-only disk" "$out" "readonly: Read-only file system"
run_ukvm --disk data=disk.img fileop.elf discard /dev/data 0 1048576
if [[ $out == *"not supported"* ]]; then
    skip "a disk: discard" "this file system cannot punch holes"
else
    ok "a disk: discard" cmp -n 1048576 disk.img /dev/zero
    ok "a disk: only what was named" cmp -i 1048576 disk.img before.img
fi
truncate -s 1M other.img
run_ukvm --disk a=disk.img --disk b=other.img fileop.elf write /dev/b 10 20 5 check /dev/b 10 20 5 size /dev/a
is "two disks" "$status" 0
ok "two disks: the right one" ./fileop check other.img 10 20 5

# syslog() goes to standard error, unless the program has a log daemon of its own
run_ukvm "$BUILD/tests/servers/log.elf"
is "syslog: status" "$status" 0
time='[A-Z][a-z][a-z] [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]'
like "syslog: the lines, each with its time" "$err" "^$time prog\[1\]: line 1
$time prog\[1\]: line 2\$"
run_ukvm "$BUILD/tests/servers/log.elf" mine
is "syslog: a program that takes /dev/log over" "$out$err$status" "to mine0"

done_testing
