#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ABI.md, "Image": what is loaded, how, and what is refused.
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

runs "UKVM-IMG-01 a static-PIE image runs"
runs "UKVM-IMG-01 an ET_EXEC image runs" exec
refuses "UKVM-IMG-01 a file without ELF's magic is refused" magic
refuses "UKVM-IMG-01 a 32-bit file is refused" class=32
refuses "UKVM-IMG-01 a big-endian file is refused" data=2
refuses "UKVM-IMG-01 a file for another machine is refused" machine=183
refuses "UKVM-IMG-01 an object file is refused" type=rel
refuses "UKVM-IMG-01 a core file is refused" type=core
refuses "UKVM-IMG-01 PT_INTERP is refused" interp
refuses "UKVM-IMG-01 a needed library is refused" needed

runs "UKVM-IMG-02 headers other than PT_LOAD are not loaded" phnum=20
runs "UKVM-IMG-02 ET_EXEC at 1 MiB runs" exec base=0x100000
refuses "UKVM-IMG-02 a segment that is writable and executable is refused" wx
refuses "UKVM-IMG-02 overlapping segments are refused" overlap
refuses "UKVM-IMG-02 two segments in one page are refused" same-page
refuses "UKVM-IMG-02 a file part longer than the memory part is refused" filesz
refuses "UKVM-IMG-02 a segment outside the file is refused" outside-file
refuses "UKVM-IMG-02 a file that is cut short is refused" cut=0x4100
refuses "UKVM-IMG-02 a segment that does not fit memory is refused" memsz=0x10000000000
refuses "UKVM-IMG-02 a segment of 64 TiB is refused" memsz-huge
refuses "UKVM-IMG-02 a segment that wraps is refused" wrap
refuses "UKVM-IMG-02 ET_EXEC below 1 MiB is refused" low
refuses "UKVM-IMG-02 ET_EXEC far above memory is refused" exec base=0x3fff00000000

inside UKVM-IMG-03 boot
ends "UKVM-IMG-03 code cannot be written" 139 write text
ends "UKVM-IMG-03 constants cannot be written" 139 write rodata
ends "UKVM-IMG-03 constants cannot be executed" 139 exec rodata
ends "UKVM-IMG-03 RELRO cannot be written" 139 write relro
ends "UKVM-IMG-03 RELRO cannot be executed" 139 exec relro
ends "UKVM-IMG-03 data cannot be executed" 139 exec data
ends "UKVM-IMG-03 memory beyond the file part cannot be executed" 139 exec bss
survives "UKVM-IMG-03 code can be executed" exec text
survives "UKVM-IMG-03 data can be written" write data
survives "UKVM-IMG-03 memory beyond the file part can be written" write bss

inside UKVM-IMG-04 boot
inside UKVM-IMG-04 boot-relr
bases=
for _ in 1 2 3; do
    run_ukvm "$SUITE/boot.elf" UKVM-MEM-04
    bases+="$(note image) "
done
read -r one two three <<<"$bases"
ok "UKVM-IMG-04 the base is random" test "$one$one" != "$two$three"
is "UKVM-IMG-04 and page-aligned" "${one: -3}" "${two: -3}"
runs "UKVM-IMG-04 DT_RELR is applied" relr
runs "UKVM-IMG-04 a relocation in RELRO is applied" rela-add=0x3800
runs "UKVM-IMG-03 PT_GNU_RELRO may end with the last page" relro=0x4000
refuses "UKVM-IMG-03 PT_GNU_RELRO behind it is refused" relro=0x4001
refuses "UKVM-IMG-03 PT_GNU_RELRO outside every segment is refused" relro-outside
refuses "UKVM-IMG-04 R_X86_64_64 is refused" rela-type=1
refuses "UKVM-IMG-04 R_X86_64_IRELATIVE is refused" rela-type=37
refuses "UKVM-IMG-04 R_X86_64_NONE is refused" rela-type=0
refuses "UKVM-IMG-04 DT_JMPREL is refused" jmprel
refuses "UKVM-IMG-04 DT_REL is refused" rel
refuses "UKVM-IMG-04 a relocation of code is refused" rela-target=0x2000
refuses "UKVM-IMG-04 a relocation of constants is refused" rela-target=0x1000
refuses "UKVM-IMG-04 a relocation outside every segment is refused" rela-target=0x100000
refuses "UKVM-IMG-04 a relocation over the end of a segment is refused" rela-target=0x67fc
refuses "UKVM-IMG-04 DT_RELR in code is refused" relr-entry=0x2000
refuses "UKVM-IMG-04 DT_RELR outside every segment is refused" relr-entry=0x100000

refuses "UKVM-IMG-05 no note is refused" no-note
refuses "UKVM-IMG-05 two notes are refused" two-notes
refuses "UKVM-IMG-05 a note of another owner is none" note-owner=none
refuses "UKVM-IMG-05 a newer version is refused" version=2
refuses "UKVM-IMG-05 an unknown feature is refused" features=0x8000000000000000
run_ukvm "$SUITE/boot.elf" UKVM-BOOT-01
runs "UKVM-IMG-05 all that the boot page says are known" features="$(note features)"
refuses "UKVM-IMG-05 a reserved field that is not 0 is refused" note-reserved
options=(--mem 2M)
runs "UKVM-IMG-05 segments, stack and min_memory that fit together run" min-memory=0x1d0000
refuses "UKVM-IMG-05 segments, stack and min_memory that do not are refused" min-memory=0x1e0000
refuses "UKVM-IMG-05 min_memory beyond memory is refused" min-memory=0x200000
refuses "UKVM-IMG-05 min_memory that wraps is refused" min-memory=0xfffffffffffff000
refuses "UKVM-IMG-05 a stack beyond memory is refused" stack=0x1fa000
refuses "UKVM-IMG-05 as is one that PT_GNU_STACK asks for" gnu-stack=0x1fa000
runs "UKVM-IMG-05 a stack of PT_GNU_STACK that fits" stack=0x1000 gnu-stack=0x100000 min-memory=0xf0000
refuses "UKVM-IMG-05 counts where it is more than the note's" stack=0x1000 gnu-stack=0x100000 min-memory=0x100000
refuses "UKVM-IMG-05 and the note's where that is more" stack=0x100000 gnu-stack=0x1000 min-memory=0x100000
options=(--mem 256M)
runs "UKVM-IMG-05 a stack of UKVM_STACK_MAX" gnu-stack=0x4000000
refuses "UKVM-IMG-05 a larger one in the note is refused" stack=0x4001000
refuses "UKVM-IMG-05 a larger one in PT_GNU_STACK is refused" gnu-stack=0x4001000

options=(--mem 2M)
runs "UKVM-IMG-07 more than there is may be liked" stack-wanted=0x4000000
runs "UKVM-IMG-07 what is liked leaves min_memory" stack-wanted=0x4000000 min-memory=0x1d0000
options=()
refuses "UKVM-IMG-07 more than UKVM_STACK_MAX is refused" stack-wanted=0x4000001
refuses "UKVM-IMG-07 a second note is refused" stack-wanted=0x1000 stack-wanted=0x1000
refuses "UKVM-IMG-07 a short note is refused" stack-wanted=0x1000 stack-note-short
inside UKVM-IMG-07 boot
inside "UKVM-IMG-07 little" boot --mem 2M

run_ukvm "$SUITE/img.elf" UKVM-IMG-08
report UKVM-IMG-08
for align in 0 1 0x1000 0x2000 0x10000 0x200000; do
    runs "UKVM-IMG-08 a segment's p_align of $align" align=$align
    runs "UKVM-IMG-08 PT_TLS's p_align of $align" tls-align=$align
done
for align in 3 0x3000 0x1800000 0x400000 0x8000000000000000; do
    refuses "UKVM-IMG-08 a segment's p_align of $align is refused" align=$align
    refuses "UKVM-IMG-08 PT_TLS's p_align of $align is refused" tls-align=$align
done
truncate -s 1M disk.img
options=()
refuses "UKVM-IMG-06 a missing disk is refused" device=blk:data
refuses "UKVM-IMG-06 a missing network is refused" device=net:net0
runs "UKVM-IMG-06 an optional disk may be missing" device-optional=blk:data
runs "UKVM-IMG-06 there need not be any of UKVM_NOTE_ANY" device-any=blk
options=(--disk data=disk.img)
runs "UKVM-IMG-06 a named disk runs" device=blk:data
runs "UKVM-IMG-06 an optional disk may be there" device-optional=blk:data
runs "UKVM-IMG-06 any disk may be there for UKVM_NOTE_ANY" device-any=blk
refuses "UKVM-IMG-06 a disk that no note names is refused"
refuses "UKVM-IMG-06 a disk of another name is refused" device-optional=blk:date
refuses "UKVM-IMG-06 a disk where a network is named is refused" device-optional=net:data
refuses "UKVM-IMG-06 a disk for any network is refused" device-any=net
options=(--disk data=disk.img --disk more=disk.img)
refuses "UKVM-IMG-06 a disk too many is refused" device=blk:data

done_testing
