#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# third-party/fetch.sh: what it refuses, what it leaves behind, and that it needs no network for what it has. An apt-get of
# the test's own plays the archive; the last test asks the real one.
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

[ -x "$TOP/third-party/fetch.sh" ] || skip_all "third-party/ is not here, and nothing of it depends on the host"
PINS=$TOP/third-party/sources
REAL_BUILD=$BUILD
export BUILD=$SCRATCH/build SOURCES=$SCRATCH/pins
store=$BUILD/third-party
fetch() { run "$TOP/third-party/fetch.sh" "$@"; }
lines() { wc -l <<<"$1"; }
pin() { printf 'thing 1.0 thing_1.0.orig.tar.gz %s\n' "$1" >pins; }

mkdir -p archive thing-1.0/sub "$store"
echo content >thing-1.0/sub/file
tar -czf archive/thing_1.0.orig.tar.gz thing-1.0
sum=$(sha256sum <archive/thing_1.0.orig.tar.gz)
sum=${sum%% *}
other=${sum//[0-9]/0}

# The archive: `update` and `source` work unless the file `down` is there.
mkdir bin
cat >bin/apt-get <<END
#!/bin/bash
echo "apt-get \$*" >>$SCRATCH/calls
case "\$*" in
*indextargets*) echo "archive/ stable main" ;;
*" source "*) [ ! -e $SCRATCH/down ] && cp $SCRATCH/archive/*.tar.gz . ;;
*) [ ! -e $SCRATCH/down ] || { echo 'E: Could not resolve host' >&2; exit 100; } ;;
esac
END
cat >bin/apt-cache <<END
#!/bin/bash
[ -e $SCRATCH/down ] || printf '%s\n' 'Version: 1.0-2+deb99u7' 'Checksums-Sha256:' " $sum 100 thing_1.0.orig.tar.gz"
END
chmod +x bin/*
PATH=$SCRATCH/bin:$PATH

pin "$sum"
fetch nothing
is "a name without a pin: status" "$status" 1
like "a name without a pin: what is said" "$err" "^third-party: nothing: not in "

touch down
fetch thing
is "no network: status" "$status" 1
is "no network: what is said" "$err" "third-party: thing_1.0.orig.tar.gz: not in this machine's Debian archive, or it\
 cannot be reached: Could not resolve host"
ok "no network: nothing is unpacked" [ ! -e "$store/thing-1.0" ]
rm down

pin "$other"
fetch thing
is "a pin that the archive does not have: status" "$status" 1
is "a pin that the archive does not have: one line" "$(lines "$err")" 1

pin "$sum"
cp archive/thing_1.0.orig.tar.gz good
echo tampered >>archive/thing_1.0.orig.tar.gz
fetch thing
is "a download that was tampered with: status" "$status" 1
like "a download that was tampered with: what is said" "$err" "^third-party: [^ ]*thing_1.0.orig.tar.gz: its SHA-256 is\
 [0-9a-f]{64}, not $sum as pinned$"
ok "a download that was tampered with: is not kept" [ ! -e "$store/thing_1.0.orig.tar.gz" ]
ok "a download that was tampered with: nothing is unpacked" [ ! -e "$store/thing-1.0" ]
cp good archive/thing_1.0.orig.tar.gz

fetch thing
is "any Debian revision of the version: status" "$status" 0
is "the source is there, without the tarball's top folder" "$(<"$store/thing-1.0/sub/file")" content
is "nothing else is there" "$(cd "$store" && echo ./*)" "./apt ./apt.log ./lock ./thing-1.0 ./thing_1.0.orig.tar.gz"
like "that revision was asked for" "$(<calls)" "source .*thing=1.0-2\+deb99u7"

rm -rf "$store/thing-1.0"
touch down
: >calls
fetch thing
is "offline, with the tarball there: status" "$status" 0
ok "offline, with the tarball there: unpacked" [ -f "$store/thing-1.0/sub/file" ]
is "offline, with the tarball there: apt-get is not asked" "$(<calls)" ""

rm -rf "$store/thing-1.0"
echo tampered >>"$store/thing_1.0.orig.tar.gz"
fetch thing
is "a tarball that was tampered with later: status" "$status" 1
like "a tarball that was tampered with later: what is said" "$err" "^third-party: thing_1.0.orig.tar.gz: its SHA-256 is"
ok "a tarball that was tampered with later: nothing is unpacked" [ ! -e "$store/thing-1.0" ]

head -c 60 good >"$store/thing_1.0.orig.tar.gz"
short=$(sha256sum <"$store/thing_1.0.orig.tar.gz")
pin "${short%% *}"
fetch thing
is "a tarball that does not unpack: what is said" "$err" "third-party: thing_1.0.orig.tar.gz: cannot be unpacked"
ok "a tarball that does not unpack: nothing is left of it" [ ! -e "$store/thing-1.0" ] && [ ! -e "$store/thing-1.0.partial" ]

rm -rf down "$store"
pin "$sum"
: >calls
"$TOP/third-party/fetch.sh" thing >one 2>&1 &
fetch thing
ok "two at once: the first" wait $!
is "two at once: the second" "$status" 0
is "two at once: one download" "$(grep -c ' source ' calls)" 1

is "each pin has a name, a version, a file and a SHA-256" \
    "$(grep -v '^#' "$PINS" | grep -vE '^[a-z0-9.]+ +[^ ]+ +[^ ]+\.orig\.tar\.[a-z0-9]+ +[0-9a-f]{64}$')" ""

# A build has most often fetched it before.
PATH=${PATH#"$SCRATCH"/bin:}
SOURCES=$PINS
mkdir -p "$store"
cp "$REAL_BUILD"/third-party/lua5.4_* "$store" 2>/dev/null
fetch lua5.4
if [[ $err == *"cannot be reached"* || $err == *"no apt-get"* ]]; then
    skip "a real source" "${err#third-party: }"
else
    ok "a real source" [ -f "$store/lua5.4-5.4.4/src/lua.c" ]
fi

done_testing
