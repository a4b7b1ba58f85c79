# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For end-to-end tests in bash, which speak TAP (testanything.org). A test sources this file, uses the functions below, and
# ends with `done_testing`. It runs in a scratch folder of its own, which is removed at the end.

set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export BUILD
BUILD=$(realpath -m "${BUILD:-$TOP/build}")
UKVM=${UKVM:-$BUILD/ukvm}
# shellcheck disable=SC2034 # for the tests
EXAMPLES=$BUILD/examples
# shellcheck disable=SC2034
GUESTS=$BUILD/tests/guests
# shellcheck disable=SC2034
TOOLS=$BUILD/tests/tools
tap_count=0
tap_failed=0
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/ukvm-test.XXXXXX")
cleanups=()

tap_cleanup() {
    local i
    # a background job that a signal meets before its exec still has this trap
    [ "$BASHPID" = $$ ] || return 0
    for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do
        eval "${cleanups[i]}"
    done
    cd / && rm -rf "$SCRATCH"
}
trap tap_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$SCRATCH" || exit 1

# at_end COMMAND: runs it when the test ends, however it ends; the last one first.
at_end() { cleanups+=("$1"); }

# image NAME CHANGE...: writes NAME.elf, see mkelf --help. Unchanged, it ends with status 42. A file that cannot be made
# ends the test: what is then refused would be another one.
image() {
    local name=$1
    shift
    "$TOOLS/mkelf" "$name.elf" "$@" || exit 1
}

# tap_not_ok NAME: a failed check. Standard input says why; it goes to standard error, which `prove` shows in any case.
tap_not_ok() {
    echo "not ok $tap_count - $1"
    {
        echo "failed: $1"
        cat
    } | sed 's/^/# /' >&2
    tap_failed=$((tap_failed + 1))
    return 1
}

# ok NAME COMMAND...: passes if the command does.
ok() {
    local name=$1
    shift
    tap_count=$((tap_count + 1))
    if "$@" >"$SCRATCH/.ok" 2>&1; then
        echo "ok $tap_count - $name"
    else
        tap_not_ok "$name" < <(echo "$*" && cat "$SCRATCH/.ok")
    fi
}

# is NAME GOT WANT
is() {
    tap_count=$((tap_count + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $tap_count - $1"
    else
        tap_not_ok "$1" < <(printf '%s\n' "got:" "$2" "want:" "$3")
    fi
}

# like NAME GOT REGEX: bash's extended regular expression, anywhere in GOT.
like() {
    tap_count=$((tap_count + 1))
    if [[ $2 =~ $3 ]]; then
        echo "ok $tap_count - $1"
    else
        tap_not_ok "$1" < <(printf '%s\n' "got:" "$2" "want a match of: $3")
    fi
}

# skip NAME WHY: counts as one test.
skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all WHY: the whole file cannot run here.
skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

have_kvm() { [ -w /dev/kvm ]; }

# need_kvm: skips the file where no guest can run.
need_kvm() { have_kvm || skip_all "there is no /dev/kvm to use, and no guest runs; make test-stock brings a KVM of its own"; }

done_testing() {
    echo "1..$tap_count"
    exit $((tap_failed > 0))
}

# run COMMAND...: runs it bounded, and leaves $out (standard output), $err (standard error) and $status.
# shellcheck disable=SC2034 # out, err and status are for the tests
run() {
    timeout --kill-after=5 "${RUN_SECONDS:-60}" "$@" >"$SCRATCH/.out" 2>"$SCRATCH/.err" </dev/null
    status=$?
    out=$(<"$SCRATCH/.out")
    err=$(<"$SCRATCH/.err")
}

# run_ukvm ARG...: run `ukvm run ARG...`
run_ukvm() { run "$UKVM" run "$@"; }

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.05
    done
}

# need_network: skips the file unless it can make network namespaces and TAP interfaces. Leaves $NS, the name of a new
# namespace with the TAP interface tap0 at 10.77.0.1/24 in it.
need_network() {
    [ "$(id -u)" = 0 ] || skip_all "making a network namespace needs root"
    [ -c /dev/net/tun ] || skip_all "there is no /dev/net/tun"
    NS=ukvm-test-$$
    ip netns add "$NS" 2>/dev/null || skip_all "this host allows no network namespaces"
    at_end "ip netns del $NS"
    ip -n "$NS" link set lo up
    ip -n "$NS" tuntap add tap0 mode tap || skip_all "this host allows no TAP interfaces"
    ip -n "$NS" addr add 10.77.0.1/24 dev tap0
    ip -n "$NS" link set tap0 up
}

# in_ns COMMAND...: runs it in the namespace of need_network. In the background use `ip netns exec "$NS"` itself, so that
# $! is the command and not a subshell around it.
in_ns() { ip netns exec "$NS" "$@"; }
