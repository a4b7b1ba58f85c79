#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is wrong with the command line, the image, a device or the host: one line that names it, the status that says
# whose fault it is (125 the host or the options, 126 the image, 127 there is none), and nothing changed.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

# complains STATUS REGEX: what the last run must have done.
# shellcheck disable=SC2317 # called by ok
complains() {
    local problem=
    [ "$status" = "$1" ] || problem="status $status, not $1"
    [[ $err == 'ukvm: '* && $err != *$'\n'* ]] || problem="not one line"
    [[ $err =~ $2 ]] || problem="no match of $2"
    [ -z "$out" ] || problem="standard output: $out"
    [ -z "$problem" ] || printf '%s\n' "$problem" "$err"
    [ -z "$problem" ]
}

# refused NAME STATUS REGEX ARG...: of `ukvm run ARG...`
refused() {
    local name=$1 want=$2 regex=$3
    shift 3
    RUN_SECONDS=20 run_ukvm "$@"
    ok "$name" complains "$want" "$regex"
}

# refused_elf NAME REGEX CHANGE...: an image with these defects
refused_elf() {
    local name=$1 regex=$2
    shift 2
    image changed "$@"
    refused "image: $name" 126 "changed\.elf: .*$regex" changed.elf
}

# what_is_here: names, sizes and times of everything in the scratch folder.
what_is_here() {
    find . ! -name . ! -name '.*' ! -name changed.elf -exec stat -c '%n %F %s %y %a' {} + | sort
    ls /sys/class/net
}

image good
image disk device=blk:data
image disks device-any=blk
image net device=net:net0
echo 'int main(void) { return 0; }' >text
: >empty
mkdir folder
printf '#!/bin/sh\nexit 1\n' >script
printf '!<arch>\n' >archive
gzip <text >packed
printf 'MZ\0' >windows
printf '\001\002' >bytes
image go note-owner=GoXX
LC_ALL=C sed -i 's/GoXX/Go\x00\x00/' go.elf
mkfifo fifo
truncate -s 1M disk.img
truncate -s 1000 odd.img
before=$(what_is_here)

# ---- options: no image or host is looked at ----

refused "options: no IMAGE" 125 "no IMAGE"
refused "options: unknown, long" 125 "'--nonsense'" --nonsense good.elf
refused "options: unknown, short" 125 "'-x'" -x good.elf
refused "options: unknown, not ASCII" 125 "unknown option" $'-\xc3\xa9' good.elf
refused "options: no value" 125 "--mem needs a value" --mem
refused "options: a value where there is none" 125 "--help=1 takes no value" --help=1
for value in 0 1 '' x 64 1023K 1M1 -1M 1.5G 1T 1025G 99999999999G; do
    refused "options: --mem '$value'" 125 "--mem '$value'" --mem "$value" good.elf
done
for value in A '' =1; do
    refused "options: -e '$value'" 125 "-e '$value'" -e "$value" good.elf
done
for value in data data= =disk.img Data=disk.img data=disk.img,rw "data=disk.img,"; do
    refused "options: --disk '$value'" 125 "--disk '$value'" --disk "$value" disk.elf
done
refused "options: --initrd without a file" 125 "--initrd needs a value" --initrd
refused "options: two devices of one name" 125 "already a device 'data'" --disk data=disk.img --disk data=odd.img disk.elf
for value in net0 net0= net0=veth0 net0=tap: net0=tap:nameofsixteenxyz net0=fd: net0=fd:x net0=fd:-1 \
    net0=tap:t,ip=10.0.0.1 net0=tap:t,ip=10.0.0.1/33 net0=tap:t,gw=10.0.0 net0=tap:t,mac=01:00:00:00:00:01 \
    net0=tap:t,mac=00:00:00:00:00:00 net0=tap:t,mtu=67 net0=tap:t,mtu=9001 net0=tap:t,speed=1; do
    refused "options: --net '$value'" 125 "--net '$value'" --net "$value" net.elf
done
for name in null zero full random urandom tty console stdin stdout stderr fd shm; do
    refused "options: a disk with the name of /dev/$name" 125 "/dev/$name already; take another name" \
        --disk $name=disk.img disks.elf
done
refused "options: a network with the name of the loopback interface" 125 "already; take another name" --net lo=tap:t net.elf
for ip in 0.0.0.0/8 127.0.0.1/8 224.0.0.1/4 10.0.0.0/24 10.0.0.255/24 255.255.255.255/32; do
    refused "options: ip=$ip, which no host can have" 125 "'ip=$ip' is not the address" --net net0=tap:t,ip=$ip net.elf
done
for gw in 10.0.1.1 10.0.0.255 10.0.0.2; do
    refused "options: gw=$gw, which is no gateway for 10.0.0.2/24" 125 "gateway" --net net0=tap:t,ip=10.0.0.2/24,gw=$gw net.elf
done
refused "options: a gateway without an address" 125 "ip=" --net net0=tap:t,gw=10.0.0.1 net.elf
for twice in ip=10.0.0.2/24,ip=10.0.0.3/24 gw=10.0.0.1,gw=10.0.0.1 mac=02:00:00:00:00:01,mac=02:00:00:00:00:01 mtu=99,mtu=98; do
    refused "options: --net with $twice" 125 "is given twice" --net net0=tap:t,$twice net.elf
done
refused "options: a disk that is ro twice" 125 "is given twice" --disk data=disk.img,ro,direct,ro disk.elf
refused "options: --mem twice" 125 "--mem is given twice" --mem 2M --mem 3M good.elf
refused "options: --initrd twice" 125 "--initrd is given twice.*archive" --initrd text --initrd text good.elf
many=()
for i in {0..16}; do
    many+=(--disk "d$i=disk.img")
done
refused "options: 17 devices" 125 "--disk 'd16=disk.img': .*16" "${many[@]}" disks.elf
refused "options: --trace=nonsense" 125 "--trace: 'nonsense'" --trace=boot,nonsense good.elf

run "$UKVM" frobnicate good.elf
ok "an unknown command" complains 125 "'frobnicate'"
run "$UKVM"
is "no command: exit status" "$status" 125
like "no command: how to use it, on standard error" "$out$err" '^Usage: ukvm'
if [ -w /dev/full ]; then
    for words in --help --version "run --help" "policy --help" "policy good.elf" "doctor --help" doctor; do
        # shellcheck disable=SC2016,SC2086 # for the inner shell; words
        run bash -c 'exec "$@" >/dev/full' - "$UKVM" $words
        ok "ukvm $words >/dev/full: fails" complains 125 "standard output cannot be written: No space left"
    done
else
    skip "output that cannot be written" "there is no /dev/full"
fi

# ---- images: KVM is not looked at ----

refused "image: none" 127 "none\.elf: No such file" none.elf
refused "image: below a file" 127 "text/none" text/none
refused "image: no name" 127 "No such file" ''
refused "image: a directory" 126 "folder: not a regular file" folder
refused "image: a FIFO, without waiting" 126 "fifo: not a regular file" fifo
refused "image: a device" 126 "/dev/null: not a regular file" /dev/null
refused "image: an empty file" 126 "empty: not an ELF file but an empty file" empty
refused "image: a text file" 126 "text: not an ELF file but text; .*compile it: ukvm-cc" text
refused "image: a script" 126 "script: not an ELF file but a script; .*ukvm-cc" script
refused "image: an archive of objects" 126 "archive: not an ELF file but an archive of object files; .*ukvm-cc" archive
refused "image: something compressed" 126 "packed: not an ELF file but compressed; unpack it" packed
refused "image: a program for Windows" 126 "windows: not an ELF file but a program for Windows" windows
refused "image: bytes" 126 "bytes: not an ELF file; build it with ukvm-cc" bytes
refused "image: a dynamic executable, and how to link it" 126 "/bin/true: .*PT_INTERP.*-static-pie" /bin/true
long=$(printf '%0250d/' 1 2 3)none.elf
refused "image: the reason is there even if the path is long" 127 "No such file" "$long"
refused "image: a name with a line end" 127 "No such file" $'two\nlines'

refused_elf "no ELF magic" "not an ELF file" magic
refused_elf "32-bit" "64-bit" class=32
refused_elf "big-endian" "little-endian" data=2
refused_elf "another machine" "e_machine is 183" machine=183
refused_elf "an object file" "e_type is 1: an object file, .*link it: ukvm-cc" type=rel
refused_elf "a core dump" "e_type is 4: a core dump" type=core
refused_elf "a static program of another system" "no ukvm ABI note: a static program, but not for ukvm; build it with ukvm-cc" no-note
refused "image: a program in Go" 126 "go.elf: has no ukvm ABI note: a program in Go, .*ukvm-cc" go.elf
refused_elf "PT_INTERP" "PT_INTERP.*-static-pie" interp
refused_elf "DT_NEEDED" "DT_NEEDED.*-static-pie" needed
refused_elf "DT_TEXTREL" "DT_TEXTREL.*-fPIE" textrel
refused_elf "DT_JMPREL" "DT_JMPREL" jmprel
refused_elf "program headers outside the file" "program header" phoff=0x100000
refused_elf "65 program headers" "65 program headers" phnum=65
refused_elf "no segment" "no PT_LOAD" no-load
refused_elf "17 segments" "16 PT_LOAD" loads=17
refused_elf "writable and executable" "segment 1 is writable and executable" wx
refused_elf "not readable" "segment 1 is not readable" no-read
refused_elf "overlapping segments" "segment 2: p_vaddr 0x3000" overlap
refused_elf "segments out of order" "segment 1: p_vaddr 0x2000" unsorted
refused_elf "a segment outside the file" "segment 2: p_offset 0x5ff8" outside-file
refused_elf "cut short" "segment 2: p_offset.*cut short" cut=0x4100
refused_elf "p_filesz beyond p_memsz" "segment 1: p_filesz" filesz
refused_elf "a segment of 64 TiB" "segment 2: .*p_memsz 0x400000000000" memsz-huge
refused_elf "a segment that wraps" "segment 2: p_vaddr 0xfffffffffffff000" wrap
refused_elf "ET_EXEC below 1 MiB" "segment 0: p_vaddr 0xff000 is below 1 MiB" low
refused_elf "RELRO outside every segment" "PT_GNU_RELRO" relro-outside
refused_elf "PT_DYNAMIC outside the file" "PT_DYNAMIC" dynamic-outside
refused_elf "DT_RELA outside the file" "DT_RELA at 0x100000" rela-at=0x100000
refused_elf "an entry outside the code" "e_entry 0x4000" entry=0x4000
refused_elf "no ABI note" "ABI note.*-static-pie" no-note
refused_elf "two ABI notes" "more than one ukvm ABI note" two-notes
refused_elf "a newer ABI" "version 2 .*newer ukvm" version=2
refused_elf "ABI version 0" "version 0" version=0
refused_elf "an unknown feature" "features 0x8000000000000000 .*newer ukvm" features=0x8000000000000001
refused_elf "a short ABI note" "note has 28 bytes" note-short
refused_elf "a long ABI note" "note has 40 bytes" note-long
refused_elf "an ABI note with its reserved field set" "reserved field" note-reserved
refused_elf "a stack of 1 GiB" "stack of 0x40000000" stack=0x40000000
refused_elf "a device note of the wrong kind" "device note has kind 3" bad-device-note=kind
refused_elf "a device note without an end of its name" "device note" bad-device-note=unended

refused "devices: a disk is missing" 126 "disk\.elf: needs .*--disk data=" disk.elf
refused "devices: a network is missing" 126 "net\.elf: needs .*--net net0=" net.elf
refused "devices: a disk of another name" 126 "--disk data=" --disk date=disk.img disk.elf
refused "devices: a network in place of the disk" 126 "--disk data=" --net data=tap:none disk.elf
refused "devices: a disk too many" 126 "--disk more=" --disk data=disk.img --disk more=disk.img disk.elf
refused "devices: a disk for an image without" 126 "good\.elf: .*--disk data=" --disk data=disk.img good.elf
refused "devices: a network for an image without" 126 "good\.elf: .*--net net0=" --net net0=tap:none good.elf

# ---- no KVM ----

# What another user and another /dev can reach: copies in a folder of their own.
chmod 711 .
mkdir public
cp "$UKVM" public/ukvm
cp ./*.elf disk.img public
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
why=
[ "$(id -u)" = 0 ] || why="needs root"
[ -n "$why" ] || "${as_nobody[@]}" test -x public/ukvm || why="there is no way to be another user here"
[ -n "$why" ] || unshare -m mount -t tmpfs none /dev 2>/dev/null || why="this host allows no mount namespaces"

# with_dev COMMAND ARG...: runs `ukvm ARG...` as nobody, after COMMAND has been done in an empty /dev.
with_dev() {
    local prepare=$1
    shift
    # shellcheck disable=SC2016 # for the inner shell
    run unshare -m bash -c 'exec {null}<>/dev/null; mount -t tmpfs -o mode=755 none /dev && eval "$0" &&
        exec setpriv --reuid=65534 --regid=65534 --clear-groups public/ukvm "$@" {null}>&-' "$prepare" "$@"
}

if [ -z "$why" ]; then
    with_dev : run good.elf
    ok "/dev/kvm: there is none" complains 125 "/dev/kvm: No such file or directory: load the module kvm_intel, kvm_amd"
    with_dev 'mknod -m 600 /dev/kvm c 10 232 || (umask 077 && : >/dev/kvm)' run good.elf
    ok "/dev/kvm: no right to it" complains 125 "/dev/kvm: Permission denied: add your user to the group"
    with_dev ': >/dev/kvm && chmod 666 /dev/kvm' run good.elf
    ok "/dev/kvm: something else" complains 125 "/dev/kvm: "
else
    skip "/dev/kvm: there is none" "$why"
    skip "/dev/kvm: no right to it" "$why"
    skip "/dev/kvm: something else" "$why"
fi

# ---- what only a host with KVM gets to ----

if ! have_kvm; then
    skip "disks, networks and memory" "there is no /dev/kvm to use"
    is "nothing was created or changed" "$(rm -rf public; what_is_here)" "$before"
    done_testing
fi

run_ukvm good.elf
is "the image without a defect runs" "$status$err" 42
refused_elf "a segment of 1 TiB" "--mem gives" memsz=0x10000000000
refused_elf "ET_EXEC above guest memory" "0x3fff00000000, outside guest memory" exec base=0x3fff00000000

refused "disk: none" 125 "disk 'data': none\.img: No such file" --disk data=none.img disk.elf
refused "disk: none, read-only" 125 "disk 'data': none\.img: No such file" --disk data=none.img,ro disk.elf
refused "disk: a directory" 125 "disk 'data': folder: Is a directory" --disk data=folder disk.elf
refused "disk: a directory, read-only" 125 "disk 'data': folder: " --disk data=folder,ro disk.elf
refused "disk: empty" 125 "disk 'data': empty: is empty.*truncate" --disk data=empty disk.elf
refused "disk: no whole blocks" 125 "disk 'data': odd\.img: .*1000 bytes.*512" --disk data=odd.img disk.elf
refused "disk: a FIFO, without waiting" 125 "disk 'data': fifo: neither a regular file" --disk data=fifo disk.elf
refused "disk: a FIFO, read-only" 125 "disk 'data': fifo: neither a regular file" --disk data=fifo,ro disk.elf
refused "disk: a character device" 125 "disk 'data': /dev/null: neither" --disk data=/dev/null disk.elf
refused "disk: one file twice, for writing" 125 "disk 'b': disk\.img: |disk 'b' is the same file as disk 'a'" \
    --disk a=disk.img --disk b=disk.img disks.elf
refused "disk: one file twice, once for writing" 125 "disk 'b': disk\.img: |disk 'b' is the same file as disk 'a'" \
    --disk a=disk.img --disk b=disk.img,ro disks.elf
run_ukvm --disk a=disk.img,ro --disk b=disk.img,ro disks.elf
is "disk: one file twice, for reading, is fine" "$status$err" 42

refused "initrd: none" 125 "--initrd none: No such file" --initrd none good.elf
refused "initrd: no name" 125 "--initrd : No such file" --initrd '' good.elf
refused "initrd: empty" 125 "--initrd empty: is empty" --initrd empty good.elf
refused "initrd: a directory" 125 "--initrd folder: not a regular file.*tar" --initrd folder good.elf
refused "initrd: a FIFO, without waiting" 125 "--initrd fifo: not a regular file" --initrd fifo good.elf
refused "initrd: a device" 125 "--initrd /dev/null: not a regular file" --initrd /dev/null good.elf
truncate -s 200T .endless 2>/dev/null || truncate -s 15T .endless
refused "initrd: more than a guest has addresses for" 125 "initrd|KVM_SET_USER_MEMORY_REGION" --initrd .endless good.elf
rm .endless

image spin spin device-any=blk
"$UKVM" run --trace=boot --disk a=disk.img spin.elf 2>.spin &
guest=$!
wait_for 10 grep -q built .spin
refused "disk: another guest writes it" 125 "disk 'data': disk\.img: in use.*ro" --disk data=disk.img disk.elf
refused "disk: another guest writes it, and this one reads" 125 "disk 'data': disk\.img: in use" --disk data=disk.img,ro \
    disk.elf
kill $guest
wait $guest
run_ukvm --disk data=disk.img disk.elf
is "disk: it is free when the other guest has ended" "$status$err" 42
rm spin.elf

if [ -z "$why" ] && "${as_nobody[@]}" test -w /dev/kvm; then
    chmod 644 public/disk.img
    run "${as_nobody[@]}" public/ukvm run --disk data=public/disk.img public/disk.elf
    ok "disk: no right to write it" complains 125 "disk 'data': public/disk\.img: Permission denied; add ',ro'"
    chmod 600 public/disk.img
    run "${as_nobody[@]}" public/ukvm run --disk data=public/disk.img,ro public/disk.elf
    ok "disk: no right to read it" complains 125 "disk 'data': public/disk\.img: Permission denied"
    chmod 600 public/disk.elf
    run "${as_nobody[@]}" public/ukvm run public/disk.elf
    ok "image: no right to read it" complains 126 "public/disk\.elf: Permission denied"
    run "${as_nobody[@]}" public/ukvm run --initrd public/disk.img public/good.elf
    ok "initrd: no right to read it" complains 125 "--initrd public/disk\.img: Permission denied"
else
    for name in "disk: no right to write it" "disk: no right to read it" "image: no right to read it" \
        "initrd: no right to read it"; do
        skip "$name" "${why:-this host lets only some users use /dev/kvm}"
    done
fi
rm -rf public

# ---- networks ----

# with_fd REDIRECTION: runs a guest whose network is descriptor 7, which the redirection opens.
with_fd() {
    # shellcheck disable=SC2016 # for the inner shell
    RUN_SECONDS=20 run bash -c 'eval "exec $0"; exec "$@"' "$1" "$UKVM" run --net net0=fd:7 net.elf
}

refused "network: no such interface" 125 "net 'net0': ukvm-none: there is no such interface.*ip tuntap add" \
    --net net0=tap:ukvm-none net.elf
if [ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] && [ "$(cat /sys/class/net/lo/flags)" = 0x9 ]; then
    refused "network: an interface that is no TAP" 125 "net 'net0': lo: not a TAP interface" --net net0=tap:lo net.elf
else
    skip "network: an interface that is no TAP" "needs root, /dev/net/tun and lo up"
fi
with_fd "7>&-"
ok "network: a descriptor that is not open" complains 125 "net 'net0': fd:7: is not open"
with_fd "7<>disk.img"
ok "network: a file" complains 125 "net 'net0': fd:7: is neither a TAP nor a socket"
with_fd "7<disk.img"
ok "network: a descriptor for reading only" complains 125 "net 'net0': fd:7: is not open for reading and writing"
# The numbers that the monitor's own descriptors get are not inherited ones.
for fd in 3 4 5 6; do
    # shellcheck disable=SC2016 # for the inner shell
    run bash -c "exec $fd>&-"'; exec "$@"' bash "$UKVM" run --net "net0=fd:$fd" net.elf
    ok "network: descriptor $fd, that is not open" complains 125 "net 'net0': fd:$fd: is not open\$"
done
cat >stream <<END
#!/bin/sh
"$UKVM" run --net net0=fd:0 net.elf >stream.out 2>stream.err
echo \$? >stream.status
END
chmod +x stream
RUN_SECONDS=20 run socat -t 20 EXEC:./stream /dev/null
run bash -c 'cat stream.out; cat stream.err >&2; exit "$(cat stream.status)"'
rm -f stream stream.*
ok "network: a stream socket" complains 125 "net 'net0': fd:0: is a stream socket"

# ---- memory and the console ----

image needs min-memory=0x10000000
refused "memory: too little for what the image needs" 126 "needs\.elf: needs .*0x10000000.*--mem gives 0x4000000" needs.elf
image needs stack=0x4000000
refused "memory: too little for its stack" 126 "needs\.elf: needs .*--mem gives 0x100000" --mem=1M needs.elf
rm needs.elf
run_ukvm --mem=1M good.elf
is "memory: 1M is enough for a small image" "$status$err" 42
# KVM may keep 8 bytes for each page of it: 2 GiB.
if (($(sed -n "s/^MemAvailable: *\([0-9]*\) kB/\1/p" /proc/meminfo) < 4 << 20)); then
    skip "memory: 1024G" "it could cost more than this machine has"
elif run_ukvm --mem=1024G good.elf && [ "$status" = 42 ]; then
    is "memory: 1024G, of which little is used, is no failure on this host" "$status$err" 42
else
    ok "memory: 1024G is more than this host has" complains 125 "--mem"
fi

# shellcheck disable=SC2016 # for the inner shell
run bash -c 'exec "$@" >&-' bash "$UKVM" run good.elf
ok "console: standard output is closed" complains 125 "standard output"
# shellcheck disable=SC2016 # for the inner shell
run bash -c 'exec "$@" 2>&-' bash "$UKVM" run good.elf
is "console: standard error is closed" "$status" 125
# shellcheck disable=SC2016 # for the inner shell
run bash -c 'exec "$@" 0<&- >&- 2>&-' bash "$UKVM" run good.elf
is "console: everything is closed" "$status" 125
# shellcheck disable=SC2016 # for the inner shell
run bash -c 'exec "$@" 0<&-' bash "$UKVM" run good.elf
is "console: standard input is not needed" "$status$err" 42

is "nothing was created or changed" "$(what_is_here)" "$before"
done_testing
