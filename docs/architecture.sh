#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Draws docs/architecture.svg, the picture of README.md and docs/DESIGN.md: `make docs`. A test holds the two together.
set -euo pipefail

# box CLASS X Y WIDTH HEIGHT TITLE [LINE]...: a title and lines below it.
box() {
    local class=$1 x=$2 y=$3 width=$4 height=$5 at
    shift 5
    printf '<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="6"/>\n' "$class" "$x" "$y" "$width" "$height"
    at=$((y + 19))
    printf '<text class="title" x="%d" y="%d">%s</text>\n' $((x + 10)) $at "$1"
    shift
    for line; do
        at=$((at + 16))
        printf '<text x="%d" y="%d">%s</text>\n' $((x + 10)) $at "$line"
    done
}

# arrow PATH X Y LABEL: along an SVG path; the label begins at X, Y.
arrow() {
    printf '<path class="arrow" d="%s"/>\n' "$1"
    [ -z "$4" ] || printf '<text class="label" x="%d" y="%d">%s</text>\n' "$2" "$3" "$4"
}

cat <<'END'
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 640" width="960" height="640" role="img">
<title>A guest, its monitor, and the host's kernel</title>
<style>
text { font: 12px sans-serif; fill: #222 }
.title { font-weight: bold; font-size: 13px }
.label { font-style: italic; fill: #7a2500 }
.guest { fill: #e3efe0; stroke: #4b7a3d }
.monitor { fill: #e2eaf5; stroke: #3c5f93 }
.shared { fill: #fdf3d3; stroke: #a07d10 }
.host { fill: #ececec; stroke: #666 }
.part { fill: #fff; stroke: #888 }
.arrow { fill: none; stroke: #7a2500; stroke-width: 1.6; marker-end: url(#head) }
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="#7a2500"/></marker></defs>
<rect width="960" height="640" fill="#fff"/>
END

box guest 10 10 420 320 "The guest: privilege level 3, one address space"
box part 30 45 380 42 "the program" "C or C++, unmodified"
box part 30 95 380 42 "musl" "a system call is a function call"
box part 30 145 215 58 "posix/" "threads, signals, files, time," "memory: Linux's system calls"
box part 255 145 155 58 "net/" "sockets over lwIP," "if the program has any"
box part 30 211 380 58 "core/" "entry, rings, pages, heap, timers," "console, disks, network, one place that waits"
box part 30 277 380 42 "traps" "its own exceptions, if it has a handler for them"

box shared 10 352 420 118 "Memory that both map"
box part 30 383 110 72 "boot page" "the guest can" "only read it"
box part 150 383 130 72 "I/O arena" "all buffers; no" "other is pinned"
box part 290 383 120 72 "two rings" "submissions and" "completions"

box monitor 560 10 390 460 "The monitor: one process and one thread"
box part 580 45 350 58 "before the lock-down" "cli/ options, image/ ELF and relocations," "machine/ page tables, trap stubs, CPUID"
box part 580 115 350 58 "the lock-down" "empty root, no user, no capabilities, Landlock," "restricted io_uring, seccomp"
box part 580 185 350 42 "run.c" "enters the guest, looks at each exit"
box part 580 239 350 58 "io/ring.c, io/ops.c" "copies each submission once, checks the copy," "and only then acts"
box part 580 309 350 42 "io/: blk, net, console, memory, signals" "one family of operations each"
box part 580 363 350 92 "io_uring" "registered files and the registered arena only," "a handful of operations;" "completions go back to the ring"

box host 10 500 940 130 "The host's kernel"
box part 30 535 380 78 "KVM" "one virtual machine, one vCPU," "no interrupt controller, timer, PCI or MSR exits"
box part 580 535 110 78 "files, disks" "what --disk" "names"
box part 700 535 110 78 "TAP, socket" "what --net" "names"
box part 820 535 110 78 "streams" "standard input," "output, error"

arrow "M410,232 L540,232 L540,200 L580,200" 438 226 "KICK, WAIT, EXIT"
arrow "M580,216 L555,216 L555,252 L410,252" 438 268 "goes on"
arrow "M410,405 L545,405 L545,268 L580,268" 438 399 "submissions"
arrow "M580,430 L410,430" 438 446 "completions"
arrow "M755,455 L755,535" 763 519 "reads and writes"
arrow "M930,206 L940,206 L940,486 L220,486 L220,535" 438 481 "KVM_RUN"
echo '</svg>'
