#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The documents agree with the code and with each other: versions, options, commands, folders, examples, names of files.
# shellcheck source=tests/lib/tap.sh disable=SC2016,SC1003
. "$(dirname "$0")/../lib/tap.sh"
[ -f "$TOP/CHANGELOG.md" ] || skip_all "the documents are not here"
cd "$TOP" || exit 1
MAN=monitor/cli/ukvm.1

# table FILE HEADING: the rows of the first table behind a line that begins so.
table() { awk -v start="$2" 'index($0, start) == 1 { on = 1; next } on && /^\|/ { rows = 1; print } on && rows && !/^\|/ { exit }' "$1"; }

# ---- versions

version=$(sed -n 's/^VERSION := //p' Makefile)
like "Makefile has a version" "$version" '^[0-9]+\.[0-9]+\.[0-9]+$'
is "it is that of the manual page" "$(sed -n 's/^\.TH .*"ukvm \([0-9.]*\)".*/\1/p' $MAN)" "$version"
is "it is that of the newest change" "$(sed -n 's/^## \([0-9.]*\) - .*/\1/p' CHANGELOG.md | head -1)" "$version"
like "docs/VERSIONS.md has it in its example" "$(<docs/VERSIONS.md)" "ukvm $version, guest ABI 1"
like "each heading of the changes has a date, but the first may have none" \
    "$(grep '^## ' CHANGELOG.md | tr '\n' ' ')" \
    "^(## $version - (unreleased|[0-9-]{10}) )(## [0-9]+\.[0-9]+\.[0-9]+ - [0-9]{4}-[0-9]{2}-[0-9]{2} )+$"
run "$UKVM" --version
like "ukvm --version says it" "$out" "^ukvm $version, guest ABI [0-9]+$"
said=$out
run "$UKVM" version
is "ukvm version says the same" "$status $out" "0 $said"

# ---- commands and options

run "$UKVM" --help
commands=$(grep -oE '^  ukvm [a-z]+' <<<"$out" | awk '{ print $2 }')
missing=
for command in $commands; do
    grep -q "ukvm $command" README.md || missing+=" $command (README.md)"
    grep -q "ukvm $command" $MAN || missing+=" $command ($MAN)"
done
is "README.md and the manual page have every command" "$missing" ""

run "$UKVM" run --help
options=$(grep -oE '^  --?[a-z-]+' <<<"$out" | tr -d ' ' | sort -u)
is "README.md has the options of run, and no other" \
    "$(table README.md '    ukvm run [OPTION' | grep -oE '^\| `--?[a-z-]+' | cut -c4- | sort -u)" \
    "$(grep -v -e --help <<<"$options")"
is "the manual page has the options of run, and no other" \
    "$(sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/p' $MAN | sed -n 's/^\.B[IR]* \(\\-[^ =]*\).*/\1/p' | tr -d '\\' | sort -u)" "$options"

# ---- folders, examples, files

folders=$(table README.md '| `make compile_commands.json`' | grep -oE '`[a-z/-]+/`' | tr -d '`')
like "README.md has a table of folders" "$folders" "guest-abi/"
absent=
for folder in $folders; do [ -d "$folder" ] || absent+=" $folder"; done
is "every folder that it names exists" "$absent" ""
absent=
for folder in */; do
    case $folder in build/ | debian/) ;; *) grep -q "^$folder" <<<"$folders" || absent+=" $folder" ;; esac
done
is "every folder at the top is in it" "$absent" ""

absent=
for folder in examples/*/; do
    name=$(basename "$folder")
    table README.md 'The examples, each' | grep -qE "\`$name\`" || absent+=" $name"
done
is "README.md names every example" "$absent" ""

# The hooks by which lower layers of the guest kernel call higher ones: all are in the map of the kernel, and no other.
hooks() {
    find guest-kernel -name '*.h' -exec awk '/^struct uk_[a-z_]*hooks \{/ { name = $2; next } /^};/ { name = "" }
        name && match($0, /\(\*[a-z_]+\)/) { print name "." substr($0, RSTART + 2, RLENGTH - 3) }' {} +
    grep -rhoE '^extern void \(\*uk_[a-z_]+_hook\)' guest-kernel --include='*.h' | grep -oE 'uk_[a-z_]+'
}
is "docs/KERNEL.md has every hook, and no other" \
    "$(table docs/KERNEL.md 'Hooks, of which there is one' | cut -d'|' -f2 | grep -oE '`uk_[a-z_.]+`' | tr -d '`' | sort)" "$(hooks | sort)"

if diff <(docs/architecture.sh) docs/architecture.svg >/dev/null; then same=yes; else same=no; fi
is "docs/architecture.svg is what docs/architecture.sh draws (make docs)" "$same" yes

# Names of files, whole ones: no pattern, nothing in capitals that stands for something else. CONTRIBUTING.md makes up some.
absent=
for document in README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs/*.md guest-abi/*.md tests/conformance/*.md examples/*/*.md; do
    [ -f "$document" ] || continue
    while read -r file; do
        [ -e "$file" ] || [ -e "${document%/*}/$file" ] || absent+=" $file ($document)"
    done < <(grep -oE '`(\.ci|docs|examples|guest-abi|guest-kernel|monitor|seccomp|tests|third-party)/[a-z0-9_./+-]+[a-z0-9_/]`' "$document" |
        tr -d '`' | grep -vE '/(nop|personality)\.[ct]$' | sort -u)
done
is "every file that a document names exists" "$absent" ""

done_testing
