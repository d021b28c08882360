#!/usr/bin/env bash
# Lets libFuzzer search for inputs that the readers of strangers' bytes cannot stand: HOLDFAST_FUZZ seconds each (600).
#   Tests/Fuzz/run.sh [TARGET…]      all of them without a name; HOLDFAST_FUZZ=0 only tries what is in the corpus
# What it learns stays in .build/fuzz/learnt, what it finds in .build/fuzz/findings. Ends with a table; fails if it found something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${HOLDFAST_FUZZ:-600} place=${HOLDFAST_FUZZ_BUILD:-.build/fuzz}
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(ls Tests/Fuzz/corpus)

HOLDFAST_FUZZ_BUILD=$place swift build -c release --product Fuzz --scratch-path "$place" --sanitize fuzzer -Xswiftc -sanitize=fuzzer,address \
    -Xswiftc -enable-testing
fuzz=$(realpath "$place/release/Fuzz")

# Memory that was freed is kept for a while only, and Swift's own handler would keep libFuzzer from saving what crashed it.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16 SWIFT_BACKTRACE=enable=no

# One line of the table from what libFuzzer said.
line() { # TARGET LOG
    awk -v target="$1" -v found="$(find "$place/findings/$1" -type f | wc -l)" '
        / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
        /^stat::number_of_executed_units:/ { runs = $2 }
        /^Done .* in [0-9]+ second/ { seconds = $(NF - 1) }
        END { printf "%-9s %12d %8d %8d %9d\n", target, runs, seconds, edges, found }' "$2"
}

table=()
for target in "${targets[@]}"; do
    log=$place/$target.log
    mkdir -p "$place/learnt/$target" "$place/findings/$target"
    limits=(-max_total_time="$seconds")
    ((seconds)) || limits=(-runs=0)
    HOLDFAST_FUZZ_TARGET=$target "$fuzz" "${limits[@]}" -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$place/findings/$target/" "$place/learnt/$target" "Tests/Fuzz/corpus/$target" \
        >"$log" 2>&1 || tail -n 40 "$log"
    table+=("$(line "$target" "$log")")
    echo "${table[-1]}"
done
printf '\ntarget      executions  seconds    edges  findings\n'
printf '%s\n' "${table[@]}"
[[ -z $(find "$place/findings" -type f) ]]
