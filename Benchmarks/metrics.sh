# shellcheck shell=bash disable=SC2034,SC2154  # the rest is in run.sh, which reads this
# The metrics part of the benchmark: `holdfast watch` and Prometheus scrape the same exporters at the same time, keep the same
# history and are asked the same questions through the same interface. The exporters give again what a real node exporter said.
# Time is scaled: a scrape each 250 ms stands for one each 15 s, so that two hours pass in two minutes.

if ((size < 1 << 28)); then # a short bench
    metrics_recorded=(20 0.1) metrics_scrapes=40 metrics_hours=2 metrics_rounds=2 metrics_growth=(2 20) metrics_growing=4
else
    metrics_recorded=(60 1) metrics_scrapes=480 metrics_hours=24 metrics_rounds=9 metrics_growth=(2 20 200) metrics_growing=30
fi
metrics_targets=10
metrics_unit=0.25
metrics_end=$(($(date +%s) / 7200 * 7200 - 15)) # a whole window of both
metrics_pids=()
metrics_table=
py() { python3 "$here/metrics.py" "$@"; }

# in_background COMMAND...: it ends with the benchmark; its process id is in $started.
in_background() {
    "$@" >"$dir/metrics/log.${#metrics_pids[@]}" 2>&1 </dev/null &
    started=$!
    metrics_pids+=("$started")
}
stop_metrics() {
    ((${#metrics_pids[@]} == 0)) || kill "${metrics_pids[@]}" 2>/dev/null || true
    ((${#metrics_pids[@]} == 0)) || wait "${metrics_pids[@]}" 2>/dev/null || true
    metrics_pids=()
}

await() {
    local i
    for ((i = 0; i < 300; i++)); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    cat "$dir"/metrics/log.* >&2
    fail "$*: never came true"
}

# serve TARGETS INTERVAL: exporters; their port is in $port then, and how many series each has in $series.
serve() {
    rm -f "$dir/metrics/port"
    in_background python3 "$here/metrics.py" serve "$dir/metrics/recording" "$1" "$2" "$dir/metrics/port"
    await test -s "$dir/metrics/port"
    read -r port series <"$dir/metrics/port"
}

# start_both HOME: on what lies there already, if anything; HOME/prometheus.yml says what is scraped.
start_both() {
    local ours theirs
    ours=$(py port) theirs=$(py port)
    cat >"$1/holdfast.yml" <<YAML
metrics: { prometheus: $1/prometheus.yml, listen: "127.0.0.1:$ours" }
docker: { socket: /nonexistent }
state: $1/state
YAML
    chmod 600 "$1/holdfast.yml"
    in_background "$HOLDFAST" watch --config "$1/holdfast.yml"
    pid[ours]=$started url[ours]=http://127.0.0.1:$ours
    in_background prometheus --config.file="$1/prometheus.yml" --storage.tsdb.path="$1/prometheus" \
        --web.listen-address="127.0.0.1:$theirs" --log.level=error
    pid[theirs]=$started url[theirs]=http://127.0.0.1:$theirs
    await curl -fs "${url[ours]}/-/ready"
    await curl -fs "${url[theirs]}/-/ready"
}

cpu_of() { awk '{ print ($14 + $15) / 100 }' "/proc/${pid[$1]}/stat"; }
resident_of() { awk -v "what=$2:" '$1 == what { print $2 / 1024 }' "/proc/${pid[$1]}/status"; } # MiB
calculate() { awk "BEGIN { print $1 }"; }
# metrics_line TITLE OURS THEIRS BAR
metrics_line() {
    awk -v "title=$1" -v "ours=$2" -v "theirs=$3" -v "bar=$4" 'BEGIN {
        printf "%-44s %12.2f %12.2f %8.2f   %s\n", title, ours, theirs, theirs ? ours / theirs : 0, bar }'
}
samples_of() { py one "${url[$1]}" "sum(sum_over_time(scrape_samples_scraped[1h]))"; }

# all_scraped TARGETS: whether each was scraped twice; a series costs more the first time.
all_scraped() {
    local who
    for who in ours theirs; do
        [[ $(py one "${url[$who]}" "count(count_over_time(up[1h]) >= 2)") == "$1" ]] || return 1
    done
}

# scraped SECONDS: lets both scrape; processor seconds and samples are in $used and $taken then.
scraped() {
    local who
    declare -A cpu_before samples_before
    for who in ours theirs; do cpu_before[$who]=$(cpu_of "$who") samples_before[$who]=$(samples_of "$who"); done
    # What the two questions cost is not of the scrapes.
    for who in ours theirs; do cpu_before[$who]=$(cpu_of "$who"); done
    sleep "$1"
    for who in ours theirs; do used[$who]=$(calculate "$(cpu_of "$who") - ${cpu_before[$who]}"); done
    for who in ours theirs; do taken[$who]=$(calculate "$(samples_of "$who") - ${samples_before[$who]}"); done
}

# Half of the time is for scraping alone, half with a dashboard beside it.
measure_scraping() {
    local home=$dir/metrics/scraping half asked
    mkdir -p "$home"
    serve "$metrics_targets" "$metrics_unit"
    py config "$port" "$metrics_targets" "$metrics_unit" >"$home/prometheus.yml"
    start_both "$home"
    await all_scraped "$metrics_targets"
    half=$(calculate "$metrics_scrapes * $metrics_unit / 2")
    scraped "$half"
    asked=$(py dashboard "$half" "$metrics_unit" "${url[ours]}" "${url[theirs]}")
    metrics_table+=$(
        printf '\n\n%-44s %12s %12s %8s   %s\n' "$((metrics_targets * series)) series, $metrics_scrapes scrapes of each" holdfast Prometheus ratio bar
        metrics_line 'samples a processor second, kept' "$(calculate "${taken[ours]} / ${used[ours]}")" \
            "$(calculate "${taken[theirs]} / ${used[theirs]}")" '≥ 1'
        metrics_line "resident, $asked rounds of a dashboard, MiB" "$(resident_of ours VmRSS)" "$(resident_of theirs VmRSS)" \
            '≤ 0.5, and ≤ 60 MiB'
        metrics_line '  of it private' "$(resident_of ours RssAnon)" "$(resident_of theirs RssAnon)" ''
    )
    stop_metrics
}

bytes_below() { find "$1" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'; }
import() {
    py history "$dir/metrics/recording" "$metrics_end" "$metrics_hours" "$1" >"$home/history"
    "$HOLDFAST" metrics import "$home/history" --config "$home/holdfast.yml" >"$dir/log" 2>&1 || { cat "$dir/log" >&2 && fail "import: $1"; }
    promtool tsdb create-blocks-from openmetrics "$home/history" "$home/prometheus" >"$dir/log" 2>&1 || { cat "$dir/log" >&2 && fail "promtool: $1"; }
    rm "$home/history"
}

measure_history() {
    local home=$dir/metrics/history samples
    mkdir -p "$home"
    mkdir -p "$home/state" && mkdir -m 700 "$home/state/metrics" # import wants a store that was begun
    echo 'global: {}' >"$home/prometheus.yml"
    printf 'metrics: { prometheus: %s/prometheus.yml }\nstate: %s/state\n' "$home" "$home" >"$home/holdfast.yml"
    chmod 600 "$home/holdfast.yml"
    import node
    samples=$((series * metrics_hours * 240))
    metrics_table+=$(
        printf '\n'
        metrics_line "bytes a sample on disk, $metrics_hours h of a node exporter" \
            "$(calculate "$(bytes_below "$home/state/metrics") / $samples")" \
            "$(calculate "$(bytes_below "$home/prometheus") / $samples")" '≤ 1, and ≤ 1.5 bytes'
    )
    import fleet
    start_both "$home"
    metrics_table+=$(
        printf '\n\n%-28s %9s %11s %7s\n' "$metrics_hours h at a step of 60 s, ms" holdfast Prometheus ratio
        py compare "$metrics_rounds" $((metrics_end / 15 * 15)) "$metrics_hours" "${url[ours]}" "${url[theirs]}"
    )
    stop_metrics
}

measure_growth() {
    local targets home who
    metrics_table+=$(printf '\n\n%-44s %12s %12s %8s' 'as series grow, one scrape a second' holdfast Prometheus ratio)
    for targets in "${metrics_growth[@]}"; do
        home=$dir/metrics/growth.$targets
        mkdir -p "$home"
        serve "$targets" 1
        py config "$port" "$targets" 1 >"$home/prometheus.yml"
        start_both "$home"
        await all_scraped "$targets"
        scraped "$metrics_growing"
        metrics_table+=$(
            printf '\n'
            metrics_line "$((targets * series)) series: processor µs a sample" "$(calculate "${used[ours]} * 1e6 / ${taken[ours]}")" \
                "$(calculate "${used[theirs]} * 1e6 / ${taken[theirs]}")" ''
            metrics_line '  resident KiB a series' "$(calculate "$(resident_of ours VmRSS) * 1024 / $((targets * series))")" \
                "$(calculate "$(resident_of theirs VmRSS) * 1024 / $((targets * series))")" ''
            metrics_line "  ms for sum by (instance) of all" "$(py time "${url[ours]}")" "$(py time "${url[theirs]}")" ''
        )
        stop_metrics
        rm -rf "$home"
    done
}

measure_metrics() {
    declare -gA pid url used taken
    mkdir -p "$dir/metrics"
    echo "recording a node exporter for ${metrics_recorded[0]} answers, then $metrics_scrapes scrapes …" >&2
    local exporter
    exporter=$(py port)
    in_background prometheus-node-exporter --web.listen-address="127.0.0.1:$exporter"
    await curl -fs "http://127.0.0.1:$exporter/metrics"
    py record "$dir/metrics/recording" "${metrics_recorded[@]}" "http://127.0.0.1:$exporter/metrics"
    stop_metrics
    measure_scraping
    echo "a history of $metrics_hours h …" >&2
    measure_history
    echo "growth …" >&2
    measure_growth
    rm -rf "$dir/metrics"
}
