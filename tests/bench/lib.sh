# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the rows share. A row is a file in rows/, sourced by run.sh in a process of its own with these functions and:
#   $row $goal                     its name and its goal
#   $scratch                       a directory of its own, removed afterwards
#   $ukvm $examples $guests $bin   what to run: the monitor, the images of examples/ and of tests/guests/, programs
#   $native                        the programs of examples/ as ordinary ones of this host
#   $rounds                        how often to measure where the two sides take turns of a second
# It calls `result` or `skip` once. Ending in any other way is a failure.
: "${row=}" "${row_shell=}" "${goal=}" "${scratch=}" "${busy=}" "${ukvm=}" "${guests=}" "${rounds=}"

# ---- outcome

# result VALUE UNIT AGAINST NOTE: VALUE was measured. AGAINST is the other side's figure, and the goal then is about the
# ratio; without one (""), the goal is about the value.
result() {
    [[ $1 =~ ^[0-9] && ($3 == "" || $3 =~ ^[0-9]) ]] || die "no figures: '$1' against '$3'"
    outcome "$1" "$2" "$3" "" "$4"
}

# skip REASON: this host cannot run the row.
skip() {
    outcome "" "" "" "skipped: $1" ""
    exit 0
}

# outcome VALUE UNIT AGAINST REASON NOTE: writes the row's object; an empty string becomes null. $busy is the percentage
# of CPU time that other programs used just before the row.
outcome() {
    jq -n --arg name "$row" --arg value "$1" --arg unit "$2" --arg against "$3" --arg goal "$goal" \
        --arg reason "$4" --arg note "$5" --arg busy "$busy" '
        def number: if . == "" then null else tonumber end;
        def text: if . == "" then null else . end;
        ($goal | capture("^(?<op><=|>=)(?<bound>[0-9.]+)$")) as $g
        | ($value | number) as $v | ($against | number) as $a
        | (if $v == null or $a == null then null else $v / $a * 1000 | round / 1000 end) as $ratio
        | ($ratio // $v) as $judged | ($g.bound | tonumber) as $bound
        | {name: $name, value: $v, unit: ($unit | text), against: $a, ratio: $ratio, goal: "\($g.op) \($g.bound)",
           met: (if $judged == null then null elif $g.op == "<=" then $judged <= $bound else $judged >= $bound end),
           busy: ($busy | number), reason: ($reason | text), note: ($note | text)}' >"$scratch/outcome.json"
}

die() {
    printf '%s: %s\n' "$row" "$*" >&2
    exit 1
}

# ---- what a row needs

need_command() {
    local c
    for c; do
        command -v "$c" >/dev/null || skip "$c is not installed"
    done
}

need_file() {
    local f
    for f; do
        [[ -e $f ]] || skip "there is no ${f#"${f%/*/*}/"}"
    done
}

need_kvm() {
    [[ -r /dev/kvm && -w /dev/kvm ]] || skip "/dev/kvm is missing or not accessible"
}

need_network() {
    ((EUID == 0)) || skip "a TAP device and network namespaces need root"
    need_command ip nsenter taskset
    [[ -c /dev/net/tun ]] || skip "/dev/net/tun is missing"
    ip netns add "$namespace-probe" 2>/dev/null || skip "this host allows no network namespaces"
    ip netns del "$namespace-probe"
}

# ---- numbers

# Of the numbers on standard input, one per line: first quartile, median, third quartile.
quartiles() {
    sort -g | awk '{ v[NR] = $1 }
        function at(q,   p, i) {
            p = 1 + q * (NR - 1)
            i = int(p)
            return v[i] + (p - i) * (v[i < NR ? i + 1 : i] - v[i])
        }
        END { if (!NR) exit 1; printf "%.6g %.6g %.6g\n", at(0.25), at(0.5), at(0.75) }'
}

# The value of KEY in a line of key=value words.
field() {
    local key=$1 word
    for word in $2; do
        [[ $word == "$key="* ]] && printf '%s\n' "${word#*=}" && return
    done
    die "no $key= in: ${2//$'\n'/; }"
}

# ---- processes: each that a row leaves running is ended by its id when the row ends

declare -A started=() # a process: its name

# start NAME PROGRAM ARG...: in the background; its id is in $pid, what it prints in $scratch/NAME.log.
start() {
    "${@:2}" >>"$scratch/$1.log" 2>&1 &
    pid=$!
    started[$pid]=$1
}

# ended PID STATUS WANTED: what `start` started is no more; anything but the status wanted fails the row.
ended() {
    local name=${started[$1]}
    unset "started[$1]"
    (($2 == $3)) || die "$name ended with status $2: $(tail -n 1 "$scratch/$name.log")"
}

# stop PID [STATUS]: ends what `start` started, which must still be there. STATUS is what a program ends with that
# handles the signal in its own way.
stop() {
    local tries status=0
    if kill "$1" 2>/dev/null; then
        for ((tries = 0; tries < 100; tries++)); do
            kill -0 "$1" 2>/dev/null || break
            sleep 0.05
        done
        ((tries < 100)) || die "${started[$1]} does not end"
    fi
    wait "$1" 2>/dev/null || status=$?
    ended "$1" "$status" "${2:-$((128 + 15))}"
}

# await_answer ADDRESS: until the server's side answers a ping. An interface that has just got its reader drops frames for
# up to a second, until the kernel has taken note of its carrier, and the client would count that as losses.
# shellcheck disable=SC2154 # client_cpu is the row's
await_answer() {
    local tries
    for ((tries = 0; tries < 20; tries++)); do
        "${in_clients[@]}" "$client_cpu" ping -q -c 1 -W 1 "$1" >>"$scratch/ping.log" 2>&1 && return
        sleep 0.05
    done
    die "$1 answers no ping"
}

# ---- network: one namespace for the clients, one for the native server, nothing in the host's own
#
# clients: veth0 10.111.0.1 ---- veth0 10.111.0.2 : native
#          tap0  10.111.1.1 ---- guest 10.111.1.2   (ukvm runs in the clients' namespace, where its TAP is)

namespace=ukvm-bench-$$
native_address=10.111.0.2
guest_address=10.111.1.2

network_up() {
    local c=$namespace-clients n=$namespace-native
    ip netns add "$c"
    ip netns add "$n"
    ip -n "$c" link add veth0 type veth peer name veth0 netns "$n"
    ip -n "$c" tuntap add tap0 mode tap
    ip -n "$c" address add 10.111.0.1/24 dev veth0
    ip -n "$n" address add "$native_address/24" dev veth0
    ip -n "$c" address add 10.111.1.1/24 dev tap0
    ip -n "$c" link set veth0 up
    ip -n "$n" link set veth0 up
    ip -n "$c" link set tap0 up
}

network_down() {
    local n
    for n in clients native probe; do
        [[ ! -e /run/netns/$namespace-$n ]] || ip netns del "$namespace-$n"
    done
}

# "${in_clients[@]}" CPU PROGRAM..., "${in_native[@]}" CPU PROGRAM...: in that namespace, on that CPU. Not functions: of
# a function in the background, `start` would have the id of a shell that waits for the program.
# shellcheck disable=SC2034
in_clients=(nsenter --net="/run/netns/$namespace-clients" taskset -c)
# shellcheck disable=SC2034
in_native=(nsenter --net="/run/netns/$namespace-native" taskset -c)

# Two CPUs that do not share a core, "CLIENT SERVER", of those this process may use; the same one twice if there is no
# second. Left to itself the scheduler puts client and server on one CPU in some runs and not in others.
two_cpus() {
    local allowed first siblings c
    allowed=$(taskset -cp $BASHPID | sed 's/.*: //' | tr ',' '\n' | awk -F- '{ for (i = $1; i <= $NF; i++) print i }')
    first=$(head -n 1 <<<"$allowed")
    siblings=$(cat "/sys/devices/system/cpu/cpu$first/topology/thread_siblings_list" 2>/dev/null || echo "$first")
    siblings=$(tr ',' '\n' <<<"$siblings" | awk -F- '{ for (i = $1; i <= $NF; i++) print i }')
    c=$(grep -vxF "$siblings" <<<"$allowed" | head -n 1) || true
    echo "$first ${c:-$first}"
}

# await_port ADDRESS PORT: until a connection is accepted there.
# shellcheck disable=SC2154
await_port() {
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        "${in_clients[@]}" "$client_cpu" timeout 1 bash -c ": </dev/tcp/$1/$2" 2>>"$scratch/connect.log" && return
        sleep 0.05
    done
    die "nothing accepts connections at $1 port $2"
}

# busy_between LINE LINE: for how much of the time between two lines of /proc/stat the CPU was not idle, in percent.
busy_between() {
    printf '%s\n' "$@" | awk '
        { idle = $5 + $6 - idle; total = -total; for (i = 2; i <= 9; i++) total += $i }
        END { printf "%.0f\n", (total > 0 ? 100 * (1 - idle / total) : 0) }'
}

# take_turns PORT UNIT LOAD IMAGE PROGRAM [ARG...]: the image in a guest and the program natively, both with these
# arguments, started anew each round; LOAD is a function that is given the address of what runs and prints one figure.
# The client has one CPU and the server, guest or native, another to itself. ${ukvm_memory[@]} are options of the monitor,
# $stop_status is what a server ends with that handles SIGTERM.
ukvm_memory=()
stop_status=
take_turns() {
    local port=$1 unit=$2 load=$3 image=$4 program=$5 i a1 a a3 b1 b b3 before client
    shift 5
    read -r client_cpu server_cpu < <(two_cpus)
    network_up
    for ((i = 0; i < rounds; i++)); do
        start guest "${in_clients[@]}" "$server_cpu" "$ukvm" run "${ukvm_memory[@]}" "${ukvm_network[@]}" "$image" "$@"
        await_port "$guest_address" "$port"
        before=$(grep "^cpu$client_cpu " /proc/stat)
        "$load" "$guest_address" >>"$scratch/guest"
        busy_between "$before" "$(grep "^cpu$client_cpu " /proc/stat)" >>"$scratch/client"
        stop "$pid" "$stop_status"
        start native "${in_native[@]}" "$server_cpu" "$program" "$@"
        await_port "$native_address" "$port"
        "$load" "$native_address" >>"$scratch/native"
        stop "$pid" "$stop_status"
    done
    read -r a1 a a3 < <(quartiles <"$scratch/guest")
    read -r b1 b b3 < <(quartiles <"$scratch/native")
    read -r _ client _ < <(quartiles <"$scratch/client")
    result "$a" "$unit" "$b" "medians of $rounds alternating rounds of about 1 s, client on CPU $client_cpu, ${client%.*} %\
 of which it uses with the guest, server on $server_cpu; middle half $a1-$a3, native $b1-$b3"
}

# ---- disks

# make_disk FILE MIB: not sparse and not compressible, so that every read of it is a read.
make_disk() {
    dd if=/dev/urandom of="$1" bs=1M count="$2" conv=fsync status=none
}

# ---- the monitor's command line, in this one place

# random_reads FILE direct|cached COUNT: 4 KiB each at depth 32, in a guest; leaves its line of figures in $line.
random_reads() {
    local options=,ro
    [[ $2 == cached ]] || options=,ro,direct
    line=$(timeout --foreground 60 "$ukvm" run --disk "data=$1$options" "$guests/blkio.elf" bench-randread 4096 "$3" 32)
    [[ $(field count "$line") == "$3" ]] || die "not $3 reads: $line"
}

# The options that attach the TAP. The hardware address is fixed, because a client that
# remembers the one of the run before would talk to nobody.
# shellcheck disable=SC2034 # for the rows
ukvm_network=(--net "net=tap:tap0,ip=$guest_address/24,mac=02:00:00:00:00:07")

# ---- the end of a row, however it ends

# Killed, because there is nothing that they would have to put in order, and one that is yet to exec may miss SIGTERM.
row_cleanup() {
    local p
    set +e
    # A job that a signal meets before its exec still has this trap.
    [[ $BASHPID == "$row_shell" ]] || return 0
    for p in "${!started[@]}"; do
        kill -KILL "$p" 2>/dev/null
        wait "$p" 2>/dev/null
    done
    network_down
}
