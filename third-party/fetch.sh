#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fetches the upstream sources that third-party/sources pins, each to build/third-party/NAME-VERSION/, unmodified.
#
#     third-party/fetch.sh NAME...
#     BUILD=DIR     instead of build
#     SOURCES=FILE  instead of third-party/sources
#
# The tarball comes from the Debian archive that this machine installs its packages from, by apt-get with a source list
# and a state folder of its own: the machine's configuration is read and not changed. Any Debian revision of the package
# will do, for only the upstream tarball counts, and its SHA-256 decides. With the tarball in build/third-party/ no
# network is needed. A failure is one line, and leaves nothing that a later run would take for the whole.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pins=${SOURCES:-$here/sources}
store=$(realpath -m "${BUILD:-$here/../build}")/third-party

die() {
    printf 'third-party: %s\n' "$*" >&2
    exit 1
}

# apt COMMAND ARG...: apt-get or apt-cache with the private list and state; its output goes to apt.log.
apt() {
    "$1" -q -o Dir::Etc::sourcelist="$store/apt/debian.sources" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State="$store/apt/state" -o Dir::State::lists="$store/apt/lists" -o Dir::Cache="$store/apt/cache" \
        -o APT::Sandbox::User=root "${@:2}" 2>>"$store/apt.log"
}

# The machine's own archive, for sources. Trusted, because nothing in it is: the pin decides.
make_source_list() {
    mkdir -p "$store"/apt/{state,lists,cache}
    command -v apt-get >/dev/null || die "there is no apt-get on this machine; put the tarballs into $store/"
    apt-get indextargets --no-release-info --format "\$(REPO_URI) \$(RELEASE) \$(COMPONENT)" 'Created-By: Packages' |
        sort -u |
        awk 'NF == 3 && $3 == "main" {
            printf "Types: deb-src\nURIs: %s\nSuites: %s\nComponents: %s\nTrusted: yes\n\n", $1, $2, $3 }' \
            >"$store/apt/debian.sources"
}

# debian_version NAME FILE SHA256: of a Debian revision that has this very tarball.
debian_version() {
    apt apt-cache showsrc --only-source "$1" |
        awk -v file="$2" -v sum="$3" '
            $1 == "Version:" { version = $2 }
            $1 == sum && $3 == file { found = version }
            END { print found }'
}

# download NAME FILE SHA256: leaves FILE in the store, with that checksum or not at all.
download() {
    local name=$1 file=$2 sum=$3 version
    : >"$store/apt.log"
    make_source_list
    apt apt-get update >>"$store/apt.log" || true # an archive that this file is not in may fail
    version=$(debian_version "$name" "$file" "$sum") || true
    [ -n "$version" ] || die "$file: not in this machine's Debian archive, or it cannot be reached$(apt_error)"
    rm -rf "$store/partial"
    mkdir "$store/partial"
    (cd "$store/partial" && apt apt-get source --only-source --download-only --tar-only "$name=$version") \
        >>"$store/apt.log" || die "$file: the download failed$(apt_error)"
    [ -f "$store/partial/$file" ] || die "$file: apt-get left no such file$(apt_error)"
    verify "$store/partial/$file" "$sum"
    mv "$store/partial/$file" "$store/$file"
    rm -rf "$store/partial"
}

apt_error() {
    sed -n 's/^[EW]: */: /p' "$store/apt.log" | head -n 1
}

verify() { # FILE SHA256
    local got
    got=$(sha256sum <"$1")
    [ "${got%% *}" = "$2" ] || die "${1#"$store"/}: its SHA-256 is ${got%% *}, not $2 as pinned"
}

unpack() { # FILE FOLDER
    rm -rf "$2.partial"
    mkdir "$2.partial"
    if ! tar -xf "$1" -C "$2.partial" --strip-components=1 --no-same-owner 2>>"$store/apt.log"; then
        rm -rf "$2.partial"
        die "${1##*/}: cannot be unpacked"
    fi
    mv -T "$2.partial" "$2"
}

[ $# -gt 0 ] || {
    echo "usage: $0 NAME..." >&2
    exit 2
}
mkdir -p "$store"
# Two at once: the second waits, and finds the work done.
exec 9>"$store/lock"
flock 9
for name; do
    read -r version file sum < <(awk -v name="$name" '$1 == name { print $2, $3, $4 }' "$pins") ||
        die "$name: not in $pins"
    [ ! -d "$store/$name-$version" ] || continue
    echo "  FETCH  $name $version"
    [ -f "$store/$file" ] || download "$name" "$file" "$sum"
    verify "$store/$file" "$sum"
    unpack "$store/$file" "$store/$name-$version"
done
