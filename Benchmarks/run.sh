#!/usr/bin/env bash
# Times Holdfast against what people use today, on one generated tree: first backup, restore and verification; and on one
# generated database: dump and load; what does not grow: the time of a million small files, and memory; the commands that
# one waits for; and `holdfast watch` against Prometheus.
#   HOLDFAST_BENCH_SIZE=1GiB  HOLDFAST_BENCH_ROUNDS=3  TMPDIR=/a/disk/to/measure   Benchmarks/run.sh [tree] [files] [memory]
#   [database] [commands] [metrics]
# Every tool takes its turn in every round, on a warm page cache; its best round counts.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
size=${HOLDFAST_BENCH_SIZE:-1GiB}
size=$(numfmt --from=auto "${size%B}")
rounds=${HOLDFAST_BENCH_ROUNDS:-3}
parts=" ${*:-tree files memory database commands metrics} "
export HOLDFAST=${HOLDFAST:-$here/../.build/release/holdfast}
[[ -x $HOLDFAST ]] || { echo "no $HOLDFAST: make build" >&2 && exit 1; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/hf-bench.XXXXXX")
export dir GNUPGHOME=$dir/private RESTIC_PASSWORD=bench RESTIC_REPOSITORY=$dir/restic RESTIC_CACHE_DIR=$dir/cache
export BORG_PASSPHRASE=bench BORG_REPO=$dir/borg BORG_BASE_DIR=$dir/cache
finish() {
    trap '' INT TERM
    stop_server
    stop_metrics
    gpgconf --kill all 2>/dev/null || true
    GNUPGHOME=$dir/public gpgconf --kill all 2>/dev/null || true
    rm -rf "$dir"
}
fail() {
    echo "$*" >&2
    exit 1
}
declare -A title
# shellcheck source=Benchmarks/database.sh
source "$here/database.sh"
# shellcheck source=Benchmarks/commands.sh
source "$here/commands.sh"
# shellcheck source=Benchmarks/files.sh
source "$here/files.sh"
# shellcheck source=Benchmarks/metrics.sh
source "$here/metrics.sh"
memory_rows=
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free=$(($(df --output=avail -k "$dir" | tail -1) * 1024))
((free > size * 4)) || fail "$dir has $((free >> 20)) MiB free; $((size * 4 >> 20)) are needed (TMPDIR=...)"

# ── the contestants: prepare_ is not timed, backup_ and restore_ are; restore_ fills $dir/out ────────────────────────────
title[holdfast]='holdfast'
title[seed]='tar cz | gpg'
title[zstd]='tar | zstd -3 -T0 | gpg, uncompressed'
title[restic]='restic'
title[borg]='borg, zstd,3'
tools=(holdfast seed zstd restic borg)
encrypt() { gpg --batch --quiet --encrypt --recipient "$recipient" "$@"; }
decrypt() { gpg --batch --quiet --decrypt "$1"; }

prepare_holdfast() {
    rm -rf "$dir/holdfast" "$dir/state"
    mkdir -p "$dir/holdfast"
    "$HOLDFAST" init --signing-key-only --config "$dir/holdfast.yml"
}
backup_holdfast() { "$HOLDFAST" backup files --config "$dir/holdfast.yml"; }
restore_holdfast() {
    "$HOLDFAST" restore files tree --to "$dir/out" --key "$dir/secret.asc" --yes --config "$dir/holdfast.yml"
}

prepare_seed() { rm -f "$dir/seed.tar.gz.gpg"; }
backup_seed() { tar -C "$dir" -czf - tree | encrypt >"$dir/seed.tar.gz.gpg"; }
restore_seed() { decrypt "$dir/seed.tar.gz.gpg" | tar -C "$dir/out" -xzpf -; }

prepare_zstd() { rm -f "$dir/zstd.tar.zst.gpg"; }
backup_zstd() { tar -C "$dir" -cf - tree | zstd -q -3 -T0 | encrypt --compress-algo none >"$dir/zstd.tar.zst.gpg"; }
restore_zstd() { decrypt "$dir/zstd.tar.zst.gpg" | zstd -q -d | tar -C "$dir/out" -xpf -; }

prepare_restic() {
    rm -rf "$dir/restic" "$dir/cache"
    restic --quiet init
}
backup_restic() { restic --quiet backup "$dir/tree"; }
restore_restic() { restic --quiet restore latest --target "$dir/out"; }

prepare_borg() {
    rm -rf "$dir/borg" "$dir/cache"
    borg init --encryption repokey-blake2
}
backup_borg() { borg create --compression zstd,3 ::tree "$dir/tree"; }
restore_borg() { cd "$dir/out" && borg extract ::tree; }

verify_holdfast() { "$HOLDFAST" verify --config "$dir/holdfast.yml"; }

present() { [[ $1 != restic && $1 != borg ]] || command -v "$1" >/dev/null; }

# ── the stopwatch ────────────────────────────────────────────────────────────────────────────────────────────────────────
declare -A wall cpu rss slowest each

# run FUNCTION: in a shell of its own, quiet unless it fails.
run() {
    "${@:2}" bash -euo pipefail -c "$1" >"$dir/log" 2>&1 </dev/null || {
        cat "$dir/log" >&2
        fail "$1 failed"
    }
}

# measure PHASE TOOL [OF]: seconds by the clock, processor seconds and the largest process of all that took part; of what, if
# not of the tree.
measure() {
    local at=${3:-$1}:$2 e u s m
    sync
    run "$1_$2" /usr/bin/time -o "$dir/time" -f '%e %U %S %M'
    read -r e u s m <"$dir/time"
    each[$at]+="$e "
    if [[ ! ${wall[$at]:-} ]] || awk "BEGIN { exit !($e < ${wall[$at]}) }"; then
        wall[$at]=$e
        cpu[$at]=$(awk "BEGIN { print $u + $s }")
    fi
    slowest[$at]=$(awk "BEGIN { print ($e > ${slowest[$at]:-0}) ? $e : ${slowest[$at]:-0} }")
    ((m <= ${rss[$at]:-0})) || rss[$at]=$m
}

# What comes back has to be as much as went in.
contents() { find "$1" -type f -printf '%s\n' | awk '{ n++; bytes += $1 } END { print n + 0, bytes + 0 }'; }

# ── make ready ───────────────────────────────────────────────────────────────────────────────────────────────────────────
mkdir -m 700 "$GNUPGHOME" "$dir/public"
tee "$dir/public/gpg.conf" <<<'trust-model always' >"$GNUPGHOME/gpg.conf"
gpg --batch --quiet --passphrase '' --quick-gen-key 'Bench <bench@example.org>' ed25519 cert never
recipient=$(gpg --batch --with-colons --list-keys | awk -F : '$1 == "fpr" { print $10; exit }')
export recipient
gpg --batch --quiet --passphrase '' --quick-add-key "$recipient" cv25519 encr never
gpg --batch --armor --export-secret-keys "$recipient" >"$dir/secret.asc"
gpg --batch --export "$recipient" | gpg --homedir "$dir/public" --batch --quiet --import

cat >"$dir/holdfast.yml" <<YAML
backup:
  directory: $dir/holdfast
  encryption:
    recipients: ["$recipient"]
    keyring: $dir/public
  compression: zstd:3
  files:
    - { name: tree, path: $dir/tree }
  databases:
    - { name: bench, engine: postgres, url: "postgresql://postgres@SERVER/bench" }
docker: { socket: /nonexistent }
state: $dir/state
YAML
chmod 600 "$dir/holdfast.yml"

# ── the rounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────
export_functions() {
    local functions
    mapfile -t functions < <(compgen -A function | grep -E '^(prepare|backup|restore|verify|dump|load|forget)_|crypt$|^(sql|dump)$')
    export -f "${functions[@]}"
}

measure_tree() {
    local round tool
    echo "making a tree of $(numfmt --to=iec-i --suffix=B "$size") …" >&2
    "$here/tree.sh" "$dir/tree" "$size"
    read -r files bytes < <(contents "$dir/tree")
    for ((round = 1; round <= rounds; round++)); do
        for tool in "${tools[@]}"; do
            present "$tool" || continue
            echo "round $round of $rounds: ${title[$tool]}" >&2
            run "prepare_$tool"
            find "$dir/tree" -type f -exec cat {} + >/dev/null
            measure backup "$tool"
            mkdir "$dir/out"
            measure restore "$tool"
            [[ $(contents "$dir/out") == "$files $bytes" ]] || fail "$tool: what came back is not what went in"
            rm -rf "$dir/out"
            if [[ $tool == holdfast ]]; then
                stored=$(contents "$dir/holdfast" | cut -d ' ' -f 2)
                measure verify holdfast
            fi
        done
    done
    rm -rf "$dir/tree"
}

measure_database() {
    local round tool wanted expected
    wanted=$((size * 2 / 5 > 60000000 ? size * 2 / 5 : 60000000))
    echo "making a database of $(numfmt --to=iec-i --suffix=B "$wanted") …" >&2
    sed -i "s|@SERVER/|@${PGHOST//\//%2F}:$PGPORT/|" "$dir/holdfast.yml"
    make_database "$wanted"
    expected=$(rows bench)
    dumped=$(dump | wc -c)
    for ((round = 1; round <= rounds; round++)); do
        for tool in "${database_tools[@]}"; do
            echo "round $round of $rounds: ${title[$tool]}" >&2
            run "prepare_$tool"
            dump >/dev/null
            measure dump "$tool"
            measure load "$tool"
            [[ $(rows bench_out) == "$expected" ]] || fail "$tool: what came back is not what went in"
            "$pg/dropdb" bench_out
            sql postgres --command CHECKPOINT
        done
    done
    stop_server
}

export_functions
[[ $parts != *' tree '* ]] || measure_tree
[[ $parts != *' commands '* ]] || measure_commands
[[ $parts != *' memory '* ]] || measure_memory
[[ $parts != *' files '* ]] || measure_files
if [[ $parts == *' metrics '* ]]; then
    if command -v promtool >/dev/null && command -v prometheus-node-exporter >/dev/null; then measure_metrics; else
        parts=${parts/ metrics / }
        echo 'no Prometheus, or no node exporter: watch is NOT measured (Tests/Real/packages.sh metrics)' >&2
        [[ ${CI:-} != true ]] || exit 1
    fi
fi
if [[ $parts == *' database '* ]]; then
    if start_server; then measure_database; else
        parts=${parts/ database / }
        echo 'no Postgres server: the database is NOT measured' >&2
        [[ ${CI:-} != true ]] || exit 1
    fi
fi

# ── the report ───────────────────────────────────────────────────────────────────────────────────────────────────────────
# table PHASE TITLE BYTES TOOL...: the first tool is ours.
table() {
    local phase=$1 bytes=$3 own=$1:$4 tool at
    printf '\n%-40s %9s %9s %8s %9s   %s\n' "$2" seconds 'CPU s' MB/s 'RSS MiB' 'against holdfast'
    for tool in "${@:4}"; do
        at=$phase:$tool
        if ! present "$tool"; then
            printf '%-40s %9s\n' "${title[$tool]}" 'not installed'
            continue
        fi
        awk -v "title=${title[$tool]}" -v "is_own=$([[ $at != "$own" ]] || echo 1)" -v "own=${wall[$own]}" -v "wall=${wall[$at]}" \
            -v "cpu=${cpu[$at]}" -v "rss=${rss[$at]}" -v "bytes=$bytes" 'BEGIN {
            wall += wall ? 0 : .005; own += own ? 0 : .005; ratio = wall / own
            if (is_own) against = ""
            else if (ratio > .95 && ratio < 1.05) against = "the same"
            else if (ratio >= 1) against = sprintf("%.1f × slower", ratio)
            else against = sprintf("%.1f × faster", 1 / ratio)
            printf "%-40s %9.2f %9.2f %8.0f %9.0f   %s\n", title, wall, cpu, bytes / wall / 1e6, rss / 1024, against
        }'
    done
}

# ratios PHASE TOOL OTHER: what one takes of the other's time, in each round, and in the middle one.
ratios() {
    paste <(tr ' ' '\n' <<<"${each[$1:$2]% }") <(tr ' ' '\n' <<<"${each[$1:$3]% }") | awk '{ print $1 / $2 }' | sort -n | awk '
        { ratio[NR] = $1 }
        END { printf "%.2f (%.2f to %.2f)", (ratio[int((NR + 1) / 2)] + ratio[int(NR / 2) + 1]) / 2, ratio[1], ratio[NR] }'
}

noise='one round says nothing of the noise'
((rounds == 1)) || noise="slowest ÷ fastest round at worst: $(for at in "${!wall[@]}"; do
    awk "BEGIN { w = ${wall[$at]} ; printf \"%.2f in %s\n\", (w ? ${slowest[$at]} / w : 1), \"$at\" }"
done | sort -rn | head -1)"
version() { "$@" --version 2>/dev/null | head -1; }

if [[ $parts == *' tree '* ]]; then
    printf '\n%d files, %d MB; holdfast'\''s restore point: %d MB\n' "$files" $((bytes / 1000000)) $((stored / 1000000))
    table backup 'first backup' "$bytes" "${tools[@]}"
    printf '\nholdfast ÷ tar | zstd | gpg, middle round (all rounds): backup %s, restore %s\n' \
        "$(ratios backup holdfast zstd)" "$(ratios restore holdfast zstd)"
    table restore 'restore' "$bytes" "${tools[@]}"
    awk -v "wall=${wall[verify:holdfast]}" -v "cpu=${cpu[verify:holdfast]}" -v "bytes=$stored" -v "rss=${rss[verify:holdfast]}" 'BEGIN {
        printf "\nholdfast verify: %.2f s, %.2f GB/s of archive, %.2f GB a second of processor time (bar: 1), %.0f MiB\n",
            wall, bytes / (wall ? wall : .005) / 1e9, bytes / (cpu ? cpu : .005) / 1e9, rss / 1024 }'
fi
[[ $parts != *' commands '* ]] || printf '%s\n' "$commands_table"
if [[ $parts == *' metrics '* ]]; then
    printf '%s\n\nwatch against %s, load %s\n' "$metrics_table" "$(prometheus --version 2>&1 | head -1 | cut -d ' ' -f 1-3)" "$(cut -d ' ' -f 1 /proc/loadavg)"
fi
if [[ $parts == *' files '* ]]; then
    printf '\n%d small files, %d MB\n' "$files_files" $((files_bytes / 1000000))
    table files 'backup of small files' "$files_bytes" "${files_tools[@]}"
    printf '\nholdfast ÷ tar | zstd | gpg, middle round (all rounds): %s; ÷ tar to a pipe: %s\n' \
        "$(ratios files holdfast zstd)" "$(ratios files holdfast tar_pipe)"
fi
if [[ $memory_rows ]]; then
    printf '\n%-40s %9s %9s %9s\n%s' 'peak memory of holdfast, MiB' backup restore verify "$memory_rows"
fi
if [[ $parts == *' database '* ]]; then
    printf '\ndatabase, %d MB of dump, in PostgreSQL %s\n' $((dumped / 1000000)) "$(version "$pg/postgres" | grep -o '[0-9][0-9.]*' | head -1)"
    table dump 'database dump' "$dumped" "${database_tools[@]}"
    table load 'database restore' "$dumped" "${database_tools[@]}"
    bar='the dump is to stay ≤ 1.10'
    ((dumped > 400000000)) || bar='too little data to say much'
    printf '\nholdfast ÷ pg_dump | zstd | gpg, middle round (all rounds): dump %s, restore %s; %s\n' \
        "$(ratios dump holdfast_pg zstd_pg)" "$(ratios load holdfast_pg zstd_pg)" "$bar"
fi
cat <<NOTES

Best of $rounds round(s); $noise. MB/s are of the tree or the dump, not of the archive.
RSS is that of the largest single process; the others of a pipeline, and holdfast's gpg and pg_dump, come on top.
Of a tree, holdfast, restic and borg wait for the disk (fsync), the pipelines do not; of a dump all do. holdfast counts the
rows of a dump on its way, and again when they are back, and compares. holdfast and the pipelines encrypt to a key
that the machine does not have, restic and borg with a password that it has.
$(nproc) × $(sed -n '/^model name/{s/.*: //p;q}' /proc/cpuinfo), Linux $(uname -r), load $(cut -d ' ' -f 1 /proc/loadavg)
$(version gpg); $(version tar); zstd $(zstd -V | grep -o 'v[0-9.]*'); $(restic version 2>/dev/null | cut -d ' ' -f 1-2 || true); $(version borg || true)
NOTES
