#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `make run`: real unikernels, each started as its user would start it, with the command in front of its output. Everything
# it makes is in a scratch folder and a network namespace of its own, and gone afterwards.

set -euo pipefail
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$TOP/build}

# The TAP needs a network namespace; without root, a user namespace gives one.
if [ "${1:-}" != --inside ]; then
    if [ "$(id -u)" = 0 ]; then
        exec unshare --net "$0" --inside
    fi
    exec unshare --user --map-root-user --net "$0" --inside
fi

SCRATCH=$(mktemp -d)
guest=
trap '[ -z "$guest" ] || kill "$guest" 2>/dev/null || true; rm -rf "$SCRATCH"' EXIT
cd "$SCRATCH"
PATH=$BUILD:$PATH

title() {
    if [ -t 1 ]; then printf '\n\033[1m$ %s\033[0m\n' "$*"; else printf '\n$ %s\n' "$*"; fi
}

show() {
    title "$@"
    "$@"
}

cp "$BUILD"/examples/*.elf .

show ukvm run -e GREETING=hi hello.elf one "two words" three

show truncate -s 16M disk.img
show ukvm run --disk data=disk.img blk.elf
show cksum disk.img

if [ -e lua.elf ]; then # `make lua`
    mkdir scripts
    cat >scripts/primes.lua <<'END'
local primes = {}
for n = 2, tonumber(arg[1]) do
    local prime = true
    for _, p in ipairs(primes) do prime = prime and n % p ~= 0 end
    if prime then primes[#primes + 1] = n end
end
print(_VERSION, table.concat(primes, " "))
END
    show tar -C scripts -cf scripts.tar .
    show ukvm run --initrd scripts.tar lua.elf /primes.lua 50
fi

if [ ! -c /dev/net/tun ] || ! ip tuntap add tap0 mode tap 2>/dev/null; then
    printf '\nNo network here: TAP interfaces need /dev/net/tun.\n'
    exit 0
fi
ip addr add 10.0.0.1/24 dev tap0
ip link set tap0 up
title ukvm run --net net=tap:tap0,ip=10.0.0.2/24 netecho.elf '&'
ukvm run --net net=tap:tap0,ip=10.0.0.2/24 netecho.elf >netecho.out &
guest=$!
until grep -q 10.0.0.2 netecho.out || ! kill -0 "$guest" 2>/dev/null; do sleep 0.02; done
cat netecho.out
# an interface that has just got its reader drops frames until the kernel has taken note of its carrier
for _ in 1 2 3 4 5; do ping -q -c 1 -W 1 10.0.0.2 >/dev/null && break; done
show ping -c 3 -i 0.2 -w 10 10.0.0.2
kill "$guest"
wait "$guest" || true

title ukvm run --net net=tap:tap0,ip=10.0.0.2/24 rest.elf '&'
ukvm run --net net=tap:tap0,ip=10.0.0.2/24 rest.elf &
guest=$!
url=http://10.0.0.2:8080
# the same, and it has to start
for _ in 1 2 3 4 5 6 7 8 9 10; do curl -s -m 1 -o /dev/null $url && break; done
show curl -sS -d '{"title": "buy milk"}' $url/todos
echo
show curl -sS $url/todos
echo
kill "$guest"
wait "$guest" || true
guest=
